{{- define "deepseek-v4-flash.fields" -}}
{{- range $field, $value := .fields }}
{{- if ne $field $.key }}
{{ $field | quote }}: {{ $value | toRawJson }}
{{- end }}
{{- end }}
{{- end }}
