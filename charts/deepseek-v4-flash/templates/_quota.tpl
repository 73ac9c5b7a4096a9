{{- define "deepseek-v4-flash.quota" -}}
limit:
  requests: {{ .quota.tokens | int64 }}
  unit: {{ .quota.unit | quote }}
cost:
  request:
    from: Number
    number: 0
  response:
    from: Metadata
    metadata:
      namespace: io.envoy.ai_gateway
      {{- if and
  (eq .quota.count "weighted")
  (eq (int64 .Values.maas.weights.input) 1)
  (eq (int64 .Values.maas.weights.output) 1) }}
      key: llm_total_token
      {{- else }}
      key: {{ printf "llm_%s_token" .quota.count | quote }}
      {{- end }}
{{- end }}
