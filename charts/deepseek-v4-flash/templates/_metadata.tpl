{{- define "deepseek-v4-flash.metadata" -}}
{{- if or .Values.labels .Values.standardLabels }}
labels:
  {{- include "deepseek-v4-flash.labels" (dict "own" (dict) "Chart" .Chart "Release" .Release "Values" .Values) | nindent 2 }}
{{- end }}
{{- if .Values.annotations }}
annotations:
  {{- include "deepseek-v4-flash.annotations" (dict "own" (dict) "Values" .Values) | nindent 2 }}
{{- end }}
{{- end }}
