"""Published and computed billing cases, read from the two tables beside this file."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One row of `billing_cases.csv`; numbers are Decimal or text, never float."""

    name: str
    kind: str
    given: dict[str, Any]
    expected: dict[str, Any]


def billing_cases() -> list[Case]:
    """Every row of the table of billing cases."""
    with (_HERE / "billing_cases.csv").open(encoding="utf-8", newline="") as file:
        return [
            Case(row["case"], row["kind"], _exact(row["inputs_json"]), _exact(row["expected_json"]))
            for row in csv.DictReader(file)
        ]


def pricing_cases() -> list[dict[str, str]]:
    """Every row of the table of deal shapes, as text."""
    with (_HERE / "stigg_pricing_cases.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _exact(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return parsed
