"""A record of an e-signature package says that another record was signed: remember it, and have that one looked at.

Exists because such a record is a pointer and never an order itself. What it says is read again at the look of the
signed record, so a signature that was taken back stops counting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from connector.domain.terms import RecordRef
from connector.ports import Clock, Org, SignaturePointer
from connector.store import inbox, order_forms
from connector.store.inbox import Message
from connector.store.records import LookResult
from connector.store.unit_of_work import Database
from connector.usecases.locate_record import locate_record
from connector.usecases.start_look import StartsWork, start_look

_SOURCE = "signature"


def follow_pointer(
    *, database: Database, clock: Clock, starter: StartsWork, org: Org, pointer: SignaturePointer, ref: RecordRef
) -> LookResult:
    """Read the reporting record, and start the look at the record that it names. Raises Refused when it names none."""
    found = org.gateway.fetch(selection=pointer.selection, record_ids=[ref.record_id])
    if not found:
        return LookResult("gone", "RECORD_GONE", f"{ref.object} {ref.record_id} is deleted or hidden.", "sales rep")
    is_signed, reason = pointer.is_signed(found[0])
    if not is_signed:
        return LookResult("skipped", "NOT_SIGNED", reason, "sales rep")
    target = pointer.signed_record(found[0])
    signed = locate_record(orgs=_only(org), record_id=target)
    if signed is None:
        reason = f"It says that {target} was signed, which is of no kind that is mapped, or hidden from our user."
        return LookResult("blocked", "SIGNED_RECORD_UNKNOWN", reason, "RevOps")
    _start(database, clock, starter, signed, ref)
    return LookResult("skipped", "POINTS_ELSEWHERE", f"{reason} It signs {signed.object} {signed.record_id}.", "nobody")


def _start(database: Database, clock: Clock, starter: StartsWork, signed: RecordRef, pointer: RecordRef) -> None:
    now = clock.now()
    message = Message(
        _SOURCE, f"{pointer.record_id}:{signed.record_id}:{now:%Y%m%dT%H%M%S}", "signed",
        signed.org_id, signed.object, signed.record_id,
    )  # fmt: skip
    body = json.dumps({"reported_by": pointer.record_id, "object": pointer.object}).encode()
    with database.unit_of_work() as work:
        order_forms.save_pointer(work=work, signed=signed, pointer=pointer, now=now)
        rows = inbox.put_all(work=work, messages=[message], body=body, content_type="application/json", at=now)
        if rows:
            for row in rows:
                start_look(connection=work.connection, starter=starter, row=row)
            work.commit()


def _only(org: Org) -> Mapping[str, Org]:
    return {org.org_id: org}
