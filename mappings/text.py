"""Text from Salesforce made fit for pages, documents and XML: what is kept, what is dropped, how long it may be.

Exists because people paste: control characters break XML invoices, direction marks can disguise a name. It must not
judge what a text means.
"""

from __future__ import annotations

import unicodedata

# Cc control, Cf invisible marks (direction, soft hyphen, zero width), Cs half of a character pair, Co private, Cn
# unassigned (with the non-characters XML forbids).
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Invisible marks that belong to words: joiners of Indic and Persian scripts and emoji, signs of Arabic and Syriac.
_KEPT_MARKS = frozenset("\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
_SPACES = frozenset("\t\r\n\x0b\x0c\x85\u2028\u2029")


def cleaned(text: str) -> str:
    """The text on one line: no control characters, runs of white space as one space, none at the ends."""
    return " ".join(_visible(text).split())


def cleaned_lines(text: str) -> str:
    """The same for texts of several lines (streets, descriptions): line breaks stay, empty lines go."""
    lines = (cleaned(line) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def shortened(text: str, *, limit: int) -> str:
    """The text, cut to `limit` characters with an ellipsis at the cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def quoted(value: object, *, limit: int = 80) -> str:
    """A found value as shown in a message: cleaned, cut, in quotation marks."""
    return f"'{shown(value, limit=limit)}'"


def shown(value: object, *, limit: int = 80) -> str:
    """A found value as text for a fault: cleaned and cut, never an error whatever the value is."""
    if isinstance(value, str):
        # Cleaning megabytes to show 80 characters would be work for nothing.
        return shortened(cleaned(value[: limit * 4]), limit=limit)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return f"a {'list' if not isinstance(value, dict) else 'record'} of {len(value)} values"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a number of very many digits"
    return shortened(cleaned(str(value)[: limit * 4]), limit=limit)


def _visible(text: str) -> str:
    return "".join(" " if character in _SPACES else character for character in text if _is_kept(character))


def _is_kept(character: str) -> bool:
    return (
        character in _SPACES or character in _KEPT_MARKS or unicodedata.category(character) not in _DROPPED_CATEGORIES
    )
