"""Finds hosts in text: in URLs, and without a scheme."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import unquote

from sdg.catalog.endpoint_hosts import endpoint_hosts

_HOST: Final = r"\[[0-9A-Fa-f:.]{2,45}\]|[^\s/?#@:\"'`<>,;|\\]{0,300}"
_URL: Final = re.compile(
    rf"(?<![A-Za-z0-9+])(?P<scheme>[A-Za-z][A-Za-z0-9+]{{0,20}})://(?:[^\s/?#@\"'`<>,;]{{0,200}}@)?(?P<host>{_HOST})(?::(?P<port>\d{{1,5}})(?!\d))?"
)
_PATH: Final = re.compile(r"(?:/[^\s?#\"'`<>,;|\\{}\[\]$]{0,1000})?")
# a whole value without a scheme
_ADDRESS: Final = re.compile(r"\s*(?=[^/]*[.:])(?P<host>[A-Za-z0-9][A-Za-z0-9.-]{0,252})(?::(?P<port>\d{1,5}))?(?=/[\w./-]{1,200}\s*\Z)")
# what a value goes by, read backwards from it: NAME=, "name": , NAME := ; --name and a space
_KEY: Final = re.compile(r"[\"'(]{0,3}\s{0,4}(?:=:?|:)\s{0,4}\]?[\"']?([\w.-]{1,80})")
_OPTION: Final = re.compile(r"[\"']?\s{1,4}([\w-]{1,80}--)")
_ADDED: Final = re.compile(r"[\"'][rbfu]?\s{0,4}\+")  # `+ "`, backwards
_RUNTIME: Final = re.compile(r"[$%{}()*]")
_LOOK_BACK: Final = 120


@dataclass(frozen=True, slots=True)
class Mention:
    """A host in a text.

    Attributes:
        scheme: in lower case; empty where it has none.
        host: in lower case, without a closing dot; what a program puts together when it runs, as it stands there.
        port: None where none is said.
        path: without query and fragment.
        name: of the variable, key or option that holds it, as written; empty where none is told.
        complete: False where part of the host is known when the program runs, and not before.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    name: str
    complete: bool = True

    @property
    def url(self) -> str:
        """As written, without user, query and fragment."""
        scheme = f"{self.scheme}://" if self.scheme else ""
        host = f"[{self.host}]" if ":" in self.host and self.complete else self.host
        return f"{scheme}{host}{f':{self.port}' if self.port is not None else ''}{self.path}"


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What a text must hold to be worth reading, and a host without a scheme whose domain says what it is."""
    hosts = endpoint_hosts()
    domains = "|".join(map(re.escape, (hosts.nim.namespace, hosts.nvcf.api, hosts.nvcf.grpc, *sorted(hosts.foundry))))
    bare = rf"(?<![A-Za-z0-9_.-])(?P<host>[A-Za-z0-9_.-]{{0,253}}(?:{domains})[A-Za-z0-9_.-]{{0,253}})(?::(?P<port>\d{{1,5}})(?!\d))?"
    return re.compile(f"://|{domains}", re.IGNORECASE), re.compile(bare, re.IGNORECASE)


def mentions(text: str, name: str = "") -> Iterator[Mention]:
    """Every URL, and hosts without a scheme where their domain, or being all that a variable holds, says what they are.

    Args:
        name: of the variable or option whose whole value the text is.
    """
    if "%2F" in text or "%2f" in text:
        text = unquote(text)  # a URL in a query
    worth_reading, bare = _patterns()
    if not worth_reading.search(text):
        if name and (address := _ADDRESS.match(text)):
            yield _mention(text, address, "", name)
        return
    covered: list[tuple[int, int]] = []
    for found in _URL.finditer(text):
        covered.append(found.span())
        yield _mention(text, found, found["scheme"].lower(), name)
    position = 0
    for found in bare.finditer(text):
        while position < len(covered) and covered[position][1] <= found.start():
            position += 1
        inside = position < len(covered) and covered[position][0] <= found.start()
        before = text[found.start() - 1] if found.start() else ""
        if inside or before in {"/", "*", ">"} or (found["host"].startswith(".") and not _completed(text, found)):
            continue  # of a URL, in a path, or a pattern of hosts
        yield _mention(text, found, "", name)


def _completed(text: str, found: re.Match[str]) -> bool:
    """Whether the end of a host is put behind something else when a program runs; it may just as well be a pattern of hosts."""
    before = text[max(0, found.start() - _LOOK_BACK) : found.start()]
    return bool(found["port"]) or _RUNTIME.match(before[-1:]) is not None or _ADDED.match(before[::-1]) is not None


def _mention(text: str, found: re.Match[str], scheme: str, name: str) -> Mention:
    start = found.start()
    host = found["host"].rstrip(".,")
    if not scheme and start and text[start - 1] in "$%{})":
        host = text[start - 1] + host
    elif host.startswith("."):
        host = f"*{host}"
    if not _RUNTIME.search(host.rstrip(").,}")):
        host = host.rstrip(").,}")  # a bracket around a URL, and no part of it
    path = _PATH.match(text, found.end())
    return Mention(
        scheme,
        host.lower().strip("[]"),
        int(found["port"]) if found["port"] else None,
        path[0].rstrip(".:)") if path else "",
        _name(text, start, name),
        complete=not _RUNTIME.search(host),
    )


def _name(text: str, start: int, name: str) -> str:
    before = text[max(0, start - _LOOK_BACK) : start]
    backwards = before[::-1]
    if found := _KEY.match(backwards) or _OPTION.match(backwards):
        return found[1][::-1].lstrip("-.")
    return name if start < _LOOK_BACK and not before.strip() else ""
