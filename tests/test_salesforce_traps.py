"""The list of traps is complete, and every test it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (TESTS.parent / "docs/salesforce-traps.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d", line)
]


def test_every_trap_has_its_row() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 56))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_names_tests_that_exist_or_a_reason(row: list[str]) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", row[2])

    missing = [f"{path}::{name}" for path, name in named if not _exists(path, name)]

    assert missing == []
    assert named or row[3]


@pytest.mark.parametrize(
    "case", sorted(set(re.findall(r"`(\w+)`", " ".join(row[3] for row in ROWS if "Case" in row[3]))))
)
def test_each_golden_case_that_is_named_exists(case: str) -> None:
    assert (TESTS / "mappings/golden" / case / "record.json").exists()


def _exists(path: str, name: str) -> bool:
    file = TESTS / path
    return file.exists() and f"def {name}(" in file.read_text(encoding="utf-8")
