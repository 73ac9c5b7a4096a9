{{- define "deepseek-v4-flash.dashboard" -}}
{
  "title": "DeepSeek-V4-Flash",
  "uid": "deepseek-v4-flash",
  "schemaVersion": 39,
  "refresh": "30s",
  "time": {
    "from": "now-3h",
    "to": "now"
  },
  "tags": [
    "deepseek",
    "vllm"
  ],
  "templating": {
    "list": [
      {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus"
      },
      {
        "name": "namespace",
        "type": "query",
        "datasource": {
          "type": "prometheus",
          "uid": "$datasource"
        },
        "query": "label_values(vllm:num_requests_running, namespace)"
      },
      {
        "name": "service",
        "type": "query",
        "datasource": {
          "type": "prometheus",
          "uid": "$datasource"
        },
        "query": "label_values(vllm:num_requests_running, pod)",
        "regex": "(.*)-kserve.*"
      }
    ]
  },
  "panels": [
    {
      "id": 1,
      "type": "timeseries",
      "title": "Requests in the engine",
      "datasource": {
        "type": "prometheus",
        "uid": "$datasource"
      },
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 0
      },
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0
        },
        "overrides": []
      },
      "targets": [
        {
          "refId": "A",
          "expr": "sum(vllm:num_requests_running{namespace=\"$namespace\", pod=~\"$service-kserve.*\"})",
          "legendFormat": "running"
        },
        {
          "refId": "B",
          "expr": "sum(vllm:num_requests_waiting{namespace=\"$namespace\", pod=~\"$service-kserve.*\"})",
          "legendFormat": "waiting"
        }
      ]
    },
    {
      "id": 2,
      "type": "timeseries",
      "title": "KV cache in use",
      "datasource": {
        "type": "prometheus",
        "uid": "$datasource"
      },
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 0
      },
      "fieldConfig": {
        "defaults": {
          "unit": "percentunit",
          "min": 0
        },
        "overrides": []
      },
      "targets": [
        {
          "refId": "A",
          "expr": "max(vllm:kv_cache_usage_perc{namespace=\"$namespace\", pod=~\"$service-kserve.*\"})",
          "legendFormat": "fullest rank"
        }
      ]
    },
    {
      "id": 3,
      "type": "timeseries",
      "title": "Time to the first token",
      "datasource": {
        "type": "prometheus",
        "uid": "$datasource"
      },
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 8
      },
      "fieldConfig": {
        "defaults": {
          "unit": "s",
          "min": 0
        },
        "overrides": []
      },
      "targets": [
        {
          "refId": "A",
          "expr": "histogram_quantile(0.5, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m])))",
          "legendFormat": "median"
        },
        {
          "refId": "B",
          "expr": "histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m])))",
          "legendFormat": "95 %"
        }
      ]
    },
    {
      "id": 4,
      "type": "timeseries",
      "title": "Time between tokens",
      "datasource": {
        "type": "prometheus",
        "uid": "$datasource"
      },
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 8
      },
      "fieldConfig": {
        "defaults": {
          "unit": "s",
          "min": 0
        },
        "overrides": []
      },
      "targets": [
        {
          "refId": "A",
          "expr": "histogram_quantile(0.5, sum by (le) (rate(vllm:inter_token_latency_seconds_bucket{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m])))",
          "legendFormat": "median"
        },
        {
          "refId": "B",
          "expr": "histogram_quantile(0.95, sum by (le) (rate(vllm:inter_token_latency_seconds_bucket{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m])))",
          "legendFormat": "95 %"
        }
      ]
    },
    {
      "id": 5,
      "type": "timeseries",
      "title": "Tokens a second",
      "datasource": {
        "type": "prometheus",
        "uid": "$datasource"
      },
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 16
      },
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0
        },
        "overrides": []
      },
      "targets": [
        {
          "refId": "A",
          "expr": "sum(rate(vllm:prompt_tokens_total{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m]))",
          "legendFormat": "prompt"
        },
        {
          "refId": "B",
          "expr": "sum(rate(vllm:generation_tokens_total{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m]))",
          "legendFormat": "answer"
        }
      ]
    },
    {
      "id": 6,
      "type": "timeseries",
      "title": "Preemptions",
      "datasource": {
        "type": "prometheus",
        "uid": "$datasource"
      },
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 16
      },
      "fieldConfig": {
        "defaults": {
          "unit": "short",
          "min": 0
        },
        "overrides": []
      },
      "targets": [
        {
          "refId": "A",
          "expr": "sum(increase(vllm:num_preemptions_total{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m]))",
          "legendFormat": "in 5 minutes"
        }
      ]
    },
    {
      "id": 7,
      "type": "timeseries",
      "title": "Prefix cache hits",
      "datasource": {
        "type": "prometheus",
        "uid": "$datasource"
      },
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 24
      },
      "fieldConfig": {
        "defaults": {
          "unit": "percentunit",
          "min": 0
        },
        "overrides": []
      },
      "targets": [
        {
          "refId": "A",
          "expr": "sum(rate(vllm:prefix_cache_hits_total{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m])) / sum(rate(vllm:prefix_cache_queries_total{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m]))",
          "legendFormat": "own cache"
        },
        {
          "refId": "B",
          "expr": "sum(rate(vllm:external_prefix_cache_hits_total{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m])) / sum(rate(vllm:external_prefix_cache_queries_total{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m]))",
          "legendFormat": "store"
        }
      ]
    },
    {
      "id": 8,
      "type": "timeseries",
      "title": "Drafted tokens accepted (MTP)",
      "datasource": {
        "type": "prometheus",
        "uid": "$datasource"
      },
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 24
      },
      "fieldConfig": {
        "defaults": {
          "unit": "percentunit",
          "min": 0
        },
        "overrides": []
      },
      "targets": [
        {
          "refId": "A",
          "expr": "sum(rate(vllm:spec_decode_num_accepted_tokens_total{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m])) / sum(rate(vllm:spec_decode_num_draft_tokens_total{namespace=\"$namespace\", pod=~\"$service-kserve.*\"}[5m]))",
          "legendFormat": "accepted"
        }
      ]
    }
  ]
}
{{- end }}

{{- define "deepseek-v4-flash.engine" -}}
{{- $npus := mul (int64 .Values.parallelism.tensor) (int64 .Values.parallelism.dataLocal) }}
{{- if .Values.engine.termination.gracePeriodSeconds }}
terminationGracePeriodSeconds: {{ .Values.engine.termination.gracePeriodSeconds | int64 }}
{{- end }}
{{- if .Values.engine.supplementalGroups }}
securityContext:
  supplementalGroups:
    {{- range $group := .Values.engine.supplementalGroups }}
    - {{ $group | int64 }}
    {{- end }}
{{- end }}
{{- if .Values.engine.hostIpc }}
hostIPC: true
{{- end }}
{{- if .Values.npu.schedulerName }}
schedulerName: {{ .Values.npu.schedulerName | quote }}
{{- end }}
{{- if .Values.npu.nodeSelector }}
nodeSelector:
  {{- range $key, $value := .Values.npu.nodeSelector }}
  {{ $key | quote }}: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- if .Values.npu.tolerations }}
tolerations:
  {{- range $key, $toleration := .Values.npu.tolerations }}
  - operator: {{ $toleration.operator | quote }}
    {{- if ne $key "*" }}
    key: {{ $key | quote }}
    {{- end }}
    {{- if $toleration.value }}
    value: {{ $toleration.value | quote }}
    {{- end }}
    {{- if $toleration.effect }}
    effect: {{ $toleration.effect | quote }}
    {{- end }}
  {{- end }}
{{- end }}
{{- if .Values.engine.imagePullSecrets }}
imagePullSecrets:
  {{- range $secret := .Values.engine.imagePullSecrets }}
  - name: {{ $secret | quote }}
  {{- end }}
{{- end }}
{{- if .Values.kvStore.enabled }}
initContainers:
  - name: mooncake-config-init
    image: {{ .Values.engine.image | quote }}
    imagePullPolicy: {{ .Values.engine.imagePullPolicy | quote }}
    command:
      - /bin/bash
      - -c
    args:
      - |
        cat > /app/mooncake.json <<END
        {
          "local_hostname": "${POD_IP:-0.0.0.0}",
          "metadata_server": {{ .Values.kvStore.metadataServer | quote }},
          "master_server_address": {{ .Values.kvStore.masterServerAddress | quote }},
          "device_name": "",
          "protocol": {{ .Values.kvStore.protocol | quote }},
          "global_segment_size": {{ .Values.kvStore.segmentBytes | int64 }},
          "use_ascend_direct": true
        }
        END
    env:
      - name: POD_IP
        valueFrom:
          fieldRef:
            fieldPath: status.podIP
    volumeMounts:
      - name: mooncake-config
        mountPath: /app
{{- end }}
containers:
  - name: main
    image: {{ .Values.engine.image | quote }}
    imagePullPolicy: {{ .Values.engine.imagePullPolicy | quote }}
    command:
      {{- range $word := .Values.engine.shell }}
      - {{ $word | replace "$" "$$" | quote }}
      {{- end }}
    args:
      - |
        {{- if .Values.engine.shellOptions }}
        set {{ .Values.engine.shellOptions | toString }}
        {{- end }}
        {{- range $file := .Values.engine.environmentScripts.required }}
        source {{ $file | toString }}
        {{- end }}
        {{- range $file := .Values.engine.environmentScripts.optional }}
        source {{ $file | toString }} 2>/dev/null || true
        {{- end }}
        {{- if .Values.kvStore.enabled }}
        # The store's transport library comes before the system's.
        export LD_LIBRARY_PATH=/usr/local/lib:$LD_LIBRARY_PATH
        {{- end }}
        {{- if gt (int64 .Values.parallelism.data) (int64 .Values.parallelism.dataLocal) }}
        # The leader's address takes a while to be known.
        for attempt in {1..60}; do
          leader=$(getent hosts "$LWS_LEADER_ADDRESS" | awk '{ print $1; exit }')
          if [ -n "$leader" ]; then break; fi
          sleep 2
        done
        {{- end }}
        exec {{ .Values.engine.server | toString }} \
          --port {{ .Values.engine.port | int64 }} \
          --served-model-name {{ .Values.model.name | replace "$" "$$" | replace "'" "'\\''" | squote }} \
          --tensor-parallel-size {{ .Values.parallelism.tensor | int64 }} \
          {{- if .Values.kvStore.enabled }}
          --kv-transfer-config '{"engine_id":"$(POD_NAME)","kv_connector":"AscendStoreConnector","kv_connector_extra_config":{"backend":"mooncake","decode":{"dp_size":{{ .Values.parallelism.data | int64 }},"tp_size":{{ .Values.parallelism.tensor | int64 }}},"lookup_rpc_port":"{{ .Values.kvStore.lookupPort | int64 }}","prefill":{"dp_size":{{ .Values.parallelism.data | int64 }},"tp_size":{{ .Values.parallelism.tensor | int64 }}}},"kv_port":"{{ .Values.kvStore.port | int64 }}","kv_role":"kv_both"}' \
          {{- end }}
          {{- if gt (int64 .Values.parallelism.data) (int64 .Values.parallelism.dataLocal) }}
          --data-parallel-address "${leader:-$LWS_LEADER_ADDRESS}" \
          --data-parallel-rpc-port {{ .Values.parallelism.rpcPort | int64 }} \
          --data-parallel-size-local {{ .Values.parallelism.dataLocal | int64 }} \
          {{- end }}
          {{- if .Values.engine.termination.shutdownTimeoutSeconds }}
          --shutdown-timeout {{ .Values.engine.termination.shutdownTimeoutSeconds | int64 }} \
          {{- end }}
          {{- if .worker }}
          --headless \
          --data-parallel-start-rank {{ .Values.parallelism.dataLocal | int64 }} \
          {{- else if .Values.engine.apiServerCount }}
          --api-server-count {{ .Values.engine.apiServerCount | int64 }} \
          {{- end }}
          {{- if .Values.parallelism.expert }}
          --enable-expert-parallel \
          {{- end }}
          {{- range $flag, $value := .Values.engine.args }}
          {{- if kindIs "bool" $value }}
          {{- if $value }}
          --{{ $flag | toString }} \
          {{- else }}
          --no-{{ $flag | toString }} \
          {{- end }}
          {{- else if kindIs "string" $value }}
          --{{ $flag | toString }} {{ $value | replace "$" "$$" | replace "'" "'\\''" | squote }} \
          {{- else if kindIs "map" $value }}
          --{{ $flag | toString }} {{ $value | toRawJson | replace "$" "$$" | replace "'" "'\\''" | squote }} \
          {{- else if kindIs "slice" $value }}
          --{{ $flag | toString }} \
          {{- range $word := $value }}
          {{- if kindIs "string" $word }}
          {{ $word | replace "$" "$$" | replace "'" "'\\''" | squote }} \
          {{- else }}
          {{ $word | toRawJson }} \
          {{- end }}
          {{- end }}
          {{- else if not (kindIs "invalid" $value) }}
          --{{ $flag | toString }} {{ $value | toRawJson }} \
          {{- end }}
          {{- end }}
          --data-parallel-size {{ .Values.parallelism.data | int64 }}
    {{- if or .Values.engine.env .Values.engine.envFromPod .Values.kvStore.enabled }}
    env:
      {{- range $name, $field := .Values.engine.envFromPod }}
      {{- if not (kindIs "invalid" $field) }}
      - name: {{ $name | quote }}
        valueFrom:
          fieldRef:
            fieldPath: {{ $field | quote }}
      {{- end }}
      {{- end }}
      {{- if .Values.kvStore.enabled }}
      - name: MOONCAKE_CONFIG_PATH
        value: /app/mooncake.json
      {{- end }}
      {{- range $name, $value := .Values.engine.env }}
      {{- if not (kindIs "invalid" $value) }}
      - name: {{ $name | quote }}
        value: {{ $value | quote }}
      {{- end }}
      {{- end }}
    {{- end }}
    ports:
      {{- if .worker }}
      - name: dp-rpc
        containerPort: {{ .Values.parallelism.rpcPort | int64 }}
        protocol: TCP
      {{- else }}
      - name: http
        containerPort: {{ .Values.engine.port | int64 }}
        protocol: TCP
      {{- end }}
    resources:
      requests:
        cpu: {{ .Values.engine.resources.requests.cpu | quote }}
        memory: {{ .Values.engine.resources.requests.memory | quote }}
        {{ .Values.npu.resourceName | quote }}: {{ $npus | int64 | quote }}
      limits:
        cpu: {{ .Values.engine.resources.limits.cpu | quote }}
        memory: {{ .Values.engine.resources.limits.memory | quote }}
        {{ .Values.npu.resourceName | quote }}: {{ $npus | int64 | quote }}
    {{- if .Values.engine.termination.preStopSeconds }}
    lifecycle:
      preStop:
        exec:
          command:
            - sleep
            - {{ .Values.engine.termination.preStopSeconds | int64 | quote }}
    {{- end }}
    {{- if .worker }}
    startupProbe:
      {{- include "deepseek-v4-flash.probe" (dict "probe" .Values.engine.worker.probes.startup "process" .Values.engine.worker.process) | nindent 6 }}
    livenessProbe:
      {{- include "deepseek-v4-flash.probe" (dict "probe" .Values.engine.worker.probes.liveness "process" .Values.engine.worker.process) | nindent 6 }}
    {{- else }}
    startupProbe:
      {{- include "deepseek-v4-flash.probe" (dict "probe" .Values.engine.probes.startup "process" "") | nindent 6 }}
    readinessProbe:
      {{- include "deepseek-v4-flash.probe" (dict "probe" .Values.engine.probes.readiness "process" "") | nindent 6 }}
    livenessProbe:
      {{- include "deepseek-v4-flash.probe" (dict "probe" .Values.engine.probes.liveness "process" "") | nindent 6 }}
    {{- end }}
    securityContext:
      runAsUser: 0
      runAsGroup: 0
      runAsNonRoot: false
      allowPrivilegeEscalation: false
      seccompProfile:
        type: RuntimeDefault
    volumeMounts:
      - name: shm
        mountPath: /dev/shm
      {{- if .Values.kvStore.enabled }}
      - name: mooncake-config
        mountPath: /app
        readOnly: true
      {{- end }}
      {{- if .claim }}
      - name: model
        mountPath: /mnt/models
        readOnly: true
      {{- end }}
volumes:
  - name: shm
    emptyDir:
      medium: Memory
      sizeLimit: {{ .Values.engine.shmSize | quote }}
  {{- if .Values.kvStore.enabled }}
  - name: mooncake-config
    emptyDir: {}
  {{- end }}
  {{- if .claim }}
  - name: model
    persistentVolumeClaim:
      claimName: {{ .claim | quote }}
      readOnly: true
  {{- end }}
{{- end }}

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
      {{- if and (eq .quota.count "weighted") (eq (int64 .Values.maas.weights.input) 1) (eq (int64 .Values.maas.weights.output) 1) }}
      key: llm_total_token
      {{- else }}
      key: {{ printf "llm_%s_token" .quota.count | quote }}
      {{- end }}
{{- end }}

{{- define "deepseek-v4-flash.scheduler" -}}
pool:
  spec:
    selector:
      matchLabels:
        app.kubernetes.io/name: {{ .Values.name | quote }}
        app.kubernetes.io/part-of: llminferenceservice
        kserve.io/component: workload
        {{- if gt (int64 .Values.parallelism.data) (int64 .Values.parallelism.dataLocal) }}
        leaderworkerset.sigs.k8s.io/worker-index: "0"
        {{- end }}
    targetPorts:
      - number: {{ .Values.engine.port | int64 }}
    endpointPickerRef:
      {{- if .Values.router.inline }}
      group: ""
      {{- end }}
      failureMode: FailOpen
      kind: Service
      name: {{ printf "%s-epp-service" .Values.name | quote }}
      port:
        number: 9002
template:
  serviceAccountName: {{ printf "%s-epp-sa" .Values.name | quote }}
  dnsPolicy: ClusterFirst
  restartPolicy: Always
  terminationGracePeriodSeconds: {{ .Values.router.terminationGracePeriodSeconds | int64 }}
  containers:
    - name: main
      image: {{ .Values.router.image | quote }}
      imagePullPolicy: IfNotPresent
      args:
        - --pool-name
        - {{ printf "%s-inference-pool" .Values.name | quote }}
        - --pool-namespace
        - {{ .Release.Namespace | quote }}
        - --pool-group
        - inference.networking.k8s.io
        - --zap-encoder
        - json
        - --v
        - {{ .Values.router.verbosity | int64 | quote }}
        - --tracing
        - "false"
        - --metrics-endpoint-auth
        - "false"
        - --config-text
        - |
          apiVersion: inference.networking.x-k8s.io/v1alpha1
          kind: EndpointPickerConfig
          plugins:
            - type: metrics-data-source
              parameters:
                scheme: http
                path: /metrics
                insecureSkipVerify: true
            - type: core-metrics-extractor
            - type: random-picker
          schedulingProfiles:
            - name: default
              plugins:
                - pluginRef: random-picker
      ports:
        - name: grpc
          containerPort: 9002
          protocol: TCP
        - name: grpc-health
          containerPort: 9003
          protocol: TCP
        - name: metrics
          containerPort: 9090
          protocol: TCP
      startupProbe:
        grpc:
          port: 9003
          service: liveness
        failureThreshold: 30
      livenessProbe:
        grpc:
          port: 9003
          service: liveness
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        grpc:
          port: 9003
          service: readiness
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      resources:
        requests:
          cpu: {{ .Values.router.resources.requests.cpu | quote }}
          memory: {{ .Values.router.resources.requests.memory | quote }}
        limits:
          memory: {{ .Values.router.resources.limits.memory | quote }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        runAsNonRoot: true
        capabilities:
          drop:
            - ALL
        seccompProfile:
          type: RuntimeDefault
      volumeMounts:
        - name: tls-certs
          mountPath: /etc/ssl/certs
          readOnly: true
  volumes:
    - name: tls-certs
      secret:
        # KServe expands this name itself.
        secretName: "{{ "{{" }} ChildName .ObjectMeta.Name `-kserve-self-signed-certs` }}"
{{- end }}

{{- define "deepseek-v4-flash.smoke" -}}
"""Asks the service for one completion and fails where it is missing or garbage."""

import json
import os
import sys
import urllib.request

"""Whether a model's answer is garbage: the known ways in which a broken engine still answers 200.

Imports the standard library only, for the chart's ``helm test`` carries this file's text. Every
check is a sign of a wrong kernel, quantization or cache: text that repeats itself, scripts mixed
into each other, bytes that are no text, special tokens, JSON that breaks off, a wrong count.
"""

import json
import re
import unicodedata

PROMPT = "Count from one to five in English words."
"""What is asked to see whether an engine makes sense."""

_NUMBERS = ("one", "two", "three", "four", "five")
# A unit of up to 60 characters, five times in a row or more.
_REPEATED = re.compile(r"(.{1,60}?)\1{4,}", re.DOTALL)
_SPECIAL = re.compile(r"<[|\uff5c][^<>]{1,40}[|\uff5c]>|</?s>|<unk>|<pad>")
_WINDOW = 64  # words
# Scripts by the first word of their letters' Unicode names. Greek is none of them: it stands in
# formulas of any language. Chinese, Japanese and Korean are one, for they borrow from each other.
_SCRIPTS = {
    "LATIN": "Latin",
    "CYRILLIC": "Cyrillic",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari",
    "BENGALI": "Bengali",
    "TAMIL": "Tamil",
    "TELUGU": "Telugu",
    "THAI": "Thai",
    "GEORGIAN": "Georgian",
    "ARMENIAN": "Armenian",
    "CJK": "Chinese",
    "HIRAGANA": "Chinese",
    "KATAKANA": "Chinese",
    "HANGUL": "Chinese",
}


def garbage(text: str, asked: str = "prose") -> str:
    """Why an answer is garbage; ``""`` where it is none.

    Args:
        text: the answer.
        asked: what was asked for: ``prose``, ``json`` (JSON and nothing else), or ``count`` (the
            answer to :data:`PROMPT`).
    """
    checks = [_unreadable, _special, _repeated, _mixed]
    checks += {"prose": [], "json": [_broken_json], "count": [_wrong_count]}[asked]
    if not text.strip():
        return "the answer is empty"
    return next((why for why in (check(text) for check in checks) if why), "")


def _unreadable(text: str) -> str:
    # The last token of an answer that was cut may end within a character.
    wrong = re.findall(r"[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text.rstrip("\ufffd"))
    return f"{len(wrong)} characters are no text" if wrong else ""


def _special(text: str) -> str:
    found = _SPECIAL.search(text)
    return f"the special token {found.group()} stands in the answer" if found else ""


def _repeated(text: str) -> str:
    for match in _REPEATED.finditer(text):
        unit, run = match.group(1), match.group()
        # Lines, dots and zeros are drawn on purpose; words and exclamation marks are not.
        written = any(char.isalpha() or char == "!" for char in unit)
        if written and len(run) >= (10 if _dense(unit) else 24):
            return f"{unit.strip()[:20]!r} is repeated {len(run) // len(unit)} times"
    words = re.findall(r"\w+", text.lower())
    for start in range(0, len(words) - _WINDOW + 1, _WINDOW // 2):
        window = words[start : start + _WINDOW]
        if len(set(window)) < _WINDOW // 5 and any(word.isalpha() for word in window):
            return f"{_WINDOW} words in a row are {len(set(window))} different ones"
    return ""


def _dense(unit: str) -> bool:
    """Whether a character is a word or nearly one."""
    return any(_script(char) == "Chinese" for char in unit)


def _script(char: str) -> str:
    if not char.isalpha():
        return ""
    return _SCRIPTS.get(unicodedata.name(char, "").partition(" ")[0], "")


def _mixed(text: str) -> str:
    found: set[str] = set()
    before = ""
    for char in text:
        script = _script(char)
        if script and before and script != before and "Chinese" not in (script, before):
            return f"{before} and {script} letters stand in one word"
        if script:
            found.add(script)
        before = script
    return f"{', '.join(sorted(found))} letters stand in one answer" if len(found) > 2 else ""


def _broken_json(text: str) -> str:
    inner = re.sub(r"^\s*```(?:json)?\s*\n(.*?)\n?```\s*$", r"\1", text, flags=re.DOTALL).strip()
    try:
        json.loads(inner)
    except ValueError as error:
        cut = getattr(error, "pos", 0) >= len(inner) or "Unterminated" in str(error)
        return f"the JSON {'breaks off' if cut else 'is wrong'}: {error}"
    return ""


def _wrong_count(text: str) -> str:
    words = re.findall(r"[^\W\d_]+", text.lower())
    # One of the five may be missing: the sign looked for is nonsense, not a slip.
    if not any(
        _in_order([number for number in _NUMBERS if number != left_out], words)
        for left_out in _NUMBERS
    ):
        found = sum(number in words for number in _NUMBERS)
        return f"the answer holds {found} of the five words asked for, or not in their order"
    if any(_script(char) not in ("", "Latin") for char in text):
        return "an English answer holds letters of another script"
    return ""


def _in_order(wanted: list[str], words: list[str]) -> bool:
    rest = iter(words)
    return all(word in rest for word in wanted)

request = urllib.request.Request(
    os.environ["URL"],
    json.dumps(
        {
            "model": os.environ["MODEL"],
            "messages": [{"role": "user", "content": PROMPT}],
            "max_tokens": 64,
            "temperature": 0,
        }
    ).encode(),
    {"Content-Type": "application/json"},
)
with urllib.request.urlopen(request, timeout=float(os.environ["TIMEOUT"])) as response:
    text = json.load(response)["choices"][0]["message"]["content"] or ""
print(text)
why = garbage(text, "count")
if why:
    sys.exit(f"garbage: {why}")
{{- end }}
