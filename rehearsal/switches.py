"""What the fault switches of models may say, checked when they are set: one that is misspelt would be a test that proves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sdg.catalog.nvcf_functions import nvcf_functions


class Switches(Protocol):
    """Where switches are read."""

    def get(self, name: str) -> Mapping[str, object] | None: ...


class Switch(BaseModel):
    """One switch's fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _function(name: str) -> str:
    if name not in nvcf_functions():
        raise ValueError(f"no function of the catalog; these are: {', '.join(nvcf_functions())}")
    return name


Name = Annotated[str, Field(min_length=1)]
Status = Annotated[int, Field(ge=400, le=599)]
"""Of an HTTP answer that is none."""


class Nothing(Switch):
    """Is on or off."""


class Unavailable(Switch):
    """Whoever asks gets this status."""

    status: Status = 503


class Busy(Switch):
    """Likewise, as when too much is asked."""

    status: Status = 429


class Function(Switch):
    """A function of the catalog, in another state."""

    name: Annotated[str, AfterValidator(_function)]
    status: Name = "INACTIVE"


class NgcKey(Switch):
    """What is wrong with whichever key of NVIDIA's is shown."""

    state: Literal["expired", "other-organisation"] = "expired"


class Image(Switch):
    """An image that the registry doesn't have."""

    image: Name


class HubModel(Switch):
    """A model of Hugging Face that is refused; every one when none is named."""

    model: str = ""
    status: Status = 403


class Model(Switch):
    """The one model that is served."""

    model: Name


class NimSlow(Switch):
    """A NIM, or every one, that loads so many seconds longer."""

    name: str = ""
    seconds: float = Field(ge=0)


class NimNever(Switch):
    """A NIM, or every one, that never gets ready, and its last line of log."""

    name: str = ""
    message: str = ""


class NimDownload(Switch):
    """A NIM, or every one, whose model is refused: so many times, or always."""

    name: str = ""
    status: Status = 429
    times: int | None = Field(None, ge=0)


BODIES: Final[Mapping[str, type[Switch]]] = MappingProxyType(
    {
        "nim.slow": NimSlow,
        "nim.never": NimNever,
        "nim.download": NimDownload,
        "ngc.key": NgcKey,
        "nvcf.http": Unavailable,
        "nvcf.function": Function,
        "nvcf.none": Nothing,
        "registry.image": Image,
        "huggingface.http": HubModel,
        "foundry.http": Busy,
        "external.http": Unavailable,
        "external.model": Model,
        "external.key": Nothing,
    }
)
"""By the switches' names."""

Body = TypeVar("Body", bound=Switch)


def read(switches: Switches, name: str, body: type[Body]) -> Body | None:
    """A switch's fields; None when it is not set."""
    found = switches.get(name)
    return None if found is None else body.model_validate(found)
