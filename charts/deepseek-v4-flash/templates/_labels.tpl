{{- define "deepseek-v4-flash.labels" -}}
{{- if .Values.standardLabels }}
{{- if not (or
  (include "deepseek-v4-flash.jsonAt" (list .own "app.kubernetes.io/name"))
  (include "deepseek-v4-flash.jsonAt" (list .Values.labels "app.kubernetes.io/name"))) }}
app.kubernetes.io/name: deepseek-v4-flash
{{- end }}
{{- if not (or
  (include "deepseek-v4-flash.jsonAt" (list .own "app.kubernetes.io/instance"))
  (include "deepseek-v4-flash.jsonAt" (list .Values.labels "app.kubernetes.io/instance"))) }}
app.kubernetes.io/instance: {{ .Values.name | quote }}
{{- end }}
{{- if not (or
  (include "deepseek-v4-flash.jsonAt" (list .own "app.kubernetes.io/managed-by"))
  (include "deepseek-v4-flash.jsonAt" (list .Values.labels "app.kubernetes.io/managed-by"))) }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end }}
{{- if and
  (eq .Release.Service "Helm")
  (not (or
    (include "deepseek-v4-flash.jsonAt" (list .own "helm.sh/chart"))
    (include "deepseek-v4-flash.jsonAt" (list .Values.labels "helm.sh/chart")))) }}
helm.sh/chart: {{ printf "deepseek-v4-flash-%s" .Chart.Version | quote }}
{{- end }}
{{- end }}
{{- range $key, $value := .Values.labels }}
{{- if eq (include "deepseek-v4-flash.jsonAt" (list $.own $key)) "" }}
{{ $key | quote }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}
