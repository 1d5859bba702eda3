"""Annotations of objects that the provider is not to wait for: a gate does, for all at once, and says what keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NOT_AWAITED: Final[Mapping[str, str]] = {"pulumi.com/skipAwait": "true"}
# The end of what is not awaited isn't either. By default a Job stays until its last pod is gone, and what is applied to one that is going
# goes with it: its replacement would be lost. So Jobs go at once, and their pods after them.
JOB_NOT_AWAITED: Final[Mapping[str, str]] = {**NOT_AWAITED, "pulumi.com/deletionPropagationPolicy": "background"}
