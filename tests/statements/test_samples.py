"""One sample of each format and dialect, read whole, with the entries that a person would read in it."""

from __future__ import annotations

import pytest

from connector.domain.payment_reference import references_in
from connector.statements.reading import read_statements
from tests.statements.reading import DESCRIPTIONS, SAMPLES, as_text

EXPECTED = {
    "camt053_v2_batch.xml": (
        "camt.053",
        """
        DE89370400440532013000 no 42: 1000.00 EUR to 2390.00 EUR
        2026-03-02 1190.00 EUR [2026030212345678000] () <> ACME ANALYTICS GMBH DE02120300000000202051
        2026-03-02 100.00 EUR [2026030212345679000] (E2E-1) <RF332348236, RF18539007547034> First Ltd
        2026-03-02 200.00 EUR [2026030212345679000] (E2E-2) <> Second Ltd
        2026-03-02 -100.00 EUR REVERSAL [2026030212345680000] (E2E-0) <> Late Payer AG
        """,
    ),
    "camt053_v8_nordic.xml": (
        "camt.053",
        """
        DE89370400440532013000 no 7: -50 EUR to 450.5 EUR
        2026-03-04 500.50 EUR [FI-991-1] (PO 4711) <RF18539007547034> Björk Oy FI2112345600000785
        """,
    ),
    "mt940_german.sta": (
        "mt940",
        """
        37040044/0532013000 no 00012/001: 1000.00 EUR to 2077.50 EUR
        2026-03-02 1190.00 EUR [BANKREF1] () <> ACME ANALYTICS GMBH DE02120300000000202051
        2026-03-03 -100.00 EUR REVERSAL [BANKREF2] (E2E-0) <E2E-0> LATE PAYER AG
        2026-03-03 -12.50 EUR [BANKREF3] () <>
        """,
    ),
    "mt940_dutch.sta": (
        "mt940",
        """
        DE89370400440532013000EUR no 00064: 0.00 EUR to 2000.00 EUR
        2026-03-05 2000.00 EUR [06064001234567] (INV-778) <INV-778> STROOPWAFEL B.V. NL27INGB0000026500
        """,
    ),
    "bai2_american.bai": (
        "bai2",
        """
        9876543210 no 2026-03-05: 1000.00 USD to 3740.50 USD
        2026-03-05 2500.00 USD [WIRE0001] () <>
        2026-03-05 300.00 USD [ACH0001] (IND123) <IND123>
        2026-03-05 -9.50 USD [CHK1001] (1001) <1001>
        2026-03-05 -50.00 USD REVERSAL [ACHRET1] (IND099) <IND099>
        """,
    ),
    "csv_savings_bank.csv": (
        "csv:savings-bank",
        """
        DE89370400440532013000 no 2026-03-02 to 2026-03-03: None to None
        2026-03-02 -100.00 EUR REVERSAL [] (E2E-0) <> LATE PAYER AG
        2026-03-03 1190.00 EUR [] () <> ACME ANALYTICS GMBH DE02120300000000202051
        """,
    ),
    "csv_american.csv": (
        "csv:american",
        """
        9876543210 no 2026-03-04 to 2026-03-05: 1515.00 USD to 2800.00 USD
        2026-03-04 -15.00 USD [] () <>
        2026-03-05 1300.00 USD [] () <>
        """,
    ),
}


def test_every_sample_has_its_expected_entries() -> None:
    assert {file.name for file in SAMPLES.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_reads_as_a_person_reads_it(name: str) -> None:
    found = read_statements(content=(SAMPLES / name).read_bytes(), descriptions=DESCRIPTIONS)

    form, text = EXPECTED[name]
    assert found.format == form
    assert "\n".join(as_text(one) for one in found.statements).split() == text.split()


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("camt053_v2_batch.xml", "DE2026000042"),
        ("camt053_v8_nordic.xml", "539007547034"),
        ("mt940_german.sta", "539007547034"),
        ("mt940_dutch.sta", "539007547034"),
    ],
)
def test_a_reference_is_found_however_the_bank_folded_it(name: str, reference: str) -> None:
    (statement,) = read_statements(content=(SAMPLES / name).read_bytes()).statements

    entry = statement.entries[0]
    assert reference in references_in([*entry.references, entry.text]).proved


def test_what_is_pending_does_not_count() -> None:
    (statement,) = read_statements(content=(SAMPLES / "camt053_v2_batch.xml").read_bytes()).statements

    assert statement.pending == 1
    assert "999" not in as_text(statement)


@pytest.mark.parametrize("name", ["bai2_american.bai"])
def test_a_number_without_check_digits_is_found_in_american_text(name: str) -> None:
    (statement,) = read_statements(content=(SAMPLES / name).read_bytes()).statements

    wire, ach = statement.entries[:2]
    assert "US2026000007" in references_in([wire.text]).likely
    assert "US2026000009" in references_in([ach.text]).likely
