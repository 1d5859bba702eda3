"""Edits a kubeconfig's text in place: what is not touched keeps its bytes, comments and order included.

Works on the positions that the YAML parser gives every node. What comes out is compared with what it must mean, and written anew, without
comments, where the two differ: an anchor or an odd layout costs comments, never an entry.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from sdg.kube.kubeconfig_entries import CURRENT, SECTIONS, Document


def document_of(text: str) -> Document:
    """The parsed kubeconfig, empty for an empty text.

    Raises:
        ValueError: it is no kubeconfig; the sentence quotes nothing of it.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError("is not YAML") from None  # the parser quotes the file, which holds credentials
    if document is None:
        return {}
    sections = [document.get(section) for section in SECTIONS] if isinstance(document, dict) else [document]
    if any(section is not None and not _is_list_of_mappings(section) for section in sections):
        raise ValueError("is not a kubeconfig")
    return dict(document)


def with_entry(text: str, section: str, entry: Mapping[str, Any]) -> str:
    """The text with one more entry, before all others, in place of any of the same name."""
    cleared = without_entry(text, section, str(entry["name"]))
    document = document_of(cleared)
    document[section] = [dict(entry), *(document.get(section) or [])]
    return _edited(cleared, document, lambda root: _insert(cleared, root, section, dict(entry)))


def without_entry(text: str, section: str, name: str) -> str:
    """The text without the entries of that name."""
    document = document_of(text)
    entries = document.get(section) or []
    place = next((index for index, entry in enumerate(entries) if entry.get("name") == name), None)
    if place is None:
        return text
    document[section] = entries[:place] + entries[place + 1 :]
    return without_entry(_edited(text, document, lambda root: _remove(text, root, section, place)), section, name)


def with_current(text: str, name: str) -> str:
    """The text with that current context; none for an empty name."""
    document = document_of(text)
    document[CURRENT] = name
    return _edited(text, document, lambda root: _set(text, root, CURRENT, name))


def _edited(text: str, wanted: Document, edit: Callable[[yaml.MappingNode], str]) -> str:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        edited = edit(root) if isinstance(root, yaml.MappingNode) else ""
        if yaml.safe_load(edited) == wanted:
            return edited
    except (yaml.YAMLError, ValueError):
        pass
    return yaml.safe_dump(wanted, sort_keys=False)


def _insert(text: str, root: yaml.MappingNode, section: str, entry: Document) -> str:
    value = _value(root, section)
    if value is None:
        return _new_key(text, root, section, [entry])
    if not isinstance(value, yaml.SequenceNode):
        return _spliced(text, value.start_mark.index, value.end_mark.index, f" {json.dumps([entry])}")
    start = value.start_mark.index
    if value.flow_style:
        return _spliced(text, start + 1, start + 1, json.dumps(entry) + (", " if value.value else ""))
    indent = " " * value.start_mark.column
    lines = yaml.safe_dump([entry], sort_keys=False, width=2**31).splitlines()
    return _spliced(text, start, start, "".join(f"{line}\n{indent}" for line in lines))


def _remove(text: str, root: yaml.MappingNode, section: str, place: int) -> str:
    value = _value(root, section)
    if not isinstance(value, yaml.SequenceNode):
        raise ValueError(section)  # noqa: TRY004 - caught above: the text is written anew
    items = value.value
    last = place == len(items) - 1
    if value.flow_style:
        start = items[place - 1].end_mark.index if last and place else items[place].start_mark.index
        return _spliced(text, start, items[place].end_mark.index if last else items[place + 1].start_mark.index, "")
    if len(items) == 1:
        key = next(key for key, _ in root.value if key.value == section)
        return _spliced(text, key.end_mark.index, _content_end(items[0]), ": []")
    start = _dash(text, items[place])
    if not last:
        return _spliced(text, start, _dash(text, items[place + 1]), "")
    return _spliced(text, _content_end(items[place - 1]), _content_end(items[place]), "")


def _set(text: str, root: yaml.MappingNode, key: str, scalar: str) -> str:
    value = _value(root, key)
    if value is None:
        return _new_key(text, root, key, scalar)
    start, end = value.start_mark.index, value.end_mark.index
    return _spliced(text, start, end, json.dumps(scalar) if start < end else f" {json.dumps(scalar)}")


def _new_key(text: str, root: yaml.MappingNode, key: str, value: object) -> str:
    if root.flow_style:
        start = root.start_mark.index + 1
        return _spliced(text, start, start, f"{json.dumps(key)}: {json.dumps(value)}" + (", " if root.value else ""))
    ended = text if text.endswith("\n") else f"{text}\n"
    return ended + yaml.safe_dump({key: value}, sort_keys=False, width=2**31)


def _value(root: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in root.value if name.value == key), None)


def _dash(text: str, item: yaml.Node) -> int:
    """Where a block sequence's item begins: at its dash."""
    dash = text.rindex("-", 0, item.start_mark.index)
    if text[dash + 1 : item.start_mark.index].strip():
        raise ValueError("no dash")
    return dash


def _content_end(node: yaml.Node) -> int:
    """Where a node's own text ends; a block's mark stands behind the comments that follow it."""
    children = _children(node)
    if not children or getattr(node, "flow_style", False):
        return int(node.end_mark.index)
    return max(_content_end(child) for child in children)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _spliced(text: str, start: int, end: int, insertion: str) -> str:
    return text[:start] + insertion + text[end:]


def _is_list_of_mappings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)
