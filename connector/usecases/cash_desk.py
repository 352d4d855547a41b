"""The desk at which money is booked: what every booking needs, and money locked so that nobody else spends it.

Exists so that people, the matching job and providers book by the same rules. Locks are taken in one order, invoices
before payments, each ascending. Nothing outside is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.legal_entities import LegalEntity, plain_entity
from connector.domain.matching import MatchRules
from connector.domain.payments import PaymentRefused
from connector.domain.review import Actor, InvoiceState
from connector.errors import NotFound
from connector.ports import Clock
from connector.store import audit
from connector.store.issued import lock_all
from connector.store.ledger import StoredPosting, load_postings
from connector.store.open_items import IssuedInvoice, load_issued_invoices
from connector.store.payments import StoredPayment, lock_payment
from connector.store.unit_of_work import Database, UnitOfWork

PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class CashDesk:
    """What booking needs. `entities` go by code."""

    database: Database
    clock: Clock
    entities: Mapping[str, LegalEntity] = field(default_factory=dict)
    rules: MatchRules = field(default_factory=MatchRules)

    def today(self, legal_entity: str) -> date:
        """The day it is at that legal entity."""
        entity = self.entities.get(legal_entity) or plain_entity(code=legal_entity, country="")
        return entity.today(self.clock.now())


def open_money(
    *, work: UnitOfWork, payment_id: int, invoice_ids: Sequence[int]
) -> tuple[StoredPayment, dict[int, IssuedInvoice]]:
    """A payment and issued invoices, all locked. Raises NotFound, and PaymentRefused for what cannot be paid."""
    lock_all(work=work, invoice_ids=invoice_ids)
    found = load_issued_invoices(connection=work.connection, invoice_ids=invoice_ids)
    for invoice_id in invoice_ids:
        if invoice_id not in found:
            raise NotFound(f"There is no invoice {invoice_id}.")
        refuse_unpayable(found[invoice_id])
    return lock_payment(work=work, payment_id=payment_id), found


def refuse_unpayable(invoice: IssuedInvoice) -> None:
    """Raises PaymentRefused unless it is an issued invoice."""
    if invoice.kind is not DocumentKind.INVOICE:
        raise PaymentRefused(f"{invoice.name} is a credit note; nobody pays it.", code="CREDIT_NOTE")
    if invoice.state is not InvoiceState.ISSUED:
        raise PaymentRefused(
            f"{invoice.name} is {invoice.state.replace('_', ' ')}, not issued, so nothing can be paid on it.",
            code="NOT_ISSUED",
            fix="Keep the money as credit of the customer, or allocate it to an issued invoice.",
        )


def allocations_of(*, work: UnitOfWork, payment_id: int) -> list[StoredPosting]:
    """The allocations of a payment that hold, oldest first."""
    found = load_postings(connection=work.connection, payment_id=payment_id)
    return [one for one in found if one.holds and one.posting.kind == "allocate"]


def charge_prefix(payment_id: int) -> str:
    """How keys begin of write-offs that stand for what a bank kept of a payment: they go when the payment goes."""
    return f"charge/{payment_id}/"


def record(
    *,
    work: UnitOfWork,
    desk: CashDesk,
    legal_entity: str,
    subject: str,
    subject_id: int,
    actor: Actor,
    event: str,
    reason: str = "",
    data: Mapping[str, object] | None = None,
) -> None:
    """Write a decision of a person about money into the audit log."""
    audit.append(
        work=work,
        chain=audit.chain_of(legal_entity),
        at=desk.clock.now(),
        actor=actor.name,
        role=actor.role,
        subject=subject,
        subject_id=subject_id,
        event=event,
        reason=reason,
        data=dict(data or {}),
    )
