{{- define "deepseek-v4-flash.placement" -}}
{{- if .priority }}
priorityClassName: {{ .priority | quote }}
{{- end }}
{{- if .affinity }}
affinity: {{ .affinity | toRawJson }}
{{- end }}
{{- if .spread }}
topologySpreadConstraints:
  {{- range $key, $constraint := .spread }}
  - topologyKey: {{ $key | quote }}
    {{- with include "deepseek-v4-flash.fields" (dict "fields" $constraint "key" "topologyKey") }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
