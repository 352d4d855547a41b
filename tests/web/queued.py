"""A morning of finance: drafts of every kind, judged, for the tests of the queue and of its pages in a browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from connector.domain.terms import Address, BillingTiming, ChargeType, Customer, Order
from connector.store import usage
from connector.store.tables import contracts
from connector.usecases.assess_drafts import assess_due
from connector.usecases.review_invoice import comment_invoice, edit_invoice, hold_invoice, send_back_invoice
from connector.usecases.show_schedule import show_schedule
from tests.billing import TAXES
from tests.domain.making import MONTHLY, make_item
from tests.reviewing import ACME, Finance, sold
from tests.web.reviewed import Team

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft International mbH & Co. KGaA"
ARABIC = "شركة النور للحلول الرقمية"
HEBREW = "חברת אור בע״מ"
BERLIN = Address("Lindenweg 4", "Berlin", "", "10969", "DE")
FORMULA = '=HYPERLINK("https://evil.example","click")'


def buyer(number: int, name: str, **changes: Any) -> Customer:
    """A customer with everything that a document needs."""
    whole = replace(
        ACME, ref=f"001B{number:011d}", name=name, email=f"ap{number}@customer.example", tax_id=f"DE{number:09d}"
    )
    return replace(whole, billing_address=BERLIN, **changes)


def monthly(name: str = "Platform", price: str = "1800", **changes: Any) -> Any:
    """A line that is billed each month."""
    return make_item(
        name, price=price, price_period_months=1, billing_period_months=MONTHLY, **changes
    )  # fmt: skip


def deal(number: int, name: str, *items: Any, **changes: Any) -> Order:
    """A signed deal of that customer."""
    customer = buyer(number, name, **changes.pop("customer", {}))
    return sold(*(items or (monthly(),)), record=f"0Q05g00000{number:05d}AAA", customer=customer, **changes)


def judge(team: Team) -> None:
    """Have the rules look at everything that waits."""
    assess_due(desk=team.services.desk)


def morning(team: Team) -> dict[str, int]:
    """Drafts of every kind; their ids by what they show."""
    finance = team.finance
    finance.books.sign(deal(1, "Nordlicht Logistik AG"))
    finance.books.bill("2026-01-10")
    made = {"first": finance.newest()}
    finance.approve(made["first"])
    finance.books.bill("2026-02-10")
    made["quiet"] = finance.newest()
    made["warned"] = _draft(finance, deal(2, "Kestrel & Finch Ltd", customer={"tax_id": "", "email": ""}))
    made["large"] = _draft(
        finance, deal(3, "Halcyon Robotics", monthly("Enterprise", "61500"), monthly("Seats", "24.50", quantity="120"))
    )
    made["long"] = _draft(finance, deal(4, LONG, monthly("Wartungsvertrag für Anlagen " * 6, "950")))
    made["arabic"] = _draft(finance, deal(5, ARABIC, monthly("منصة التحليلات", "4020")))
    made["blocked"] = _draft(finance, deal(6, "Elsewhere Trading", legal_entity="Elsewhere GmbH"))
    made["usage"] = _metered(finance)
    made["held"] = _draft(finance, deal(8, "Peregrine Health, Inc.", monthly("Platform", "2400")))
    hold_invoice(
        desk=finance.desk, invoice_id=made["held"], actor="finn", role="finance", until=date(2026, 4, 1),
        reason="The customer disputes the start date; legal is asking.",
    )  # fmt: skip
    made["second"] = _draft(finance, deal(9, "Aurora Analytics GmbH", monthly("Enterprise", "72000")))
    finance.approve(made["second"], "anna")
    made["sent_back"] = _draft(finance, deal(10, "Otter & Sons", monthly("Platform", "777")))
    send_back_invoice(
        desk=finance.desk, invoice_id=made["sent_back"], actor="finn", role="finance", owner="rosa@customer.example",
        reason="Signed for 700 a month, the quote says 777.",
    )  # fmt: skip
    _touch(finance, made)
    judge(team)
    return made


def _draft(finance: Finance, order: Order) -> int:
    finance.books.sign(order)
    finance.books.bill("2026-02-10")
    return finance.newest()


def _metered(finance: Finance) -> int:
    calls = make_item(
        "API calls", quantity="0", price="0.01", charge_type=ChargeType.USAGE, price_period_months=1,
        billing_period_months=MONTHLY, billing_timing=BillingTiming.IN_ARREARS,
    )  # fmt: skip
    finance.books.sign(deal(7, "Blue Heron Software", monthly("Platform", "1200"), calls))
    contract = finance.books.contract(_newest_contract(finance))
    finance.books.bill("2026-01-10")
    with finance.books.database.unit_of_work() as work:
        usage.save_reading(
            work=work, contract_id=contract.id, charge_key=_usage_key(finance, contract.number), units=Decimal(48213),
            bill_on=date(2026, 2, 1), now=finance.books.clock.now(),
        )  # fmt: skip
        work.commit()
    finance.books.bill("2026-02-10")
    return finance.newest()


def _usage_key(finance: Finance, number: str) -> str:
    found = show_schedule(database=finance.books.database, taxes=TAXES, number=number, today=date(2026, 1, 1))
    return next(charge.key for charge in found.charges if charge.is_estimate)


def _newest_contract(finance: Finance) -> str:
    with finance.books.database.reading() as connection:
        query = sa.select(contracts.c.number).order_by(contracts.c.id.desc()).limit(1)
        return str(connection.execute(query).scalar_one())


def _touch(finance: Finance, made: dict[str, int]) -> None:
    """A memo and a remark on the large one."""
    desk = finance.desk
    edit_invoice(
        desk=desk, invoice_id=made["large"], looked_at=finance.hash(made["large"]), actor="finn", role="finance",
        memo="Thank you for the new seats.\nQuestions: billing@countersign.example", po_number="PO-2026-0417",
    )  # fmt: skip
    comment_invoice(
        desk=desk, invoice_id=made["large"], text="PO came by mail this morning.", actor="finn", role="finance"
    )
