"""Creditor references, IBANs and the text of payment codes, by the published examples."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.money import Money
from connector.domain.payment_reference import (
    ReferenceRefused,
    creditor_reference,
    grouped,
    is_creditor_reference,
    is_iban,
    is_same_reference,
    transfer_code,
)

IBAN = "DE89370400440532013000"


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


@pytest.mark.parametrize(
    ("number", "reference"),
    [
        ("539007547034", "RF18539007547034"),
        ("INV202600042", "RF36INV202600042"),
        ("2348236", "RF332348236"),
        ("ACME202611000123", "RF89ACME202611000123"),
        ("acme-2026/11.000123", "RF89ACME202611000123"),
    ],
)
def test_a_number_becomes_the_reference_of_the_standard(number: str, reference: str) -> None:
    assert creditor_reference(number) == reference
    assert is_creditor_reference(reference)


@given(st.text("ABCXYZ0123456789", min_size=1, max_size=21), st.integers(0, 24), st.sampled_from("ABC0189"))
def test_a_typing_error_never_gives_another_right_reference(number: str, place: int, typed: str) -> None:
    reference = creditor_reference(number)
    place = min(max(place, 2), len(reference) - 1)
    wrong = reference[:place] + typed + reference[place + 1 :]

    assert is_creditor_reference(reference)
    assert wrong == reference or not is_creditor_reference(wrong)


@pytest.mark.parametrize("number", ["", "--", "A" * 22, "RE 2026 Ä", "12_34§"])
def test_what_cannot_be_a_reference_is_refused(number: str) -> None:
    with pytest.raises(ReferenceRefused):
        creditor_reference(number)


def test_blanks_case_and_stripped_zeros_do_not_change_a_reference() -> None:
    assert is_same_reference("rf18 5390 0754 7034", "RF18539007547034")
    assert is_same_reference("RF78123", "RF780000123")
    assert not is_same_reference("RF18539007547034", "RF332348236")
    assert grouped("RF18539007547034") == "RF18 5390 0754 7034"


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        (IBAN, True),
        ("de89 3704 0044 0532 0130 00", True),
        ("DE88370400440532013000", False),
        ("DE", False),
        ("", False),
    ],
)
def test_an_iban_is_known_by_its_check_digits(text: str, is_right: bool) -> None:
    assert is_iban(text) is is_right


def test_a_payment_code_has_the_lines_of_the_standard() -> None:
    code = transfer_code(
        name="Example SaaS GmbH", iban=IBAN, amount=euros("1190.00"), reference=creditor_reference("539007547034")
    )

    expected = f"BCD\n002\n1\nSCT\n\nExample SaaS GmbH\n{IBAN}\nEUR1190.00\n\nRF18539007547034"
    assert code == expected
    assert len(code.encode()) == 84


def test_free_words_stand_in_the_line_after_the_reference() -> None:
    code = transfer_code(name="Example", iban=IBAN, amount=euros("0.01"), bic="cobadeffxxx", text="Invoice 42\nthanks")

    assert code.split("\n")[4:] == ["COBADEFFXXX", "Example", IBAN, "EUR0.01", "", "", "Invoice 42 thanks"]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Money(Decimal(5), "USD")},
        {"amount": euros("0.00")},
        {"amount": euros("1000000000.00")},
        {"iban": "DE00370400440532013000"},
        {"bic": "nobic"},
        {"reference": "RF00123"},
        {"reference": "RF332348236", "text": "both"},
        {"text": "x" * 141},
    ],
)
def test_what_the_standard_cannot_carry_is_refused(changes: dict[str, object]) -> None:
    known: dict[str, object] = {"name": "Example", "iban": IBAN, "amount": euros("5.00")}
    with pytest.raises(ReferenceRefused):
        transfer_code(**{**known, **changes})  # type: ignore[arg-type]


def test_a_long_name_is_cut_and_the_code_stays_within_its_bytes() -> None:
    code = transfer_code(name="株" * 200, iban=IBAN, amount=euros("5.00"), reference="RF332348236")

    assert code.split("\n")[5] == "株" * 70
    assert len(code.encode()) <= 331
