{{- define "operator.labels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/*
One of the operator's two programs. Takes a dict: root, program (listener or worker), values (its section of `services`). Its startup probe passes once it
has connected through the gateway, so a Ready pod proves login and gateway.
*/}}
{{- define "operator.deployment" -}}
{{- $global := .root.Values.global -}}
{{- $name := printf "%s-osmo-backend-%s" .root.Release.Name .program -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $global.agentNamespace }}
  labels:
    app: {{ $name }}
    {{- include "operator.labels" .root | nindent 4 }}
spec:
  selector:
    matchLabels:
      app: {{ $name }}
  template:
    metadata:
      labels:
        app: {{ $name }}
      {{- with .values.extraPodAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "operator.account" . }}
      {{- with $global.imagePullSecret }}
      imagePullSecrets:
        - name: {{ . }}
      {{- end }}
      {{- with $global.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: backend-{{ .program }}
          image: {{ printf "%s/backend-%s:%s" $global.osmoImageLocation .program $global.osmoImageTag | quote }}
          imagePullPolicy: Always
          args:
            - --service_url={{ $global.serviceUrl }}
            - --backend={{ $global.backendName }}
            - --namespace={{ $global.backendNamespace }}
            - --method={{ $global.loginMethod }}
            - --token_file=/etc/osmo/token/{{ $global.accountTokenSecretKey }}
          startupProbe:
            exec:
              command: [test, -e, /tmp/connected]
            failureThreshold: 30
            periodSeconds: 5
            timeoutSeconds: 60
            initialDelaySeconds: 10
          livenessProbe:
            exec:
              command: [test, -e, /tmp/connected]
            periodSeconds: 30
          {{- with .values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          volumeMounts:
            - name: token
              mountPath: /etc/osmo/token
              readOnly: true
      volumes:
        - name: token
          secret:
            secretName: {{ $global.accountTokenSecret }}
            items:
              - key: {{ $global.accountTokenSecretKey }}
                path: {{ $global.accountTokenSecretKey }}
{{- end }}

{{- define "operator.account" -}}
{{ .root.Release.Name }}-{{ .program }}
{{- end }}

{{/* ServiceAccount with what it may do: nodes for all, pods in the workflows' namespace. Takes a dict: root, program, cluster and workflows (rules). */}}
{{- define "operator.access" -}}
{{- $account := include "operator.account" . -}}
{{- $labels := include "operator.labels" .root -}}
{{- $global := .root.Values.global -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $account }}
  namespace: {{ $global.agentNamespace }}
  labels:
    {{- $labels | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $account }}
  labels:
    {{- $labels | nindent 4 }}
rules:
  {{- toYaml .cluster | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $account }}
  labels:
    {{- $labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $account }}
subjects:
  - kind: ServiceAccount
    name: {{ $account }}
    namespace: {{ $global.agentNamespace }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $account }}
  namespace: {{ $global.backendNamespace }}
  labels:
    {{- $labels | nindent 4 }}
rules:
  {{- toYaml .workflows | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $account }}
  namespace: {{ $global.backendNamespace }}
  labels:
    {{- $labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $account }}
subjects:
  - kind: ServiceAccount
    name: {{ $account }}
    namespace: {{ $global.agentNamespace }}
{{- end }}

{{/* The rules of both programs, as a map. */}}
{{- define "operator.rules" -}}
listener:
  cluster:
    - apiGroups: [""]
      resources: [nodes, pods, events]
      verbs: [get, list, watch]
  workflows:
    - apiGroups: [""]
      resources: [pods, pods/log, events]
      verbs: [get, list, watch]
worker:
  cluster:
    - apiGroups: [scheduling.run.ai]
      resources: [queues]
      verbs: [get, list, watch, create, update, patch, delete]
    - apiGroups: [kai.scheduler]
      resources: [topologies]
      verbs: [get, list, watch, create, update, patch, delete]
  workflows:
    - apiGroups: [""]
      resources: [pods, services, secrets, configmaps, persistentvolumeclaims]
      verbs: [get, list, watch, create, update, patch, delete]
    - apiGroups: [scheduling.run.ai]
      resources: [podgroups]
      verbs: [get, list, watch, create, update, patch, delete]
{{- end }}
