"""The life of a document between its drafting and the customer: its states, what may follow what, and who may decide.

Exists so that "can this leave?" is answered by reading: an invoice leaves only by the decision of people who looked at
exactly what leaves. No timer and no system approves anything; whatever is not clearly allowed is refused. Credit notes
live by the same table. It must not number, store or send anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from connector.domain.fulfilment import IllegalTransition
from connector.domain.money import Money
from connector.errors import Refused


class InvoiceState(StrEnum):
    """How far a document is; what is paid of an issued one is told apart from this."""

    DRAFT = "draft"
    HELD = "held"
    APPROVED = "approved"
    ISSUED = "issued"
    SENT_BACK = "sent_back"
    VOID = "void"


class InvoiceEvent(StrEnum):
    """What moves a document; each is a decision of a person, but for SUPERSEDE."""

    EDIT = "edit"
    HOLD = "hold"
    RELEASE = "release"
    APPROVE = "approve"
    WITHDRAW = "withdraw"
    ISSUE = "issue"
    SEND_BACK = "send_back"
    RETURN = "return"
    SUPERSEDE = "supersede"
    VOID = "void"


_S, _E = InvoiceState, InvoiceEvent

INVOICE_TRANSITIONS: dict[tuple[InvoiceState, InvoiceEvent], InvoiceState] = {
    (_S.DRAFT, _E.EDIT): _S.DRAFT,
    (_S.DRAFT, _E.HOLD): _S.HELD,
    # A second approver is needed; below the threshold the one approval issues at once.
    (_S.DRAFT, _E.APPROVE): _S.APPROVED,
    (_S.DRAFT, _E.ISSUE): _S.ISSUED,
    (_S.DRAFT, _E.SEND_BACK): _S.SENT_BACK,
    # What a voided draft held is owed again: the next billing run drafts it anew from what is known then.
    (_S.DRAFT, _E.VOID): _S.VOID,
    (_S.HELD, _E.EDIT): _S.HELD,
    # Held again for another reason or until another day.
    (_S.HELD, _E.HOLD): _S.HELD,
    # A held document cannot be approved: somebody had a reason, and somebody takes it away first.
    (_S.HELD, _E.RELEASE): _S.DRAFT,
    (_S.HELD, _E.SEND_BACK): _S.SENT_BACK,
    (_S.HELD, _E.VOID): _S.VOID,
    (_S.APPROVED, _E.ISSUE): _S.ISSUED,
    # An approval is for what was looked at: any change drops it.
    (_S.APPROVED, _E.EDIT): _S.DRAFT,
    (_S.APPROVED, _E.WITHDRAW): _S.DRAFT,
    (_S.APPROVED, _E.HOLD): _S.HELD,
    (_S.APPROVED, _E.SEND_BACK): _S.SENT_BACK,
    (_S.APPROVED, _E.VOID): _S.VOID,
    # Sending it back was a mistake, or its owner says that it is right as it is.
    (_S.SENT_BACK, _E.RETURN): _S.DRAFT,
    # A billing run found other content for the same charges, or its contract has changed: the new draft takes over.
    (_S.SENT_BACK, _E.SUPERSEDE): _S.VOID,
    (_S.SENT_BACK, _E.VOID): _S.VOID,
    # Nothing follows ISSUED: what is wrong with an issued document is mended by a credit note.
}

# What a document of these states holds is owed again, as if it had never been drafted.
NOT_BILLED = (InvoiceState.VOID, InvoiceState.SENT_BACK)
# Waits for a person.
OPEN_STATES = (InvoiceState.DRAFT, InvoiceState.HELD, InvoiceState.APPROVED)

_DONE = {
    _E.EDIT: "edited",
    _E.HOLD: "held",
    _E.RELEASE: "released",
    _E.APPROVE: "approved",
    _E.WITHDRAW: "taken back to draft",
    _E.ISSUE: "issued",
    _E.SEND_BACK: "sent back",
    _E.RETURN: "returned to the queue",
    _E.SUPERSEDE: "superseded",
    _E.VOID: "voided",
}

# From least to most: each role may do what the ones before it may.
_RANKS = ("viewer", "finance", "approver", "admin")
_DECIDES, _GIVES_SECOND = "finance", "approver"
# Names under which our own parts act; none of them is a person.
_SYSTEM_NAMES = frozenset({"", "countersign", "schedule", "system"})


class DecisionRefused(Refused):
    """That decision cannot be made."""

    code = "DECISION_REFUSED"
    owner = "finance"
    fix = "Read the document again and decide on what it says now."


@dataclass(frozen=True, slots=True)
class Actor:
    """Who decides, and with which role."""

    name: str
    role: str

    @property
    def key(self) -> str:
        """The same for the same person, however the name was typed."""
        return " ".join(self.name.split()).casefold()


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval that still holds: who gave it, when, and the hash of the content that was looked at."""

    actor: Actor
    content_hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """The settings of review. Amounts are gross, by currency.

    `second_approver_above`: a document of more needs two people; empty = one is always enough; when it names any
    currency, one that it does not name always needs two. `quiet_up_to`: what may be approved in bulk; a currency that
    is not named never may. `jump_percent`: a change against the last period by more is told. `po_required_for`:
    customers (Salesforce account ids) that refuse invoices without a PO number.
    """

    second_approver_above: Mapping[str, Decimal] = field(default_factory=dict)
    quiet_up_to: Mapping[str, Decimal] = field(default_factory=dict)
    jump_percent: Decimal = Decimal(25)
    po_required_for: frozenset[str] = frozenset()
    is_first_quiet: bool = False
    may_editor_approve: bool = True


def invoice_after(state: InvoiceState, event: InvoiceEvent) -> InvoiceState:
    """The document's next state. Raises IllegalTransition when the table has no such edge."""
    try:
        return INVOICE_TRANSITIONS[state, event]
    except KeyError as error:
        raise IllegalTransition(
            f"A document that is {state.replace('_', ' ')} cannot be {_DONE[event]}.",
            owner="finance",
            fix=_FIXES.get(state, "Look at the document again; somebody may have decided before."),
        ) from error


_FIXES = {
    _S.ISSUED: "An issued document never changes: make a credit note for what is wrong.",
    _S.HELD: "Release it first.",
    _S.SENT_BACK: "Return it to the queue first, or wait for the change of its record.",
    _S.VOID: "A voided document stays void; the next billing run drafts what is owed.",
}


def refuse_unless_person(actor: Actor) -> None:
    """Raises DecisionRefused when it is not a person, or one whose role decides nothing."""
    if actor.key in _SYSTEM_NAMES:
        raise DecisionRefused("A decision needs the name of a person.", code="NO_PERSON", fix="Sign in and decide.")
    if not has_rank(actor.role, _DECIDES):
        raise DecisionRefused(
            f"{actor.name} has the role {actor.role or 'none'}, which decides nothing.",
            code="ROLE_TOO_LOW",
            fix=f"Ask somebody with the role {_DECIDES} or a higher one.",
        )


def has_rank(role: str, needed: str) -> bool:
    """Whether the role is that one or a higher one; an unknown role is none."""
    return role in _RANKS and _RANKS.index(role) >= _RANKS.index(needed)


def needs_second(*, rules: ReviewRules, gross: Money) -> bool:
    """Whether two people must approve a document of that amount (the size counts, also of a credit note)."""
    if not rules.second_approver_above:
        return False
    limit = rules.second_approver_above.get(gross.currency)
    return limit is None or abs(gross.amount) > limit


def refuse_changed(*, looked_at: str, current: str) -> None:
    """Raises DecisionRefused when what was looked at is not what is there now; no hash at all is a change too."""
    if not looked_at or looked_at != current:
        raise DecisionRefused(
            "The document has changed since it was looked at, so this decision was not made.", code="CONTENT_CHANGED"
        )


def judge_approval(
    *, rules: ReviewRules, gross: Money, actor: Actor, approvals: Sequence[Approval], last_editor: str = ""
) -> InvoiceEvent:
    """What an approval by this person does: ISSUE when no further one is needed, else APPROVE.

    `approvals` are those given before for the same content, `last_editor` who changed the document last (empty when
    nobody did). Raises DecisionRefused.
    """
    refuse_unless_person(actor)
    if any(given.actor.key == actor.key for given in approvals):
        raise DecisionRefused(
            f"{actor.name} has approved this document already; another person must be the second.",
            code="SAME_PERSON",
            fix="Ask a second approver.",
        )
    if last_editor and not rules.may_editor_approve and Actor(last_editor, "").key == actor.key:
        raise DecisionRefused(
            f"{actor.name} edited this document last; another person must approve it.",
            code="SAME_PERSON",
            fix="Ask another approver.",
        )
    if not needs_second(rules=rules, gross=gross):
        return InvoiceEvent.ISSUE
    if not approvals:
        return InvoiceEvent.APPROVE
    if not any(has_rank(one.role, _GIVES_SECOND) for one in (actor, *(given.actor for given in approvals))):
        raise DecisionRefused(
            f"{gross} is above the threshold: one of the two must have the role {_GIVES_SECOND}.",
            code="ROLE_TOO_LOW",
            fix=f"Ask somebody with the role {_GIVES_SECOND}.",
        )
    return InvoiceEvent.ISSUE
