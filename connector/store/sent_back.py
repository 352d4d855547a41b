"""Documents that were sent back, as a billing run meets them: the same is not drafted again until something changes.

What such a document holds counts as not billed. A run that finds the same content again while its contracts are as they
were leaves it with its owner; another content, or a contract that has changed, is the answer: the new draft takes over
and the old one is void.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.review import InvoiceEvent, InvoiceState, invoice_after
from connector.errors import Fault
from connector.store import audit
from connector.store.billing_rows import Drafted, TaxedDraft
from connector.store.history import SYSTEM
from connector.store.tables import contracts
from connector.store.tables_billing import invoice_items, invoices
from connector.store.tables_review import invoice_reviews
from connector.store.unit_of_work import UnitOfWork

SENT_BACK = "INVOICE_SENT_BACK"


@dataclass(frozen=True, slots=True)
class SentBack:
    """One document that was sent back: its charges, and the versions its contracts had then, by row id as text."""

    id: int
    draft_key: str
    legal_entity: str
    charge_keys: frozenset[str]
    versions: Mapping[str, int]


def load_waiting(*, connection: Connection, customer_refs: Iterable[str]) -> list[SentBack]:
    """The documents of these customers that wait for their owner."""
    return _load(connection, customer_refs, _WAITING)


def without_waiting(*, drafted: Iterable[Drafted], waiting: Sequence[SentBack]) -> Iterator[Drafted]:
    """The same drafting without what is with its owner still."""
    for one in drafted:
        versions = {str(contract.id): contract.version for contract in one.contracts}
        kept = [taxed for taxed in one.drafts if not any(_is_same(taxed, old, versions) for old in waiting)]
        yield one if len(kept) == len(one.drafts) else replace(one, drafts=kept)


def settle_sent_back(*, work: UnitOfWork, drafted: Sequence[Drafted], now: datetime) -> list[Drafted]:
    """The same drafting without what is with its owner still; what is answered by it becomes void."""
    refs = {contract.customer_ref for one in drafted for contract in one.contracts}
    waiting = _load(work.connection, refs, _WAITING.with_for_update(of=invoices))
    kept = list(without_waiting(drafted=drafted, waiting=waiting))
    keys = {item.charge_key for one in kept for taxed in one.drafts for item in taxed.document.draft.items}
    for old in waiting:
        if old.charge_keys & keys:
            _supersede(work, old, now)
    return kept


def load_sent_back(*, work: UnitOfWork, order_ref: str, contract_id: int | None) -> Fault | None:
    """The latest invoice with items of that signed record that was sent back, until its contract changes."""
    if contract_id is None:
        return None
    query = (
        sa.select(invoices, invoice_reviews, contracts.c.version)
        .join(invoice_reviews, invoice_reviews.c.invoice_id == invoices.c.id)
        .join(invoice_items, invoice_items.c.invoice_id == invoices.c.id)
        .join(contracts, contracts.c.id == invoice_items.c.contract_id)
        .where(invoice_items.c.contract_id == contract_id, invoice_items.c.order_ref == order_ref)
        .where(invoices.c.state == InvoiceState.SENT_BACK.value)
        .order_by(invoices.c.id.desc())
        .limit(1)
    )
    row = work.execute(query).one_or_none()
    if row is None or (row.contract_versions or {}).get(str(contract_id)) != row.version:
        return None
    kind = row.kind.replace("_", " ")
    told = f"Finance sent the {kind} of {row.bill_on} ({row.net} {row.currency} net) back: {row.reason}"
    return Fault(SENT_BACK, told, f"Correct the deal, or ask finance to return the {kind} as it is.", row.owner)


def first_sent_back(*, work: UnitOfWork, contract_id: int) -> date | None:
    """The earliest bill date of what was sent back of a contract: from there its change is an answer. None: nothing."""
    own = sa.select(invoice_items.c.invoice_id).where(invoice_items.c.contract_id == contract_id)
    query = sa.select(sa.func.min(invoices.c.bill_on)).where(invoices.c.id.in_(own))
    found: date | None = work.execute(query.where(invoices.c.state == InvoiceState.SENT_BACK.value)).scalar_one()
    return found


def draft_again(*, work: UnitOfWork, contract_ids: Iterable[int]) -> None:
    """Have a run that drafts these contracts right now draft them again: what counts as billed has changed."""
    again = contracts.update().where(contracts.c.id.in_(list(contract_ids)))
    work.execute(again.values(billing_count=contracts.c.billing_count + 1))


def _is_same(taxed: TaxedDraft, old: SentBack, versions: Mapping[str, int]) -> bool:
    is_unchanged = all(versions.get(contract_id, version) == version for contract_id, version in old.versions.items())
    return is_unchanged and taxed.document.draft.key == old.draft_key


_WAITING = (
    sa.select(invoices, invoice_reviews.c.contract_versions)
    .join(invoice_reviews, invoice_reviews.c.invoice_id == invoices.c.id)
    .where(invoices.c.state == InvoiceState.SENT_BACK.value)
    .order_by(invoices.c.id)
)


def _load(connection: Connection, customer_refs: Iterable[str], query: sa.Select[Any]) -> list[SentBack]:
    rows = connection.execute(query.where(invoices.c.customer_ref.in_(list(customer_refs)))).all()
    keys: dict[int, set[str]] = {row.id: set() for row in rows}
    items = sa.select(invoice_items.c.invoice_id, invoice_items.c.charge_key)
    for item in connection.execute(items.where(invoice_items.c.invoice_id.in_(list(keys)))) if rows else ():
        keys[item.invoice_id].add(item.charge_key)
    return [_sent_back(row, keys[row.id]) for row in rows]


def _sent_back(row: Any, keys: set[str]) -> SentBack:
    return SentBack(row.id, row.draft_key, row.legal_entity, frozenset(keys), row.contract_versions or {})


def _supersede(work: UnitOfWork, old: SentBack, now: datetime) -> None:
    after = invoice_after(InvoiceState.SENT_BACK, InvoiceEvent.SUPERSEDE)
    work.execute(invoices.update().where(invoices.c.id == old.id).values(state=after.value))
    audit.append(
        work=work,
        chain=audit.chain_of(old.legal_entity),
        at=now,
        actor=SYSTEM,
        subject_id=old.id,
        event=InvoiceEvent.SUPERSEDE,
        before=InvoiceState.SENT_BACK,
        after=after,
        reason="A billing run drafted what it held anew.",
    )
