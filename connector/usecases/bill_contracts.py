"""The billing run: what is due up to a day and not billed yet becomes drafts, held for finance.

A run is made of chunks of customers that any number of processes share; each chunk may be done twice, half or late and
nothing is billed twice, because what is stored is always the difference to what is stored already. One contract that
cannot be priced is shown and holds up no other. Nothing here issues, numbers or sends anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from connector.errors import ConnectorError
from connector.ports import Clock, TaxEngine
from connector.store import billing, billing_runs
from connector.store.billing_rows import Drafted, DueContract, Ledger
from connector.store.billing_runs import Chunk
from connector.store.sent_back import SentBack, load_waiting, without_waiting
from connector.store.unit_of_work import Database
from connector.usecases.draft_customer import draft_customer, refused, takes_back
from connector.usecases.start_look import StartsWork

# Customers in one chunk: seconds of work, so that a process that dies loses little.
CHUNK_SIZE = 500
# Customers whose drafts are stored in one transaction: long enough to be quick, short enough to hold up nobody.
_STORED_TOGETHER = 50
# How often a customer is drafted again because an order came between; after that the next run does it.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Biller:
    """What a billing run needs; made once per process."""

    database: Database
    clock: Clock
    taxes: TaxEngine
    executor_id: str

    def open_run(self, *, as_of: date, actor: str, chunk_size: int = CHUNK_SIZE) -> int:
        """A new run for everything due up to that day (included); answers its id. Several may be open at once."""
        with self.database.unit_of_work() as work:
            run_id, _ = billing_runs.open_run(
                work=work, as_of=as_of, actor=actor, now=self.clock.now(), chunk_size=chunk_size
            )
            billing_runs.close_run(work=work, run_id=run_id, now=self.clock.now())
            work.commit()
        return run_id

    def bill_next_chunk(self, *, run_id: int) -> bool:
        """Do one chunk of the run that nobody works on; False when none is left."""
        with self.database.unit_of_work() as work:
            chunk = billing_runs.take_chunk(work=work, run_id=run_id, claimed_by=self.executor_id, now=self.clock.now())
            work.commit()
        if chunk is None:
            return False
        counts = self._bill(chunk)
        with self.database.unit_of_work() as work:
            billing_runs.finish_chunk(work=work, chunk=chunk, counts=counts, now=self.clock.now())
            work.commit()
        return True

    def dry_run(self, *, as_of: date) -> Iterator[Drafted]:
        """What a run would store now, customer by customer; nothing is written."""
        with self.database.reading() as connection:
            stretches = list(billing.stretches(connection=connection, as_of=as_of, size=CHUNK_SIZE))
        for first, end in stretches:
            with self.database.reading() as connection:
                due = billing.load_due(connection=connection, as_of=as_of, first=first, end=end)
                ledgers = list(_ledgers(connection, due))
                waiting = _sent_back(connection, due)
            yield from without_waiting(drafted=self._draft_all(ledgers, as_of), waiting=waiting)

    def _bill(self, chunk: Chunk) -> dict[str, int]:
        """Draft and store until nothing of the chunk was changed by others meanwhile."""
        counts = dict.fromkeys(("customers", "drafts", "items", "waiting", "failed", "postponed"), 0)
        moved: set[int] | None = None
        for _ in range(_TRIES):
            with self.database.reading() as connection:
                due = billing.load_due(connection=connection, as_of=chunk.as_of, first=chunk.first, end=chunk.end)
                again = due if moved is None else _of_same_customers(due, moved)
                ledgers = list(_ledgers(connection, again))
                waiting = _sent_back(connection, again)
            drafted = list(without_waiting(drafted=self._draft_all(ledgers, chunk.as_of), waiting=waiting))
            moved = self._store(chunk, drafted, counts)
            if not moved:
                return counts
        counts["postponed"] = len(moved or ())
        return counts

    def _draft_all(self, ledgers: Sequence[tuple[list[DueContract], Ledger]], as_of: date) -> Iterator[Drafted]:
        """The drafts customer by customer. No connection is held meanwhile: tax may be asked outside."""
        for group, ledger in ledgers:
            drafted = draft_customer(contracts=group, as_of=as_of, ledger=ledger, taxes=self.taxes)
            if takes_back(drafted):
                with self.database.reading() as connection:
                    whole = billing.load_ledger(connection=connection, due=group)
                drafted = draft_customer(contracts=group, as_of=as_of, ledger=whole, taxes=self.taxes)
            yield from drafted

    def _store(self, chunk: Chunk, drafted: Sequence[Drafted], counts: dict[str, int]) -> set[int]:
        """Store the drafts, some customers at a time; answers the contracts that changed and must be drafted again."""
        changed: set[int] = set()
        for start in range(0, len(drafted), _STORED_TOGETHER):
            stored, moved = self._store_some(chunk, drafted[start : start + _STORED_TOGETHER])
            changed.update(contract.id for one in moved for contract in one.contracts)
            _count(counts, stored)
        return changed

    def _store_some(self, chunk: Chunk, some: Sequence[Drafted]) -> tuple[list[Drafted], list[Drafted]]:
        """(stored, changed meanwhile). Drafts that the database refuses hold up no other customer's."""
        try:
            with self.database.unit_of_work() as work:
                moved = billing.save_drafted(work=work, drafted=some, run_id=chunk.run_id, now=self.clock.now())
                work.commit()
            return [one for one in some if one not in moved], moved
        except ConnectorError:
            raise
        except Exception as error:
            if any(one.problem for one in some):
                raise
            if len(some) == 1:
                return self._store_some(chunk, [refused(contracts=some[0].contracts, error=error)])
        parts = [self._store_some(chunk, [one]) for one in some]
        return [one for stored, _ in parts for one in stored], [one for _, moved in parts for one in moved]


def start_billing(
    *, biller: Biller, database: Database, starter: StartsWork, as_of: date, actor: str, sharers: int = 4
) -> dict[str, int]:
    """Open a run and let the workers share its chunks; answers how many chunks there are.

    Runs that were left open, say because nobody was there, are started again first; starting a run twice is harmless.
    """
    with database.reading() as connection:
        is_due = billing.is_anything_due(connection=connection, as_of=as_of)
        if not is_due and not billing_runs.open_runs(connection=connection):
            return {"chunks": 0}
    run_id = biller.open_run(as_of=as_of, actor=actor)
    with database.unit_of_work() as work:
        for open_run in billing_runs.open_runs(connection=work.connection):
            for sharer in range(sharers):
                starter.start(
                    connection=work.connection,
                    name="bill",
                    run_id=f"bill:{open_run}:{sharer}:{run_id}",
                    argument=str(open_run),
                )
        work.commit()
    with database.reading() as connection:
        return {"chunks": billing_runs.load_progress(connection=connection, run_id=run_id).chunks}


def _ledgers(connection: Any, due: Sequence[DueContract]) -> Iterator[tuple[list[DueContract], Ledger]]:
    """Each customer's contracts, which share documents, with what is billed of them.

    Everything billed for contracts that changed, for the others only what can matter.
    """
    billed = billing.load_billed(connection=connection, due=[one for one in due if not one.is_unchanged])
    later = [one for one in due if one.is_unchanged and one.may_hold_later]
    since = {one.id: one.billed_until for one in due if one.is_unchanged and one.billed_until is not None}
    later_billed = billing.load_billed_since(connection=connection, due=later)
    units = billing.load_units(connection=connection, due=due)
    for _, contracts in groupby(due, key=lambda one: (one.org_id, one.customer_ref)):
        group = list(contracts)
        ids = [one.id for one in group]
        items = [item for one in ids for item in (later_billed if one in since else billed).get(one, ())]
        yield group, Ledger(items, {one: since[one] for one in ids if one in since}, units=units)


def _sent_back(connection: Any, due: Sequence[DueContract]) -> list[SentBack]:
    """What finance sent back of these customers: the same is not drafted again until something changes."""
    return load_waiting(connection=connection, customer_refs={one.customer_ref for one in due})


def _of_same_customers(due: Sequence[DueContract], contract_ids: set[int]) -> list[DueContract]:
    customers = {(one.org_id, one.customer_ref) for one in due if one.id in contract_ids}
    return [one for one in due if (one.org_id, one.customer_ref) in customers]


def _count(counts: dict[str, int], stored: Sequence[Drafted]) -> None:
    for one in stored:
        counts["customers"] += not one.problem
        counts["failed"] += bool(one.problem)
        counts["drafts"] += len(one.drafts)
        counts["items"] += sum(len(taxed.document.draft.items) for taxed in one.drafts)
        counts["waiting"] += one.waiting
