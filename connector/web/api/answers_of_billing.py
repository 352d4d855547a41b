"""The answers about documents: the schedule of a contract, drafts held, and their items; see `answers` for the rest."""

from __future__ import annotations

from datetime import date

from connector.web.api.answers import Answer, ChargeAnswer, CustomerRefAnswer, Instant, MoneyAnswer, Number


class DocumentItemAnswer(Answer):
    """One line of a document: a charge for [starts_on, ends_on), with the record and the line that signed it."""

    order_record: str
    line: str
    product_code: str
    description: str
    starts_on: date
    ends_on: date
    quantity: Number
    unit_price: Number
    amount: MoneyAnswer
    kind: str
    is_estimate: bool
    reason: str


class DocumentAnswer(Answer):
    """One document of a schedule, with the items of this contract.

    `state` is planned until a billing run has made it (unread when it was due and waits for usage), then that of the
    document `invoice`. `tax` and `gross` are null while no rule decides the tax, which `problem` explains, and on a
    document that holds other contracts as well.
    """

    bill_on: date
    due_on: date
    kind: str
    state: str
    invoice: int | None
    legal_entity: str
    starts_on: date
    ends_on: date
    net: MoneyAnswer
    tax: MoneyAnswer | None
    gross: MoneyAnswer | None
    is_estimate: bool
    problem: str
    items: tuple[DocumentItemAnswer, ...]


class ScheduleCheckAnswer(Answer):
    """Whether the documents add up to the contract's value to the cent; usage is in neither."""

    agrees: bool
    scheduled: MoneyAnswer
    value: MoneyAnswer
    difference: MoneyAnswer


class ScheduleAnswer(Answer):
    """All charges of a contract by bill date, and the documents that hold or will hold them."""

    contract: str
    charges: tuple[ChargeAnswer, ...]
    documents: tuple[DocumentAnswer, ...]
    check: ScheduleCheckAnswer


class InvoiceAnswer(Answer):
    """One document that billing made; `tax` and `gross` are null while no rule decides the tax."""

    id: int
    kind: str
    state: str
    org_id: str
    customer: CustomerRefAnswer
    payer: str
    legal_entity: str
    bill_on: date
    due_on: date
    net: MoneyAnswer
    tax: MoneyAnswer | None
    gross: MoneyAnswer | None
    item_count: int
    problem_code: str
    problem: str
    created_at: Instant


class InvoiceItemAnswer(Answer):
    """One line of a document with the contract, the order and the signed record that it comes from.

    `tax_rate` is a percentage, null while no rule decides it. `reverses` names the charge that the line takes back.
    """

    position: int
    contract: str
    order: str | None
    order_record: str
    line: str
    product_code: str
    description: str
    kind: str
    starts_on: date
    ends_on: date
    quantity: Number
    unit_price: Number
    amount: MoneyAnswer
    tax_rate: Number | None
    reason: str
    reverses: str


class TaxAnswer(Answer):
    """The tax of one rate on a document; `category` as in EN 16931, `mention` is what the document must say."""

    rate: Number
    category: str
    mention: str
    net: MoneyAnswer
    tax: MoneyAnswer


class FindingAnswer(Answer):
    """One thing that a reviewer should know; a blocking one stops the document."""

    code: str
    message: str
    fix: str
    owner: str
    is_blocking: bool


class InvoiceDetailAnswer(InvoiceAnswer):
    """Everything about one document; `lowers` are the ids of the documents that a credit note lowers.

    `content_hash` is what an approval names; `number` is empty until it is issued. `is_quiet`: it needs no second look.
    """

    content_hash: str
    number: str
    is_quiet: bool
    findings: tuple[FindingAnswer, ...]

    payment_terms_days: int
    po_number: str
    run_as_of: date | None
    items: tuple[InvoiceItemAnswer, ...]
    taxes: tuple[TaxAnswer, ...]
    lowers: tuple[int, ...]
