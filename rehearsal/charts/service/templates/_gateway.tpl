{{- define "osmo.gateway.selector" -}}
app.kubernetes.io/name: osmo-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: envoy
{{- end }}

{{/* The routes and the identity that requests get which bring none; not a configuration that Envoy would start with. */}}
{{- define "osmo.gateway.config" -}}
{{- $scheme := ternary "https" "http" .Values.gateway.tls.enabled -}}
admin: {port: 9901}
listener: {port: 8080}
defaultIdentity:
  {{- toYaml .Values.gateway.envoy.defaultIdentity | nindent 2 }}
skipAuthPaths:
  {{- toYaml .Values.gateway.envoy.skipAuthPaths | nindent 2 }}
routes:
  - {prefix: /api/router, upstream: "{{ $scheme }}://osmo-router:80"}
  - {prefix: /api/agent/, upstream: "{{ $scheme }}://osmo-agent:80"}
  - {prefix: /api/logger/, upstream: "{{ $scheme }}://osmo-logger:80"}
  - {prefix: /api/, upstream: "{{ $scheme }}://osmo-service:80"}
  - {prefix: /client/, upstream: "{{ $scheme }}://osmo-service:80"}
  {{- if .Values.services.ui.enabled }}
  - {prefix: /, upstream: "http://osmo-ui:80"}
  {{- end }}
{{- end }}
