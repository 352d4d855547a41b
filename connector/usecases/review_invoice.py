"""What finance does with a document before it is approved: hold, release, send back, return, edit, withdraw, comment.

Each is one transaction with its entry in the audit log. A document that was sent back is owed by its owner: the record
in Salesforce shows why, and billing drafts it again only when something has changed. Nothing here issues anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from connector.domain.review import (
    Actor,
    InvoiceEvent,
    refuse_changed,
    refuse_unless_person,
)
from connector.store import invoices
from connector.store.sent_back import draft_again
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.review_desk import (
    Decision,
    OpenedDocument,
    ReviewDesk,
    TextRefused,
    clean_text,
    open_locked,
    record,
)

# Enough for any department; more is a mailing list, which is an address of its own.
_MOST_RECIPIENTS = 20
_ADDRESS = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]+\.[^\s@<>,;\"]{2,}")
_MOST_ADDRESS = 254
_MOST_PO_NUMBER = 80
_COMMENT = "comment"


def hold_invoice(
    *, desk: ReviewDesk, invoice_id: int, reason: str, actor: str, role: str, until: date | None = None
) -> Decision:
    """Keep a document from being approved, for a reason, until a day if one is named; the day releases nothing.

    Raises NotFound, DecisionRefused, IllegalTransition, TextRefused.
    """
    said = clean_text(reason, name="reason")
    return _decide(
        desk,
        invoice_id,
        Actor(actor.strip(), role),
        InvoiceEvent.HOLD,
        said,
        written={"reason": said, "held_until": until, "owner": ""},
        data={"until": until},
    )


def release_invoice(*, desk: ReviewDesk, invoice_id: int, actor: str, role: str, reason: str = "") -> Decision:
    """Take a hold away; the document is a draft again. Raises NotFound, DecisionRefused, IllegalTransition."""
    said = clean_text(reason, name="reason", is_needed=False)
    nothing = {"reason": "", "held_until": None, "owner": ""}
    return _decide(desk, invoice_id, Actor(actor.strip(), role), InvoiceEvent.RELEASE, said, written=nothing)


def withdraw_approval(*, desk: ReviewDesk, invoice_id: int, actor: str, role: str, reason: str = "") -> Decision:
    """Take back the first of two approvals; the document is a draft again.

    Raises NotFound, DecisionRefused, IllegalTransition.
    """
    said = clean_text(reason, name="reason", is_needed=False)
    return _decide(desk, invoice_id, Actor(actor.strip(), role), InvoiceEvent.WITHDRAW, said)


def send_back_invoice(*, desk: ReviewDesk, invoice_id: int, reason: str, owner: str, actor: str, role: str) -> Decision:
    """Reject a document: its owner must change the deal. What it holds is not billed until then.

    The records of its orders show reason and owner. Raises NotFound, DecisionRefused, IllegalTransition, TextRefused.
    """
    said, who = clean_text(reason, name="reason"), clean_text(owner, name="owner")
    with desk.database.unit_of_work() as work:
        invoices.lock_contracts(work=work, invoice_id=invoice_id)
        opened = open_locked(work=work, desk=desk, invoice_id=invoice_id)
        ids = opened.document.contract_ids
        versions = invoices.contract_versions(connection=work.connection, contract_ids=ids)
        decision = _move(
            work,
            desk,
            opened,
            Actor(actor.strip(), role),
            InvoiceEvent.SEND_BACK,
            said,
            written={"reason": said, "owner": who, "held_until": None, "contract_versions": versions},
            data={"owner": who},
        )
        # A run that drafts these contracts right now must not count on what this document held.
        draft_again(work=work, contract_ids=ids)
        show_orders(work=work, desk=desk, opened=opened)
        work.commit()
    return decision


def return_invoice(*, desk: ReviewDesk, invoice_id: int, actor: str, role: str, reason: str = "") -> Decision:
    """Put a document that was sent back into the queue again, as it is.

    Raises NotFound, DecisionRefused, IllegalTransition.
    """
    said = clean_text(reason, name="reason", is_needed=False)
    with desk.database.unit_of_work() as work:
        invoices.lock_contracts(work=work, invoice_id=invoice_id)
        opened = open_locked(work=work, desk=desk, invoice_id=invoice_id)
        nothing = {"reason": "", "owner": "", "contract_versions": None}
        decision = _move(
            work, desk, opened, Actor(actor.strip(), role), InvoiceEvent.RETURN, said, written=nothing
        )  # fmt: skip
        draft_again(work=work, contract_ids=opened.document.contract_ids)
        show_orders(work=work, desk=desk, opened=opened)
        work.commit()
    return decision


def edit_invoice(
    *,
    desk: ReviewDesk,
    invoice_id: int,
    looked_at: str,
    actor: str,
    role: str,
    memo: str | None = None,
    po_number: str | None = None,
    recipients: Sequence[str] | None = None,
) -> Decision:
    """Change memo, PO number or recipients of a document that was looked at (its content hash); None leaves them.

    The answer has the new hash; approvals given before hold no more. Raises NotFound, DecisionRefused,
    IllegalTransition, TextRefused.
    """
    decides = Actor(actor.strip(), role)
    written: dict[str, Any] = {"last_editor": decides.name}
    if memo is not None:
        written["memo"] = clean_text(memo, name="memo", is_needed=False)
    if recipients is not None:
        written["recipients"] = _addresses(recipients)
    with desk.database.unit_of_work() as work:
        opened = open_locked(work=work, desk=desk, invoice_id=invoice_id)
        refuse_changed(looked_at=looked_at, current=opened.content.hash)
        data = {name: value for name, value in written.items() if name != "last_editor"}
        if po_number is not None:
            data["po_number"] = _po_number(po_number)
            invoices.save_po_number(work=work, invoice_id=invoice_id, po_number=data["po_number"])
        decision = _move(work, desk, opened, decides, InvoiceEvent.EDIT, "", written=written, data=data)
        work.commit()
    return decision


def comment_invoice(*, desk: ReviewDesk, invoice_id: int, text: str, actor: str, role: str) -> None:
    """Say something about a document, whatever its state; it is kept in the audit log.

    Raises NotFound, DecisionRefused, TextRefused.
    """
    decides, said = Actor(actor.strip(), role), clean_text(text, name="comment")
    refuse_unless_person(decides)
    with desk.database.unit_of_work() as work:
        document = invoices.lock_document(work=work, invoice_id=invoice_id)
        record(
            work=work,
            desk=desk,
            document=document,
            actor=decides,
            event=_COMMENT,
            after=document.state,
            reason=said,
        )
        work.commit()


def show_orders(*, work: UnitOfWork, desk: ReviewDesk, opened: OpenedDocument) -> None:
    """Have the records behind a document show how it stands."""
    document = opened.document
    behind = invoices.orders_behind(connection=work.connection, invoice_id=document.id, org_id=document.org_id)
    for order_id in behind:
        desk.board.show_order(work=work, order_id=order_id, now=desk.clock.now())


def _decide(
    desk: ReviewDesk,
    invoice_id: int,
    actor: Actor,
    event: InvoiceEvent,
    reason: str,
    *,
    written: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
) -> Decision:
    with desk.database.unit_of_work() as work:
        opened = open_locked(work=work, desk=desk, invoice_id=invoice_id)
        decision = _move(work, desk, opened, actor, event, reason, written=written, data=data)
        work.commit()
    return decision


def _move(
    work: UnitOfWork,
    desk: ReviewDesk,
    opened: OpenedDocument,
    actor: Actor,
    event: InvoiceEvent,
    reason: str,
    *,
    written: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
) -> Decision:
    refuse_unless_person(actor)
    document = opened.document
    after = invoices.move(work=work, document=document, event=event)
    if written:
        invoices.save_written(work=work, invoice_id=document.id, now=desk.clock.now(), **written)
    record(
        work=work, desk=desk, document=document, actor=actor, event=event, after=after, reason=reason, data=data
    )  # fmt: skip
    changed = open_locked(work=work, desk=desk, invoice_id=document.id)
    return Decision(document.id, after, changed.content.hash)


def _addresses(recipients: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(address.strip() for address in recipients if address.strip()))
    wrong = [one for one in found if len(one) > _MOST_ADDRESS or not one.isprintable() or not _ADDRESS.fullmatch(one)]
    if wrong:
        raise TextRefused(f"{wrong[0][:80]!r} is not an e-mail address.", fix="Correct the address.")
    if len(found) > _MOST_RECIPIENTS:
        raise TextRefused(f"A document goes to at most {_MOST_RECIPIENTS} addresses, not {len(found)}.")
    return found


def _po_number(text: str) -> str:
    plain = " ".join(clean_text(text, name="PO number", is_needed=False).split())
    if len(plain) > _MOST_PO_NUMBER:
        raise TextRefused(f"A PO number has at most {_MOST_PO_NUMBER} characters.", fix="Shorten it.")
    return plain
