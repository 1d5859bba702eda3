"""May the Hugging Face token download the models that NIMs are made of?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sdg.preflight.inference.asking import Bearer, Reply, ask, may_carry
from sdg.preflight.model import Finding

HUB: Final = "https://huggingface.co"
_GATED: Final = "GatedRepo"  # header X-Error-Code: the token is taken, and its account has not accepted the model's terms
_STORE: Final = "`pulumi config set --secret sdg:hfToken`"


def findings(model: str, nim: str, token: str, api: Callable[[str], str]) -> list[Finding]:
    """What is wrong with the token or with access to one model.

    Args:
        model: `owner/name`.
        nim: that needs it.
        api: where a web API is asked, see `Mirror.api`.
    """
    reply = _access(model, token, api)
    told = f"{HUB} answered {reply.seen} when asked for {model} ({nim})"
    match reply.status:
        case 200:
            return []
        case 401 if reply.headers.get("x-error-code") != _GATED:
            remedy = f"Make a new one with the right to read, at {HUB}/settings/tokens, and store it: {_STORE}."
            return [Finding("hugging-face", f"sdg:hfToken (or HF_TOKEN) has expired, was deleted or is no token: {told}.", remedy)]
        case 401 | 403:
            seen = f"The account of sdg:hfToken may not download {model}: {told}."
            remedy = f"As that account, accept the terms at {HUB}/{model} and wait for access; or take another token: {_STORE}."
            return [Finding("hugging-face", seen, remedy)]
        case 404:
            seen = f"There is no model {model}, or the account of sdg:hfToken may not see it: {told}."
            return [Finding("hugging-face", seen, f"Take a token of an account that may see it: {_STORE}.")]
        case _:
            return [Finding.of("inference-unanswered", f"Whether {model} can be downloaded is not known: {told}.")]


def _access(model: str, token: str, api: Callable[[str], str]) -> Reply:
    """What is public of a gated model is shown to everybody; only the second question tells who may download it."""
    if not may_carry(api(HUB)):
        return Reply(None, {}, failure=f"{api(HUB)} is not https, and the token would be sent there in plain text; correct sdg:mirror.apis")
    reply = ask(api(f"{HUB}/api/models/{model}"), Bearer(token))
    if reply.ok and isinstance(reply.body, Mapping) and reply.body.get("gated"):
        return ask(api(f"{HUB}/api/models/{model}/auth-check"), Bearer(token))
    return reply
