"""Stopping reminders over the API: disputed, promised, paused, and the end of it, for the person of the token."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import g
from pydantic import Field, StringConstraints

from connector.domain.reminders import StopKind
from connector.services import current_services
from connector.usecases.issue_tokens import person_of
from connector.usecases.open_file import find_document
from connector.usecases.remind import resume_reminders, stop_reminders
from connector.web.api.answers import Answer
from connector.web.api.decisions import TokenOfNobody, Words
from connector.web.api.order_body import Day
from connector.web.api.requests import Request

_KINDS = tuple(kind.value for kind in StopKind)


class StopBody(Request):
    """Why an invoice is not reminded of, and until when."""

    kind: Literal[_KINDS] = Field(description="What the customer did, or that you wait.")  # type: ignore[valid-type]
    reason: Annotated[Words, StringConstraints(min_length=1)] = Field(description="What was said; it is audited.")
    until: Day | None = Field(None, description="The last day on which it holds; without it, until it is ended.")


class StopAnswer(Answer):
    """The invoice, and what stops its reminders now: `kind` is empty when nothing does."""

    invoice: int
    kind: str
    until: str | None


def stop_invoice_reminders(number: str, body: StopBody) -> StopAnswer:
    """Send no reminder of an issued invoice, by its number or id; what stopped it before is replaced."""
    invoice_id, person = _asked(number)
    stop_reminders(desk=current_services().cash, invoice_id=invoice_id, kind=StopKind(body.kind), until=body.until,
                   reason=body.reason, **person)  # fmt: skip
    return StopAnswer(invoice=invoice_id, kind=body.kind, until=body.until.isoformat() if body.until else None)


def resume_invoice_reminders(number: str) -> StopAnswer:
    """End whatever stops reminders of an issued invoice; ending nothing is no error."""
    invoice_id, person = _asked(number)
    resume_reminders(desk=current_services().cash, invoice_id=invoice_id, **person)
    return StopAnswer(invoice=invoice_id, kind="", until=None)


def _asked(number: str) -> tuple[int, dict[str, str]]:
    """The invoice, and the person for whom the token decides. Raises NotFound, TokenOfNobody."""
    database = current_services().database
    user = person_of(database=database, token=g.token)
    if user is None:
        raise TokenOfNobody(f"The token {g.token.name} decides for nobody who may sign in.")
    person = {"actor": user.name, "role": user.role}
    return find_document(database=database, number=number), person
