"""`sdg:budget`: what a stack may cost."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat

from sdg.settings.base import Settings


class Budget(Settings):
    """What the stack may cost a month, as `sdg estimate` reckons it."""

    monthly: PositiveFloat | None = Field(default=None, description="Most that a month may cost; none is asked when unset.")
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="Currency of the prices.", examples=["USD"])
    basis: Literal["minimum", "maximum"] = Field(
        default="maximum", description="Which number of nodes counts: every pool at its minimum, or at its maximum."
    )
