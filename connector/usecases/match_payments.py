"""Decide for every payment that waits what it pays, and book it where reference and currency leave no doubt.

Runs as often as it likes, in any process, and goes on where another one stopped: a payment is decided on under its
lock, with the balances of that moment. What is not certain is put before a person with the reason. Returns of the bank
are undone here too, where it is certain which payment came back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.matching import MatchDecision, OpenItem, Verdict, match_payment, wrong_digits
from connector.domain.money import Money
from connector.domain.payment_reference import References, references_in
from connector.domain.payments import Posting, allocation, write_off
from connector.domain.review import InvoiceState
from connector.errors import Conflict
from connector.store import ledger, payment_queue
from connector.store.issued import lock_all
from connector.store.ledger import NewPosting
from connector.store.open_items import IssuedInvoice, find_by_keys, load_issued_invoices, open_invoices_of
from connector.store.payments import MatchState, StoredPayment, lock_payments
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.cash_desk import CashDesk, charge_prefix

_SYSTEM = "countersign"
_AT_ONCE = 500
# Money that came for something that needs none: it stays the customer's.
_UNAPPLIED = frozenset({"already_paid", "not_payable"})
_STATE_OF = {
    MatchDecision.APPLY: MatchState.MATCHED,
    MatchDecision.SUGGEST: MatchState.SUGGESTED,
    MatchDecision.REVIEW: MatchState.REVIEW,
}


@dataclass
class Decided:
    """What matching came to: payments by what was decided on them."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str) -> None:
        """One more of these."""
        self.counts[name] = self.counts.get(name, 0) + 1


def match_payments(*, desk: CashDesk, limit: int | None = None) -> dict[str, int]:
    """Decide on payments that wait, at most `limit`; answers how many were matched, suggested, left to people."""
    decided = Decided()
    after = 0
    while limit is None or sum(decided.counts.values()) < limit:
        with desk.database.reading() as connection:
            ids = payment_queue.waiting(connection=connection, after=after, limit=_AT_ONCE)
        if not ids:
            break
        with desk.database.unit_of_work() as work:
            _match_some(work, desk, ids, decided)
            work.commit()
        after = ids[-1]
    return decided.counts


def look_for(*, work: UnitOfWork, desk: CashDesk, payments: Sequence[StoredPayment]) -> dict[int, Verdict]:
    """What matching says of these payments now, by id; nothing is locked or changed."""
    return {one.id: verdict for one, verdict, _ in _verdicts(work, desk, payments, _named(work, payments))}


@dataclass(frozen=True, slots=True)
class _Quoted:
    """The invoices that a payment names, those by mere number apart, and references with wrong digits."""

    proved: tuple[int, ...]
    likely: tuple[int, ...]
    wrong: tuple[str, ...]


def _match_some(work: UnitOfWork, desk: CashDesk, ids: Sequence[int], decided: Decided) -> None:
    payments = payment_queue.load(work=work, payment_ids=ids)
    named = _named(work, payments)
    lock_all(work=work, invoice_ids=sorted({one for quoted in named.values() for one in _all(quoted)}))
    # Another process may have decided on some while we waited for the locks.
    locked = [one for one in lock_payments(work=work, payment_ids=ids) if one.match_state is MatchState.WAITING]
    postings: list[NewPosting] = []
    owners: dict[int, IssuedInvoice] = {}
    decisions: list[payment_queue.Decision] = []
    for payment, verdict, invoices in _verdicts(work, desk, locked, named):
        state = MatchState.UNAPPLIED if verdict.code in _UNAPPLIED else _STATE_OF[verdict.decision]
        if verdict.decision is MatchDecision.APPLY and verdict.amounts:
            postings += _postings(desk, payment, verdict, invoices)
            owners[payment.id] = invoices[min(verdict.amounts)]
        decisions.append(payment_queue.Decision(payment.id, state, verdict.code, verdict.reason))
        decided.add(state.value)
    payment_queue.save_owners(
        work=work, owners={one: (own.org_id, own.customer_ref, own.legal_entity) for one, own in owners.items()}
    )
    added = ledger.post(work=work, new=postings, now=desk.clock.now())
    if len(added) != len(postings):
        raise Conflict("A payment was decided on by somebody else.")
    payment_queue.save_decisions(work=work, decisions=decisions, now=desk.clock.now())


def _named(work: UnitOfWork, payments: Sequence[StoredPayment]) -> dict[int, _Quoted]:
    """The invoices that each payment quotes, as they are found by reference."""
    quoted = {one.id: _references(one) for one in payments}
    keys = sorted({key for one in quoted.values() for key in (*one.proved, *one.likely)})
    found = find_by_keys(connection=work.connection, keys=keys)
    # One key that two invoices share proves nothing.
    single = {key: items[0].id for key, items in found.items() if len(items) == 1}
    return {one: _quoted(references, single) for one, references in quoted.items()}


def _references(payment: StoredPayment) -> References:
    arrived = payment.arrived
    return references_in([*arrived.references, arrived.end_to_end, arrived.text])


def _quoted(references: References, single: Mapping[str, int]) -> _Quoted:
    known = [key for key in (*references.proved, *references.likely) if key in single]
    # Of two numbers of which one is a part of the other only the whole one was meant.
    whole = [key for key in known if not any(key != other and key in other for other in known)]
    proved = tuple(single[key] for key in whole if key in references.proved)
    likely = tuple(single[key] for key in whole if key not in references.proved)
    return _Quoted(proved, likely, references.wrong)


def _all(quoted: _Quoted) -> tuple[int, ...]:
    return (*quoted.proved, *quoted.likely)


def _verdicts(
    work: UnitOfWork, desk: CashDesk, payments: Sequence[StoredPayment], named: Mapping[int, _Quoted]
) -> Iterable[tuple[StoredPayment, Verdict, Mapping[int, IssuedInvoice]]]:
    """One verdict after the other, each with the balances that the ones before leave."""
    ids = sorted({one for payment in payments for one in _all(named[payment.id])})
    invoices = load_issued_invoices(connection=work.connection, invoice_ids=ids)
    left = ledger.payment_balances(connection=work.connection, payment_ids=[one.id for one in payments])
    customers = payment_queue.customers_of_accounts(
        work=work, payments=[one for one in payments if not _all(named[one.id])]
    )
    for payment in payments:
        verdict = _verdict(work, desk, payment, left[payment.id].left, named[payment.id], invoices, customers)
        if verdict.decision is MatchDecision.APPLY:
            for invoice_id, amount in verdict.amounts.items():
                invoices[invoice_id] = _with_paid(invoices[invoice_id], amount, verdict.write_off)
        yield payment, verdict, invoices


def _verdict(
    work: UnitOfWork,
    desk: CashDesk,
    payment: StoredPayment,
    left: Money,
    quoted: _Quoted,
    invoices: Mapping[int, IssuedInvoice],
    customers: Mapping[int, tuple[str, str]],
) -> Verdict:
    if left.amount <= 0:
        return Verdict(MatchDecision.APPLY, "used", "All of it is used.")
    named = [_item(invoices[one], is_proved=True) for one in quoted.proved]
    named += [_item(invoices[one], is_proved=False) for one in quoted.likely]
    if not named and quoted.wrong:
        return wrong_digits(quoted.wrong)
    known: Sequence[OpenItem] = ()
    if not named and payment.id in customers:
        org_id, customer_ref = customers[payment.id]
        known = [
            _item(one, is_proved=False)
            for one in open_invoices_of(
                connection=work.connection, org_id=org_id, customer_ref=customer_ref, currency=left.currency
            )
        ]
    return match_payment(amount=left, named=named, known=known, rules=desk.rules)


def _item(invoice: IssuedInvoice, *, is_proved: bool) -> OpenItem:
    why_not = ""
    if invoice.state is not InvoiceState.ISSUED or invoice.kind is not DocumentKind.INVOICE:
        word = "a credit note" if invoice.kind is not DocumentKind.INVOICE else invoice.state.replace("_", " ")
        why_not = f"{invoice.name} is {word}, so nothing can be paid on it."
    return OpenItem(invoice.id, invoice.name, invoice.balance.open, invoice.balance.gross, is_proved, why_not)


def _with_paid(invoice: IssuedInvoice, amount: Money, charge: Money | None) -> IssuedInvoice:
    balance = replace(invoice.balance, allocated=invoice.balance.allocated + amount)
    if charge is not None:
        balance = replace(balance, written_off=balance.written_off + charge)
    return replace(invoice, balance=balance)


def _postings(
    desk: CashDesk, payment: StoredPayment, verdict: Verdict, invoices: Mapping[int, IssuedInvoice]
) -> list[NewPosting]:
    found: list[NewPosting] = []
    for invoice_id, amount in verdict.amounts.items():
        # Each decision raises the version, so what matches again after a return is another posting.
        key = f"match/{payment.id}/{payment.version}/{invoice_id}"
        posting = allocation(payment_id=payment.id, invoice_id=invoice_id, amount=amount)
        found.append(_new(desk, key, posting, invoices[invoice_id], verdict.reason))
        if verdict.write_off is not None:
            charge = write_off(invoice_id=invoice_id, amount=verdict.write_off)
            found.append(
                _new(
                    desk, f"{charge_prefix(payment.id)}{payment.version}", charge, invoices[invoice_id], verdict.reason
                )
            )
    return found


def _new(desk: CashDesk, key: str, posting: Posting, invoice: IssuedInvoice, reason: str) -> NewPosting:
    return NewPosting(key, posting, desk.today(invoice.legal_entity), _SYSTEM, reason)
