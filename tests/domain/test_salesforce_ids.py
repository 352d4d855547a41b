"""Record ids: one record, one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.salesforce_ids import NotASalesforceId, id18

KNOWN = ["00DV0000008s2SrMAI", "04k460000004DXEAA2", "04lV000000nKC8cIAG", "0Q0V0000000abcdKAA"]
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize("known", KNOWN)
def test_both_forms_in_any_case_become_the_long_form(known: str) -> None:
    assert {id18(known[:15]), id18(known), id18(known.lower()), id18(known.upper()), id18(f" {known}\n")} == {known}


@given(st.text(ALPHABET, min_size=15, max_size=15))
def test_the_long_form_tells_the_case_of_the_short_one(short: str) -> None:
    long = id18(short)

    assert (len(long), long[:15]) == (18, short)
    assert id18(long) == id18(long.lower()) == id18(long.upper()) == long


@given(st.text(max_size=20))
def test_any_text_is_an_id_or_refused(text: str) -> None:
    try:
        assert len(id18(text)) == 18
    except NotASalesforceId as refusal:
        assert refusal.fix


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0Q0",
        "0Q0V0000000abcdK",
        "0Q0V0000000abcdKAAx",
        "0Q0V0000000abc'",
        "0Q0V0000000abcdZZZ",
        "0Q0V0000000abcd999",
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(NotASalesforceId):
        id18(text)


def test_a_long_wrong_text_is_shown_only_in_part() -> None:
    with pytest.raises(NotASalesforceId) as refusal:
        id18("x" * 5000)

    assert len(str(refusal.value)) < 120
