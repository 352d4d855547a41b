"""Which faces a text needs, and what none of them can draw.

Exists because a PDF holds its fonts: loading only those whose characters occur keeps a plain invoice fast and small,
and a character without a glyph must be seen as such, never be a blank. The files are beside this module in `fonts/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

# Joiners and variation selectors steer how glyphs are combined; PDF text has no such step, and no glyph for them.
_STEERING = re.compile("[\u00ad\u200b-\u200d\u2060\ufe00-\ufe0f\U000e0000-\U000e01ef]")
# A narrow no-break space would be taken for a blank at which a line may end.
_NARROW_SPACES = str.maketrans({"\u202f": "\u00a0", "\u2009": "\u00a0", "\u2007": "\u00a0"})
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class Family:
    """A typeface: its CSS name and its files; without a bold one the regular one serves for both."""

    name: str
    regular: str
    bold: str = ""


# In this order a character finds its face. Hebrew and Arabic come after the first, which has their punctuation.
FAMILIES = (
    Family("Document Sans", "NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    Family("Document Hebrew", "NotoSansHebrew-Regular.ttf", "NotoSansHebrew-Bold.ttf"),
    Family("Document Arabic", "NotoSansArabic-Regular.ttf", "NotoSansArabic-Bold.ttf"),
    Family("Document Japanese", "NotoSansJP-Regular.ttf", "NotoSansJP-Bold.ttf"),
    Family("Document Symbols", "DejaVuSans-Symbols.ttf"),
    Family("Document Emoji", "NotoEmoji-Regular.ttf"),
)


def fonts_folder() -> Path:
    """Where the font files are."""
    with as_file(files("connector.documents") / "fonts") as folder:
        return folder


def families_for(characters: Iterable[str]) -> tuple[Family, ...]:
    """The families that these characters need, the first one always."""
    needed = {_family_of(character) for character in set(characters)}
    return tuple(family for index, family in enumerate(FAMILIES) if index == 0 or family in needed)


def drawable(text: str) -> str:
    """The text with what has no glyph replaced by a visible sign, and without what only steers glyphs."""
    plain = _STEERING.sub("", text).translate(_NARROW_SPACES)
    if plain.isascii():
        return plain
    return "".join(_drawable_character(character) for character in plain)


def undrawable(text: str) -> tuple[str, ...]:
    """The distinct characters of the text that no face has, in their order."""
    plain = _STEERING.sub("", text).translate(_NARROW_SPACES)
    found = (character for character in plain if _drawable_character(character) != character)
    return tuple(dict.fromkeys(found))


@cache
def _drawable_character(character: str) -> str:
    if character.isspace() or character in "\u200e\u200f\u061c" or _family_of(character) is not None:
        return character
    return _REPLACEMENT


@cache
def _family_of(character: str) -> Family | None:
    code = ord(character)
    return next((family for family in FAMILIES if code in _coverage()[family.regular]), None)


@cache
def _coverage() -> dict[str, frozenset[int]]:
    """The characters of each file."""
    rows = (fonts_folder() / "coverage.txt").read_text(encoding="ascii").splitlines()
    found = {}
    for row in rows:
        name, *spans = row.split()
        codes: set[int] = set()
        for span in spans:
            first, _, last = span.partition("-")
            codes.update(range(int(first, 16), int(last or first, 16) + 1))
        found[name] = frozenset(codes)
    return found
