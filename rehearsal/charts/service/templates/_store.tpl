{{/*
A claim that survives uninstall. Takes a dict: root, name, class. An empty class is written as such (no dynamic provisioning), an absent
one, which a null in the caller's values makes it, as null (the cluster's default class).
*/}}
{{- define "osmo.volume" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .name }}
  labels:
    {{- include "osmo.labels" .root | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: {{ .class | quote }}
  resources:
    requests:
      storage: 20Gi
{{- end }}

{{/* The Service of an in-cluster store, open on every node unless switched off. Takes a dict: root, values, name, nodePort. */}}
{{- define "osmo.store" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .values.serviceName }}
  labels:
    {{- include "osmo.labels" .root | nindent 4 }}
spec:
  type: {{ ternary "NodePort" "ClusterIP" .values.enableNodePort }}
  selector:
    app: {{ .name }}
  ports:
    - name: http
      port: {{ int .values.port }}
      targetPort: {{ .name }}
      {{- if .values.enableNodePort }}
      nodePort: {{ .nodePort }}
      {{- end }}
{{- end }}
