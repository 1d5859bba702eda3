"""Prices that were asked for, as files: one for each region, currency and day."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from sdg.azure.prices import Prices, PricesError

FOLDER: Final = "SDG_PRICES"
"""Environment variable that names the folder of prices, where it is not the project's `.sdg/prices`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The folder of prices from one source; those of others lie beside it and are not looked at.

    Attributes:
        folder: where they lie.
        source: where they must have been asked for.
    """

    folder: Path
    source: str

    @classmethod
    def of_project(cls, project: Path, environ: Mapping[str, str], source: str) -> Self:
        folder = Path(environ.get(FOLDER) or project / ".sdg" / "prices")
        return cls(folder / urlsplit(source).netloc, source)

    def newest(self, region: str, currency: str) -> Prices | None:
        """The latest prices; None where there are none.

        Raises:
            PricesError: the file cannot be read.
        """
        for path in sorted(self.folder.glob(f"{region}-{currency}-*.json"), reverse=True):
            found = _read(path)
            if found.source == self.source:
                return found
        return None

    def keep(self, prices: Prices) -> Path:
        """Writes prices, at once or not at all, and returns the file.

        Raises:
            PricesError: it cannot be written.
        """
        path = self.folder / f"{prices.region}-{prices.currency}-{prices.fetched.date().isoformat()}.json"
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        text = json.dumps(prices.model_dump(mode="json", by_alias=True), indent=1)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(text + "\n", encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise PricesError(f"the prices could not be written to {path}: {error.strerror}") from error
        return path


def _read(path: Path) -> Prices:
    try:
        return Prices.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PricesError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # pydantic's and the decoder's
        raise PricesError(f"{path} holds no prices that this version can read; `sdg prices refresh` writes it anew") from error
