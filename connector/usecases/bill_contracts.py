"""The billing run: what is due up to a day and not billed yet becomes drafts, held for finance.

A run is made of chunks of customers that any number of processes share; each chunk may be done twice, half or late and
nothing is billed twice, because what is stored is always the difference to what is stored already. One contract that
cannot be priced is shown and holds up no other. Nothing here issues, numbers or sends anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from connector.domain.contract_terms import Contract
from connector.domain.contracts import build_contract
from connector.domain.invoice_drafts import Billed, InvoiceDraft
from connector.domain.invoicing import BillingRun, draft_invoices, next_bill_date
from connector.domain.tax import Tax, TaxCategory, TaxUndecided, tax_totals
from connector.domain.taxed_documents import TaxedDocument, TaxSettings, tax_document
from connector.domain.terms import Customer
from connector.errors import ConnectorError
from connector.ports import Clock
from connector.store import billing
from connector.store.billing import Chunk, Drafted, DueContract, TaxedDraft
from connector.store.unit_of_work import Database
from connector.usecases.start_look import StartsWork

CHUNK_SIZE = 500
# Customers whose drafts are stored in one transaction: long enough to be quick, short enough to hold up nobody.
_STORED_TOGETHER = 50
_TRIES = 5
_UNDECIDED = Tax(rate=Decimal(0), category=TaxCategory.NOT_SUBJECT)


@dataclass(frozen=True, slots=True)
class Biller:
    """What a billing run needs; made once per process."""

    database: Database
    clock: Clock
    taxes: TaxSettings
    executor_id: str

    def open_run(self, *, as_of: date, actor: str, chunk_size: int = CHUNK_SIZE) -> int:
        """A new run for everything due up to that day (included); answers its id. Several may be open at once."""
        with self.database.unit_of_work() as work:
            run_id, _ = billing.open_run(
                work=work, as_of=as_of, actor=actor, now=self.clock.now(), chunk_size=chunk_size
            )
            billing.close_run(work=work, run_id=run_id, now=self.clock.now())
            work.commit()
        return run_id

    def bill_next_chunk(self, *, run_id: int) -> bool:
        """Do one chunk of the run that nobody works on; False when none is left."""
        with self.database.unit_of_work() as work:
            chunk = billing.take_chunk(work=work, run_id=run_id, claimed_by=self.executor_id, now=self.clock.now())
            work.commit()
        if chunk is None:
            return False
        counts = self._bill(chunk)
        with self.database.unit_of_work() as work:
            billing.finish_chunk(work=work, chunk=chunk, counts=counts, now=self.clock.now())
            work.commit()
        return True

    def dry_run(self, *, as_of: date) -> Iterator[Drafted]:
        """What a run would store now, customer by customer; nothing is written."""
        with self.database.looking() as work:
            due = billing.load_due(connection=work.connection, as_of=as_of, first=("", ""), end=None)
            yield from self._draft_all(work.connection, due, as_of)

    def _bill(self, chunk: Chunk) -> dict[str, int]:
        """Draft and store until nothing of the chunk was changed by others meanwhile."""
        counts = {"customers": 0, "drafts": 0, "items": 0, "waiting": 0, "failed": 0}
        for _ in range(_TRIES):
            with self.database.looking() as work:
                due = billing.load_due(connection=work.connection, as_of=chunk.as_of, first=chunk.first, end=chunk.end)
                drafted = list(self._draft_all(work.connection, due, chunk.as_of))
            counts["failed"] = sum(bool(one.problem) for one in drafted)
            if not self._store(chunk, drafted, counts):
                break
        return counts

    def _store(self, chunk: Chunk, drafted: Sequence[Drafted], counts: dict[str, int]) -> bool:
        """Store the drafts, some customers at a time; True when some changed meanwhile and must be drafted again."""
        is_any_moved = False
        for start in range(0, len(drafted), _STORED_TOGETHER):
            some = drafted[start : start + _STORED_TOGETHER]
            with self.database.unit_of_work() as work:
                moved = billing.save_drafted(work=work, drafted=some, run_id=chunk.run_id, now=self.clock.now())
                work.commit()
            is_any_moved = is_any_moved or bool(moved)
            _count(counts, [one for one in some if one not in moved])
        return is_any_moved

    def _draft_all(self, connection: Any, due: Sequence[DueContract], as_of: date) -> Iterator[Drafted]:
        """One result per customer; all their contracts share documents."""
        billed = _load_billed(connection, due)
        for _, contracts in groupby(due, key=lambda one: (one.org_id, one.customer_ref)):
            group = list(contracts)
            try:
                yield self._draft(group, as_of, [item for one in group for item in billed.get(one.id, ())])
            except ConnectorError as error:
                # One customer's bad contract holds up no other; it stays due and says why.
                yield _failed(group, as_of, f"{error.code}: {error}")

    def _draft(self, group: Sequence[DueContract], as_of: date, billed: Sequence[Billed]) -> Drafted:
        built = [build_contract(orders=one.orders, undone=one.undone) for one in group]
        run = draft_invoices(contracts=built, as_of=as_of, billed=billed, since=_since(group))
        customer = group[-1].orders[-1].customer
        ends = [_progress(one, contract, run, as_of) for one, contract in zip(group, built, strict=True)]
        return Drafted(
            contracts=group,
            contract_ids={contract.ref: one.id for one, contract in zip(group, built, strict=True)},
            drafts=[self._taxed(draft, customer) for draft in run.drafts],
            waiting=len(run.waiting),
            next_bill_on={one.id: end[0] for one, end in zip(group, ends, strict=True)},
            billed_until={one.id: end[1] for one, end in zip(group, ends, strict=True)},
        )

    def _taxed(self, draft: InvoiceDraft, customer: Customer) -> TaxedDraft:
        """The draft with tax; when no rule decides, without tax and with the reason, for finance to settle."""
        try:
            return TaxedDraft(tax_document(draft=draft, customer=customer, settings=self.taxes), customer.name)
        except TaxUndecided as error:
            items = [(item.amount, _UNDECIDED) for item in draft.items]
            totals = tax_totals(items=items, currency=draft.bill_to.currency)
            document = TaxedDocument(draft, (_UNDECIDED,) * len(items), totals)
            return TaxedDraft(document, customer.name, error.code, f"{error} {error.fix}")


def start_billing(
    *, biller: Biller, database: Database, starter: StartsWork, as_of: date, actor: str, sharers: int = 4
) -> dict[str, int]:
    """Open a run and let the workers share its chunks; answers how many chunks there are.

    Runs that were left open, say because nobody was there, are started again first; starting a run twice is harmless.
    """
    run_id = biller.open_run(as_of=as_of, actor=actor)
    with database.unit_of_work() as work:
        for open_run in billing.open_runs(connection=work.connection):
            for sharer in range(sharers):
                starter.start(
                    connection=work.connection,
                    name="bill",
                    run_id=f"bill:{open_run}:{sharer}:{run_id}",
                    argument=str(open_run),
                )
        work.commit()
    with database.reading() as connection:
        return {"chunks": billing.load_progress(connection=connection, run_id=run_id).chunks}


def _load_billed(connection: Any, due: Sequence[DueContract]) -> dict[int, list[Billed]]:
    """What documents hold already, by contract: everything for contracts that changed, the latest for the others."""
    changed = [one.id for one in due if not _is_unchanged(one)]
    others = [one for one in due if _is_unchanged(one)]
    found: dict[int, list[Billed]] = {}
    billing.add_billed(found, connection=connection, contract_ids=changed, since=None)
    if others:
        since = min(one.billed_until for one in others if one.billed_until is not None)
        billing.add_billed(found, connection=connection, contract_ids=[one.id for one in others], since=since)
    return found


def _is_unchanged(one: DueContract) -> bool:
    return one.billed_until is not None and one.version == one.billed_version


def _since(group: Sequence[DueContract]) -> date | None:
    """The day up to which nothing of these contracts can differ from what was billed; None = compare everything."""
    if not all(_is_unchanged(one) for one in group):
        return None
    return min(one.billed_until for one in group if one.billed_until is not None)


def _progress(one: DueContract, contract: Contract, run: BillingRun, as_of: date) -> tuple[date | None, date]:
    """(next bill date, drafted until). Usage without a reading keeps its contract due from that charge on."""
    lines = {line.key for line in contract.lines}
    waiting = [charge.bill_on for charge in run.waiting if charge.line.key in lines]
    if waiting:
        return min(waiting), max(min(waiting) - timedelta(days=1), one.billed_until or date.min)
    return next_bill_date(contract=contract, after=as_of), max(as_of, one.billed_until or as_of)


def _failed(group: Sequence[DueContract], as_of: date, problem: str) -> Drafted:
    return Drafted(
        contracts=group,
        contract_ids={},
        drafts=[],
        waiting=0,
        next_bill_on={one.id: as_of for one in group},
        billed_until={one.id: one.billed_until for one in group},
        problem=problem,
    )


def _count(counts: dict[str, int], stored: Sequence[Drafted]) -> None:
    for one in stored:
        counts["customers"] += not one.problem
        counts["drafts"] += len(one.drafts)
        counts["items"] += sum(len(taxed.document.draft.items) for taxed in one.drafts)
        counts["waiting"] += one.waiting
