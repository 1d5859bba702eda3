{{- define "osmo.labels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* What every pod of the release runs under. The pods tolerate no taint and select no node. */}}
{{- define "osmo.pod" -}}
serviceAccountName: {{ .Values.global.serviceAccountName }}
{{- with .Values.global.imagePullSecret }}
imagePullSecrets:
  - name: {{ . }}
{{- end }}
{{- end }}

{{/*
Passwords. The in-cluster database's is a plain and unquoted value, so that one that reads as a number is refused by the API server; with it set
no Redis password is passed at all. The names of the two Secrets are fixed: passwordSecretName matters to the migration alone.
*/}}
{{- define "osmo.environment" -}}
{{- $services := .root.Values.services -}}
{{- if and .config $services.configFile.enabled }}
- name: OSMO_POSTGRES_HOST
  value: {{ $services.postgres.serviceName | quote }}
- name: OSMO_POSTGRES_PORT
  value: {{ int $services.postgres.port | quote }}
- name: OSMO_POSTGRES_DATABASE
  value: {{ $services.postgres.db | quote }}
- name: OSMO_POSTGRES_USER
  value: {{ $services.postgres.user | quote }}
{{- if $services.postgres.password }}
- name: OSMO_POSTGRES_PASSWORD
  value: {{ $services.postgres.password }}
{{- else }}
- name: OSMO_POSTGRES_PASSWORD
  valueFrom:
    secretKeyRef:
      name: db-secret
      key: db-password
{{- end }}
{{- if .redis }}
- name: OSMO_REDIS_HOST
  value: {{ $services.redis.serviceName | quote }}
- name: OSMO_REDIS_PORT
  value: {{ int $services.redis.port | quote }}
- name: OSMO_REDIS_TLS
  value: {{ $services.redis.tlsEnabled | quote }}
{{- if not $services.postgres.password }}
- name: OSMO_REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: redis-secret
      key: redis-password
{{- end }}
{{- end }}
{{- end }}
{{- if and .config .root.Values.services.configs.enabled }}
- name: OSMO_CONFIG_FILE
  value: /etc/osmo/configs/config.yaml
{{- end }}
{{- if and .admin $services.defaultAdmin.enabled }}
- name: OSMO_DEFAULT_ADMIN_USERNAME
  value: {{ $services.defaultAdmin.username | quote }}
- name: OSMO_DEFAULT_ADMIN_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $services.defaultAdmin.passwordSecretName }}
      key: {{ $services.defaultAdmin.passwordSecretKey }}
{{- end }}
{{- with .values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "osmo.probes" -}}
{{- $tls := and .tls .root.Values.gateway.tls.enabled -}}
startupProbe:
  {{- include "osmo.probe" (dict "http" .http "tls" $tls) | nindent 2 }}
  {{- toYaml .values.startupProbe | nindent 2 }}
livenessProbe:
  {{- include "osmo.probe" (dict "http" .http "tls" $tls) | nindent 2 }}
  periodSeconds: 30
{{- if .http }}
readinessProbe:
  {{- include "osmo.probe" (dict "http" .http "tls" $tls) | nindent 2 }}
  periodSeconds: {{ .readiness | default 10 }}
{{- end }}
{{- end }}

{{- define "osmo.probe" -}}
{{- if .http -}}
httpGet:
  path: /health
  port: 8000
  scheme: {{ ternary "HTTPS" "HTTP" .tls }}
{{- else -}}
exec:
  command: [test, -e, /tmp/alive]
{{- end }}
{{- end }}

{{/* A Secret with tokens. Takes an entry of services.backendApiTokens.credentials. */}}
{{- define "osmo.tokens.secret" -}}
{{ (.existingSecret | default dict).name | default .secretName }}
{{- end }}

{{/* Charts before 1.4.0 keep the programs' log files on a volume. */}}
{{- define "osmo.logs" -}}
{{- if semverCompare "<1.4.0-0" .root.Chart.Version }}true{{ end -}}
{{- end }}

{{- define "osmo.mounts" -}}
{{- $services := .root.Values.services -}}
{{- if include "osmo.logs" . }}
- name: logs
  mountPath: /logs
{{- end }}
{{- if include "osmo.tokens" . }}
{{- range $services.backendApiTokens.credentials }}
- name: backend-token-{{ .name }}
  mountPath: /etc/osmo/backend-tokens/{{ .name }}
  readOnly: true
{{- end }}
{{- end }}
{{- if and .config $services.configFile.enabled }}
- name: mek
  mountPath: /opt/osmo/config.yaml
  subPath: mek.yaml
  readOnly: true
{{- end }}
{{- if $services.configs.enabled }}
{{- if .config }}
- name: configs
  mountPath: /etc/osmo/configs
  readOnly: true
{{- end }}
{{- if .storage }}
{{- range $services.configs.secretRefs }}
- name: {{ .secretName }}
  mountPath: /etc/osmo/secrets/{{ .secretName }}
  readOnly: true
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "osmo.volumes" -}}
{{- $services := .root.Values.services -}}
{{- if include "osmo.logs" . }}
- name: logs
  emptyDir: {}
{{- end }}
{{- if include "osmo.tokens" . }}
{{- range $services.backendApiTokens.credentials }}
- name: backend-token-{{ .name }}
  secret:
    secretName: {{ include "osmo.tokens.secret" . }}
{{- end }}
{{- end }}
{{- if and .config $services.configFile.enabled }}
- name: mek
  configMap:
    name: mek-config
    items:
      - key: mek.yaml
        path: mek.yaml
{{- end }}
{{- if $services.configs.enabled }}
{{- if .config }}
- name: configs
  configMap:
    name: osmo-service-configs
{{- end }}
{{- if .storage }}
{{- range $services.configs.secretRefs }}
- name: {{ .secretName }}
  secret:
    secretName: {{ .secretName }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
