"""Find signed records that nobody told us about: by watermark every few minutes, by their empty status every hour.

The sweep also finds known records whose lines changed or that were deleted, and accounts that were merged.

A push is only a hint; these two questions make sure that no signed deal is lost when it never comes. A finding is a
message like any other: kept once in the inbox, then looked at. The clock is Salesforce's own. When the day's calls of
an org run short, both questions wait, visibly, so that pushes and write-backs are served longest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import ConnectorError
from connector.logs import log
from connector.ports import Clock, Org
from connector.ports_sweeps import AccountMerge, RecordStamp, TouchedQuestion
from connector.store import account_merges, records, watermarks, writebacks
from connector.store.unit_of_work import Database
from connector.usecases.call_budget import call_budget
from connector.usecases.receive_message import Message, receive
from connector.usecases.start_look import StartsWork

# A transaction shows up later than its stamp says; what is younger than this is left for the next sweep.
_SETTLING = timedelta(seconds=30)
# Our own write moves the record's stamp; Salesforce keeps whole seconds and its clock is not ours.
_OWN_WRITE = timedelta(seconds=5)
# Ids and stamps are small; a page this large holds every bulk load that lands in one second.
_AT_ONCE = 20_000
_IN_ONE_BODY = 200
_KNOWN_AT_ONCE = 500
# States of a record that say by themselves what happens next: nothing, a retry at its time, or a person's turn.
_DECIDED = ("ordered", "retrying", "waiting", "blocked", "failed", "parked")

StatusCondition = Callable[[str], str]
"""Object name -> SOQL condition 'our status field says that we have not finished', empty when none is shown there."""


@dataclass(frozen=True, slots=True)
class Sweeper:
    """What both questions need; made once per process."""

    database: Database
    clock: Clock
    starter: StartsWork
    orgs: Mapping[str, Org]
    overlap: timedelta
    first_reach: timedelta
    unfinished: StatusCondition

    def sweep(self) -> dict[str, int]:
        """Signed records changed since the watermark, with overlap; answers counts. A failing org stops no other.

        `held` counts the objects that were not asked because the day's calls run short; their watermark stays.
        """
        return self._each(self._sweep_object)

    def ask_unsynced(self) -> dict[str, int]:
        """Signed records on which our status field says nothing or not yet; answers counts."""
        return self._each(self._ask_object)

    def have_looked_at(self, *, org: Org, object_name: str, stamps: Sequence[RecordStamp]) -> int:
        """Have records looked at that somebody found missing; answers how many of them were news."""
        return self._put(org, object_name, stamps, source="compare")

    def _each(self, question: Callable[[Org, str, str], int]) -> dict[str, int]:
        found = failed = held = 0
        for org in self.orgs.values():
            for object_name, condition in org.conditions.items():
                try:
                    if not self._may_search(org, object_name):
                        held += 1
                        continue
                    found += question(org, object_name, condition)
                except ConnectorError as error:
                    failed += 1
                    log.warning("sweep_failed", org_id=org.org_id, object=object_name, code=error.code)
        return {"found": found, "failed": failed, "held": held}

    def _may_search(self, org: Org, object_name: str) -> bool:
        """Whether enough of the day's calls is left; when not, the log says so."""
        budget = call_budget(org)
        if not budget.may_search:
            log.warning(
                "sweep_held_back",
                org_id=org.org_id,
                object=object_name,
                used=budget.used,
                budget=budget.most,
                percent=budget.percent,
            )
        return budget.may_search

    def _sweep_object(self, org: Org, object_name: str, condition: str) -> int:
        until = org.gateway.server_now() - _SETTLING
        with self.database.unit_of_work() as work:
            mark = watermarks.load(work=work, org_id=org.org_id, object_name=object_name)
        since = (mark or until - self.first_reach) - self.overlap
        found, limit = 0, _AT_ONCE
        while since < until:
            touched = org.gateway.fetch_touched(
                question=_question(org, object_name, condition, since=since, until=until, limit=limit)
            )
            # Before any record of a merge is looked at, we must know whose customer it is.
            self._keep_merges(org, touched.merges)
            found += self._put(org, object_name, touched.signed, source="sweep")
            found += self._put(org, object_name, self._unseen(org, touched.by_lines), source="lines")
            found += self._put(org, object_name, self._unseen(org, touched.gone), source="deleted")
            self._save_watermark(org, object_name, touched.whole_until)
            # More records than the limit in one second: the next question must reach beyond that second.
            limit = limit * 4 if touched.whole_until <= since else _AT_ONCE
            since = max(since, touched.whole_until)
        return found

    def _keep_merges(self, org: Org, merges: Sequence[AccountMerge]) -> None:
        """Remember which accounts became one; when both had bought, a person decides."""
        for merge in merges:
            with self.database.unit_of_work() as work:
                kept, is_new = account_merges.save(
                    work=work,
                    org_id=org.org_id,
                    loser_id=merge.loser_id,
                    winner_id=merge.winner_id,
                    merged_at=merge.merged_at,
                    now=self.clock.now(),
                )
                work.commit()
            if is_new:
                log.info("accounts_merged", org_id=org.org_id, loser=merge.loser_id, winner=merge.winner_id, kept=kept)

    def _unseen(self, org: Org, stamps: Sequence[RecordStamp]) -> Sequence[RecordStamp]:
        """Those that are here and were not looked at since: what happens to others is no news.

        Their clock and ours may differ, so a stamp counts as seen only when the look began clearly later.
        """
        margin = _OWN_WRITE + abs(self.clock.now() - org.gateway.server_now())
        found: list[RecordStamp] = []
        with self.database.looking() as work:
            for start in range(0, len(stamps), _KNOWN_AT_ONCE):
                chunk = stamps[start : start + _KNOWN_AT_ONCE]
                looked = records.looked_at(work=work, org_id=org.org_id, record_ids=[one.record_id for one in chunk])
                found += [one for one in chunk if one.record_id in looked and not _is_seen(one, looked, margin)]
        return found

    def _save_watermark(self, org: Org, object_name: str, swept_until: datetime) -> None:
        with self.database.unit_of_work() as work:
            watermarks.save(work=work, org_id=org.org_id, object_name=object_name, swept_until=swept_until)
            work.commit()

    def _ask_object(self, org: Org, object_name: str, condition: str) -> int:
        unfinished = self.unfinished(object_name)
        if not unfinished:
            return 0
        stamps = org.gateway.fetch_signed(
            object_name=object_name,
            condition=f"({condition}) AND ({unfinished})",
            since=org.gateway.server_now() - self.first_reach,
            until=None,
            limit=_AT_ONCE,
        )
        return self._put(org, object_name, stamps, source="unsynced")

    def _put(self, org: Org, object_name: str, stamps: Sequence[RecordStamp], *, source: str) -> int:
        """Keep findings as messages, so many at a time that a crash loses none; answers how many were new."""
        found = 0
        for start in range(0, len(stamps), _IN_ONE_BODY):
            chunk = self._worth_a_look(org, stamps[start : start + _IN_ONE_BODY], source)
            messages = [self._message(org, object_name, one, source) for one in chunk]
            if messages:
                body = json.dumps([message.message_id for message in messages]).encode()
                found += receive(
                    database=self.database,
                    starter=self.starter,
                    clock=self.clock,
                    messages=messages,
                    body=body,
                    content_type="application/json",
                ).new
        return found

    def _worth_a_look(self, org: Org, stamps: Sequence[RecordStamp], source: str) -> list[RecordStamp]:
        """Leave out what is known here and was last touched by our own write: we would only wake ourselves up.

        A record without a finished status is left out as well when this side knows what becomes of it; only its status
        got lost on the way, so it is told again.
        """
        ids = [one.record_id for one in stamps]
        with self.database.unit_of_work() as work:
            states = records.known_states(work=work, org_id=org.org_id, record_ids=ids)
            written = writebacks.last_written(work=work, org_id=org.org_id, record_ids=ids)
            fresh = [one for one in stamps if not (_is_known(one, states) and _is_our_write(one, written))]
            if source == "lines":
                # We never write to lines, so their stamps are never ours.
                return list(stamps)
            if source in ("sweep", "deleted", "compare"):
                return fresh
            for one in fresh:
                if states.get(one.record_id) in _DECIDED:
                    writebacks.owe_again(work=work, org_id=org.org_id, record_id=one.record_id)
            work.commit()
        return [one for one in stamps if states.get(one.record_id) not in _DECIDED]

    def _message(self, org: Org, object_name: str, stamp: RecordStamp, source: str) -> Message:
        """One finding; the same state of a record is found once by the sweep, and once an hour while it is unsynced."""
        moment = (
            stamp.modified_at if source != "unsynced" else self.clock.now().replace(minute=0, second=0, microsecond=0)
        )
        message_id = f"{object_name}:{stamp.record_id}:{moment:%Y-%m-%dT%H:%M:%SZ}"
        return Message(source, message_id, "found", org.org_id, object_name, stamp.record_id)


def _question(
    org: Org, object_name: str, condition: str, *, since: datetime, until: datetime, limit: int
) -> TouchedQuestion:
    """What to ask of one kind of record; merges are asked once for the org, beside its first kind."""
    mapping = org.mappings.get(object_name)
    return TouchedQuestion(
        object=object_name,
        condition=condition,
        since=since,
        until=until,
        limit=limit,
        line_object=mapping.selection.line_object if mapping else "",
        line_parent_field=mapping.selection.line_parent_field if mapping else "",
        with_merges=object_name == next(iter(org.conditions)),
    )


def _is_seen(stamp: RecordStamp, looked: Mapping[str, datetime | None], margin: timedelta) -> bool:
    began = looked[stamp.record_id]
    return began is not None and began >= stamp.modified_at + margin


def _is_known(stamp: RecordStamp, states: Mapping[str, str]) -> bool:
    """Whether a look at the record came to something."""
    return states.get(stamp.record_id, "due") != "due"


def _is_our_write(stamp: RecordStamp, written: Mapping[str, datetime]) -> bool:
    moment = written.get(stamp.record_id)
    return moment is not None and abs(stamp.modified_at - moment) <= _OWN_WRITE
