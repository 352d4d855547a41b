"""JSON that keeps every digit."""

import json
import math
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.exact_json import exact_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("12345678901234.123"), "12345678901234.123"),
        (Decimal("0.10"), "0.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-1E-7"), "-0.0000001"),
        (True, "true"),
        (None, "null"),
        ({"a": [1, "ü\n", Decimal("2.50")]}, '{"a":[1,"\\u00fc\\n",2.50]}'),
    ],
)
def test_values_are_written_with_their_own_digits(value: object, text: str) -> None:
    assert exact_json(value) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_reading_back_gives_the_same_value(value: object) -> None:
    read = json.loads(exact_json(value), parse_float=Decimal)

    assert read == value


@pytest.mark.parametrize("value", [1.5, math.inf, date(2026, 1, 1), {1: "x"}, {"a": {2.5}}])
def test_floats_dates_and_other_keys_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        exact_json(value)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity")])
def test_numbers_that_json_does_not_know_are_refused(value: Decimal) -> None:
    with pytest.raises(ValueError, match="NaN"):
        exact_json(value)
