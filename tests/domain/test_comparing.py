"""Two documents compared: places, rows matched by their ref, what is on one side only."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.comparing import Change, changes

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_a_value_that_differs_is_named_by_its_place() -> None:
    was = {"customer": {"name": "Aurora"}, "starts_on": date(2026, 4, 1)}
    would_be = {"customer": {"name": "Aurora GmbH"}, "starts_on": date(2026, 4, 1)}

    assert changes(was=was, would_be=would_be) == (Change("customer.name", "Aurora", "Aurora GmbH"),)


def test_rows_with_a_ref_are_matched_by_it_whatever_their_order() -> None:
    was = {"lines": [{"ref": "a", "quantity": Decimal(1)}, {"ref": "b", "quantity": Decimal(2)}]}
    would_be = {"lines": [{"ref": "b", "quantity": Decimal(3)}, {"ref": "a", "quantity": Decimal("1.0")}]}

    assert changes(was=was, would_be=would_be) == (Change("lines[b].quantity", Decimal(2), Decimal(3)),)


def test_a_row_on_one_side_only_is_told_whole() -> None:
    row = {"ref": "b", "quantity": Decimal(2)}

    assert changes(was={"lines": [row]}, would_be={"lines": []}) == (Change("lines[b]", row, None),)


def test_rows_without_refs_are_matched_by_position() -> None:
    assert changes(was=["a", "b"], would_be=["a", "c"]) == (Change("[2]", "b", "c"),)


def test_a_missing_member_is_told_even_when_the_other_side_says_nothing() -> None:
    assert changes(was={}, would_be={"po_number": None}) == (Change("po_number", None, None),)


@given(DOCUMENTS)
def test_a_document_is_equal_to_itself(document: object) -> None:
    assert changes(was=document, would_be=document) == ()


@given(DOCUMENTS, DOCUMENTS)
def test_different_documents_have_a_change_and_equal_ones_have_none(one: object, other: object) -> None:
    assert bool(changes(was=one, would_be=other)) == (one != other)
