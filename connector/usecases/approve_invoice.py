"""Approve a document, or many: who looked at what is there now says that it may leave; the last one needed issues it.

Each document is one transaction, so two people at once, a double click or a crash give one clear outcome and one
record. Fails closed: what was not looked at, what has changed and what blocks is refused, and nothing approves by
itself. In bulk only quiet documents are approved, each judged when its turn comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from connector.domain.review import (
    Actor,
    DecisionRefused,
    InvoiceEvent,
    InvoiceState,
    invoice_after,
    judge_approval,
    refuse_changed,
    refuse_unless_person,
)
from connector.errors import ConnectorError, Retryable
from connector.store import audit, invoices
from connector.store.issued import number_of
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.issue_invoice import issue
from connector.usecases.review_desk import (
    Decision,
    OpenedDocument,
    ReviewDesk,
    clean_text,
    holding_approvals,
    open_locked,
    record,
)

# Under which our own part writes down that an approval no longer holds.
_SYSTEM = Actor("countersign", "")


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What came of one document of many: a decision, or why there is none. A passing fault may be gone next time."""

    invoice_id: int
    decision: Decision | None
    code: str = ""
    message: str = ""
    is_passing: bool = False

    @property
    def is_done(self) -> bool:
        """Whether it was approved."""
        return self.decision is not None


def approve_invoice(
    *, desk: ReviewDesk, invoice_id: int, looked_at: str, actor: str, role: str, comment: str = ""
) -> Decision:
    """Approve what was looked at (its content hash); issues unless a second person is needed.

    The same approval of the same person again, say by a double click, answers the same and does nothing. Raises
    NotFound, DecisionRefused, IllegalTransition, NumberRefused, TextRefused.
    """
    decides = Actor(actor.strip(), role)
    said = clean_text(comment, name="comment", is_needed=False)
    with desk.database.unit_of_work() as work:
        opened = open_locked(work=work, desk=desk, invoice_id=invoice_id)
        decision = _approve(work, desk, opened, looked_at, decides, said, is_bulk=False)
        work.commit()
    return decision


def approve_many(
    *, desk: ReviewDesk, looked_at: Iterable[tuple[int, str]], actor: str, role: str
) -> Iterator[BulkOutcome]:
    """Approve documents by (id, content hash), one after the other; what is refused is told and holds up no other.

    Only quiet ones are approved. Stopping in between loses nothing, and the same again goes on where it stopped.
    """
    decides = Actor(actor.strip(), role)
    for invoice_id, content_hash in looked_at:
        try:
            with desk.database.unit_of_work() as work:
                opened = open_locked(work=work, desk=desk, invoice_id=invoice_id)
                decision = _approve(work, desk, opened, content_hash, decides, "", is_bulk=True)
                work.commit()
            yield BulkOutcome(invoice_id, decision)
        except ConnectorError as error:
            said = f"{error} {error.fix}".strip()
            yield BulkOutcome(invoice_id, None, error.code, said, isinstance(error, Retryable))


def approve_opened(
    *, work: UnitOfWork, desk: ReviewDesk, opened: OpenedDocument, looked_at: str, actor: Actor, comment: str = ""
) -> Decision:
    """The same inside a transaction that is open already and locked the document."""
    return _approve(work, desk, opened, looked_at, actor, comment, is_bulk=False)


def _approve(
    work: UnitOfWork,
    desk: ReviewDesk,
    opened: OpenedDocument,
    looked_at: str,
    actor: Actor,
    said: str,
    *,
    is_bulk: bool,
) -> Decision:
    refuse_unless_person(actor)
    entries = audit.load_entries(connection=work.connection, subject_id=opened.document.id)
    if opened.document.state is InvoiceState.ISSUED:
        return _decided_before(work, opened, entries, looked_at, actor)
    refuse_changed(looked_at=looked_at, current=opened.content.hash)
    _refuse_blocked(opened, is_bulk)
    approvals = holding_approvals(entries)
    opened = _without_stale(work, desk, opened, any(one.content_hash != looked_at for one in approvals))
    approvals = tuple(one for one in approvals if one.content_hash == looked_at)
    event = judge_approval(
        rules=desk.rules,
        gross=opened.document.gross,
        actor=actor,
        approvals=approvals if opened.document.state is InvoiceState.APPROVED else (),
        last_editor=opened.document.written.last_editor,
    )
    after = invoice_after(opened.document.state, event)
    findings = [finding.code for finding in opened.findings]
    record(
        work=work,
        desk=desk,
        document=opened.document,
        actor=actor,
        event=InvoiceEvent.APPROVE,
        after=after,
        reason=said,
        data={"content_hash": looked_at, "findings": findings, "is_bulk": is_bulk},
    )
    taken = None
    if event is InvoiceEvent.ISSUE:
        taken = issue(work=work, desk=desk, opened=opened, actor=actor)
    else:
        invoices.move(work=work, document=opened.document, event=event)
    return Decision(opened.document.id, after, opened.content.hash, taken.number if taken else "")


def _decided_before(
    work: UnitOfWork, opened: OpenedDocument, entries: list[audit.AuditRow], looked_at: str, actor: Actor
) -> Decision:
    """The answer to a double click; anybody else is told who was faster."""
    document = opened.document
    number = number_of(connection=work.connection, invoice_id=document.id)
    given = [entry for entry in entries if entry.event == InvoiceEvent.APPROVE]
    if given and Actor(given[-1].actor, "").key == actor.key and given[-1].data["content_hash"] == looked_at:
        return Decision(document.id, document.state, looked_at, number, is_repeated=True)
    by = f" by {given[-1].actor}" if given else ""
    raise DecisionRefused(
        f"It was issued as {number}{by} already.", code="ALREADY_DECIDED", fix="Nothing is left to approve."
    )


def _refuse_blocked(opened: OpenedDocument, is_bulk: bool) -> None:
    found = opened.blocking
    if found:
        raise DecisionRefused(
            " ".join(finding.message for finding in found),
            code=found[0].code,
            owner=found[0].owner,
            fix=" ".join(dict.fromkeys(finding.fix for finding in found)),
        )
    if is_bulk and not opened.is_quiet:
        codes = ", ".join(finding.code for finding in opened.findings) or "more than the schedule, or above the limit"
        raise DecisionRefused(
            f"{opened.document.name} is not quiet ({codes}), so it is not approved in bulk.",
            code="NOT_QUIET",
            fix="Open it and decide on it alone.",
        )


def _without_stale(work: UnitOfWork, desk: ReviewDesk, opened: OpenedDocument, is_stale: bool) -> OpenedDocument:
    """An approval of content that is no longer there is dropped, visibly; the document is a draft again."""
    if not is_stale or opened.document.state is not InvoiceState.APPROVED:
        return opened
    after = invoices.move(work=work, document=opened.document, event=InvoiceEvent.WITHDRAW)
    record(
        work=work,
        desk=desk,
        document=opened.document,
        actor=_SYSTEM,
        event=InvoiceEvent.WITHDRAW,
        after=after,
        reason="The document has changed since it was approved.",
    )
    return replace(opened, document=replace(opened.document, state=after))
