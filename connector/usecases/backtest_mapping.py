"""Read last quarter's signed deals through a mapping, and say what would have differed from what was done.

Exists so that a change of the mapping is judged on real deals before it touches one. Reads only: nothing is written to
Salesforce or here, and no order, contract or access is made.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.domain.comparing import Change, changes
from connector.domain.terms import RecordRef
from connector.errors import Fault, Refused
from connector.ports import Clock, EntitlementPlatform, Org, Record, RecordMapping
from connector.store import orders
from connector.store.orders import StoredOrder
from connector.store.unit_of_work import Database
from connector.usecases.read_order import OrderRead, WaitsForOrder, read_order
from connector.usecases.stopped_deal import fault_of

# So many records are fetched with their lines in one call.
_IN_ONE_CALL = 200
_STAMPS_AT_ONCE = 20_000


class Outcome(StrEnum):
    """What the mapping would have made of a signed record, beside what was done."""

    SAME = "same"
    DIFFERENT = "different"
    NEW = "would be an order, is none"
    REFUSED = "would be refused, is an order"
    STILL_REFUSED = "refused, as it was"
    UNSIGNED = "is an order, no longer counts as signed"
    GONE = "is gone"


# What needs no attention when a mapping is judged.
QUIET = frozenset({Outcome.SAME, Outcome.STILL_REFUSED})


@dataclass(frozen=True, slots=True)
class BacktestRow:
    """One signed record: what would have become of it, and where that differs from the order that was made."""

    ref: RecordRef
    outcome: Outcome
    order: str = ""
    mapping_version: str = ""
    changes: tuple[Change, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """All records that were read, with counts by outcome."""

    rows: tuple[BacktestRow, ...]
    version: str
    counts: Mapping[str, int] = field(default_factory=dict)


Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Backtester:
    """What a backtest needs; nothing of it is written to."""

    orgs: Mapping[str, Org]
    platform: EntitlementPlatform
    clock: Clock
    database: Database

    def run(self, *, since: datetime, until: datetime | None = None, on_progress: Progress) -> BacktestReport:
        """Every signed record that changed in [since, until) through the mapping of its org.

        `on_progress` is told how many records were read. Raises ConnectorErrors when an org cannot be asked.
        """
        rows: list[BacktestRow] = []
        versions: set[str] = set()
        for org in self.orgs.values():
            for name, condition in org.conditions.items():
                mapping = org.mappings[name]
                versions.add(mapping.version)
                for record_ids in _in_calls(self._signed_ids(org, name, condition, since, until)):
                    rows += self._rows(org, mapping, record_ids)
                    on_progress(len(rows))
        counts = Counter(row.outcome.value for row in rows)
        return BacktestReport(tuple(rows), ", ".join(sorted(versions)), counts)

    def _signed_ids(
        self, org: Org, name: str, condition: str, since: datetime, until: datetime | None
    ) -> Sequence[str]:
        """Ids of the records that count as signed, each once, the oldest first."""
        end = until or org.gateway.server_now()
        found: dict[str, None] = {}
        while True:
            stamps = org.gateway.fetch_signed(
                object_name=name, condition=condition, since=since, until=end, limit=_STAMPS_AT_ONCE
            )
            before = len(found)
            found |= dict.fromkeys(stamp.record_id for stamp in stamps)
            if len(stamps) < _STAMPS_AT_ONCE or len(found) == before:
                return list(found)
            since = stamps[-1].modified_at

    def _rows(self, org: Org, mapping: RecordMapping, record_ids: Sequence[str]) -> Iterator[BacktestRow]:
        fetched = org.gateway.fetch(selection=mapping.selection, record_ids=record_ids)
        by_id = {record.ref.record_id: record for record in fetched}
        for record_id in record_ids:
            ref = RecordRef(org.org_id, mapping.object, record_id)
            done = self._done(ref)
            record = by_id.get(record_id)
            yield BacktestRow(ref, Outcome.GONE) if record is None else self._judged(org, mapping, record, done)

    def _done(self, ref: RecordRef) -> StoredOrder | None:
        """What was made of the record, if it got as far as a contract."""
        with self.database.looking() as work:
            order = orders.load_by_salesforce_id(work=work, org_id=ref.org_id, record_id=ref.record_id)
        return order if order is not None and order.contract_id is not None else None

    def _judged(self, org: Org, mapping: RecordMapping, record: Record, done: StoredOrder | None) -> BacktestRow:
        row = BacktestRow(
            record.ref,
            Outcome.SAME,
            order=done.number if done else "",
            mapping_version=done.mapping_version if done else "",
        )
        is_signed, reason = org.is_signed(record)
        if not is_signed:
            fault = Fault("NOT_SIGNED", reason, "", "nobody")
            return dataclasses.replace(
                row, outcome=Outcome.UNSIGNED if done else Outcome.STILL_REFUSED, faults=(fault,)
            )
        try:
            found = read_order(record=record, mapping=mapping, database=self.database, platform=self.platform)
        except WaitsForOrder as error:
            return dataclasses.replace(row, outcome=Outcome.STILL_REFUSED, faults=(fault_of(error),))
        except Refused as error:
            faults = tuple(getattr(error, "faults", ())) or (fault_of(error),)
            outcome = Outcome.REFUSED if done else Outcome.STILL_REFUSED
            return dataclasses.replace(row, outcome=outcome, faults=faults)
        if done is None:
            return dataclasses.replace(row, outcome=Outcome.NEW)
        different = _changes(done, found)
        return dataclasses.replace(row, outcome=Outcome.DIFFERENT if different else Outcome.SAME, changes=different)


def _changes(done: StoredOrder, found: OrderRead) -> tuple[Change, ...]:
    """Where the terms differ, and by how much the order's value does."""
    assert done.terms is not None
    was = {"value": done.value, **dataclasses.asdict(done.terms)}
    return changes(was=was, would_be={"value": found.value, **dataclasses.asdict(found.terms)})


def _in_calls(record_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(record_ids), _IN_ONE_CALL):
        yield record_ids[start : start + _IN_ONE_CALL]
