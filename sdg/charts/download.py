"""Downloading one file over HTTP, whole or not at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import requests

TIMEOUT: Final = 30.0
"""Seconds without a byte."""
_CHUNK: Final = 1 << 20


class DownloadFailedError(RuntimeError):
    """A file could not be had; names the URL, the cause and the setting that leads elsewhere."""


def download(url: str, target: Path) -> None:
    """Fetches a file. The proxy and the CA bundle are those of the environment.

    Raises:
        DownloadFailedError: there is no such file, or no answer.
    """
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT) as answer:
            answer.raise_for_status()
            with target.open("wb") as file:
                for chunk in answer.iter_content(_CHUNK):
                    file.write(chunk)
    except requests.HTTPError as error:
        raise DownloadFailedError(_sentence(url, f"HTTP {error.response.status_code}")) from None
    except requests.RequestException as error:
        raise DownloadFailedError(_sentence(url, type(error).__name__)) from None


def _sentence(url: str, cause: str) -> str:
    return f"{without_login(url)} cannot be downloaded ({cause}). Where the network ends at a mirror, name it in sdg:mirror.downloads."


def without_login(text: str) -> str:
    """The text without the user and password that URLs in it may hold."""
    return re.sub(r"//[^/\s@]*@", "//", text)
