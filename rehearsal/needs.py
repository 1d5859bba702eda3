"""What a pod needs before its node's kubelet can start it, and what of that is missing, in the kubelet's own words.

Pure functions on objects. Sources of the words: kubelet v1.36, `pkg/volume/{secret,configmap,projected,hostpath}`,
`pkg/kubelet/kubelet_pods.go`, `pkg/kubelet/kuberuntime`. kwok has no such check: it starts pods whose Secrets don't exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rehearsal.api import Object
from rehearsal.nodes import AKS_RUNTIME
from rehearsal.references import DEFAULT_HANDLERS, References

# reasons of a waiting container
CREATING, PULL_BACKOFF, CONFIG_ERROR = "ContainerCreating", "ImagePullBackOff", "CreateContainerConfigError"
CRASH_LOOP, INVALID_NAME = "CrashLoopBackOff", "InvalidImageName"
# an image reference as container runtimes read it: registry with a port, path, tag, digest
_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
# of the GPU operator: the init container that looks at a driver of the host, and the variable that keeps it from making links
VALIDATION, NO_LINKS = "driver-validation", "DISABLE_DEV_CHAR_SYMLINK_CREATION"


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that keeps a pod from starting.

    Attributes:
        reason: reason of the waiting container.
        event: reason of the event on the pod.
        message: the event's message.
        waiting: message of the waiting container; empty while the kubelet shows none.
        container: the container that it is about; none when it is the whole pod.
    """

    reason: str
    event: str
    message: str
    waiting: str = ""
    container: str = ""


def missing(pod: Object, known: References) -> list[Missing]:
    """What keeps a scheduled pod from starting: all of the first step that something is missing for; empty when nothing is."""
    for step in (_mounts, _sandbox, _images, _pulls, _configuration, _validation):
        if found := list(step(pod, known)):
            return found
    return []


def _mounts(pod: Object, known: References) -> Iterator[Missing]:
    namespace, used = pod["metadata"]["namespace"], _mounted(pod)
    for volume in pod["spec"].get("volumes") or []:
        if volume["name"] in used and (errors := list(_volume_errors(volume, namespace, pod, known))):
            words = errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"
            yield Missing(CREATING, "FailedMount", f'MountVolume.SetUp failed for volume "{volume["name"]}" : {words}')


def _mounted(pod: Object) -> set[str]:
    """Names of the volumes that a container mounts; the kubelet leaves every other one out."""
    spec = pod["spec"]
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return {mount["name"] for container in containers for mount in container.get("volumeMounts") or []}


def _volume_errors(volume: Object, namespace: str, pod: Object, known: References) -> Iterator[str]:
    if secret := volume.get("secret"):
        yield from _secret_errors(secret, secret["secretName"], namespace, known)
    elif config_map := volume.get("configMap"):
        yield from _config_map_errors(config_map, config_map["name"], namespace, known)
    elif claim := volume.get("persistentVolumeClaim"):
        yield from _claim_errors(claim["claimName"], namespace, known)
    elif host := volume.get("hostPath"):
        yield from _host_path_errors(host, pod["spec"].get("nodeName", ""), known)
    for source in (volume.get("projected") or {}).get("sources") or []:
        yield from _projected_errors(source, namespace, pod, known)


def _projected_errors(source: Object, namespace: str, pod: Object, known: References) -> Iterator[str]:
    if secret := source.get("secret"):
        yield from _secret_errors(secret, secret["name"], namespace, known)
    if config_map := source.get("configMap"):
        yield from _config_map_errors(config_map, config_map["name"], namespace, known)
    account = pod["spec"].get("serviceAccountName", "default")
    if source.get("serviceAccountToken") and (namespace, account) not in known.accounts:
        yield f'failed to fetch token: serviceaccounts "{account}" not found'


def _secret_errors(source: Object, name: str, namespace: str, known: References) -> Iterator[str]:
    if source.get("optional"):
        return
    keys = known.secrets.get((namespace, name))
    if keys is None:
        yield f'secret "{name}" not found'
    else:
        yield from (f"references non-existent secret key: {key}" for key in _absent(source, keys))


def _config_map_errors(source: Object, name: str, namespace: str, known: References) -> Iterator[str]:
    if source.get("optional"):
        return
    keys = known.config_maps.get((namespace, name))
    if keys is None:
        yield f'configmap "{name}" not found'
    else:
        yield from (f"configmap references non-existent config key: {key}" for key in _absent(source, keys))


def _absent(source: Object, keys: Iterable[str]) -> list[str]:
    return [item["key"] for item in source.get("items") or [] if item["key"] not in keys]


def _claim_errors(name: str, namespace: str, known: References) -> Iterator[str]:
    phase = known.claims.get((namespace, name))
    if phase is None:
        yield f'persistentvolumeclaim "{name}" not found'
    elif phase != "Bound":
        yield f"PVC {namespace}/{name} is not bound"


def _host_path_errors(source: Object, node: str, known: References) -> Iterator[str]:
    """Of files alone: folders are made, or are there on every node."""
    if source.get("type") == "File" and source["path"] not in known.node_files.get(("", node), frozenset()):
        yield f"hostPath type check failed: {source['path']} is not a file"


def _sandbox(pod: Object, known: References) -> Iterator[Missing]:
    name = pod["spec"].get("runtimeClassName")
    if not name:
        return
    handler = known.runtime_classes.get(("", name))
    if handler is None:
        words = f'failed to get sandbox runtime: runtimeclass.node.k8s.io "{name}" not found'
        yield Missing(CREATING, "FailedCreatePodSandBox", f"Failed to create pod sandbox: {words}")
    elif handler not in known.node_handlers.get(("", pod["spec"].get("nodeName", "")), DEFAULT_HANDLERS):
        words = f'rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "{handler}" is configured'
        yield Missing(CREATING, "FailedCreatePodSandBox", f"Failed to create pod sandbox: {words}")


def _images(pod: Object, _known: References) -> Iterator[Missing]:
    for container in _containers(pod):
        image = container.get("image", "")
        if not _REFERENCE.fullmatch(image):
            words = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference format'
            yield Missing(INVALID_NAME, "InspectFailed", words, words, container["name"])


def _pulls(pod: Object, known: References) -> Iterator[Missing]:
    """Stricter than a kubelet, which would try without: the images of this platform are private."""
    wanted = [reference.get("name", "") for reference in pod["spec"].get("imagePullSecrets") or []]
    absent = [name for name in wanted if (pod["metadata"]["namespace"], name) not in known.secrets]
    if absent:
        message = f"Unable to retrieve some image pull secrets ({', '.join(absent)}); attempting to pull the image may not succeed."
        image = _containers(pod)[0].get("image", "")
        yield Missing(PULL_BACKOFF, "FailedToRetrieveImagePullSecret", message, f'Back-off pulling image "{image}"')


def _configuration(pod: Object, known: References) -> Iterator[Missing]:
    for container in _containers(pod):
        for error in _environment_errors(container, pod["metadata"]["namespace"], known):
            yield Missing(CONFIG_ERROR, "Failed", f"Error: {error}", error, container["name"])
            break  # the kubelet stops at a container's first error


def _validation(pod: Object, known: References) -> Iterator[Missing]:
    """What the GPU operator's validator does to a host's own driver: it wants links that such a host does not let it make.

    Source: NVIDIA/gpu-operator issue 430, whose remedy is the variable. On AKS' nodes with a driver of their own it gets ready without
    (NVIDIA's page "NVIDIA GPU Operator with Azure Kubernetes Service").
    """
    if AKS_RUNTIME in known.node_handlers.get(("", pod["spec"].get("nodeName", "")), ()):
        return
    for container in pod["spec"].get("initContainers") or []:
        variables = {variable["name"]: variable.get("value") for variable in container.get("env") or []}
        if container["name"] == VALIDATION and variables.get(NO_LINKS) != "true":
            where = f"{pod['metadata']['name']}_{pod['metadata']['namespace']}({pod['metadata'].get('uid', '')})"
            message = f"Back-off restarting failed container {VALIDATION} in pod {where}"
            words = f"Error: error validating driver installation: failed to create symlinks under /dev/char; set {NO_LINKS} to true"
            yield Missing(CRASH_LOOP, "BackOff", message, words, VALIDATION)


def _environment_errors(container: Object, namespace: str, known: References) -> Iterator[str]:
    for source in container.get("envFrom") or []:
        yield from _source_error(source.get("secretRef"), known.secrets, namespace, "secret")
        yield from _source_error(source.get("configMapRef"), known.config_maps, namespace, "configmap")
    for variable in container.get("env") or []:
        source = variable.get("valueFrom") or {}
        yield from _key_error(source.get("secretKeyRef"), known.secrets, namespace, ("secret", "Secret"))
        yield from _key_error(source.get("configMapKeyRef"), known.config_maps, namespace, ("configmap", "ConfigMap"))


def _source_error(reference: Object | None, there: dict[tuple[str, str], frozenset[str]], namespace: str, kind: str) -> Iterator[str]:
    if reference and not reference.get("optional") and (namespace, reference["name"]) not in there:
        yield f'{kind} "{reference["name"]}" not found'


def _key_error(
    reference: Object | None, there: dict[tuple[str, str], frozenset[str]], namespace: str, kind: tuple[str, str]
) -> Iterator[str]:
    if not reference or reference.get("optional"):
        return
    keys = there.get((namespace, reference["name"]))
    if keys is None:
        yield f'{kind[0]} "{reference["name"]}" not found'
    elif reference["key"] not in keys:
        yield f"couldn't find key {reference['key']} in {kind[1]} {namespace}/{reference['name']}"


def _containers(pod: Object) -> list[Object]:
    spec = pod["spec"]
    return [*(spec.get("initContainers") or []), *spec["containers"]]
