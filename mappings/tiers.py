"""The JSON of a price table read into tiers, exactly.

Exists because a price table is typed by people into a long text field: each row that cannot be read is named. Numbers
never become float. Whether the tiers make sense together (ascending, no gap) is not judged here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.domain.terms import Tier
from mappings.numbers import NotANumber, OutOfRange, exact_number
from mappings.text import quoted

# The field holds 4,000 characters in the model org, 131,072 at most; a price table of 200 rows is beyond any seen.
_LONGEST_TEXT = 32_000
_MOST_ROWS = 200
_KEYS = ("up_to", "unit_price", "flat_price")


class UnreadableTiers(ValueError):
    """The price table cannot be read; `faults` holds one sentence for each reason."""

    def __init__(self, *faults: str) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


def parse_tiers(text: str) -> tuple[Tier, ...]:
    """The tiers of a JSON list of `{"up_to": "50" or null, "unit_price": "30", "flat_price": "0"}`.

    Numbers may be text or JSON numbers. A price that is left out is 0, but one of the two must be given. Raises
    UnreadableTiers with a sentence for every row that is wrong.
    """
    rows = _rows(text)
    faults: list[str] = []
    tiers = [_tier(row, number, faults) for number, row in enumerate(rows, start=1)]
    if faults:
        raise UnreadableTiers(*faults)
    return tuple(tier for tier in tiers if tier is not None)


def _rows(text: str) -> list[Any]:
    if len(text) > _LONGEST_TEXT:
        raise UnreadableTiers(f"It is longer than {_LONGEST_TEXT} characters.")
    try:
        found = json.loads(
            text, parse_float=_as_text, parse_int=_as_text, parse_constant=_as_text, object_pairs_hook=_row_of_pairs
        )
    except RecursionError:
        raise UnreadableTiers("It is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise UnreadableTiers(f"It is not valid JSON (near character {error.pos + 1}).") from error
    if not isinstance(found, list):
        raise UnreadableTiers("It is not a list of tiers in square brackets.")
    if not found:
        raise UnreadableTiers("The list of tiers is empty.")
    if len(found) > _MOST_ROWS:
        raise UnreadableTiers(f"It has {len(found)} tiers; {_MOST_ROWS} are allowed.")
    return found


def _as_text(digits: str) -> str:
    """JSON numbers stay text until they are read exactly; no float is ever made."""
    return digits


def _row_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object as a dict that remembers a doubled key, which JSON would otherwise swallow."""
    row = dict(pairs)
    if len(row) < len(pairs):
        row["\0doubled"] = True
    return row


def _tier(row: Any, number: int, faults: list[str]) -> Tier | None:
    found_before = len(faults)
    if not isinstance(row, dict):
        faults.append(f"Tier {number} is {quoted(row)} instead of up_to, unit_price and flat_price in braces.")
        return None
    _check_keys(row, number, faults)
    up_to = None if row.get("up_to") is None else _number(row, "up_to", number, faults)
    unit_price = _number(row, "unit_price", number, faults)
    flat_price = _number(row, "flat_price", number, faults)
    return Tier(up_to, unit_price, flat_price) if len(faults) == found_before else None


def _check_keys(row: Mapping[str, Any], number: int, faults: list[str]) -> None:
    if "\0doubled" in row:
        faults.append(f"Tier {number} has the same key twice.")
    unknown = sorted(key for key in row if key not in _KEYS and key != "\0doubled")
    if unknown:
        faults.append(f"Tier {number} has {quoted(unknown[0])}, which is none of up_to, unit_price, flat_price.")
    if "up_to" not in row:
        faults.append(f"Tier {number} has no up_to (null for the last tier).")
    if "unit_price" not in row and "flat_price" not in row:
        faults.append(f"Tier {number} has neither unit_price nor flat_price.")


def _number(row: Mapping[str, Any], key: str, number: int, faults: list[str]) -> Decimal:
    if key not in row:
        return Decimal(0)
    value = row[key]
    try:
        return exact_number(value if isinstance(value, str) else None)
    except (NotANumber, OutOfRange) as error:
        why = "is not a number" if isinstance(error, NotANumber) else "has too many digits"
        faults.append(f"Tier {number}: {key} is {'null' if value is None else quoted(value)}, which {why}.")
        return Decimal(0)
