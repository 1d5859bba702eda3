"""Tokens of Hugging Face as it looks at them, and who may download which model.

Fault `huggingface.http {"model": …, "status": 403}`: one model, or every one where none is named, is refused. With 403 it is gated, and the
token's account has not accepted its terms: the Hub still says what it is to everybody.
"""

from __future__ import annotations

from typing import Final

from rehearsal.services.internet.keys import FORBIDDEN, UNAUTHORIZED
from rehearsal.switches import HubModel, Switches, read

PREFIX: Final = "hf_"
NOT_FOUND = 404


def is_token(text: str) -> bool:
    """Whether it has the shape of one."""
    return text.startswith(PREFIX)


def fault(model: str, faults: Switches) -> int | None:
    """The status that the switch says for a model; None where it says nothing of it."""
    found = read(faults, "huggingface.http", HubModel)
    return found.status if found and found.model in {"", model} else None


def refusal(model: str, token: str, faults: Switches) -> int | None:
    """The status with which a download is refused; None when it is not.

    Args:
        token: that is shown; empty for none, which is enough for what is public.
    """
    if token and not is_token(token):
        return UNAUTHORIZED
    status = fault(model, faults)
    # whom the Hub does not know, it tells to log in first
    return UNAUTHORIZED if status == FORBIDDEN and not token else status
