"""Look again now: at one record, one order, a time window, or everything that waits for a person.

A Resync is one more message about each record, so it takes the same way as a push: what is confirmed is passed over,
the step that stopped goes on. A dry run says what would be looked at and changes nothing.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.domain.salesforce_ids import id18
from connector.errors import NotFound, RateLimited, Refused, Retryable
from connector.logs import log
from connector.ports import Clock, Org
from connector.store import records, resyncs, writebacks
from connector.store.records import RecordRow
from connector.store.unit_of_work import Database
from connector.usecases.call_budget import call_budget
from connector.usecases.receive_message import Delivery, Message, receive_within
from connector.usecases.start_look import StartsWork

_IN_ONE_BODY = 200


class ResyncRefused(Refused):
    """The Resync names nothing that could be looked at."""

    code = "RESYNC"
    owner = "caller"
    fix = "Give one Salesforce id, one order number, or a time window with since and until."


class CallsRunShort(RateLimited):
    """The org's API calls of the day are nearly used up; what is left is for pushes and write-backs."""

    code = "CALLS_RUN_SHORT"
    fix = "Ask again in an hour, or for single records."


@dataclass(frozen=True, slots=True)
class ResyncAsked:
    """What to look at: exactly one of the four. `until` is exclusive."""

    salesforce_id: str = ""
    order: str = ""
    since: datetime | None = None
    until: datetime | None = None
    parked: bool = False


@dataclass(frozen=True, slots=True)
class ResyncAnswer:
    """The Resync's token, for asking how far it is, and what it found: object, salesforce_id, order, state."""

    token: str
    found: tuple[dict[str, Any], ...]


def resync(
    *,
    database: Database,
    starter: StartsWork,
    clock: Clock,
    orgs: Mapping[str, Org],
    asked: ResyncAsked,
    actor: str,
    is_dry_run: bool,
) -> ResyncAnswer:
    """Start a look at every record asked for.

    Raises ResyncRefused when not exactly one thing is asked, NotFound when no org has the record or we know no order,
    CallsRunShort when many records are asked for and the org's API calls of the day are nearly used up.
    """
    _check(asked)
    rows = _find(database, asked)
    if not is_dry_run and not (asked.salesforce_id or asked.order):
        _refuse_when_short(orgs, rows)
    if not rows and asked.salesforce_id:
        rows = [_look_up(orgs, asked.salesforce_id)]
    if not rows and asked.order:
        raise NotFound(f"There is no order {asked.order}.")
    found = tuple(_told(row) for row in rows)
    token = secrets.token_urlsafe(24)
    with database.unit_of_work() as work:
        resyncs.save(
            work=work,
            token=token,
            actor=actor,
            asked=_asked(asked),
            is_dry_run=is_dry_run,
            found=found,
            now=clock.now(),
        )
        if not is_dry_run:
            for row in rows:
                writebacks.owe_again(work=work, org_id=row.ref.org_id, record_id=row.ref.record_id)
            # Together with the note: a token whose messages were lost by a crash would never say "done".
            receive_within(work=work, starter=starter, deliveries=_deliveries(rows, token), now=clock.now())
        work.commit()
    return ResyncAnswer(token, found)


def load_resync(*, database: Database, token: str) -> dict[str, Any] | None:
    """How far a Resync is: each record with its state now, and whether it was looked at; None for no such token."""
    with database.unit_of_work() as work:
        saved = resyncs.load(work=work, token=token)
        if saved is None:
            return None
        now = {item["salesforce_id"]: records.find(work=work, record_id=item["salesforce_id"]) for item in saved.found}
    items = []
    for item in saved.found:
        row = next(iter(now[item["salesforce_id"]]), None)
        is_done = bool(row and row.looked_at and row.looked_at >= saved.created_at)
        items.append(
            {**item, "state": row.state if row else item["state"], "done": is_done, "reason": row.reason if row else ""}
        )
    is_done = saved.is_dry_run or all(item["done"] for item in items)
    return {
        "token": token,
        "dry_run": saved.is_dry_run,
        "asked": saved.asked,
        "created_at": saved.created_at,
        "done": is_done,
        "records": items,
    }


def _check(asked: ResyncAsked) -> None:
    window = asked.since is not None or asked.until is not None
    if sum((bool(asked.salesforce_id), bool(asked.order), window, asked.parked)) != 1:
        raise ResyncRefused("A Resync names one Salesforce id, one order number, or one time window.")
    if window and (asked.since is None or asked.until is None or asked.since >= asked.until):
        raise ResyncRefused("A time window needs since and until, and since must be earlier.")


def _find(database: Database, asked: ResyncAsked) -> list[RecordRow]:
    record_id = salesforce_id18(asked.salesforce_id) if asked.salesforce_id else ""
    with database.unit_of_work() as work:
        return records.find(
            work=work,
            record_id=record_id,
            order_number=asked.order,
            since=asked.since,
            until=asked.until,
            is_parked=asked.parked,
        )


def _look_up(orgs: Mapping[str, Org], salesforce_id: str) -> RecordRow:
    """A record that we have never seen: ask each org for it, kind by kind."""
    record_id = salesforce_id18(salesforce_id)
    for org in orgs.values():
        for object_name, mapping in org.mappings.items():
            for record in org.gateway.fetch(selection=mapping.selection, record_ids=[record_id]):
                return RecordRow(0, record.ref, "new", f"{object_name} not seen before", None, "")
    raise NotFound(f"No connected org has a record {salesforce_id} of a kind that is mapped.")


def _refuse_when_short(orgs: Mapping[str, Org], rows: Sequence[RecordRow]) -> None:
    for org_id in sorted({row.ref.org_id for row in rows} & orgs.keys()):
        try:
            budget = call_budget(orgs[org_id])
        except Retryable as error:
            # The looks themselves wait until the org answers, so there is nothing to protect it from now.
            log.info("call_budget_unknown", org_id=org_id, code=error.code)
            continue
        if not budget.may_ask:
            raise CallsRunShort(
                f"{budget.used:,} of {budget.most:,} API calls of the org {orgs[org_id].name!r} are used.",
                retry_after=3600,
            )


def salesforce_id18(value: str) -> str:
    """The id with 18 characters. Raises ResyncRefused when it is none."""
    try:
        return id18(value)
    except ValueError as error:
        raise ResyncRefused(f"{value!r} is not a Salesforce id.") from error


def _told(row: RecordRow) -> dict[str, Any]:
    return {
        "object": row.ref.object,
        "salesforce_id": row.ref.record_id,
        "org_id": row.ref.org_id,
        "order": row.order_number,
        "state": row.state,
    }


def _asked(asked: ResyncAsked) -> dict[str, Any]:
    return {
        "salesforce_id": asked.salesforce_id,
        "order": asked.order,
        "since": asked.since,
        "until": asked.until,
        "parked": asked.parked,
    }


def _deliveries(rows: list[RecordRow], token: str) -> list[Delivery]:
    """A message about each record, in bodies of the size that others send."""
    found = []
    for start in range(0, len(rows), _IN_ONE_BODY):
        messages = tuple(
            Message(
                "resync", f"{token}:{row.ref.record_id}", "resync", row.ref.org_id, row.ref.object, row.ref.record_id
            )
            for row in rows[start : start + _IN_ONE_BODY]
        )
        body = json.dumps([message.record_id for message in messages]).encode()
        found.append(Delivery(messages, body, "application/json"))
    return found
