"""Whatever a record holds, mapping it gives an order, faults, or "not ready yet"; nothing else may come out."""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.domain.terms import Order
from connector.ports import Record
from mappings import MappingRefused
from mappings.faults import RecordNotReady
from tests.mappings.making import make_cpq_quote, make_record, model_mappings

# Values that look right at first sight, so that the search goes deeper than "not a date".
NEARLY_RIGHT = (
    "2026-01-31", "9999-12-31", "0001-01-01", "2026-02-30", "2026-01-01T23:30:00.000+0000", "0001-01-01T00:00:00Z",
    "Net 30", "Net 99999", "Upsell", "Cancellation", "Upfront", "Unlimited", "USD", "KWD", "true", "1e308", "-0", "NaN",
    '[{"up_to": null, "unit_price": "1"}]', '[{"up_to": null, "unit_price": 1e999}]', "[" * 5000, '{"a": 1}', "[]",
    "0Q05g000001AbCd", "a" * 18, "\ud800", "\u202e", "x" * 5000, "", " ", "-", "__",
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from((0, 1, -1, 12, 12000, 10**30, 10**4000))
    | st.floats()
    | st.decimals()
    | st.sampled_from((Decimal("1E+999999"), Decimal("1E-999999"), Decimal("sNaN"), Decimal("-0.000")))
    | st.text(max_size=30)
    | st.sampled_from(NEARLY_RIGHT)
    | st.dates()
)
GARBAGE = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
ABSENT = object()


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A good record of any kind in which some fields, of header or lines, hold anything or are gone."""
    kind = draw(st.sampled_from(("Quote", "Opportunity", "Order", "SBQQ__Quote__c")))
    lines: list[dict[str, Any]] = [{} for _ in range(draw(st.integers(0, 3)))]
    record = make_cpq_quote(lines=lines) if kind == "SBQQ__Quote__c" else make_record(kind, lines=lines)
    for row in (record.fields, *record.lines):
        _spoil(draw, row)
    return record


def _spoil(draw: st.DrawFn, row: Any) -> None:
    for name in draw(st.lists(st.sampled_from(sorted(row)), max_size=6)) if row else []:
        value = draw(GARBAGE | st.just(ABSENT))
        if value is ABSENT:
            row.pop(name, None)
        elif isinstance(row.get(name), dict) and draw(st.booleans()):
            _spoil(draw, row[name])
        else:
            row[name] = value


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=records())
def test_any_record_becomes_an_order_or_is_refused_with_faults(record: Record) -> None:
    try:
        order = model_mappings()[record.ref.object].to_order(record)
    except RecordNotReady:
        assert record.fields["SBQQ__Uncalculated__c"]
    except MappingRefused as error:
        assert error.faults
        assert all(fault.code.isupper() and fault.message and fault.fix and fault.owner for fault in error.faults)
        assert not [character for character in str(error) if unicodedata.category(character) in ("Cc", "Cs")]
    else:
        _assert_sound(order)


def _assert_sound(order: Order) -> None:
    """An order that came out has the types it promises, with numbers that can be reckoned with."""
    assert type(order.starts_on) is date and type(order.ends_on) is date
    for item in order.line_items:
        assert type(item.starts_on) is date and type(item.ends_on) is date
        for number in (item.quantity, item.unit_price, item.discount_percent, item.minimum_amount):
            assert isinstance(number, Decimal) and number.is_finite() and abs(number) < 10**18
