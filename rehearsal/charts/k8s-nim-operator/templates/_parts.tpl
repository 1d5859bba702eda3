{{/* The chart's name is part of every release's objects, unless the release's name holds it: `nim-operator-k8s-nim-operator`. */}}
{{- define "nim.name" -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) }}
{{- $name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "nim.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "nim.labels" -}}
{{ include "nim.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "nim.image" -}}
{{ .Values.operator.image.repository }}:{{ .Values.operator.image.tag | default (printf "v%s" .Chart.AppVersion) }}
{{- end }}

{{- define "nim.pullSecrets" -}}
{{- with .Values.operator.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
