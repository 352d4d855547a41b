"""Golden mappings: records as the model org answers them, beside the order or the faults they must become.

Each folder of `golden/` is a case: `record.json` with `expected.json` or `expected-error.txt`. After a change of the
mapping, run with `--update-golden` and read the difference.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.domain.terms import Order, RecordRef
from connector.ports import Record
from mappings import MappingRefused
from tests.mappings.making import ORG, READ_AT, example_mappings, model_mappings

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


@pytest.mark.parametrize("case", CASES)
def test_record_becomes_what_the_golden_file_says(case: str, request: pytest.FixtureRequest) -> None:
    record, settings = _record(GOLDEN / case / "record.json")

    name, text = _outcome(record, settings)

    if request.config.getoption("--update-golden", default=False):
        _rewrite(GOLDEN / case, name, text)
    assert _expected(GOLDEN / case) == (name, text)


def test_golden_cases_cover_every_deal_type_price_model_and_product_kind() -> None:
    orders = [json.loads(file.read_text()) for file in GOLDEN.glob("*/expected.json")]
    lines = [line for order in orders for line in order["line_items"]]

    assert {order["deal_type"] for order in orders} == {
        "new", "upsell", "downsell", "amendment", "renewal", "cancellation",
    }  # fmt: skip
    assert {line.get("price_model", "per_unit") for line in lines} >= {
        "per_unit",
        "tiered",
        "volume",
        "stairstep",
        "package",
    }
    assert {line.get("charge_type", "recurring") for line in lines} == {"recurring", "one_time", "usage"}
    assert {line.get("provision", {"kind": "nothing"})["kind"] for line in lines} == {
        "plan",
        "add_on",
        "entitlement",
        "credit",
        "nothing",
    }
    assert {order["source"]["object"] for order in orders} == {
        "Quote", "Opportunity", "Order", "Contract", "SBQQ__Quote__c",
    }  # fmt: skip


def _record(file: Path) -> tuple[Record, str]:
    """The record, and the example file that reads it when it is not the model org's."""
    raw = json.loads(file.read_text(), parse_float=Decimal)
    header = raw["record"]
    ref = RecordRef(ORG, header["attributes"]["type"], header["Id"])
    record = Record(ref=ref, fields=header, lines=tuple(raw["lines"]), read_at=READ_AT)
    return record, raw.get("settings", "")


def _outcome(record: Record, settings: str) -> tuple[str, str]:
    mappings = example_mappings(settings) if settings else model_mappings()
    try:
        order = mappings[record.ref.object].to_order(record)
    except MappingRefused as error:
        return "expected-error.txt", "\n".join(_told(fault) for fault in error.faults)
    return "expected.json", _as_json(order)


def _told(fault: Any) -> str:
    where = f"line {fault.line}, {fault.field}" if fault.line else fault.field
    return (
        f"{fault.code} ({fault.owner}; {where or 'record'}; found: {fault.value!r})\n  {fault.message}\n  {fault.fix}\n"
    )


def _as_json(order: Order) -> str:
    return json.dumps(_told_values(order), indent=1, default=_plain, ensure_ascii=False) + "\n"


def _told_values(value: Any) -> Any:
    """Values that are not their field's default, so that a new field of the domain changes no file."""
    if isinstance(value, tuple):
        return [_told_values(item) for item in value]
    if not is_dataclass(value):
        return value
    told = {field.name: getattr(value, field.name) for field in fields(value)}
    return {
        field.name: _told_values(told[field.name]) for field in fields(value) if told[field.name] != _default(field)
    }


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    assert isinstance(value, date) and not isinstance(value, datetime), f"{value!r} has no golden form"
    return value.isoformat()


def _expected(folder: Path) -> tuple[str, str]:
    found = [file for file in folder.iterdir() if file.name != "record.json"]
    assert len(found) == 1, f"{folder.name} needs one expected file; run with --update-golden"
    return found[0].name, found[0].read_text()


def _rewrite(folder: Path, name: str, text: str) -> None:
    for file in folder.iterdir():
        if file.name != "record.json":
            file.unlink()
    (folder / name).write_text(text)
