{{- define "gpu.labels" -}}
app.kubernetes.io/component: gpu-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* A Deployment of one pod. Takes a dict: root, name, image. */}}
{{- define "gpu.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "gpu.labels" .root | nindent 4 }}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: {{ .name }}
  template:
    metadata:
      labels:
        app: {{ .name }}
    spec:
      containers:
        - name: {{ .name }}
          image: {{ .image | quote }}
{{- end }}

{{/* A DaemonSet. Takes a dict: root, name, image, tolerations; gpus (on GPU nodes only), env. */}}
{{- define "gpu.daemonset" -}}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "gpu.labels" .root | nindent 4 }}
spec:
  selector:
    matchLabels:
      app: {{ .name }}
  template:
    metadata:
      labels:
        app: {{ .name }}
    spec:
      priorityClassName: system-node-critical
      {{- if .gpus }}
      nodeSelector:
        nvidia.com/gpu.present: "true"
      {{- end }}
      tolerations:
        {{- toYaml .tolerations | nindent 8 }}
      {{- if and .gpus (not .root.Values.driver.enabled) }}
      {{/* looks at the host's driver; the real ones wait for each other as well, in an order that changes nothing here */}}
      initContainers:
        - name: driver-validation
          image: {{ printf "nvcr.io/nvidia/gpu-operator:%s" .root.Chart.AppVersion | quote }}
          {{- with dig "driver" "env" list .root.Values.validator }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ .image | quote }}
          {{- with .env }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
{{- end }}
