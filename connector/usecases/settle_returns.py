"""Undo payments that the bank took back, where it is certain which one it was; else ask a person.

A return names its payment by the payer's own end-to-end reference or by our reference, with the same amount on the same
account. Anything less is a question: undoing the wrong payment would dun the wrong customer.
"""

from __future__ import annotations

from connector.domain.payment_reference import references_in
from connector.domain.payments import PaymentState
from connector.domain.review import Actor, refuse_unless_person
from connector.errors import NotFound, Refused
from connector.store import bank
from connector.store.bank import StoredEntry
from connector.store.payments import SUBJECT, StoredPayment, payments_like
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.cash_desk import CashDesk, record
from connector.usecases.receive_payment import return_locked
from connector.usecases.review_desk import clean_text

_BANK = "bank"
_UNDOABLE = (PaymentState.RECEIVED, PaymentState.DISPUTED)


def settle_returns(*, desk: CashDesk) -> dict[str, int]:
    """Settle every return that is due; answers how many were undone and how many are questions."""
    with desk.database.reading() as connection:
        due = bank.load_entries(connection=connection, outcome=bank.RETURN_DUE)
    counts = {"returned": 0, "questions": 0}
    for one in due:
        try:
            word = _settle(desk, one.id)
        except Refused as refused:
            # What cannot be undone by itself is a person's to look at, and holds up no other.
            word = _ask_afterwards(desk, one.id, f"{refused} {refused.fix}".strip())
        if word:
            counts[word] += 1
    return counts


def _settle(desk: CashDesk, entry_id: int) -> str:
    """Settle one return; which count it adds to, empty when somebody else has settled it meanwhile."""
    with desk.database.unit_of_work() as work:
        entry = _still_due(work, entry_id)
        if entry is None:
            return ""
        found = _candidates(work, entry)
        if len(found) == 1:
            _undo(work, desk, entry, found[0], _BANK)
        else:
            reason = "No payment" if not found else f"{len(found)} payments"
            _ask(work, entry, f"{reason} with this amount and reference came to this account.")
        work.commit()
    return "returned" if len(found) == 1 else "questions"


def _ask_afterwards(desk: CashDesk, entry_id: int, reason: str) -> str:
    with desk.database.unit_of_work() as work:
        entry = _still_due(work, entry_id)
        if entry is None:
            return ""
        _ask(work, entry, reason)
        work.commit()
    return "questions"


def _still_due(work: UnitOfWork, entry_id: int) -> StoredEntry | None:
    """The return, locked, unless another process or a person has settled it since the list was read."""
    entry = bank.lock_entry(work=work, entry_id=entry_id)
    return entry if entry is not None and entry.outcome == bank.RETURN_DUE else None


def _ask(work: UnitOfWork, entry: StoredEntry, reason: str) -> None:
    bank.save_outcome(work=work, entry_id=entry.id, outcome=bank.QUESTION, reason=reason)


def answer_return(
    *, desk: CashDesk, entry_id: int, payment_id: int, reason: str, actor: str, role: str
) -> tuple[int, ...]:
    """A person says which payment a return takes back. Again does nothing. Raises NotFound, PaymentRefused,
    DecisionRefused, TextRefused.
    """
    decides, said = Actor(actor.strip(), role), clean_text(reason, name="reason")
    refuse_unless_person(decides)
    with desk.database.unit_of_work() as work:
        entry = bank.lock_entry(work=work, entry_id=entry_id)
        if entry is None or entry.outcome not in (bank.QUESTION, bank.RETURNED):
            raise NotFound(f"There is no return {entry_id} to be answered.")
        if entry.outcome == bank.RETURNED:
            return ()
        reopened = return_locked(
            work=work, desk=desk, payment_id=payment_id, on=entry.entry.booked_on, actor=decides.name, reason=said,
            key=f"entry-{entry.id}", amount=-entry.entry.amount,
        )  # fmt: skip
        bank.save_outcome(work=work, entry_id=entry.id, outcome=bank.RETURNED, reason=said, payment_id=payment_id)
        record(work=work, desk=desk, legal_entity="", subject=SUBJECT, subject_id=payment_id, actor=decides,
               event="return", reason=said, data={"entry": entry.id})  # fmt: skip
        work.commit()
    return reopened


def _candidates(work: UnitOfWork, one: StoredEntry) -> list[StoredPayment]:
    same = payments_like(connection=work.connection, account=one.account, amount=-one.entry.amount,
                         until=one.entry.booked_on)  # fmt: skip
    alive = [payment for payment in same if payment.state in _UNDOABLE]
    if one.entry.end_to_end:
        named = [payment for payment in alive if payment.arrived.end_to_end == one.entry.end_to_end]
        if named:
            return named
    keys = _proved(one.entry.references, one.entry.text)
    return [payment for payment in alive if keys & _proved(payment.arrived.references, payment.arrived.text)]


def _proved(references: tuple[str, ...], text: str) -> set[str]:
    return set(references_in([*references, text]).proved)


def _undo(work: UnitOfWork, desk: CashDesk, one: StoredEntry, payment: StoredPayment, actor: str) -> None:
    reason = f"Taken back by the bank on {one.entry.booked_on}. {one.entry.text}".strip()
    return_locked(work=work, desk=desk, payment_id=payment.id, on=one.entry.booked_on, actor=actor, reason=reason,
                  key=f"entry-{one.id}", amount=-one.entry.amount)  # fmt: skip
    bank.save_outcome(work=work, entry_id=one.id, outcome=bank.RETURNED, reason=reason, payment_id=payment.id)
