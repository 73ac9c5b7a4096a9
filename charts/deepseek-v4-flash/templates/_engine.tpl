{{- define "deepseek-v4-flash.engine" -}}
{{- $npus := mul (int64 .Values.parallelism.tensor) (int64 .Values.parallelism.dataLocal) }}
{{- $ranks := printf `{"dp_size":%s,"tp_size":%s}` (.Values.parallelism.data | int64 | toString) (.Values.parallelism.tensor | int64 | toString) }}
{{- $lookup := printf `"lookup_rpc_port":"%s"` (.Values.kvStore.lookupPort | int64 | toString) }}
{{- $store := printf `"kv_connector_extra_config":{"backend":"mooncake","decode":%s,%s,"prefill":%s}` $ranks $lookup $ranks }}
# A Service named vllm would set VLLM_PORT to an address, at which vLLM stops.
enableServiceLinks: false
{{- with include "deepseek-v4-flash.placement" (dict "priority" .Values.engine.priorityClassName "affinity" .Values.engine.affinity "spread" .Values.engine.topologySpreadConstraints) }}
{{- . | nindent 0 }}
{{- end }}
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
{{- if or .Values.kvStore.enabled .Values.engine.extraInitContainers }}
initContainers:
  {{- range $name, $container := .Values.engine.extraInitContainers }}
  - name: {{ $name | quote }}
    {{- with include "deepseek-v4-flash.fields" (dict "fields" $container "key" "name") }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- if .Values.kvStore.enabled }}
  - name: mooncake-config-init
    image: {{ .Values.engine.image | quote }}
    imagePullPolicy: {{ .Values.engine.imagePullPolicy | quote }}
    command:
      - /bin/bash
      - -c
    args:
      - |
        set -e
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
        # The modelcar container links the weights up to a second after this one starts.
        timeout 60 sh -c 'until [ -e /mnt/models ]; do sleep 0.1; done' || {
          echo "/mnt/models is not there after 60 s: nothing is mounted or linked there" >&2
          exit 1
        }
        exec {{ .Values.engine.server | toString }} \
          --port {{ .Values.engine.port | int64 }} \
          --served-model-name {{ .Values.model.name | replace "$" "$$" | replace "'" "'\\''" | squote }} \
          --tensor-parallel-size {{ .Values.parallelism.tensor | int64 }} \
          {{- if .Values.kvStore.enabled }}
          --kv-transfer-config '{"engine_id":"$(POD_NAME)","kv_connector":"AscendStoreConnector",{{ $store | toString }},"kv_port":"{{ .Values.kvStore.port | int64 }}","kv_role":"kv_both"}' \
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
          {{- if gt (int64 .Values.parallelism.data) (mul (int64 .Values.parallelism.dataLocal) 2) }}
          --data-parallel-start-rank "$((LWS_WORKER_INDEX * {{ .Values.parallelism.dataLocal | int64 }}))" \
          {{- else }}
          --data-parallel-start-rank {{ .Values.parallelism.dataLocal | int64 }} \
          {{- end }}
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
      - name: {{ $name | quote }}
        valueFrom:
          fieldRef:
            fieldPath: {{ $field | quote }}
      {{- end }}
      {{- if .Values.kvStore.enabled }}
      - name: MOONCAKE_CONFIG_PATH
        value: /app/mooncake.json
      {{- end }}
      {{- range $name, $value := .Values.engine.env }}
      {{- if kindIs "string" $value }}
      - name: {{ $name | quote }}
        value: {{ $value | quote }}
      {{- else if kindIs "map" $value }}
      - name: {{ $name | quote }}
        valueFrom: {{ $value | toRawJson }}
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
      {{- range $path, $mount := .Values.engine.extraVolumeMounts }}
      - mountPath: {{ $path | quote }}
        {{- with include "deepseek-v4-flash.fields" (dict "fields" $mount "key" "mountPath") }}
        {{- . | nindent 8 }}
        {{- end }}
      {{- end }}
  {{- if and .Values.engine.warmUp (not .worker) }}
  # A probe of container main can't ask for a completion: KServe's preset has an httpGet in each.
  - name: warm-up
    image: {{ .Values.engine.image | quote }}
    imagePullPolicy: {{ .Values.engine.imagePullPolicy | quote }}
    command:
      - python3
      - -c
    args:
      - |
        {{- .warmUp | trimSuffix "\n" | nindent 8 }}
      - {{ .Values.engine.port | int64 | quote }}
      - {{ .Values.model.name | replace "$" "$$" | quote }}
      - /tmp/warm
    readinessProbe:
      exec:
        command:
          - test
          - -e
          - /tmp/warm
      periodSeconds: 2
    resources:
      requests:
        cpu: 10m
        memory: 64Mi
      limits:
        memory: 256Mi
    securityContext:
      allowPrivilegeEscalation: false
      capabilities:
        drop:
          - ALL
      seccompProfile:
        type: RuntimeDefault
  {{- end }}
  {{- range $name, $container := .Values.engine.extraContainers }}
  - name: {{ $name | quote }}
    {{- with include "deepseek-v4-flash.fields" (dict "fields" $container "key" "name") }}
    {{- . | nindent 4 }}
    {{- end }}
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
  {{- range $name, $volume := .Values.engine.extraVolumes }}
  - name: {{ $name | quote }}
    {{- with include "deepseek-v4-flash.fields" (dict "fields" $volume "key" "name") }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end }}
