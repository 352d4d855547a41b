"""Approve all quiet drafts of a view of the queue: chosen and confirmed by a person, carried out by a worker.

Exists because a thousand approvals are minutes of work, which no request waits for. What is approved is what the person
saw: the page tells a digest of it, and another digest is refused. Each document is judged again when its turn comes.
Nothing is carried out for somebody who may not decide any more, or after an hour: no timer approves anything.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from connector.domain.money import Money
from connector.domain.review import Actor, InvoiceState, refuse_unless_person
from connector.domain.review_findings import Risk
from connector.errors import NotFound, Refused, Unavailable
from connector.logs import log
from connector.store import bulk_approvals, queries_queue, users
from connector.store.bulk_approvals import BulkApproval, RefusedItem
from connector.store.queries_queue import QueueAsked
from connector.store.unit_of_work import Database
from connector.store.users import User
from connector.usecases.approve_invoice import BulkOutcome, approve_many
from connector.usecases.review_desk import ReviewDesk
from connector.usecases.start_look import StartsWork

# The most at once: enough for a month of most companies, few enough for one statement of what was chosen.
MOST_AT_ONCE = 5_000
_GOOD_FOR = timedelta(hours=1)
# After so many it is asked again whether the person may still decide.
_TOGETHER = 20
RUN = "approve"


class ChoiceChanged(Refused):
    """The list has changed since it was shown, so nothing was approved."""

    code = "CHOICE_CHANGED"
    owner = "finance"
    fix = "Look at the list again and approve what it shows now."


class KnowsRuns(Protocol):
    """Knows which durable runs are still to be finished."""

    def unfinished(self, *, run_ids: list[str]) -> set[str]:
        """Those of the given runs that are not finished."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The quiet drafts of a view: (id, content hash) each, what they come to, and a digest of exactly these.

    `is_cut`: there are more than may be approved at once.
    """

    looked_at: tuple[tuple[int, str], ...]
    sums: tuple[Money, ...]
    digest: str
    is_cut: bool


def choose_quiet(*, database: Database, asked: QueueAsked) -> Choice:
    """The quiet drafts that these filters leave, oldest first."""
    quiet = replace(asked, state=InvoiceState.DRAFT.value, risk=Risk.QUIET.name.lower(), sort="age")
    found: list[tuple[int, str]] = []
    amounts: dict[str, Money] = {}
    is_cut = False
    with database.reading() as connection:
        for row in queries_queue.all_rows(connection=connection, asked=quiet):
            if len(found) == MOST_AT_ONCE:
                is_cut = True
                break
            found.append((row.id, row.content_hash))
            if row.gross is not None:
                zero = Money.zero(row.gross.currency)
                amounts[row.gross.currency] = amounts.get(row.gross.currency, zero) + row.gross
    text = "\n".join(f"{invoice_id} {content_hash}" for invoice_id, content_hash in found)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Choice(tuple(found), tuple(amounts[name] for name in sorted(amounts)), digest, is_cut)


def start_bulk(
    *, desk: ReviewDesk, starter: StartsWork, asked: QueueAsked, digest: str, user: User, request_key: str
) -> int:
    """Have a worker approve what was shown; answers the id to ask how far it is. The same request again is the same.

    Raises ChoiceChanged, DecisionRefused.
    """
    refuse_unless_person(Actor(user.name, user.role))
    choice = choose_quiet(database=desk.database, asked=asked)
    now = desk.clock.now()
    with desk.database.unit_of_work() as work:
        bulk_id, is_new = bulk_approvals.open_bulk(
            work=work,
            user_id=user.id,
            actor=user.name,
            role=user.role,
            looked_at=choice.looked_at,
            request_key=request_key,
            now=now,
            good_until=now + _GOOD_FOR,
        )
        # Only of a new one: the list of a double click has changed because of its first click.
        if is_new and (choice.digest != digest or not choice.looked_at):
            raise ChoiceChanged
        if is_new:
            starter.start(connection=work.connection, name=RUN, run_id=_run_id(bulk_id, 1), argument=str(bulk_id))
        work.commit()
    return bulk_id


def carry_out(*, desk: ReviewDesk, bulk_id: int) -> int:
    """Approve what waits, one document after the other; answers how many were decided on.

    May run twice, half or late. Raises NotFound, Unavailable when a passing fault stops it: another run goes on.
    """
    decided = 0
    while True:
        bulk = load_progress(database=desk.database, bulk_id=bulk_id)
        with desk.database.reading() as connection:
            waiting = bulk_approvals.waiting_items(connection=connection, bulk_id=bulk_id, limit=_TOGETHER)
        if not waiting:
            _close(desk, bulk_id)
            return decided
        if said := _why_not(desk, bulk):
            decided += _refuse_rest(desk, bulk_id, *said)
            continue
        done = _approve(desk, bulk, waiting)
        decided += done
        if not done:
            raise Unavailable(f"Bulk approval {bulk_id} could not go on.", code="BULK_STOPPED")


def resume_bulks(*, database: Database, starter: StartsWork, engine: KnowsRuns) -> int:
    """Start those again whose run ended before all was done; answers how many."""
    with database.reading() as connection:
        waiting = bulk_approvals.open_bulks(connection=connection)
    alive = engine.unfinished(run_ids=[_run_id(bulk.id, bulk.runs) for bulk in waiting]) if waiting else set()
    lost = [bulk for bulk in waiting if _run_id(bulk.id, bulk.runs) not in alive]
    for bulk in lost:
        with database.unit_of_work() as work:
            run = bulk_approvals.count_run(work=work, bulk_id=bulk.id)
            starter.start(connection=work.connection, name=RUN, run_id=_run_id(bulk.id, run), argument=str(bulk.id))
            work.commit()
    return len(lost)


def load_progress(*, database: Database, bulk_id: int) -> BulkApproval:
    """How far it is. Raises NotFound."""
    with database.reading() as connection:
        found = bulk_approvals.load_bulk(connection=connection, bulk_id=bulk_id)
    if found is None:
        raise NotFound(f"There is no bulk approval {bulk_id}.")
    return found


def load_outcome(*, database: Database, bulk_id: int) -> tuple[BulkApproval, tuple[RefusedItem, ...]]:
    """How far it is, and what was not approved and why (at most 200). Raises NotFound."""
    progress = load_progress(database=database, bulk_id=bulk_id)
    with database.reading() as connection:
        return progress, bulk_approvals.load_refused(connection=connection, bulk_id=bulk_id)


def _run_id(bulk_id: int, run: int) -> str:
    return f"{RUN}:{bulk_id}:{run}"


def _why_not(desk: ReviewDesk, bulk: BulkApproval) -> tuple[str, str] | None:
    """Why nothing more of it may be approved: (code, sentence), or None."""
    if desk.clock.now() >= bulk.good_until:
        return "TOO_LATE", "It was not this document's turn within an hour, so it was not approved. Choose it again."
    with desk.database.reading() as connection:
        user = users.load_user(connection=connection, user_id=bulk.user_id)
    if user is None or user.is_disabled or user.role != bulk.role:
        return "NO_PERSON", f"{bulk.actor} may not decide any more as {bulk.role}, so it was not approved."
    return None


def _approve(desk: ReviewDesk, bulk: BulkApproval, waiting: Iterable[tuple[int, str]]) -> int:
    """Decide on some; answers how many, those with a passing fault left out."""
    marked = replace(desk, via=f"bulk approval {bulk.id}")
    done = 0
    for invoice_id, content_hash in waiting:
        outcome = _outcome(marked, bulk, invoice_id, content_hash)
        if outcome.is_passing:
            continue
        with desk.database.unit_of_work() as work:
            now = desk.clock.now()
            if outcome.decision is not None:
                bulk_approvals.save_approved(
                    work=work, bulk_id=bulk.id, invoice_id=invoice_id, number=outcome.decision.number, now=now
                )
            else:
                bulk_approvals.save_refused(
                    work=work,
                    bulk_id=bulk.id,
                    invoice_id=invoice_id,
                    code=outcome.code,
                    message=outcome.message,
                    now=now,
                )
            work.commit()
        done += 1
    return done


def _outcome(desk: ReviewDesk, bulk: BulkApproval, invoice_id: int, content_hash: str) -> BulkOutcome:
    """What came of one document; a fault that nobody anticipated is kept and holds up no other."""
    try:
        (found,) = approve_many(
            desk=desk, looked_at=[(invoice_id, content_hash)], actor=bulk.actor, role=bulk.role
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - kept as the outcome, with an incident id in the log
        incident = uuid.uuid4().hex[:12]
        log.error("unexpected", incident=incident, invoice_id=invoice_id, kind=type(error).__name__, exc_info=error)
        said = f"Something unexpected went wrong (incident {incident}). Give this id to the operator."
        return BulkOutcome(invoice_id, None, "UNEXPECTED", said)
    return found


def _refuse_rest(desk: ReviewDesk, bulk_id: int, code: str, message: str) -> int:
    with desk.database.unit_of_work() as work:
        refused = bulk_approvals.refuse_rest(
            work=work, bulk_id=bulk_id, code=code, message=message, now=desk.clock.now()
        )  # fmt: skip
        work.commit()
    return refused


def _close(desk: ReviewDesk, bulk_id: int) -> None:
    with desk.database.unit_of_work() as work:
        bulk_approvals.close_bulk(work=work, bulk_id=bulk_id, now=desk.clock.now())
        work.commit()
