"""The life of a payment and of a refund, and the ledger of cash: postings of which every one sums to zero.

Exists so that "where is this money?" has one answer: every movement is a posting between accounts, appended and never
changed; what is open on an invoice and what is left of a payment are always counted from postings. A mistake is mended
by a posting the other way round. It must not match, store or send anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from connector.domain.fulfilment import IllegalTransition
from connector.domain.money import IMPOSSIBLE_AMOUNT, Money, total
from connector.errors import Refused


class PaymentState(StrEnum):
    """What is known of the money itself; what it paid is told by the ledger."""

    PENDING = "pending"
    RECEIVED = "received"
    FAILED = "failed"
    DISPUTED = "disputed"
    RETURNED = "returned"


class PaymentEvent(StrEnum):
    """What a bank or provider tells of a payment."""

    RECEIVE = "receive"
    FAIL = "fail"
    DISPUTE = "dispute"
    WIN = "win"
    RETURN = "return"


class RefundState(StrEnum):
    """How far money is on its way back."""

    REQUESTED = "requested"
    SETTLED = "settled"
    FAILED = "failed"


class RefundEvent(StrEnum):
    """What happens to a refund."""

    SETTLE = "settle"
    FAIL = "fail"


_S, _E = PaymentState, PaymentEvent

PAYMENT_TRANSITIONS: dict[tuple[PaymentState, PaymentEvent], PaymentState] = {
    (_S.PENDING, _E.RECEIVE): _S.RECEIVED,
    (_S.PENDING, _E.FAIL): _S.FAILED,
    # The failure was of one attempt; a later one brought the money after all.
    (_S.FAILED, _E.RECEIVE): _S.RECEIVED,
    # The payer's bank asks: the money still counts, but nobody builds on it.
    (_S.RECEIVED, _E.DISPUTE): _S.DISPUTED,
    (_S.RECEIVED, _E.RETURN): _S.RETURNED,
    (_S.DISPUTED, _E.WIN): _S.RECEIVED,
    (_S.DISPUTED, _E.RETURN): _S.RETURNED,
    # Nothing follows RETURNED: money that comes again is another payment.
}

REFUND_TRANSITIONS: dict[tuple[RefundState, RefundEvent], RefundState] = {
    (RefundState.REQUESTED, RefundEvent.SETTLE): RefundState.SETTLED,
    (RefundState.REQUESTED, RefundEvent.FAIL): RefundState.FAILED,
    # A bank may send a settled refund back, say because the account is closed.
    (RefundState.SETTLED, RefundEvent.FAIL): RefundState.FAILED,
}

# Money of these payments may pay invoices.
SPENDABLE = (PaymentState.RECEIVED,)


class PaymentRefused(Refused):
    """That cannot be done with this payment."""

    code = "PAYMENT_REFUSED"
    owner = "finance"
    fix = "Look at the payment and the invoice as they are now, then decide again."


class Account(StrEnum):
    """The accounts of the cash ledger. A debit is positive, a credit negative, as accountants write it."""

    CASH = "cash"
    UNAPPLIED = "unapplied"
    RECEIVABLE = "receivable"
    FEES = "fees"
    WRITE_OFFS = "write_offs"
    REFUNDS = "refunds"


class PostingKind(StrEnum):
    """What a posting records."""

    RECEIVE = "receive"
    FEE = "fee"
    ALLOCATE = "allocate"
    WRITE_OFF = "write_off"
    REFUND = "refund"
    REFUND_SETTLED = "refund_settled"
    RETURN = "return"
    # The exact opposite of an earlier posting, which it names.
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a posting. Receivable lines name the invoice, unapplied ones the payment."""

    account: Account
    amount: Money
    payment_id: int | None = None
    invoice_id: int | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """A movement of money between accounts. Raises ValueError unless its lines sum to zero in one currency."""

    kind: PostingKind
    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        if len(self.lines) < 2 or total((line.amount for line in self.lines), currency=self.currency):
            raise ValueError(f"a posting must sum to zero: {self.lines}")
        if any(not line.amount for line in self.lines):
            raise ValueError(f"a posting has no lines of nothing: {self.lines}")

    @property
    def currency(self) -> str:
        """The currency of all lines."""
        return self.lines[0].amount.currency

    @property
    def amount(self) -> Money:
        """How much moves."""
        return self.lines[0].amount

    def undone(self) -> Posting:
        """The posting that takes this one back."""
        lines = tuple(Line(line.account, -line.amount, line.payment_id, line.invoice_id) for line in self.lines)
        return Posting(PostingKind.UNDO, lines)


@dataclass(frozen=True, slots=True)
class InvoiceBalance:
    """What an issued invoice comes to, and what took from it; every figure is positive and gross."""

    invoice_id: int
    gross: Money
    credited: Money
    allocated: Money
    written_off: Money

    @property
    def rest(self) -> Money:
        """What is left; below zero when a credit came after the payment and nobody has released the surplus yet."""
        return self.gross - self.credited - self.allocated - self.written_off

    @property
    def open(self) -> Money:
        """What the customer still owes; never below zero."""
        return self.rest if self.rest.amount > 0 else Money.zero(self.gross.currency)

    @property
    def surplus(self) -> Money:
        """By how much more was paid and credited than was owed."""
        return -self.rest if self.rest.amount < 0 else Money.zero(self.gross.currency)

    @property
    def status(self) -> PaidStatus:
        """How far it is paid."""
        if self.open:
            return PaidStatus.PART_PAID if self.allocated else PaidStatus.OPEN
        if self.allocated:
            return PaidStatus.PAID
        return PaidStatus.WRITTEN_OFF if self.written_off else PaidStatus.CREDITED

    def is_overdue(self, *, due_on: date, today: date) -> bool:
        """Whether it is owed longer than agreed; on the due day itself it is not yet."""
        return bool(self.open) and today > due_on


class PaidStatus(StrEnum):
    """How far an issued invoice is paid; follows from the ledger alone."""

    OPEN = "open"
    PART_PAID = "part_paid"
    PAID = "paid"
    CREDITED = "credited"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class PaymentBalance:
    """What came with a payment and where it went; every figure is positive."""

    payment_id: int
    received: Money
    allocated: Money
    refunded: Money
    returned: Money

    @property
    def left(self) -> Money:
        """What is not used yet: credit of the customer."""
        return self.received - self.allocated - self.refunded - self.returned


def payment_after(state: PaymentState, event: PaymentEvent) -> PaymentState:
    """The payment's next state. Raises IllegalTransition when the table has no such edge."""
    try:
        return PAYMENT_TRANSITIONS[state, event]
    except KeyError as error:
        raise IllegalTransition(f"A payment that is {state} cannot {event}.", owner="finance") from error


def refund_after(state: RefundState, event: RefundEvent) -> RefundState:
    """The refund's next state. Raises IllegalTransition when the table has no such edge."""
    try:
        return REFUND_TRANSITIONS[state, event]
    except KeyError as error:
        raise IllegalTransition(f"A refund that is {state} cannot {event}.", owner="finance") from error


def receive(*, payment_id: int, amount: Money) -> Posting:
    """Money came: it is at the bank, and owed to the payer until it pays something."""
    return _posting(PostingKind.RECEIVE, Account.CASH, Account.UNAPPLIED, amount, payment_id)


def fee(*, payment_id: int, amount: Money) -> Posting:
    """A bank or provider kept a fee of money that the payer paid in full."""
    return _posting(PostingKind.FEE, Account.FEES, Account.CASH, amount, payment_id)


def allocation(*, payment_id: int, invoice_id: int, amount: Money) -> Posting:
    """Money of a payment pays an invoice."""
    return _posting(PostingKind.ALLOCATE, Account.UNAPPLIED, Account.RECEIVABLE, amount, payment_id, invoice_id)


def write_off(*, invoice_id: int, amount: Money) -> Posting:
    """What is open on an invoice is given up."""
    return _posting(PostingKind.WRITE_OFF, Account.WRITE_OFFS, Account.RECEIVABLE, amount, None, invoice_id)


def refund(*, payment_id: int, amount: Money) -> Posting:
    """Unused money is on its way back; nothing else may use it."""
    return _posting(PostingKind.REFUND, Account.UNAPPLIED, Account.REFUNDS, amount, payment_id)


def refund_settled(*, payment_id: int, amount: Money) -> Posting:
    """Money that was on its way back has left."""
    return _posting(PostingKind.REFUND_SETTLED, Account.REFUNDS, Account.CASH, amount, payment_id)


def returned(*, payment_id: int, amount: Money) -> Posting:
    """The bank took the money back: a return, a reversal or a lost dispute."""
    return _posting(PostingKind.RETURN, Account.UNAPPLIED, Account.CASH, amount, payment_id)


def refuse_allocation(*, payment: PaymentBalance, invoice: InvoiceBalance, amount: Money) -> None:
    """Raises PaymentRefused unless the payment has so much left and the invoice so much open."""
    if amount.currency != payment.received.currency or amount.currency != invoice.gross.currency:
        raise PaymentRefused(
            f"{amount}: the payment is in {payment.received.currency}, the invoice in {invoice.gross.currency}.",
            code="CURRENCY_DIFFERS",
            fix="Money is never converted here: allocate only within one currency.",
        )
    refuse_amount(amount)
    if payment.left < amount:
        raise PaymentRefused(f"{amount} cannot be allocated: {payment.left} of the payment is left.", code="TOO_MUCH")
    if invoice.open < amount:
        raise PaymentRefused(f"{amount} cannot be allocated: {invoice.open} is open on the invoice.", code="TOO_MUCH")


def refuse_amount(amount: Money) -> None:
    """Raises PaymentRefused unless it is above zero, can be kept, and has no more places than its currency."""
    if not 0 < amount.amount < IMPOSSIBLE_AMOUNT or amount.rounded() != amount:
        raise PaymentRefused(
            f"{amount} is no amount that can move.", code="AMOUNT", fix="Use an amount above zero that exists."
        )


def ledger_sum(postings: Iterable[Posting]) -> dict[str, Money]:
    """The sum of all lines by currency: zero for each, or something was lost."""
    sums: dict[str, Money] = {}
    for line in (line for posting in postings for line in posting.lines):
        currency = line.amount.currency
        sums[currency] = sums.get(currency, Money.zero(currency)) + line.amount
    return sums


def spread_oldest_first(*, amount: Money, open_amounts: Sequence[Money], is_full_only: bool = False) -> list[Money]:
    """How an amount would pay invoices from the oldest on; `is_full_only` stops before one that it cannot pay whole."""
    left, parts = amount, []
    for wanted in open_amounts:
        part = min(left, wanted)
        if is_full_only and part < wanted:
            part = Money.zero(amount.currency)
        parts.append(part)
        left = left - part
    return parts


def _posting(
    kind: PostingKind,
    debit: Account,
    credit: Account,
    amount: Money,
    payment_id: int | None,
    invoice_id: int | None = None,
) -> Posting:
    refuse_amount(amount)
    return Posting(kind, (_line(debit, amount, payment_id, invoice_id), _line(credit, -amount, payment_id, invoice_id)))


def _line(account: Account, amount: Money, payment_id: int | None, invoice_id: int | None) -> Line:
    # A write-off concerns an invoice alone; what leaves or enters a payment names it on both sides.
    return Line(account, amount, payment_id, invoice_id)
