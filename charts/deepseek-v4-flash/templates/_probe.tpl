{{- define "deepseek-v4-flash.probe" -}}
{{- if .process }}
exec:
  command:
    - pgrep
    - -f
    - {{ .process | quote }}
{{- else }}
httpGet:
  path: /health
  port: http
{{- end }}
periodSeconds: {{ .probe.periodSeconds | int64 }}
{{- if .probe.timeoutSeconds }}
timeoutSeconds: {{ .probe.timeoutSeconds | int64 }}
{{- end }}
failureThreshold: {{ .probe.failureThreshold | int64 }}
{{- end }}
