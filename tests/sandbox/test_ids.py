"""Ids are valid for any client that checks them."""

from __future__ import annotations

import pytest

from connector.sandbox.ids import IdSource, NotAnId, full_id, numbered_id


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("00DV0000008s2Sr", "00DV0000008s2SrMAI"),
        ("0Q0000000000000", "0Q0000000000000CAA"),
        ("aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaAAA"),
        ("AAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAA555"),
    ],
)
def test_check_letters_follow_the_case_of_each_block_of_five(short: str, whole: str) -> None:
    assert full_id(short) == whole
    assert full_id(whole) == whole


def test_lost_case_is_repaired_by_the_check_letters() -> None:
    whole = numbered_id("0Q0", 12_345_678)

    assert full_id(whole.lower()) == whole
    assert full_id(whole.upper()) == whole


@pytest.mark.parametrize("text", ["", "0Q0", "0Q0gL00000000019AA", "0Q0gL000000000!", "0Q0gL0000000001SA9", "é" * 15])
def test_text_that_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(NotAnId):
        full_id(text)


def test_made_ids_are_different_and_valid() -> None:
    source = IdSource()

    made = [source.next("0QL") for _ in range(5_000)]

    assert len(set(made)) == 5_000
    assert all(full_id(one[:15]) == one and one.startswith("0QL") for one in made)
