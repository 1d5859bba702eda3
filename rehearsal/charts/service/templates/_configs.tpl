{{/*
services.configs as the service's file: camelCase keys become the file's section names, a section that was nulled is left out. From chart 1.4.0 on, a
backend without a namespace for its pods gets the release's own, which is not where the operator starts them. Takes the chart's context.
*/}}
{{- define "osmo.configs.file" -}}
{{- $file := dict -}}
{{- $configs := deepCopy .Values.services.configs -}}
{{- if semverCompare ">=1.4.0-0" .Chart.Version -}}
{{- range $name, $backend := $configs.backends -}}
{{- $_ := set $configs.backends $name (merge ($backend | default dict) (dict "k8s_namespace" $.Release.Namespace)) -}}
{{- end -}}
{{- end -}}
{{- $sections := dict
    "service" "service" "workflow" "workflow" "dataset" "dataset" "resourceValidations" "resource_validations" "podTemplates" "pod_templates"
    "groupTemplates" "group_templates" "backends" "backends" "backendTests" "backend_tests" "pools" "pools" "roles" "roles" -}}
{{- range $key, $section := $sections -}}
{{- $value := index $configs $key -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $file $section $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $file -}}
{{- end }}

{{/*
References inside the file. The real service finds a broken one when it starts and crash-loops by design; virtual pods cannot crash by themselves,
so the release is refused instead, with a sentence that names the reference.
*/}}
{{- define "osmo.configs.verify" -}}
{{- $configs := . -}}
{{- $mounted := list -}}
{{- range .secretRefs }}{{ $mounted = append $mounted .secretName }}{{ end -}}
{{- range $name := list "workflow_data" "workflow_log" "workflow_app" "backend_images" -}}
{{- $secret := dig $name "credential" "secretName" "" ($configs.workflow | default dict) -}}
{{- if and $secret (not (has $secret $mounted)) -}}
{{- fail (printf "services.configs.workflow.%s.credential.secretName: Secret %q is not in services.configs.secretRefs, so the service could not read it and would not start" $name $secret) -}}
{{- end -}}
{{- end -}}
{{- range $name, $pool := .pools -}}
{{- $at := printf "services.configs.pools.%s" $name -}}
{{- include "osmo.configs.known" (dict "at" (printf "%s.backend" $at) "names" (list $pool.backend) "of" $configs.backends "what" "backend") -}}
{{- include "osmo.configs.known" (dict "at" (printf "%s.common_pod_template" $at) "names" $pool.common_pod_template "of" $configs.podTemplates "what" "pod template") -}}
{{- include "osmo.configs.known" (dict "at" (printf "%s.common_resource_validations" $at) "names" $pool.common_resource_validations "of" $configs.resourceValidations "what" "resource validation") -}}
{{- with $pool.default_platform -}}
{{- include "osmo.configs.known" (dict "at" (printf "%s.default_platform" $at) "names" (list .) "of" $pool.platforms "what" "platform of this pool") -}}
{{- end -}}
{{- range $platform, $settings := $pool.platforms -}}
{{- $below := printf "%s.platforms.%s" $at $platform -}}
{{- $settings = $settings | default dict -}}
{{- include "osmo.configs.known" (dict "at" (printf "%s.override_pod_template" $below) "names" $settings.override_pod_template "of" $configs.podTemplates "what" "pod template") -}}
{{- include "osmo.configs.known" (dict "at" (printf "%s.resource_validations" $below) "names" $settings.resource_validations "of" $configs.resourceValidations "what" "resource validation") -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "osmo.configs.known" -}}
{{- $given := . -}}
{{- range .names -}}
{{- if not (hasKey ($given.of | default dict) .) -}}
{{- fail (printf "%s: there is no %s %q, so the service would not start" $given.at $given.what .) -}}
{{- end -}}
{{- end -}}
{{- end }}
