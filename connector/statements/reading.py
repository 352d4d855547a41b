"""Which format a file of a bank is, and its statements: the one door to all readers.

A file that is too large, empty, in an unknown encoding or in no known format is refused in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.bank_statements import BankStatement, OurAccount, StatementRefused, check_statement
from connector.statements.bai2_text import is_bai2, read_bai2
from connector.statements.camt053 import is_camt, read_camt
from connector.statements.csv_rows import CsvDescription, fits, read_csv
from connector.statements.mt940_text import is_mt940, read_mt940

DEFAULT_LARGEST = 64_000_000
# The head of a file tells its format.
_HEAD = 10_000


@dataclass(frozen=True, slots=True)
class StatementRules:
    """The settings of importing: our accounts, descriptions of CSV exports, the largest file in bytes."""

    accounts: tuple[OurAccount, ...] = ()
    descriptions: tuple[CsvDescription, ...] = ()
    largest: int = DEFAULT_LARGEST


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file holds: every statement adds up."""

    format: str
    statements: tuple[BankStatement, ...]

    @property
    def entry_count(self) -> int:
        """All booked entries."""
        return sum(len(one.entries) for one in self.statements)


def read_statements(
    *, content: bytes, descriptions: Sequence[CsvDescription] = (), largest: int = DEFAULT_LARGEST
) -> ReadFile:
    """The statements of a file, checked. Raises StatementRefused."""
    if not content.strip():
        raise StatementRefused("The file is empty.", code="EMPTY")
    if len(content) > largest:
        raise StatementRefused(
            f"The file has {len(content):,} bytes; at most {largest:,} are read.",
            code="TOO_LARGE",
            fix="Ask the bank for one file a day, or raise largest_statement under [cash].",
        )
    form, statements = _read(content, descriptions)
    for statement in statements:
        check_statement(statement)
    return ReadFile(form, tuple(statements))


def _read(content: bytes, descriptions: Sequence[CsvDescription]) -> tuple[str, list[BankStatement]]:
    if is_camt(content[:_HEAD]):
        return "camt.053", read_camt(content)
    for description in descriptions:
        if fits(content=content, description=description):
            return f"csv:{description.name}", read_csv(content=content, description=description)
    text = _decoded(content)
    if is_mt940(text[:_HEAD]):
        return "mt940", read_mt940(text)
    if is_bai2(text[:_HEAD]):
        return "bai2", read_bai2(text)
    raise StatementRefused(
        "The file is neither camt.053, MT940 nor BAI2, and no CSV description has its columns.",
        code="UNKNOWN_FORMAT",
        fix="Get one of these from the bank, or describe its CSV under [[cash.csv]] in the settings.",
    )


def _decoded(content: bytes) -> str:
    """UTF-8, or what European banks wrote before it. Zero bytes mean another encoding, or no text at all."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise StatementRefused(
        "The encoding of the file is not known: it is neither UTF-8 nor Windows-1252.",
        code="ENCODING",
        fix="Get the file from the bank again and do not open it in other programs in between.",
    )
