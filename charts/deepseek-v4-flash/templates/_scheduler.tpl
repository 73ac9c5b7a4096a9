{{- define "deepseek-v4-flash.scheduler" -}}
{{- if .Values.router.podLabels }}
labels:
  {{- range $key, $value := .Values.router.podLabels }}
  {{ $key | quote }}: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- if .Values.router.podAnnotations }}
annotations:
  {{- range $key, $value := .Values.router.podAnnotations }}
  {{ $key | quote }}: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- if gt (int64 .Values.router.replicas) 1 }}
replicas: {{ .Values.router.replicas | int64 }}
{{- end }}
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
  {{- with include "deepseek-v4-flash.placement" (dict "priority" .Values.router.priorityClassName "affinity" .Values.router.affinity "spread" .Values.router.topologySpreadConstraints) }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if not .Values.router.serviceLinks }}
  enableServiceLinks: false
  {{- end }}
  {{- if .Values.router.imagePullSecrets }}
  imagePullSecrets:
    {{- range $secret := .Values.router.imagePullSecrets }}
    - name: {{ $secret | quote }}
    {{- end }}
  {{- end }}
  containers:
    - name: main
      image: {{ .Values.router.image | quote }}
      imagePullPolicy: IfNotPresent
      {{- if .Values.router.env }}
      env:
        {{- range $name, $value := .Values.router.env }}
        {{- if kindIs "string" $value }}
        - name: {{ $name | quote }}
          value: {{ $value | quote }}
        {{- else if kindIs "map" $value }}
        - name: {{ $name | quote }}
          valueFrom: {{ $value | toRawJson }}
        {{- end }}
        {{- end }}
      {{- end }}
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
        {{- if .Values.router.oneWordBooleans }}
        - --tracing=false
        - --metrics-endpoint-auth=false
        {{- else }}
        - --tracing
        - "false"
        - --metrics-endpoint-auth
        - "false"
        {{- end }}
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
        periodSeconds: 10
        timeoutSeconds: 5
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
