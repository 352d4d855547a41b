"""The control report: a real story from signature to cash adds up, and what does not is named."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.domain.control_report import SHOWN, Figures, gaps, safe_cell, with_total
from connector.store.tables import orders
from connector.store.tables_billing import invoice_items
from connector.store.unit_of_work import Database
from connector.usecases.credit_invoice import credit_invoice
from connector.usecases.match_payments import match_payments
from connector.usecases.report_control import ControlReport, as_csv, as_json, report_control
from connector.usecases.write_off_invoice import write_off_invoice
from tests.cashing import Till
from tests.domain.making import MONTHLY, make_item
from tests.reviewing import Finance, make_finance, sold

DAY = date(2026, 3, 2)


def signed_value(database: Database) -> None:
    """Orders of these tests are signed straight into the store: their value is that of their contract."""
    with database.unit_of_work() as work:
        work.execute(orders.update().where(orders.c.value.is_(None)).values(value=Decimal("24000.00")))
        work.commit()


def report(finance: Finance, as_of: date = DAY) -> ControlReport:
    return report_control(database=finance.books.database, biller=finance.books.biller, as_of=as_of)


def figures(found: ControlReport, currency: str = "EUR") -> dict[str, str]:
    (row,) = [one for one in found.rows if one.customer_ref == "001A" and one.currency == currency]
    return {name: f"{getattr(row.figures, name):.2f}" for name in SHOWN}


def told(found: ControlReport) -> list[tuple[str, str, str]]:
    return [(gap.between, f"{gap.amount:.2f}", gap.owner) for row in found.rows for gap in row.gaps]


def story(database: Database, clock: FixedClock) -> Finance:
    """24,000 a year, monthly; January issued, paid too much; February issued, partly credited; March held."""
    finance = make_finance(database, clock)
    till = Till(database, clock)
    item = make_item(price="24000", billing_period_months=MONTHLY)
    first = finance.issued(sold(item), as_of="2026-01-01")
    signed_value(database)
    finance.books.bill("2026-02-01")
    second = finance.newest()
    finance.approve(second)
    finance.books.bill("2026-03-01")
    till.paid("2400.00", text=till.reference(first))
    till.paid("1000.00", text=till.reference(second))
    till.paid("77.00", text="Who am I?")
    match_payments(desk=till.desk)
    credit_invoice(desk=finance.desk, invoice_id=second, reason="Outage.", actor="anna", role="approver",
                   amounts={1: Decimal("100.00")})  # fmt: skip
    write_off_invoice(desk=till.desk, invoice_id=second, amount=Decimal("1.00"), reason="Trifle.", actor="anna",
                      role="approver", request_key="w")  # fmt: skip
    return finance


def test_a_story_from_signature_to_cash_adds_up(database: Database, clock: FixedClock) -> None:
    found = report(story(database, clock))

    assert figures(found) == {
        "signed": "24000.00",
        "contract": "24000.00",
        "scheduled": "5900.00",
        "billed": "5900.00",
        "held": "2380.00",
        "issued": "4760.00",
        "credited": "119.00",
        "received": "3400.00",
        "matched": "3380.00",
        "open": "1260.00",
    }
    assert found.adds_up
    assert ("issued to open", "-1.00", "nobody") in told(found)
    assert ("received to matched", "-20.00", "finance") in told(found)
    assert ("received to matched", "-77.00", "finance") in told(found)


def test_the_same_on_an_earlier_day(database: Database, clock: FixedClock) -> None:
    found = report(story(database, clock), as_of=date(2026, 1, 31))

    assert (figures(found)["issued"], figures(found)["billed"], found.adds_up) == ("0.00", "2000.00", True)


def test_what_is_due_and_not_drafted_is_a_difference_with_an_owner(database: Database, clock: FixedClock) -> None:
    finance = make_finance(database, clock)
    finance.books.sign(sold(make_item(price="24000", billing_period_months=MONTHLY)))
    signed_value(database)

    found = report(finance)

    assert (figures(found)["scheduled"], figures(found)["billed"], found.adds_up) == ("6000.00", "0.00", True)
    assert ("scheduled to billed", "-6000.00", "operator") in told(found)


def test_a_row_that_was_tampered_with_is_named(database: Database, clock: FixedClock) -> None:
    finance = story(database, clock)
    with database.unit_of_work() as work:
        first = invoice_items.c.invoice_id == sa.select(sa.func.min(invoice_items.c.invoice_id)).scalar_subquery()
        work.execute(invoice_items.update().where(first).values(amount=Decimal("1999.00")))
        work.commit()

    found = report(finance)

    assert not found.adds_up
    unexplained = [gap for row in found.rows for gap in row.gaps if gap.is_unexplained]
    assert [(gap.between, gap.amount, gap.owner) for gap in unexplained] == [
        ("billed to held and issued", Decimal("1.0000"), "operator")
    ]


def test_csv_and_json_say_the_same_and_no_cell_is_a_formula(sqlite_database: Database, clock: FixedClock) -> None:
    finance = story(sqlite_database, clock)
    found = report(finance)

    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    document = as_json(found)

    assert [row["open"] for row in rows] == [row["open"] for row in document["rows"]]
    assert document["adds_up"] is True
    assert safe_cell('=HYPERLINK("http://evil")').startswith("'=")
    assert [safe_cell(text) for text in ("@x", "+1", "-1", "\tx", "Acme")] == ["'@x", "'+1", "'-1", "'\tx", "Acme"]


_AMOUNTS = st.decimals(0, 10**6, places=2)


@given(st.lists(st.builds(Figures, **dict.fromkeys(Figures.__slots__, _AMOUNTS)), min_size=1, max_size=5))
def test_every_difference_is_told_whatever_the_figures(rows: list[Figures]) -> None:
    total = with_total(rows=rows)
    for one in (*rows, total):
        sums = {step: Decimal(0) for step in ("signed to contract", "received to matched", "scheduled to billed")}
        for gap in gaps(one):
            sums[gap.between] = sums.get(gap.between, Decimal(0)) + gap.amount
        assert one.signed + sums["signed to contract"] == one.contract
        assert one.scheduled + sums["scheduled to billed"] == one.billed
        assert one.received + sums["received to matched"] == one.matched


def test_an_order_that_is_worth_more_than_its_contract_is_named(sqlite_database: Database, clock: FixedClock) -> None:
    finance = story(sqlite_database, clock)
    with sqlite_database.unit_of_work() as work:
        work.execute(orders.update().values(value=Decimal("25000.00")))
        work.commit()

    found = report(finance)

    unexplained = [gap for row in found.rows for gap in row.gaps if gap.is_unexplained]
    assert [gap.between for gap in unexplained] == ["signed to contract"]
