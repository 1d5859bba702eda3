"""Properties whose change replaces an object: the API server would refuse to change them in place.

The table is the official provider's (`provider/pkg/provider/diff.go`, 4.3x line).
"""

from __future__ import annotations

from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.kubernetes.kinds import group

_IDENTITY = (".metadata.name", ".metadata.namespace")
_SELECTOR = (".spec.selector",)
_VOLUME_SOURCES = (
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
)
_POD = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
)
_CONTAINER = (
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
)
_TABLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "PersistentVolume"): tuple(f".spec.{source}" for source in _VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): (".spec.accessModes", ".spec.selector", ".spec.storageClassName", ".spec.volumeName"),
    ("", "Pod"): (
        *(f".spec.{name}" for name in _POD),
        *(f".spec.{containers}[*].{name}" for containers in ("containers", "initContainers") for name in _CONTAINER),
    ),
    ("", "ResourceQuota"): (".spec.scopes",),
    ("", "Secret"): (".type",),
    ("", "Service"): (".spec.clusterIP",),
    ("apps", "DaemonSet"): _SELECTOR,
    ("apps", "Deployment"): _SELECTOR,
    ("apps", "StatefulSet"): (
        ".spec.podManagementPolicy",
        ".spec.revisionHistoryLimit",
        ".spec.selector",
        ".spec.serviceName",
        ".spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): (".spec.completions", ".spec.parallelism", ".spec.selector", ".spec.template"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (".roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): (".roleRef",),
    ("storage.k8s.io", "StorageClass"): (".parameters", ".provisioner"),
}


def immutable_properties(inputs: Object, *, config_map_mutable: bool, secret_mutable: bool) -> list[str]:
    """Return the patterns for an object. ConfigMaps and Secrets are replaced unless the provider says that they may change."""
    kind, frozen = str(inputs.get("kind", "")), bool(inputs.get("immutable"))
    key = (group(str(inputs.get("apiVersion", ""))), kind)
    if key == ("", "ConfigMap") and (frozen or not config_map_mutable):
        return [*_IDENTITY, ".binaryData", ".data"]
    if key == ("", "Secret") and (frozen or not secret_mutable):
        return [*_IDENTITY, ".type", ".stringData", ".data"]
    return [*_IDENTITY, *_TABLE.get(key, ())]
