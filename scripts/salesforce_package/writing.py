"""Metadata files of Salesforce as text: the root named after the type, children in the order given.

The server and the schema want `fullName` first and the rest in alphabetical order; whoever calls keeps that order.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
Value = str | bool | int | list["Item"]
Item = tuple[str, Value]


def document(root: str, items: Iterable[Item]) -> str:
    """The file: every item is (element, text or children)."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{root} xmlns="{NAMESPACE}">']
    for name, value in items:
        lines += _element(name, value, "    ")
    return "\n".join([*lines, f"</{root}>", ""])


def _element(name: str, value: Value, indent: str) -> list[str]:
    if isinstance(value, list):
        inner = [line for child, content in value for line in _element(child, content, indent + "    ")]
        return [f"{indent}<{name}>", *inner, f"{indent}</{name}>"]
    text = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return [f"{indent}<{name}>{text}</{name}>"]


def changed(files: dict[Path, str]) -> list[Path]:
    """Those whose content on disk differs."""
    return [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def write(files: dict[Path, str]) -> None:
    """Write them all."""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
