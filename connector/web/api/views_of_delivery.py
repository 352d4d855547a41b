"""What the addresses about files, links and mail do: ask one query or use case, show the answer."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response, g
from pydantic import Field, StringConstraints

from connector.domain.hosted import LinkScope
from connector.domain.review import Actor
from connector.errors import NotFound
from connector.services import current_services
from connector.store import queries_delivery
from connector.store.queries_delivery import DELIVERY_STATES, DeliveryRow
from connector.usecases import send_document, share_invoice
from connector.usecases.issue_tokens import person_of
from connector.usecases.open_file import find_document, list_files, open_file
from connector.web.api import showing
from connector.web.api.answers import Answer, PageAnswer
from connector.web.api.requests import NO_NUL, ListParameters, Request
from connector.web.files import file_answer

# No id in the database is longer.
_LONGEST_ID = 18
Line = Annotated[str, StringConstraints(max_length=300, pattern=NO_NUL)]


class FileAnswer(Answer):
    """One file of a document; `message` says why it is not there."""

    kind: str
    state: str
    attempts: int
    next_try_at: datetime | None
    code: str
    message: str
    sha256: str
    size: int


class FilesAnswer(Answer):
    """The files of a document."""

    files: tuple[FileAnswer, ...]


class LinkAnswer(Answer):
    """One link; `url` only in the answer that made it, null ever after."""

    id: int
    label: str
    scope: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    url: str | None


class LinksAnswer(Answer):
    """The links of a document, also those that ended."""

    links: tuple[LinkAnswer, ...]


class DeliveryAnswer(Answer):
    """One mail. `losses` counts how often nobody knew whether one had arrived; `reminder` is set when it is one."""

    id: int
    invoice: int
    reminder: int | None
    number: str
    customer: str
    recipient: str
    state: str
    requested_by: str
    attempts: int
    losses: int
    next_try_at: datetime | None
    message_id: str
    code: str
    message: str
    owner: str
    wanted_at: datetime
    sent_at: datetime | None
    changed_at: datetime


class DeliveryParameters(ListParameters):
    """Which mails."""

    state: Literal[DELIVERY_STATES] | None = Field(None, description="Only mails in this state.")  # type: ignore[valid-type]


class ShareBody(Request):
    """For whom the link is, and whether it opens the other documents of the account too."""

    label: Line = Field(description="For whom it is made, so that it can be ended alone.")
    scope: Literal["account", "document"] = Field("account", description="All of the account, or this one alone.")


class SendBody(Request):
    """Where the mail goes."""

    recipient: Line = Field(description="One e-mail address.")


class BounceBody(Request):
    """What came back."""

    reason: Annotated[str, StringConstraints(max_length=1000, pattern=NO_NUL)] = Field(
        description="What the other side said."
    )


def show_invoice_pdf(number: str) -> Response:
    """The PDF of an issued invoice or credit note, by its number or id, with the XML inside where there is one.

    503 while it is being prepared.
    """
    return _file(number, "pdf")


def show_invoice_xml(number: str) -> Response:
    """The EN 16931 XML of an issued invoice or credit note, by its number or id; 422 says why it cannot have one."""
    return _file(number, "xml")


def list_invoice_files(number: str) -> FilesAnswer:
    """How far the files of an issued document are, and why one is not there."""
    database = current_services().database
    found = list_files(database=database, invoice_id=find_document(database=database, number=number))
    return FilesAnswer(files=tuple(FileAnswer(**dataclasses.asdict(file)) for file in found))


def make_invoice_files(number: str) -> FilesAnswer:
    """Have files that failed, or could not exist, made again now; answers how far they are."""
    send_document.make_files_again(**_asked(number))
    return list_invoice_files(number)


def list_invoice_links(number: str) -> LinksAnswer:
    """The customer's links to an issued document, also those that ended; never a token."""
    asked = _asked(number)
    found = share_invoice.list_shared(database=asked["database"], invoice_id=asked["invoice_id"])
    return LinksAnswer(links=tuple(_link(link) for link in found))


def share_invoice_link(number: str, body: ShareBody) -> LinkAnswer:
    """Make a link for a customer. The address is in this answer and nowhere else, so keep it."""
    asked = _asked(number)
    token = share_invoice.share_invoice(**asked, label=body.label, scope=LinkScope(body.scope))
    made = share_invoice.list_shared(database=asked["database"], invoice_id=asked["invoice_id"])[-1]
    return _link(made, url=f"{current_services().config.web.base_url}/invoice/{token}")


def revoke_link(link_id: str) -> LinksAnswer:
    """End a link at once; answers nothing but the end of it."""
    services = current_services()
    share_invoice.revoke_link(
        database=services.database, clock=services.clock, link_id=_row(link_id, "link"), actor=_actor()
    )
    return LinksAnswer(links=())


def list_deliveries(parameters: DeliveryParameters) -> PageAnswer[DeliveryAnswer]:
    """Mails about issued documents, newest first."""
    with current_services().database.reading() as connection:
        found = queries_delivery.list_deliveries(
            connection=connection, page=parameters.page, state=parameters.state or ""
        )
    return showing.page(found, _delivery)


def list_invoice_deliveries(number: str, parameters: ListParameters) -> PageAnswer[DeliveryAnswer]:
    """Mails about one issued document, newest first."""
    database = current_services().database
    invoice_id = find_document(database=database, number=number)
    with database.reading() as connection:
        found = queries_delivery.list_deliveries(connection=connection, page=parameters.page, invoice_id=invoice_id)
    return showing.page(found, _delivery)


def send_invoice(number: str, body: SendBody) -> DeliveryAnswer:
    """Send an issued document to an address, again or for the first time; one that is on its way is only hurried."""
    asked = _asked(number)
    wanted = send_document.send_again(**asked, recipient=body.recipient)
    return _delivery(_load(wanted.delivery_id, asked["invoice_id"]))


def report_bounce(delivery_id: str, body: BounceBody) -> DeliveryAnswer:
    """Tell that a mail came back; the same again changes nothing."""
    services = current_services()
    found = send_document.record_bounce(
        database=services.database,
        clock=services.clock,
        delivery_id=_row(delivery_id, "mail"),
        reason=body.reason,
        actor=_actor(),
    )
    return _delivery(_load(found.id, found.invoice_id))


def _file(number: str, kind: str) -> Response:
    database = current_services().database
    invoice_id = find_document(database=database, number=number)
    return file_answer(open_file(database=database, invoice_id=invoice_id, kind=kind))


def _asked(number: str) -> dict[str, Any]:
    services = current_services()
    invoice_id = find_document(database=services.database, number=number)
    return {"database": services.database, "clock": services.clock, "invoice_id": invoice_id, "actor": _actor()}


def _actor() -> Actor:
    """The person of the token; a token of nobody acts under its own name."""
    user = person_of(database=current_services().database, token=g.token)
    return Actor(user.name, user.role) if user is not None else Actor(f"token {g.token.name}", "finance")


def _row(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise NotFound(f"There is no {name} {text}.")
    return int(text)


def _load(delivery_id: int, invoice_id: int) -> DeliveryRow:
    with current_services().database.reading() as connection:
        return queries_delivery.load_delivery(connection=connection, delivery_id=delivery_id, invoice_id=invoice_id)


def _link(link: Any, url: str | None = None) -> LinkAnswer:
    names = ("id", "label", "scope", "created_by", "created_at", "expires_at", "revoked_at")
    return LinkAnswer(**{name: getattr(link, name) for name in names}, url=url)


def _delivery(row: DeliveryRow) -> DeliveryAnswer:
    values = dataclasses.asdict(row)
    renamed = {
        "invoice": "invoice_id",
        "customer": "customer_name",
        "next_try_at": "not_before",
        "reminder": "letter_id",
    }
    return DeliveryAnswer(**{name: values.pop(old) for name, old in renamed.items()}, **values)
