"""Every signed record in Salesforce against the orders here, once a night: what is missing, why, and who acts.

A push may get lost, a sweep may have a gap, a look may have come to nothing: this comparison believes none of them and
asks for all. Each gap is a difference with its reason; what nobody ever looked at is looked at now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from connector.errors import ConnectorError
from connector.logs import log
from connector.ports import Clock, Org
from connector.ports_sweeps import RecordStamp
from connector.store import account_merges, differences, intake_gaps, records
from connector.store.differences import FoundDifference
from connector.store.records import RecordStanding
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.call_budget import call_budget
from connector.usecases.sweep_records import Sweeper

ROOM = "intake"
_STAMPS_AT_ONCE = 20_000
_KNOWN_AT_ONCE = 500
_LONGEST_SUBJECT = 20
_NOT_HERE = "signed in Salesforce, no order here"
_TWO_CUSTOMERS = "two customers here, one account in Salesforce"

# What people should do about a record that is known here and yet no fulfilled order.
_FIX = {
    "retrying": "Nothing to do: it is tried again by itself.",
    "waiting": "Nothing to do: it goes on when the deal that it changes has its contract.",
}


@dataclass(frozen=True, slots=True)
class IntakeComparer:
    """What the comparison needs; `reach` says how far back records were changed that are asked for."""

    database: Database
    clock: Clock
    orgs: Mapping[str, Org]
    sweeper: Sweeper
    reach: timedelta

    def compare(self) -> dict[str, int]:
        """Compare all orgs; answers how many records are signed, fulfilled here and missing, and objects not asked."""
        counts = {"signed": 0, "fulfilled": 0, "missing": 0, "failed": 0}
        for org in self.orgs.values():
            for object_name, condition in org.conditions.items():
                try:
                    found = self._compare_object(org, object_name, condition)
                except ConnectorError as error:
                    log.warning("comparison_failed", org_id=org.org_id, object=object_name, code=error.code)
                    counts["failed"] += 1
                    continue
                for name, count in found.items():
                    counts[name] += count
            self._tell_merges(org)
        return counts

    def _compare_object(self, org: Org, object_name: str, condition: str) -> dict[str, int]:
        if not call_budget(org).may_ask:
            log.warning("comparison_held_back", org_id=org.org_id, object=object_name)
            return {"failed": 1}
        missing: set[str] = set()
        signed = 0
        for stamps in self._signed(org, object_name, condition):
            signed += len(stamps)
            missing |= self._missing(org, object_name, stamps)
        self._settle(org, object_name, missing)
        return {"signed": signed, "fulfilled": signed - len(missing), "missing": len(missing)}

    def _signed(self, org: Org, object_name: str, condition: str) -> Iterator[Sequence[RecordStamp]]:
        """All signed records that changed within reach, each once, in chunks."""
        since, seen = org.gateway.server_now() - self.reach, set[str]()
        while True:
            stamps = org.gateway.fetch_signed(
                object_name=object_name, condition=condition, since=since, until=None, limit=_STAMPS_AT_ONCE
            )
            fresh = [stamp for stamp in stamps if stamp.record_id not in seen]
            seen |= {stamp.record_id for stamp in fresh}
            for start in range(0, len(fresh), _KNOWN_AT_ONCE):
                yield fresh[start : start + _KNOWN_AT_ONCE]
            if len(stamps) < _STAMPS_AT_ONCE or not fresh:
                return
            since = stamps[-1].modified_at

    def _missing(self, org: Org, object_name: str, stamps: Sequence[RecordStamp]) -> set[str]:
        """Those that are no fulfilled order here; each is written down, and looked at when nobody ever did."""
        ids = [stamp.record_id for stamp in stamps]
        with self.database.looking() as work:
            standing = records.standing(work=work, org_id=org.org_id, record_ids=ids)
        gaps = [stamp for stamp in stamps if not _is_fulfilled(standing.get(stamp.record_id))]
        unknown = [stamp for stamp in gaps if stamp.record_id not in standing]
        self.sweeper.have_looked_at(org=org, object_name=object_name, stamps=unknown)
        with self.database.unit_of_work() as work:
            for stamp in gaps:
                self._save(work, org, object_name, stamp.record_id, [_gap(standing.get(stamp.record_id))])
            work.commit()
        return {stamp.record_id for stamp in gaps}

    def _settle(self, org: Org, object_name: str, missing: set[str]) -> None:
        """What was missing and is no longer, or is no longer signed, is resolved."""
        with self.database.unit_of_work() as work:
            known = intake_gaps.open_numbers(work=work, room=ROOM, subject=object_name[:_LONGEST_SUBJECT])
            for record_id in _ids_in(org, known) - missing:
                self._save(work, org, object_name, record_id, [])
            work.commit()

    def _tell_merges(self, org: Org) -> None:
        with self.database.unit_of_work() as work:
            for loser, winner in account_merges.undecided(work=work, org_id=org.org_id):
                self._save(work, org, "Account", loser, [_two_customers(loser, winner)])
            work.commit()

    def _save(
        self, work: UnitOfWork, org: Org, object_name: str, record_id: str, found: Sequence[FoundDifference]
    ) -> None:
        differences.save_found(
            work=work,
            room=ROOM,
            subject=object_name[:_LONGEST_SUBJECT],
            subject_number=_number(org, record_id),
            found=found,
            now=self.clock.now(),
        )


def _number(org: Org, record_id: str) -> str:
    """A record's id, with its org: a copy of an org has the ids of the original."""
    return f"{org.org_id}:{record_id}"


def _ids_in(org: Org, numbers: Collection[str]) -> set[str]:
    return {number.partition(":")[2] for number in numbers if number.startswith(org.org_id)}


def _is_fulfilled(standing: RecordStanding | None) -> bool:
    return standing is not None and standing.state == "ordered"


def _gap(standing: RecordStanding | None) -> FoundDifference:
    if standing is None:
        return FoundDifference(
            what=_NOT_HERE,
            wanted="a fulfilled order",
            actual="never looked at",
            owner="nobody",
            fix="Nothing to do: it is looked at now. If it stays here, press Resync.",
        )
    return FoundDifference(
        what=_NOT_HERE,
        wanted="a fulfilled order",
        actual=f"{standing.state}: {standing.reason}" if standing.reason else standing.state,
        customer_name=standing.name,
        owner=standing.owner or "RevOps",
        fix=_FIX.get(standing.state, "Do what the reason says, then press Resync."),
    )


def _two_customers(loser: str, winner: str) -> FoundDifference:
    return FoundDifference(
        what=_TWO_CUSTOMERS,
        wanted=f"one customer for the account {winner}",
        actual=f"the accounts {loser} and {winner} had both bought before they were merged",
        owner="finance",
        fix="Decide which customer goes on; cancel or move the contracts of the other by an amendment.",
    )
