{{- define "deepseek-v4-flash.probe" -}}
httpGet:
  path: /health
  port: http
periodSeconds: {{ .probe.periodSeconds | int64 }}
{{- if .probe.timeoutSeconds }}
timeoutSeconds: {{ .probe.timeoutSeconds | int64 }}
{{- end }}
failureThreshold: {{ .probe.failureThreshold | int64 }}
{{- end }}

{{- define "deepseek-v4-flash.scheduler" -}}
pool:
  spec:
    selector:
      matchLabels:
        app.kubernetes.io/name: {{ .Values.name | quote }}
        app.kubernetes.io/part-of: llminferenceservice
        kserve.io/component: workload
    targetPorts:
      - number: {{ .Values.engine.port | int64 }}
    endpointPickerRef:
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

request = urllib.request.Request(
    os.environ["URL"],
    json.dumps(
        {
            "model": os.environ["MODEL"],
            "messages": [{"role": "user", "content": "Count from one to five in English words."}],
            "max_tokens": 64,
            "temperature": 0,
        }
    ).encode(),
    {"Content-Type": "application/json"},
)
with urllib.request.urlopen(request, timeout=float(os.environ["TIMEOUT"])) as response:
    text = json.load(response)["choices"][0]["message"]["content"] or ""
print(text)
words = [word.strip(".,:;!?*").lower() for word in text.split()]
found = [word for word in ("one", "two", "three", "four", "five") if word in words]
if len(found) < 4:
    sys.exit(f"garbage: the answer holds {len(found)} of the five words asked for")
{{- end }}
