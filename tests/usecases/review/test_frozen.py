"""What was issued stays, byte for byte, whatever happens to customer, contract, settings and drafts afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.domain.documents import BankAccount, Seller
from connector.domain.terms import Address, DealType
from connector.errors import Refused
from connector.store.issued import load_issued, view_of
from connector.store.tables import contracts
from connector.store.tables_billing import invoice_items, invoices
from connector.usecases.credit_invoice import credit_invoice
from connector.usecases.review_invoice import edit_invoice, hold_invoice, send_back_invoice
from connector.usecases.void_invoice import void_invoice
from tests.conftest import NOW
from tests.domain.making import make_cancellation, make_item
from tests.reviewing import ACME, ENTITIES, Finance, sold

PEOPLE = {"actor": "finn", "role": "finance"}


def _upsell(finance: Finance, invoice_id: int, number: int) -> None:
    moved = replace(
        ACME, name=f"Acme {number}", tax_id="", billing_address=Address("Elsewhere", "Wien", "", "1010", "AT")
    )
    finance.books.sign(
        sold(
            make_item("More", price=str(100 + number)),
            record=f"UP{number}",
            customer=moved,
            deal=DealType.UPSELL,
            signed_on=date(2026, 3, 1 + number % 28),
        )
    )


def _cancel(finance: Finance, invoice_id: int, number: int) -> None:
    finance.books.sign(
        make_cancellation("2026-07-01", credited=True, record=f"END{number}", legal_entity="DE", customer=ACME)
    )


def _credit(finance: Finance, invoice_id: int, number: int) -> None:
    credit_invoice(
        desk=finance.desk, invoice_id=invoice_id, reason="Outage.", amounts={1: Decimal(number + 1)}, **PEOPLE
    )


def _other_settings(finance: Finance, invoice_id: int, number: int) -> None:
    seller = Seller(f"Renamed {number}", Address("New", "Town"), bank_accounts=(BankAccount("x", iban="DE00"),))
    finance.desk = replace(finance.desk, entities={"DE": replace(ENTITIES["DE"], seller=seller)})


def _direct(finance: Finance, invoice_id: int, number: int) -> None:
    """A later migration or a slip changes the draft's own rows."""
    with finance.books.database.unit_of_work() as work:
        work.execute(invoices.update().values(customer_name="Slip", po_number=str(number)))
        work.execute(invoice_items.update().values(description="Slip"))
        work.execute(contracts.update().values(customer_name="Slip"))
        work.commit()


LATER: dict[str, Callable[[Finance, int, int], Any]] = {
    "upsell": _upsell,
    "cancel": _cancel,
    "bill": lambda finance, _id, number: finance.books.bill(f"2026-{1 + number % 12:02}-28"),
    "credit": _credit,
    "settings": _other_settings,
    "rows": _direct,
    "edit": lambda finance, one, _n: edit_invoice(
        desk=finance.desk, invoice_id=one, looked_at=finance.hash(one), memo="Changed", **PEOPLE
    ),
    "hold": lambda finance, one, _n: hold_invoice(desk=finance.desk, invoice_id=one, reason="No.", **PEOPLE),
    "send back": lambda finance, one, _n: send_back_invoice(
        desk=finance.desk, invoice_id=one, reason="No.", owner="rosa", **PEOPLE
    ),
    "void": lambda finance, one, _n: void_invoice(desk=finance.desk, invoice_id=one, reason="No.", **PEOPLE),
    "approve": lambda finance, one, _n: finance.approve(one, "alex"),
}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(sorted(LATER)), st.integers(0, 20)), min_size=1, max_size=6, unique=True))
def test_whatever_happens_later_the_frozen_bytes_stay(
    sqlite_finance: Finance, clock: FixedClock, steps: list[tuple[str, int]]
) -> None:
    finance = _emptied(sqlite_finance, clock)
    invoice_id = finance.issued(sold(make_item(price="1200"), po_number="PO-1"))
    before = _frozen(finance, invoice_id)

    for name, number in steps:
        try:
            LATER[name](finance, invoice_id, number)
        except Refused:
            assert _frozen(finance, invoice_id) == before
    finance.books.bill("2026-12-31")

    text, digest, number_text = before
    assert _frozen(finance, invoice_id) == before
    assert (hashlib.sha256(text.encode()).hexdigest(), view_of(text).number) == (digest, number_text)
    assert finance.state(invoice_id) == "issued"
    assert finance.faults() == []


def _frozen(finance: Finance, invoice_id: int) -> tuple[str, str, str]:
    with finance.books.database.reading() as connection:
        found = load_issued(connection=connection, invoice_id=invoice_id)
        return found.text, found.content_hash, found.number


def _emptied(finance: Finance, clock: FixedClock) -> Finance:
    """The same books without anything in them, as each example needs them."""
    clock.set(NOW)
    finance.desk = replace(finance.desk, entities=ENTITIES)
    with finance.books.database.unit_of_work() as work:
        for statement in ("DROP TRIGGER {}_update", "DROP TRIGGER {}_delete"):
            for name in ("tr_issued_documents", "tr_audit_log"):  # the example begins anew
                work.execute(sa.text(statement.format(name).replace("TRIGGER", "TRIGGER IF EXISTS")))
        for table in reversed(invoices.metadata.sorted_tables):
            work.execute(table.delete())
        work.commit()
    return finance


def test_a_document_that_was_read_back_is_the_one_that_was_frozen(finance: Finance) -> None:
    logo = bytes(range(256))
    german = ENTITIES["DE"]
    seller = replace(german.seller, logo=logo, bank_accounts=(BankAccount("C", iban="DE89370400440532013000"),))
    finance.desk = replace(finance.desk, entities={"DE": replace(german, seller=seller)})
    names = "Łódź Αθήνα Москва ירושלים 東京 🧾 <script>=1+1"
    invoice_id = finance.issued(
        sold(make_item(names, price="0.0000375", quantity="1234567"), customer=replace(ACME, name=names))
    )

    with finance.books.database.reading() as connection:
        frozen = load_issued(connection=connection, invoice_id=invoice_id)

    assert (frozen.view.seller.logo, frozen.view.buyer.name, frozen.view.lines[0].description) == (logo, names, names)
    assert frozen.view.lines[0].unit_price == Decimal("0.0000375")
    assert frozen.view.payment.reference.startswith("RF")
    assert frozen.view.payment.code.startswith("BCD")
