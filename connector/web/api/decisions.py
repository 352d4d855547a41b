"""Decisions of finance over the API: what each takes, what it answers, and for whom the token decides.

A token decides for the user it was made for, with the role that this user has now, so that a script is never a second
person. A token for nobody decides nothing. What an approval is for is named by the hash of what was looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from flask import g
from pydantic import AfterValidator, Field, StringConstraints

from connector.errors import NotFound, Refused
from connector.services import current_services
from connector.usecases import review_invoice
from connector.usecases.approve_invoice import approve_invoice
from connector.usecases.credit_invoice import credit_invoice
from connector.usecases.issue_tokens import person_of
from connector.usecases.review_desk import MOST_TEXT, Decision, ReviewDesk
from connector.usecases.void_invoice import void_invoice
from connector.web.api.answers import Answer
from connector.web.api.order_body import Day, Number
from connector.web.api.requests import NO_NUL, Request

# No id in the database is longer.
_ID = re.compile(r"[1-9][0-9]{0,17}")
_MOST_LINES = 5_000


def _plain(value: str) -> str:
    """Text that can be stored and shown: no lone surrogates."""
    value.encode("utf-8")
    return value


Words = Annotated[str, StringConstraints(max_length=MOST_TEXT, pattern=NO_NUL), AfterValidator(_plain)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RequestKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{0,64}$")]


class TokenOfNobody(Refused):
    """The token decides for nobody."""

    code = "NO_PERSON"
    owner = "operator"
    fix = "Make one with `countersign token create NAME --scope finance --for USER`; USER must be able to sign in."
    http_status = HTTPStatus.FORBIDDEN


class ApproveBody(Request):
    """An approval of exactly what was looked at."""

    content_hash: Hash = Field(description="`content_hash` of the document as it was looked at.")
    comment: Words = Field("", description="Kept in the audit log.")


class HoldBody(Request):
    """Why a draft is kept, and until when; the day releases nothing."""

    reason: Words = Field(description="Why it is kept.")
    until: Day | None = Field(None, description="The day on which somebody means to look again.")


class RejectBody(Request):
    """Why a draft is sent back, and to whom; the record in Salesforce shows both."""

    reason: Words = Field(description="What is wrong.")
    owner: Words = Field(description="Who must change the deal.")


class VoidBody(Request):
    """Why a draft is voided; what it held is drafted anew."""

    reason: Words = Field(description="Why it is void.")


class CreditLineBody(Request):
    """How much of one line is credited."""

    position: int = Field(ge=1, le=_MOST_LINES, description="The position of the line on the invoice.")
    amount: Number = Field(description="Net, above zero, in the currency of the invoice.")


class CreditBody(Request):
    """What is credited of an issued invoice: some amounts by line, or all that is left when `lines` is missing."""

    reason: Words = Field(description="Why; it stands on the credit note.")
    lines: tuple[CreditLineBody, ...] | None = Field(
        None, max_length=_MOST_LINES, strict=False, description="Amounts by line; missing means all."
    )
    owed_again: bool = Field(False, description="True: the invoice was wrong, and the next billing run drafts it anew.")
    request_key: RequestKey = Field(
        "", description="A text of yours, new for each credit: the same again answers the same and credits nothing."
    )

    @classmethod
    def refuse_choice(cls, given: Mapping[str, Any]) -> str:
        """At least one line, and one amount for each."""
        lines = given.get("lines")
        if not isinstance(lines, list):
            return ""
        if not lines:
            return "Name a line, or leave lines out to credit all that is left."
        places = [line.get("position") for line in lines if isinstance(line, dict)]
        numbers = [place for place in places if isinstance(place, int)]
        return "" if len(numbers) == len(set(numbers)) else "A line is named twice."


class DecisionAnswer(Answer):
    """What came of a decision: the document, its state now, the hash of what it says now, its number when issued.

    Of a credit, the document is the credit note. `is_repeated`: the same was decided before; nothing was done again.
    """

    invoice: int
    state: str
    content_hash: str
    number: str
    is_repeated: bool


def approve(invoice_id: str, body: ApproveBody) -> DecisionAnswer:
    """Approve what was looked at; issues it unless a second person is needed."""
    desk, person = _desk()
    decision = approve_invoice(
        desk=desk, invoice_id=_row(invoice_id), looked_at=body.content_hash, comment=body.comment, **person
    )
    return _answer(decision)


def hold(invoice_id: str, body: HoldBody) -> DecisionAnswer:
    """Keep a draft from being approved, for a reason."""
    desk, person = _desk()
    return _answer(
        review_invoice.hold_invoice(
            desk=desk, invoice_id=_row(invoice_id), reason=body.reason, until=body.until, **person
        )
    )


def reject(invoice_id: str, body: RejectBody) -> DecisionAnswer:
    """Send a draft back to whoever must change the deal."""
    desk, person = _desk()
    return _answer(
        review_invoice.send_back_invoice(
            desk=desk, invoice_id=_row(invoice_id), reason=body.reason, owner=body.owner, **person
        )
    )


def void(invoice_id: str, body: VoidBody) -> DecisionAnswer:
    """Void what is not issued; the next billing run drafts what is owed."""
    desk, person = _desk()
    return _answer(void_invoice(desk=desk, invoice_id=_row(invoice_id), reason=body.reason, **person))


def credit(invoice_id: str, body: CreditBody) -> DecisionAnswer:
    """Make a credit note over an issued invoice, in full or by line."""
    desk, person = _desk()
    amounts = None if body.lines is None else {line.position: line.amount for line in body.lines}
    return _answer(
        credit_invoice(
            desk=desk,
            invoice_id=_row(invoice_id),
            reason=body.reason,
            amounts=amounts,
            is_owed_again=body.owed_again,
            request_key=body.request_key,
            **person,
        )
    )


def _desk() -> tuple[ReviewDesk, dict[str, str]]:
    """The desk with the token's name on it, and the person for whom the token decides. Raises TokenOfNobody."""
    services = current_services()
    user = person_of(database=services.database, token=g.token)
    if user is None:
        raise TokenOfNobody(f"The token {g.token.name} decides for nobody who may sign in.")
    return replace(services.desk, via=f"token {g.token.name}"), {"actor": user.name, "role": user.role}


def _row(invoice_id: str) -> int:
    if not _ID.fullmatch(invoice_id):
        raise NotFound(f"There is no document {invoice_id}.")
    return int(invoice_id)


def _answer(decision: Decision) -> DecisionAnswer:
    return DecisionAnswer(
        invoice=decision.invoice_id,
        state=decision.state.value,
        content_hash=decision.content_hash,
        number=decision.number,
        is_repeated=decision.is_repeated,
    )
