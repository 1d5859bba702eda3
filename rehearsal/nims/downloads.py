"""Jobs that fetch a model from Hugging Face, read as the shell would: which model, and where to. Pure functions on pods."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rehearsal.api import Object
from rehearsal.nims.pods import container, variables, words

_TOOL = re.compile(r"(?:\bhf|\bhuggingface-cli)\s+download\s+(?P<rest>[^\n;&|]+)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_ASSIGNED = re.compile(r"(?:^|[\s;])([A-Za-z_]\w*)=([^\s;|&()]+)")
_MODEL = re.compile(r"[\w.-]+/[\w.-]+")
HOME: Final = "/root/.cache/huggingface"  # of the client's own, where nobody says another


@dataclass(frozen=True, slots=True)
class Download:
    """What a container fetches.

    Attributes:
        model: its name on the Hub.
        folder: path in the container that it comes to lie in.
        tree: whether that is the Hub's own tree of snapshots; else the files lie flat.
    """

    model: str
    folder: str
    tree: bool


def download(pod: Object) -> Download | None:
    """What the pod's program fetches; None when it is no download."""
    item = container(pod)
    text = " ".join(words(item)).replace("\\\n", " ")
    found = _TOOL.search(text)
    if found is None:
        return None
    given = _shell(words(item), variables(item))
    options = [_expanded(word.strip("\"'"), given) for word in found["rest"].split()]
    model = next((word for word in options if _MODEL.fullmatch(word)), "")
    if local := _option(options, "--local-dir"):
        return Download(model, local, tree=False)
    return Download(model, posixpath.join(_option(options, "--cache-dir") or cache(given), tree_of(model)), tree=True)


def cache(given: Mapping[str, str]) -> str:
    """Folder of the Hub's client for what it fetches, as these variables say."""
    return given.get("HF_HUB_CACHE") or posixpath.join(given.get("HF_HOME") or HOME, "hub")


def tree_of(model: str) -> str:
    """Name of the folder that the Hub's client keeps a model in."""
    return f"models--{model.replace('/', '--')}"


def refusal(model: str, status: int) -> str:
    """What the Hub's client, or NGC's, says when it is refused.

    Args:
        model: on the Hub; empty for one of NGC.
    """
    reasons = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
    if not model:
        return f"the model cannot be fetched: api.ngc.nvidia.com answered {status} {reasons.get(status, 'Error')}"
    url = f"https://huggingface.co/api/models/{model}/revision/main"
    kind = "GatedRepoError" if status == 403 else "HfHubHTTPError"  # noqa: PLR2004 - Forbidden
    side = "Client" if status < 500 else "Server"  # noqa: PLR2004 - where HTTP draws the line
    return f"huggingface_hub.errors.{kind}: {status} {side} Error: {reasons.get(status, 'Error')} for url: {url}"


def _shell(given: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of a script that a shell is given with `-c`: the container's, the words behind the script, and what it assigns."""
    known = dict(environment)
    if "-c" not in given[:-1]:
        return known
    script, *behind = given[given.index("-c") + 1 :]
    known |= {str(number): word for number, word in enumerate(behind)}
    for name, value in _ASSIGNED.findall(script):
        known.setdefault(name, _expanded(value.strip("\"'"), known))
    return known


def _option(options: list[str], name: str) -> str:
    joined = next((word.partition("=")[2] for word in options if word.startswith(f"{name}=")), "")
    return joined or next((value for word, value in pairwise(options) if word == name), "")


def _expanded(word: str, given: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: given.get(found[1] or found[2], ""), word)
