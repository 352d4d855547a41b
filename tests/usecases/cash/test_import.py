"""Bank files from the file to the ledger: whole or not at all, once, without a gap; then matched, returns undone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from connector.domain.bank_statements import OurAccount, StatementRefused
from connector.domain.money import Money
from connector.statements.reading import StatementRules
from connector.store import bank
from connector.store.tables_cash import bank_entries, bank_files, payments
from connector.usecases.import_statement import Imported, import_statement
from connector.usecases.match_payments import match_payments
from connector.usecases.receive_payment import return_payment
from connector.usecases.settle_returns import answer_return, settle_returns
from tests.cashing import Till
from tests.statements.reading import DESCRIPTIONS, SAMPLES

RULES = StatementRules(
    accounts=(
        OurAccount("DE", iban="DE89 3704 0044 0532 0130 00", currency="EUR"),
        OurAccount("US", account_number="9876543210", currency="USD"),
    ),
    descriptions=DESCRIPTIONS,
)


def take(till: Till, content: bytes, *, accept_gap: bool = False) -> Imported:
    return import_statement(desk=till.desk, rules=RULES, content=content, name="file", actor="finn",
                            is_gap_accepted=accept_gap)  # fmt: skip


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def mt940(number: int, opening: str, closing: str, *lines: str) -> bytes:
    """A statement of the German account with these :61: lines, of a day in March."""
    day = f"2603{number:02}"
    head = f":20:X\n:25:DE89370400440532013000\n:28C:{number}\n:60F:C{day}EUR{opening}\n"
    return (head + "".join(f"{line}\n" for line in lines) + f":62F:C{day}EUR{closing}\n-\n").encode()


def counts(till: Till) -> tuple[int, int, int]:
    """Files, entries and payments."""
    with till.database.reading() as connection:
        return tuple(
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (bank_files, bank_entries, payments)
        )


@pytest.mark.parametrize("name", sorted(file.name for file in SAMPLES.iterdir()))
def test_the_same_file_twice_does_nothing(till: Till, name: str) -> None:
    first = take(till, sample(name))
    after = counts(till)

    second = take(till, sample(name))

    assert first.payments > 0
    assert (second.is_known, counts(till), till.lost()) == (True, after, {})


def test_the_same_entry_in_another_file_does_nothing(till: Till) -> None:
    take(till, sample("camt053_v2_batch.xml"))
    after = counts(till)

    again = take(till, sample("camt053_v2_batch.xml").replace(b"53D2026-03-02T21:00", b"53D2026-03-02T22:00"))

    assert (again.is_known, again.new_entries) == (False, 0)
    assert counts(till) == (after[0] + 1, *after[1:])


def test_overlapping_exports_bring_each_entry_once(till: Till) -> None:
    content = sample("csv_savings_bank.csv")
    head, newest, oldest = content.decode("utf-8-sig").splitlines()
    later = newest.replace("03.03.26", "04.03.26")

    take(till, content)
    again = take(till, "\n".join([head, later, newest, oldest, ""]).encode())

    assert (again.entries, again.new_entries) == (3, 1)


def test_equal_entries_of_one_day_are_two_payments_even_over_two_statements(till: Till) -> None:
    line = ":61:2603020302C10,00NTRFNONREF"

    take(till, mt940(2, "0,00", "20,00", line, line))
    take(till, mt940(2, "20,00", "30,00", line))

    assert counts(till)[2] == 3


def test_a_missing_statement_is_noticed_and_can_be_accepted(till: Till) -> None:
    take(till, mt940(2, "0,00", "10,00", ":61:2603020302C10,00NTRFNONREF//A"))
    gap = mt940(4, "35,00", "36,00", ":61:2603040304C1,00NTRFNONREF//B")

    with pytest.raises(StatementRefused, match="one in between is missing") as refused:
        take(till, gap)
    before = counts(till)
    accepted = take(till, gap, accept_gap=True)

    assert (refused.value.code, before, accepted.payments) == ("GAP", (1, 1, 1), 1)


def test_a_file_with_one_bad_statement_leaves_nothing_behind(till: Till) -> None:
    good, bad = mt940(2, "0,00", "10,00", ":61:2603020302C10,00NTRFNONREF//A"), mt940(3, "10,00", "99,00")

    with pytest.raises(StatementRefused):
        take(till, good + bad)

    assert counts(till) == (0, 0, 0)


def test_a_statement_of_an_account_that_is_not_ours_is_refused(till: Till) -> None:
    content = sample("camt053_v2_batch.xml").replace(b"DE89370400440532013000", b"DE02120300000000202051")

    with pytest.raises(StatementRefused, match="No bank account in the settings") as refused:
        take(till, content)

    assert refused.value.code == "UNKNOWN_ACCOUNT"


def test_money_of_a_file_is_matched_afterwards(till: Till) -> None:
    invoice = till.invoice("1190.00", number="DE-2026-000042")
    take(till, sample("camt053_v2_batch.xml"))
    before = till.open(invoice)

    match_payments(desk=till.desk)

    assert (before, till.open(invoice)) == ("1190.00 EUR open", "0.00 EUR paid")


def test_a_return_undoes_the_payment_that_it_names(till: Till) -> None:
    invoice = till.invoice("100.00")
    paid = till.paid("100.00", text=till.reference(invoice), end_to_end="E2E-0", account="DE89370400440532013000/EUR")
    other = till.paid("100.00", end_to_end="E2E-9", account="DE89370400440532013000/EUR")
    match_payments(desk=till.desk)

    take(till, sample("camt053_v2_batch.xml"))
    settled = [settle_returns(desk=till.desk) for _ in range(2)]

    assert settled == [{"returned": 1, "questions": 0}, {"returned": 0, "questions": 0}]
    assert (till.open(invoice), till.payment(paid).state) == ("100.00 EUR open", "returned")
    assert (till.left(other), till.lost()) == ("100.00", {})


def test_a_return_that_another_process_settled_meanwhile_is_no_question(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = till.invoice("100.00")
    till.paid("100.00", text=till.reference(invoice), end_to_end="E2E-0", account="DE89370400440532013000/EUR")
    match_payments(desk=till.desk)
    take(till, sample("camt053_v2_batch.xml"))
    load_entries = bank.load_entries

    def load_while_another_settles(**asked: Any) -> list[bank.StoredEntry]:
        found = load_entries(**asked)
        monkeypatch.undo()
        settle_returns(desk=till.desk)
        return found

    monkeypatch.setattr(bank, "load_entries", load_while_another_settles)

    assert settle_returns(desk=till.desk) == {"returned": 0, "questions": 0}
    with till.database.reading() as connection:
        assert len(load_entries(connection=connection, outcome=bank.RETURNED)) == 1
    assert till.lost() == {}


def test_a_return_that_cannot_be_undone_is_a_question_and_holds_up_no_other(till: Till) -> None:
    invoice = till.invoice("100.00")
    paid = till.paid("100.00", text=till.reference(invoice), end_to_end="E2E-0", account="DE89370400440532013000/EUR")
    on = till.clock.now().date()
    return_payment(desk=till.desk, payment_id=paid, on=on, actor="bank", reason="A part went back.", key="part",
                   amount=Money(Decimal("10.00"), "EUR"))  # fmt: skip
    take(till, sample("camt053_v2_batch.xml"))

    assert settle_returns(desk=till.desk) == {"returned": 0, "questions": 1}
    with till.database.reading() as connection:
        (entry,) = bank.load_entries(connection=connection, outcome=bank.QUESTION)
    assert "100.00 EUR cannot be taken back: 90.00 EUR" in entry.reason


def test_a_return_of_an_unknown_payment_is_a_question_that_a_person_answers(till: Till) -> None:
    invoice = till.invoice("100.00")
    paid = till.paid("100.00", text=till.reference(invoice), account="DE89370400440532013000/EUR")
    match_payments(desk=till.desk)
    take(till, sample("camt053_v2_batch.xml"))

    assert settle_returns(desk=till.desk)["questions"] == 1
    with till.database.reading() as connection:
        (entry,) = bank.load_entries(connection=connection, outcome=bank.QUESTION)
    for _ in range(2):
        answer_return(desk=till.desk, entry_id=entry.id, payment_id=paid, reason="Called the customer.", actor="finn",
                      role="finance")  # fmt: skip

    assert till.open(invoice) == "100.00 EUR open"


def test_a_reversed_credit_in_mt940_is_never_money_in(till: Till) -> None:
    take(till, sample("mt940_german.sta"))

    with till.database.reading() as connection:
        amounts = list(connection.execute(sa.select(payments.c.amount)).scalars())
    assert [str(one) for one in amounts] == ["1190.0000"]


def test_an_amount_that_no_account_can_hold_is_refused_and_nothing_is_kept(till: Till) -> None:
    huge = f"{10**12},00"

    with pytest.raises(StatementRefused) as refused:
        take(till, mt940(2, "0,00", huge, f":61:2603020302C{huge}NTRFNONREF//A"))

    assert (refused.value.code, counts(till)) == ("AMOUNT", (0, 0, 0))
