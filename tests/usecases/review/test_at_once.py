"""Many people at once: one clear outcome, one record, no number twice and none left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from functools import partial
from threading import Barrier
from typing import Any

import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.review import Actor
from connector.errors import ConnectorError
from connector.store.tables_billing import invoices
from connector.store.tables_review import credit_applications, number_series
from connector.store.unit_of_work import Database
from connector.usecases.credit_invoice import credit_invoice
from connector.usecases.issue_invoice import issue
from connector.usecases.review_desk import open_locked
from connector.usecases.review_invoice import send_back_invoice
from tests.domain.making import make_cancellation, make_item
from tests.reviewing import ACME, RULES, Finance, make_finance, sold

ISSUERS, EACH = 8, 5


def all_at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Every call in a thread of its own, started together; an anticipated error is its answer."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return call()
        except ConnectorError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def of_customers(finance: Finance, count: int, price: str = "1200") -> list[tuple[int, str]]:
    """(id, hash) of one draft for each of so many customers."""
    for number in range(count):
        order = sold(make_item(price=price), record=f"R{number}", customer=replace(ACME, ref=f"C{number}"))
        finance.books.sign(order)
    finance.books.bill("2026-01-01")
    return [(row.id, finance.hash(row.id)) for row in finance.books.drafts()]


def test_eight_issuers_number_without_gap_or_double(finance: Finance) -> None:
    chosen = of_customers(finance, ISSUERS * EACH)

    def issuer(number: int) -> Callable[[], list[str]]:
        # Each begins elsewhere and wants them all, so that many want the same one at the same time.
        start = number * EACH
        mine = chosen[start:] + chosen[:start]
        return lambda: [attempt(finance, one, looked_at, f"person {number}") for one, looked_at in mine]

    answers = all_at_once([issuer(number) for number in range(ISSUERS)])

    assert finance.numbers() == [f"DE-2026-{number:06}" for number in range(1, ISSUERS * EACH + 1)]
    outcomes = Counter(answer for answered in answers for answer in answered)
    assert outcomes == {"issued": ISSUERS * EACH, "ALREADY_DECIDED": (ISSUERS - 1) * ISSUERS * EACH}
    assert finance.faults() == []


def attempt(finance: Finance, invoice_id: int, looked_at: str, who: str) -> str:
    try:
        decision = finance.approve(invoice_id, who, looked_at=looked_at)
    except ConnectorError as error:
        return error.code
    return "repeated" if decision.is_repeated else decision.state.value


def test_two_people_approving_at_once_issue_once(finance: Finance) -> None:
    ((invoice_id, looked_at),) = of_customers(finance, 1)

    answers = all_at_once([partial(attempt, finance, invoice_id, looked_at, who) for who in ("finn", "anna")])

    assert sorted(answers) == ["ALREADY_DECIDED", "issued"]
    assert [event for _who, event in finance.events(invoice_id)] == ["approve", "issue"]


def test_two_people_approving_a_large_one_at_once_are_first_and_second(finance: Finance) -> None:
    ((invoice_id, looked_at),) = of_customers(finance, 1, price="100000")

    answers = all_at_once([partial(attempt, finance, invoice_id, looked_at, who) for who in ("alex", "anna")])

    assert sorted(answers) == ["approved", "issued"]
    assert [event for _who, event in finance.events(invoice_id)] == ["approve", "approve", "issue"]


def test_a_double_click_at_once_issues_once(finance: Finance) -> None:
    ((invoice_id, looked_at),) = of_customers(finance, 1)

    answers = all_at_once([lambda: attempt(finance, invoice_id, looked_at, "anna")] * 4)

    assert Counter(answers) == {"issued": 1, "repeated": 3}
    assert len(finance.numbers()) == 1


def test_approving_and_sending_back_at_once_has_one_winner(finance: Finance) -> None:
    ((invoice_id, looked_at),) = of_customers(finance, 1)

    def send_back() -> str:
        return send_back_invoice(
            desk=finance.desk, invoice_id=invoice_id, reason="No.", owner="rosa", actor="finn", role="finance"
        ).state.value

    answers = all_at_once([lambda: attempt(finance, invoice_id, looked_at, "anna"), send_back])

    assert finance.state(invoice_id) in ("issued", "sent_back")
    assert sum(answer in ("issued", "sent_back") for answer in answers) == 1
    assert len(finance.numbers()) == (finance.state(invoice_id) == "issued")


def test_two_credits_at_once_never_give_back_more_than_the_line(finance: Finance) -> None:
    invoice_id = finance.issued(sold(make_item(price="1200")))

    def credit(who: str) -> Callable[[], Any]:
        return lambda: credit_invoice(
            desk=finance.desk, invoice_id=invoice_id, reason="Outage.", actor=who, role="approver"
        )

    answers = all_at_once([credit(who) for who in ("anna", "alex", "bob")])

    assert [getattr(answer, "number", answer.__class__.__name__) for answer in answers].count("DE-CN-2026-000001") == 1
    assert sum(isinstance(answer, ConnectorError) for answer in answers) == 2
    assert finance.numbers() == ["DE-2026-000001", "DE-CN-2026-000001"]


def test_two_notes_approved_at_once_never_give_back_more_than_the_invoice(
    database: Database, clock: FixedClock
) -> None:
    """One is a favour, the other comes from a cancellation; each alone fits, both do not."""
    finance = make_finance(database, clock, rules=replace(RULES, second_approver_above={"EUR": Decimal(1000)}))
    invoice_id = finance.draft(sold(make_item(price="12000")))
    finance.approve(invoice_id, "finn")
    finance.approve(invoice_id, "anna")
    favour = credit_invoice(
        desk=finance.desk,
        invoice_id=invoice_id,
        reason="Outage.",
        amounts={1: Decimal(6000)},
        actor="finn",
        role="finance",
    ).invoice_id
    cancelled = finance.draft(
        make_cancellation("2026-01-01", credited=True, legal_entity="DE", customer=ACME), as_of="2026-07-01"
    )
    finance.approve(cancelled, "finn")
    seen = [(one, finance.hash(one)) for one in (cancelled, favour)]

    answers = all_at_once([partial(attempt, finance, one, looked_at, "anna") for one, looked_at in seen])

    assert sorted(answers) in (["OVER_CREDIT", "issued"], ["CONTENT_CHANGED", "issued"])
    with database.reading() as connection:
        amounts = connection.execute(sa.select(credit_applications.c.amount)).scalars().all()
    assert len(amounts) == 1


def test_whoever_opens_a_credit_note_keeps_others_from_its_invoice(
    postgresql_database: Database, clock: FixedClock
) -> None:
    finance = make_finance(postgresql_database, clock)
    invoice_id = finance.issued(sold())
    note_id = finance.draft(
        make_cancellation("2026-07-01", credited=True, legal_entity="DE", customer=ACME), as_of="2026-07-01"
    )
    free = sa.select(invoices.c.id).order_by(invoices.c.id).with_for_update(skip_locked=True)

    with postgresql_database.unit_of_work() as work, postgresql_database.unit_of_work() as other:
        assert list(other.execute(free).scalars()) == [invoice_id, note_id]
        other.connection.rollback()
        open_locked(work=work, desk=finance.desk, invoice_id=note_id)
        other.connection.begin()
        assert list(other.execute(free).scalars()) == []


def test_billing_runs_beside_decisions_and_nothing_waits_for_ever(finance: Finance) -> None:
    """Runs lock contracts and then documents; so do the decisions that touch both."""
    chosen = of_customers(finance, 6)

    def send_back(invoice_id: int) -> Callable[[], Any]:
        return lambda: send_back_invoice(
            desk=finance.desk, invoice_id=invoice_id, reason="No.", owner="rosa", actor="finn", role="finance"
        )

    answers = all_at_once(
        [*(send_back(one) for one, _hash in chosen), *(lambda: finance.books.bill("2026-06-01") for _ in range(2))]
    )

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert {finance.state(one) for one, _hash in chosen} == {"sent_back"}


def test_a_number_that_was_rolled_back_is_given_again(finance: Finance) -> None:
    first, second = of_customers(finance, 2)
    with finance.desk.database.unit_of_work() as work:
        opened = open_locked(work=work, desk=finance.desk, invoice_id=first[0])
        taken = issue(work=work, desk=finance.desk, opened=opened, actor=Actor("anna", "approver"))
        # The power goes before the commit.

    assert taken.number == "DE-2026-000001"
    with finance.desk.database.reading() as connection:
        assert connection.execute(sa.select(number_series)).all() == []
    assert finance.approve(second[0]).number == "DE-2026-000001"
