{{- define "deepseek-v4-flash.annotations" -}}
{{- range $key, $value := .Values.annotations }}
{{- if eq (include "deepseek-v4-flash.jsonAt" (list $.own $key)) "" }}
{{ $key | quote }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}
