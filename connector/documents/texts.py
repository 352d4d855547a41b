"""Our words on a document, per language: titles, labels, sentences.

Exists so that a template names a text and never holds one. The tables are in `texts/`, one file per language, all with
the same keys. A customer's own text is never translated and never used as a pattern.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "de", "fr", "es", "ja", "he")
_DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Texts:
    """One language: its code, its own name, Babel locale, reading direction, and the texts by their place."""

    language: str
    name: str
    locale: str
    direction: str
    title: Mapping[str, str]
    banner: Mapping[str, str]
    label: Mapping[str, str]
    sentence: Mapping[str, str]
    page: Mapping[str, str]
    mail: Mapping[str, str]
    reminder: Mapping[str, str]


def language_for(wanted: str) -> str:
    """The language of ours nearest to a tag such as `de-AT`; English when there is none."""
    code = wanted.replace("_", "-").partition("-")[0].casefold()
    return {"iw": "he"}.get(code, code) if code in (*LANGUAGES, "iw") else _DEFAULT


@cache
def texts_of(language: str) -> Texts:
    """The texts of one of LANGUAGES. Raises KeyError for another one."""
    if language not in LANGUAGES:
        raise KeyError(language)
    source = (files("connector.documents") / "texts" / f"{language}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(source)
    return Texts(language=language, **table)
