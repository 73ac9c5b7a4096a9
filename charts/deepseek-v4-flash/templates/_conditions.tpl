{{- /* What several checks ask about the engine's settings. */}}

{{- /* The JSON of what a map has at a path, or nothing: (list MAP KEY...). */}}
{{- define "deepseek-v4-flash.jsonAt" -}}
{{- $tree := first . }}
{{- $path := rest . }}
{{- if not $path }}
{{- $tree | toRawJson }}
{{- else if and (kindIs "map" $tree) (hasKey $tree (first $path)) }}
{{- include "deepseek-v4-flash.jsonAt" (prepend (rest $path) (index $tree (first $path))) }}
{{- end }}
{{- end }}


{{- define "deepseek-v4-flash.withoutNullEntries" -}}
{{- range $key, $value := . }}
{{- if kindIs "invalid" $value }}
{{- $_ := unset $ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "deepseek-v4-flash.withoutNull" -}}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.scaling.schedules }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.npu.nodeSelector }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.npu.tolerations }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.engine.env }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.engine.envFromPod }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.engine.podLabels }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.engine.podAnnotations }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.engine.affinity }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.engine.topologySpreadConstraints }}
{{- range .Values.engine.topologySpreadConstraints }}
{{- include "deepseek-v4-flash.withoutNullEntries" . }}
{{- end }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.engine.extraVolumes }}
{{- range .Values.engine.extraVolumes }}
{{- include "deepseek-v4-flash.withoutNullEntries" . }}
{{- end }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.engine.extraVolumeMounts }}
{{- range .Values.engine.extraVolumeMounts }}
{{- include "deepseek-v4-flash.withoutNullEntries" . }}
{{- end }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.engine.extraInitContainers }}
{{- range .Values.engine.extraInitContainers }}
{{- include "deepseek-v4-flash.withoutNullEntries" . }}
{{- end }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.engine.extraContainers }}
{{- range .Values.engine.extraContainers }}
{{- include "deepseek-v4-flash.withoutNullEntries" . }}
{{- end }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.router.env }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.router.podLabels }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.router.podAnnotations }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.router.affinity }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.router.topologySpreadConstraints }}
{{- range .Values.router.topologySpreadConstraints }}
{{- include "deepseek-v4-flash.withoutNullEntries" . }}
{{- end }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.labels }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.annotations }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.extraObjects }}
{{- range .Values.extraObjects }}
{{- include "deepseek-v4-flash.withoutNullEntries" .labels }}
{{- include "deepseek-v4-flash.withoutNullEntries" .annotations }}
{{- include "deepseek-v4-flash.withoutNullEntries" .fields }}
{{- end }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.maas.quotas }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.maas.tiers }}
{{- range .Values.maas.tiers }}
{{- include "deepseek-v4-flash.withoutNullEntries" .quotas }}
{{- end }}
{{- include "deepseek-v4-flash.withoutNullEntries" .Values.monitoring.labels }}
{{- end }}

{{- define "deepseek-v4-flash.build" -}}
{{- $tag := last (splitList "/" (first (splitList "@" .Values.engine.image))) | regexFind ":.*" | trimPrefix ":" }}
{{- $tag = regexReplaceAll "-(openeuler|ubuntu)(-|$)" $tag "${2}" }}
{{- $tag = regexReplaceAll "-(a3|a5|950dt|310p)(-|$)" $tag "${2}" }}
{{- get (dict
  "DeepSeekV4-flash-0731" "DeepSeekV4-flash-0731"
  "main" "main-2026-08-22"
  "main-2026-08-22" "main-2026-08-22"
  "nightly-main" "main-2026-08-22"
  "nightly-main-0709" "nightly-main-0709"
  "nightly-releases-v0.22.1rc" "nightly-releases-v0.22.1rc"
  "nightly-releases-v0.26.0rc" "v0.26.0rc1"
  "v0.22.1rc1" "v0.22.1rc1"
  "v0.23.0" "v0.23.0"
  "v0.23.0.post1" "v0.23.0.post1"
  "v0.23.0rc1" "v0.23.0rc1"
  "v0.24.0rc1" "v0.24.0rc1"
  "v0.25.1rc1" "v0.25.1rc1"
  "v0.26.0rc1" "v0.26.0rc1"
  "v0.30.0rc2" "v0.30.0rc2"
) (.Values.engine.build | default $tag) }}
{{- end }}

{{- define "deepseek-v4-flash.vllm" -}}
{{- get (dict
  "DeepSeekV4-flash-0731" "0.25.1"
  "main-2026-08-22" "0.27.1"
  "nightly-main-0709" "0.23.0"
  "nightly-releases-v0.22.1rc" "0.22.1"
  "v0.22.1rc1" "0.22.1"
  "v0.23.0" "0.23.0"
  "v0.23.0.post1" "0.23.0"
  "v0.23.0rc1" "0.23.0"
  "v0.24.0rc1" "0.24.0"
  "v0.25.1rc1" "0.25.1"
  "v0.26.0rc1" "0.26.0"
  "v0.30.0rc2" "0.30.0"
) (include "deepseek-v4-flash.build" .) }}
{{- end }}

{{- define "deepseek-v4-flash.dsaCp" -}}
{{- if eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "additional-config" "enable_dsa_cp")) "true" }}true{{ end }}
{{- end }}

{{- define "deepseek-v4-flash.flashcomm" -}}
{{- if or
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "additional-config" "enable_flashcomm1")) "true")
  (and
    (not (ne (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "additional-config" "enable_flashcomm1")) ""))
    (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.env "VLLM_ASCEND_ENABLE_FLASHCOMM1")) `"1"`)) }}true{{ end }}
{{- end }}

{{- define "deepseek-v4-flash.mtp" -}}
{{- if or
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"bailing_hybrid_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"bailing_hybrid_v3_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"deepseek_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"dots3_note_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"ernie_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"exaone4_5_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"exaone_moe_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"gemma4_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"glm4_moe_lite_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"glm4_moe_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"glm5_next_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"glm_ocr_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"hy_v3_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"hy_v4_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"inkling_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"kimi_k3_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"longcat_flash_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"mimo_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"mimo_v2_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"minimax_m3_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"nemotron_h_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"pangu_ultra_moe_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"qwen3_5_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"qwen3_next_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"qwen4_exp_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"step3p5_mtp"`)
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "speculative-config" "method")) `"step5_mtp"`) }}true{{ end }}
{{- end }}

{{- define "deepseek-v4-flash.sharedSpread" -}}
{{- if and
  (eq (include "deepseek-v4-flash.jsonAt" (list .Values.engine.args "additional-config" "enable_shared_expert_dp")) "true")
  .Values.parallelism.expert
  (gt (int64 .Values.parallelism.tensor) 1) }}true{{ end }}
{{- end }}
