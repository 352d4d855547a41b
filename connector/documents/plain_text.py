"""Text from people as it may stand on a document: every sign is shown, none acts.

Exists because a name or a memo may hold control characters, marks that turn the reading direction round, or half of a
surrogate pair. Those go; everything visible stays as it was written. It must not shorten or translate anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from unicodedata import bidirectional

# What XML 1.0 and HTML cannot hold, except for tab and the ends of lines.
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")
# Embeddings, overrides and isolates change how everything after them reads, so an amount could seem another one. The
# weak marks (U+200E, U+200F, U+061C) touch only their neighbours, and Hebrew and Arabic writers need them.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LINE_ENDS = re.compile("\r\n?|\u2028|\u2029|\x85")


def readable(text: str) -> str:
    """The text without characters that no format can hold or that turn the direction of what follows."""
    return _TURNING.sub("", _NOT_TEXT.sub("", _LINE_ENDS.sub("\n", text)))


def one_line(text: str) -> str:
    """Readable text on one line."""
    return " ".join(readable(text).split())


def reading(text: str) -> str:
    """The direction in which a text is read, `ltr` or `rtl`: that of its first letter."""
    classes = (bidirectional(character) for character in text)
    return "rtl" if next((found for found in classes if found in ("L", "R", "AL")), "L") in ("R", "AL") else "ltr"


def all_readable(values: Mapping[str, object]) -> dict[str, object]:
    """The values with every text in them made readable; lists and tables inside included."""
    return {key: _readable_value(value) for key, value in values.items()}


def _readable_value(value: object) -> object:
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, Mapping):
        return all_readable(value)
    if isinstance(value, list | tuple):
        return [_readable_value(entry) for entry in value]
    return value
