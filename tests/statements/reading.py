"""Descriptions of CSV exports, and statements as text, for the tests of bank files."""

from __future__ import annotations

from pathlib import Path

from connector.domain.bank_statements import BankStatement
from connector.statements.csv_rows import CsvDescription

SAMPLES = Path(__file__).parent / "samples"

SAVINGS_BANK = CsvDescription(
    name="savings-bank",
    date="Buchungstag",
    value_date="Valutadatum",
    amount="Betrag",
    currency="Waehrung",
    text=("Buchungstext", "Verwendungszweck"),
    end_to_end="Kundenreferenz (End-to-End)",
    other_name="Beguenstigter/Zahlungspflichtiger",
    other_account="Kontonummer/IBAN",
    own_account="Auftragskonto",
    date_format="%d.%m.%y",
    newest_first=True,
    returns=("RETOURE",),
)
AMERICAN = CsvDescription(
    name="american",
    date="Posting Date",
    credit="Credit",
    debit="Debit",
    balance="Balance",
    text=("Description",),
    delimiter=",",
    decimal=".",
    date_format="%m/%d/%Y",
    newest_first=True,
    account="9876543210",
    default_currency="USD",
)
DESCRIPTIONS = (SAVINGS_BANK, AMERICAN)


def as_text(statement: BankStatement) -> str:
    """A statement as lines: account and balances, then day, amount, references, payer of each entry."""
    lines = [f"{statement.account} no {statement.number}: {statement.opening} to {statement.closing}"]
    for entry in statement.entries:
        back = " REVERSAL" if entry.is_reversal else ""
        lines.append(
            f"{entry.booked_on} {entry.amount}{back} [{entry.bank_ref}] ({entry.end_to_end}) "
            f"<{', '.join(entry.references)}> {entry.other_name} {entry.other_account}".rstrip()
        )
    return "\n".join(lines)
