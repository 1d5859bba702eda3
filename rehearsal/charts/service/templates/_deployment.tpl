{{/*
One Deployment of OSMO's own programs. Takes a dict:
  root      the chart's context
  name      name of the Deployment, and the pods' label `app`
  image     image below global.osmoImageLocation
  values    the program's section of `services`
  http      true when it listens on 8000
  tls       true when what listens there follows gateway.tls.enabled
  config    true when it reads the MEK and the database
  redis     true when it talks to Redis
  storage   true when it reads object storage, and so mounts every Secret of secretRefs
  admin     true when it creates the default administrator
  tokens    true when it knows the backend operators' tokens
  readiness seconds between readiness probes
  requests  map of resource requests
  spread    label `app` that its topology spread counts
*/}}
{{- define "osmo.deployment" -}}
{{- $global := .root.Values.global -}}
{{- $services := .root.Values.services -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels:
    app: {{ .name }}
    {{- include "osmo.labels" .root | nindent 4 }}
spec:
  selector:
    matchLabels:
      app: {{ .name }}
  template:
    metadata:
      labels:
        app: {{ .name }}
        {{- with .values.extraPodLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if or .values.extraPodAnnotations (include "osmo.tokens" .) }}
      annotations:
        {{- with .values.extraPodAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- if include "osmo.tokens" . }}
        osmo.nvidia.com/backend-token-rollout: {{ $services.backendApiTokens.rolloutNonce | quote }}
        {{- end }}
      {{- end }}
    spec:
      {{- include "osmo.pod" .root | nindent 6 }}
      {{- with .spread }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app: {{ . }}
      {{- end }}
      containers:
        - name: {{ trimPrefix "osmo-" .name }}
          image: {{ printf "%s/%s:%s" $global.osmoImageLocation .image $global.osmoImageTag | quote }}
          imagePullPolicy: Always
          {{- if include "osmo.tokens" . }}
          args: [--backend_token_directory, /etc/osmo/backend-tokens]
          {{- end }}
          {{- if .http }}
          ports:
            - name: http
              containerPort: 8000
          {{- end }}
          {{- with include "osmo.environment" . | trim }}
          env:
            {{- . | nindent 12 }}
          {{- end }}
          {{- include "osmo.probes" . | nindent 10 }}
          {{- with .requests }}
          resources:
            requests:
              {{- toYaml . | nindent 14 }}
          {{- end }}
          {{- with include "osmo.mounts" . | trim }}
          volumeMounts:
            {{- . | nindent 12 }}
          {{- end }}
      {{- with include "osmo.volumes" . | trim }}
      volumes:
        {{- . | nindent 8 }}
      {{- end }}
{{- end }}

{{/* Whether a program gets the backend operators' tokens. Values know the key from chart 1.4.0 on. Takes a program's dict. */}}
{{- define "osmo.tokens" -}}
{{- if and .tokens (.root.Values.services.backendApiTokens | default dict).enabled }}true{{ end -}}
{{- end }}

{{/* An autoscaler. Takes a dict: root, name (of the Deployment), container, scaling. Without a metrics server its target reads unknown. */}}
{{- define "osmo.autoscaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
  labels:
    {{- include "osmo.labels" .root | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .name }}
  minReplicas: {{ int .scaling.minReplicas }}
  maxReplicas: {{ int .scaling.maxReplicas }}
  metrics:
    - type: ContainerResource
      containerResource:
        name: cpu
        container: {{ .container }}
        target:
          type: Utilization
          averageUtilization: 80
{{- end }}

{{/* A ClusterIP Service from port 80 to 8000. Takes a dict: root, app (the pods' label), name, headless. */}}
{{- define "osmo.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels:
    {{- include "osmo.labels" .root | nindent 4 }}
spec:
  type: ClusterIP
  {{- if .headless }}
  clusterIP: None
  {{- end }}
  selector:
    app: {{ .app }}
  ports:
    - name: http
      port: 80
      targetPort: 8000
{{- end }}
