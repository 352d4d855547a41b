"""Documents for the tests: complete, with invented names; every argument has a plain default."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connector.domain.contract_terms import BillTo, ChargeKind
from connector.domain.documents import (
    BankAccount,
    DocumentFacts,
    DocumentState,
    DocumentView,
    LoweredDocument,
    Party,
    Seller,
    build_document,
)
from connector.domain.invoice_drafts import InvoiceDraft, InvoiceItem, draft_of
from connector.domain.money import Money
from connector.domain.periods import BillingPeriod
from connector.domain.tax import PriceBasis, Tax, TaxCategory, tax_totals
from connector.domain.taxed_documents import TaxedDocument
from connector.domain.terms import Address

STANDARD = Tax(Decimal(19), TaxCategory.STANDARD)
REDUCED = Tax(Decimal(7), TaxCategory.STANDARD)
REVERSE = Tax(Decimal(0), TaxCategory.REVERSE_CHARGE, "Reverse charge", "VATEX-EU-AE")
NOT_SUBJECT = Tax(Decimal(0), TaxCategory.NOT_SUBJECT, exemption_code="VATEX-EU-O")
ISSUED_ON = date(2026, 11, 20)

SELLER = Seller(
    name="Nordlicht Software GmbH",
    address=Address("Speicherstraße 12", "Hamburg", "", "20457", "Germany"),
    tax_id="DE123456788",
    tax_number="27/123/45678",
    registration="Amtsgericht Hamburg, HRB 123456",
    email="billing@nordlicht.example",
    phone="+49 40 1234567",
    website="nordlicht.example",
    bank_accounts=(
        BankAccount("Nordlicht Software GmbH", "DE89370400440532013000", "COBADEFFXXX", "Commerzbank", currency="EUR"),
        BankAccount(
            "Nordlicht Software GmbH",
            bank="First Harbor Bank",
            account_number="000123456789",
            routing_number="026009593",
            currency="USD",
        ),
    ),
)
BUYER = Party(
    name="Ørsted & Søn Analytics A/S",
    address=Address("Nørregade 7, 2. sal", "København K", "", "1165", "Denmark"),
    ref="C-100234",
    tax_id="DK12345674",
    email="ap@orsted-son.example",
    contact="Łucja Żółkiewska",
)


def make_row(number: int = 1, *, amount: str = "1000.00", currency: str = "EUR", **changes: Any) -> InvoiceItem:
    """One row of a draft: a month of seats."""
    row: dict[str, Any] = {
        "charge_key": f"line-{number}/2026-11-01/recurring",
        "contract_ref": "CT-000042",
        "order_ref": "O-000117",
        "line_key": f"line-{number}",
        "line_ref": f"0Q0{number:015d}",
        "product_code": "SEATS",
        "description": "Analytics Platform, named users",
        "period": BillingPeriod(date(2026, 11, 1), date(2026, 12, 1)),
        "quantity": Decimal(50),
        "unit_price": Decimal("240.00"),
        "amount": Money(Decimal(amount), currency),
        "kind": ChargeKind.RECURRING,
    }
    return InvoiceItem(**{**row, **changes})


def make_draft(*rows: InvoiceItem, currency: str = "EUR", terms: int = 30) -> InvoiceDraft:
    """A draft over these rows, or over one plain row."""
    bill_to = BillTo("001A", "001A", "DE", currency, terms, "PO-4711/26")
    return draft_of(bill_to=bill_to, bill_on=ISSUED_ON, items=rows or (make_row(currency=currency),))


def make_taxed(
    *rows: InvoiceItem,
    taxes: tuple[Tax, ...] = (),
    currency: str = "EUR",
    basis: PriceBasis = PriceBasis.EXCLUSIVE,
    terms: int = 30,
) -> TaxedDocument:
    """A draft with these taxes, the standard rate for every row by default."""
    draft = make_draft(*rows, currency=currency, terms=terms)
    known = taxes or (STANDARD,) * len(draft.items)
    pairs = [(item.amount, tax) for item, tax in zip(draft.items, known, strict=True)]
    return TaxedDocument(draft, known, tax_totals(items=pairs, currency=currency, basis=basis))


def make_facts(**changes: Any) -> DocumentFacts:
    """The facts of an issued invoice."""
    facts = DocumentFacts(SELLER, BUYER, DocumentState.ISSUED, "DE-2026-000042", price_months={"line-1": 12})
    return replace(facts, **changes)


def make_document(
    *rows: InvoiceItem, taxes: tuple[Tax, ...] = (), currency: str = "EUR", terms: int = 30, **facts: Any
) -> DocumentView:
    """An issued invoice over these rows."""
    return build_document(
        taxed=make_taxed(*rows, taxes=taxes, currency=currency, terms=terms), facts=make_facts(**facts)
    )


def make_credit_note(*, amount: str = "-250.00", **facts: Any) -> DocumentView:
    """An issued credit note over part of an invoice."""
    row = make_row(amount=amount, reason="Fewer users than agreed", reverses="line-1/2026-11-01/recurring")
    known = {
        "number": "DE-CN-2026-000003",
        "lowers": (LoweredDocument("DE-2026-000042", ISSUED_ON - timedelta(days=19)),),
        "reason": "Fewer users than agreed",
    }
    return make_document(row, **{**known, **facts})


def make_long_document(lines: int, **facts: Any) -> DocumentView:
    """An issued invoice with that many rows, of two tax rates."""
    rows = [
        make_row(number, amount=f"{100 + number}.{number % 100:02d}", description=f"Module {number}, usage and support")
        for number in range(1, lines + 1)
    ]
    taxes = tuple(REDUCED if number % 3 == 0 else STANDARD for number in range(lines))
    return make_document(*rows, taxes=taxes, **facts)
