"""What stands on a document: parties, lines, tax, totals and how to pay, complete and without a language.

Exists so that page, PDF and XML of an invoice or a credit note are made from one value and must say the same. Made from
a taxed draft by `build_document`; an issued one is kept as it was. Values only: no text of ours, no layout, no clock.

Amounts of a credit note are positive: what it gives back. Ledgers and drafts hold them as negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum

from connector.domain.invoice_drafts import DocumentKind, InvoiceItem
from connector.domain.money import Money, total
from connector.domain.payment_reference import (
    ReferenceRefused,
    creditor_reference,
    is_creditor_reference,
    is_iban,
    transfer_code,
)
from connector.domain.periods import BillingPeriod
from connector.domain.pricing import EXACT
from connector.domain.tax import RateTotal, Tax
from connector.domain.taxed_documents import TaxedDocument
from connector.domain.terms import Address, Customer


class DocumentState(StrEnum):
    """What a document is for its reader: only an issued one has a number and is owed."""

    UPCOMING = "upcoming"
    DRAFT = "draft"
    ISSUED = "issued"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where a transfer goes: by IBAN (and BIC), or by account and routing number. Empty fields are not shown.

    `currency` limits the account to documents of that currency.
    """

    holder: str
    iban: str = ""
    bic: str = ""
    bank: str = ""
    account_number: str = ""
    routing_number: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Seller:
    """The legal entity that issues. `tax_id` is its VAT id, `tax_number` the national one; `registration` the register
    entry as one line. `logo` is a PNG.
    """

    name: str
    address: Address
    tax_id: str = ""
    tax_number: str = ""
    registration: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    contact: str = ""
    bank_accounts: tuple[BankAccount, ...] = ()
    logo: bytes = b""


@dataclass(frozen=True, slots=True)
class Party:
    """A buyer or a payer: `ref` is the customer's number, `reference` what the buyer wants quoted (EN 16931 BT-10)."""

    name: str
    address: Address
    ref: str = ""
    tax_id: str = ""
    email: str = ""
    contact: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One row. `unit_price` is the signed one with all its digits, for `price_months` months where it is one over time.

    `net` need not be quantity times unit price: it is the charge for `period`. `unit` is a UN/ECE Rec 20 code.
    """

    position: int
    description: str
    quantity: Decimal
    unit_price: Decimal
    net: Money
    tax: Tax
    product_code: str = ""
    unit: str = "C62"
    price_months: int | None = None
    period: BillingPeriod | None = None
    note: str = ""
    order_ref: str = ""
    contract_ref: str = ""
    po_number: str = ""
    is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class LoweredDocument:
    """The invoice that a credit note lowers."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class AccountingTax:
    """The tax in the currency in which the seller owes it (EN 16931 BT-6, BT-111).

    `rate` is units of the document's currency for one unit of the other; `source` says whose rate, of which day.
    """

    amount: Money
    rate: Decimal
    source: str = ""


@dataclass(frozen=True, slots=True)
class PaymentDetails:
    """How to pay by transfer: the accounts to show, the reference to write, the text of a payment code."""

    accounts: tuple[BankAccount, ...] = ()
    reference: str = ""
    code: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A whole document. `number` is None until it is issued; `due_on` and terms are meant for invoices.

    `service` spans all lines. `amount_due` is gross less `paid`. `mentions` are sentences that the law asks for.
    """

    kind: DocumentKind
    state: DocumentState
    number: str | None
    seller: Seller
    buyer: Party
    issued_on: date
    due_on: date
    payment_terms_days: int
    lines: tuple[DocumentLine, ...]
    tax_rows: tuple[RateTotal, ...]
    net: Money
    tax: Money
    gross: Money
    paid: Money
    amount_due: Money
    payer: Party | None = None
    service: BillingPeriod | None = None
    po_number: str = ""
    contract_refs: tuple[str, ...] = ()
    order_refs: tuple[str, ...] = ()
    lowers: tuple[LoweredDocument, ...] = ()
    reason: str = ""
    memo: str = ""
    mentions: tuple[str, ...] = ()
    accounting_tax: AccountingTax | None = None
    payment: PaymentDetails = field(default_factory=PaymentDetails)

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.gross.currency

    @property
    def is_credit_note(self) -> bool:
        """Whether it lowers an invoice."""
        return self.kind is DocumentKind.CREDIT_NOTE

    @property
    def is_issued(self) -> bool:
        """Whether it has a number: everything else is a preview."""
        return self.number is not None


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What a document says beyond its draft: who, which number and state, what was paid, what finance wrote.

    `issued_on` and `due_on` follow the draft when they are None. `price_months` gives the months that a signed unit
    price is for, by line key.
    """

    seller: Seller
    buyer: Party
    state: DocumentState = DocumentState.DRAFT
    number: str | None = None
    issued_on: date | None = None
    due_on: date | None = None
    payer: Party | None = None
    paid: Money | None = None
    po_number: str | None = None
    lowers: tuple[LoweredDocument, ...] = ()
    reason: str = ""
    memo: str = ""
    price_months: Mapping[str, int] = field(default_factory=dict)
    accounting_tax: AccountingTax | None = None
    payment_link: str = ""


def party_of(*, customer: Customer, reference: str = "") -> Party:
    """A customer as the buyer or payer of a document."""
    return Party(
        customer.name, customer.billing_address, customer.ref, customer.tax_id, customer.email, reference=reference
    )


def build_document(*, taxed: TaxedDocument, facts: DocumentFacts) -> DocumentView:
    """The whole document for a taxed draft. A credit note's amounts are turned round, so that it reads as positive.

    Raises ValueError when an issued document has no number, or another one has.
    """
    has_number = facts.state in (DocumentState.ISSUED, DocumentState.VOID)
    if has_number != bool(facts.number):
        raise ValueError(f"a document that is {facts.state} cannot have the number {facts.number!r}")
    draft, sign = taxed.draft, -1 if taxed.draft.kind is DocumentKind.CREDIT_NOTE else 1
    tax_rows = tuple(
        RateTotal(row.tax, _turned(row.net, sign), _turned(row.amount, sign)) for row in taxed.totals.rates
    )
    gross = _turned(taxed.totals.gross, sign)
    paid = facts.paid if facts.paid is not None else Money.zero(gross.currency)
    amount_due = gross - paid
    po_number = draft.bill_to.po_number if facts.po_number is None else facts.po_number
    return DocumentView(
        kind=draft.kind,
        state=facts.state,
        number=facts.number,
        seller=facts.seller,
        buyer=facts.buyer,
        payer=facts.payer,
        issued_on=facts.issued_on or draft.bill_on,
        due_on=facts.due_on or draft.due_on,
        payment_terms_days=draft.bill_to.payment_terms_days,
        lines=_lines(taxed, facts, sign, po_number),
        tax_rows=tax_rows,
        net=_turned(taxed.totals.net, sign),
        tax=_turned(taxed.totals.tax, sign),
        gross=gross,
        paid=paid,
        amount_due=amount_due,
        service=_service(draft.items),
        po_number=po_number,
        contract_refs=_distinct(item.contract_ref for item in draft.items),
        order_refs=_distinct(item.order_ref for item in draft.items),
        lowers=facts.lowers,
        reason=facts.reason,
        memo=facts.memo,
        mentions=_distinct(row.tax.mention for row in tax_rows),
        accounting_tax=facts.accounting_tax,
        payment=_payment(facts, draft.kind, amount_due),
    )


def _lines(taxed: TaxedDocument, facts: DocumentFacts, sign: int, po_number: str) -> tuple[DocumentLine, ...]:
    """The rows. One that takes back (part of) an issued row is one piece at its amount: quantity and price of that row
    would not explain it.
    """
    nets = _line_nets(taxed)
    rows = zip(taxed.draft.items, taxed.taxes, nets, strict=True)
    return tuple(
        DocumentLine(
            position=position,
            description=item.description or item.product_code,
            quantity=Decimal(1) if item.reverses else item.quantity,
            unit_price=_turned(net, sign).amount if item.reverses else item.unit_price,
            net=_turned(net, sign),
            tax=tax,
            product_code=item.product_code,
            price_months=None if item.reverses else facts.price_months.get(item.line_key),
            period=item.period,
            note=item.reason if item.reason != facts.reason else "",
            order_ref=item.order_ref,
            contract_ref=item.contract_ref,
            po_number=po_number,
            is_estimate=item.is_estimate,
        )
        for position, (item, tax, net) in enumerate(rows, start=1)
    )


def _line_nets(taxed: TaxedDocument) -> list[Money]:
    """The net of each item: its amount, or where amounts contain the tax, its share of the net of its rate."""
    nets = [item.amount for item in taxed.draft.items]
    for row in taxed.totals.rates:
        own = [index for index, tax in enumerate(taxed.taxes) if tax == row.tax]
        if total((nets[index] for index in own), currency=row.net.currency) == row.net:
            continue
        for index in own:
            nets[index] = _without_tax(nets[index], row.tax)
        largest = max(own, key=lambda index: abs(nets[index].amount))
        rest = row.net - total((nets[index] for index in own), currency=row.net.currency)
        nets[largest] = nets[largest] + rest
    return nets


def _without_tax(gross: Money, tax: Tax) -> Money:
    with localcontext(EXACT):
        return Money(gross.amount * 100 / (100 + tax.rate), gross.currency).rounded()


def _payment(facts: DocumentFacts, kind: DocumentKind, amount_due: Money) -> PaymentDetails:
    """Nothing is to be paid on a credit note; only an issued invoice has a reference and a code."""
    if kind is DocumentKind.CREDIT_NOTE:
        return PaymentDetails()
    accounts = tuple(account for account in facts.seller.bank_accounts if account.currency in ("", amount_due.currency))
    if facts.state is not DocumentState.ISSUED or facts.number is None:
        return PaymentDetails(accounts)
    reference = payment_reference(facts.number)
    return PaymentDetails(accounts, reference, _code(facts.seller, accounts, amount_due, reference), facts.payment_link)


def payment_code(*, view: DocumentView, amount: Money) -> str:
    """The text of a payment code over another amount than the document's own, empty where there is none."""
    return _code(view.seller, view.payment.accounts, amount, view.payment.reference)


def payment_reference(number: str) -> str:
    """What a payer writes: the creditor reference, or the number itself where none can be made of it."""
    try:
        return creditor_reference(number)
    except ReferenceRefused:
        return number


def _code(seller: Seller, accounts: Sequence[BankAccount], amount_due: Money, reference: str) -> str:
    account = next((account for account in accounts if is_iban(account.iban)), None)
    if account is None or amount_due.currency != "EUR" or amount_due.amount <= 0:
        return ""
    is_structured = is_creditor_reference(reference)
    try:
        return transfer_code(
            name=account.holder or seller.name,
            iban=account.iban,
            bic=account.bic,
            amount=amount_due,
            reference=reference if is_structured else "",
            text="" if is_structured else reference,
        )
    except ReferenceRefused:
        # The code is a convenience beside the account in words: what the standard cannot carry goes without it.
        return ""


def _service(items: Sequence[InvoiceItem]) -> BillingPeriod | None:
    if not items:
        return None
    return BillingPeriod(min(item.period.start for item in items), max(item.period.end for item in items))


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _turned(money: Money, sign: int) -> Money:
    return -money if sign < 0 else money
