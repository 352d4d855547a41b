"""The customer's page of a shared document, and its files: by token alone, reading only.

Whatever a token does not open is the same nothing, whyever. Opening writes nothing, because mail scanners open links
too. Which other documents of the account it opens is the link's own scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from connector.documents.hosted import (
    HostedAddress,
    render_hosted,
    render_missing,
    render_preparing,
    render_upcoming,
)
from connector.domain.documents import payment_code
from connector.domain.hosted import AccountDocument, HostedDocument, LinkScope, PaymentOption, Standing
from connector.domain.languages import language_of
from connector.domain.legal_entities import LegalEntity, plain_entity
from connector.ports import Clock, TaxEngine
from connector.store import account_documents
from connector.store.account_documents import Account
from connector.store.artifacts import ArtifactKind, ArtifactState, load_states
from connector.store.hosted_links import HostedLink
from connector.store.issued import FrozenDocument, load_issued
from connector.store.unit_of_work import Database
from connector.usecases.open_file import OpenedFile, open_file
from connector.usecases.share_invoice import find_shared
from connector.usecases.show_upcoming import upcoming_documents

_OWED = (Standing.OPEN, Standing.OVERDUE, Standing.PARTLY_PAID)


class PaymentOptions(Protocol):
    """Whoever offers to take a payment online."""

    def __call__(self, *, database: Database, invoice_id: int) -> Sequence[PaymentOption]:
        """The ways to pay what is open on that issued invoice. Only reads; an address was made at issue or never."""


def no_options(*, database: Database, invoice_id: int) -> Sequence[PaymentOption]:  # noqa: ARG001 - the form of a port
    """Nothing can be paid online."""
    return ()


@dataclass(frozen=True, slots=True)
class FrontDesk:
    """What the customer's pages need. `options` names the ways to pay a document online; it must only read."""

    database: Database
    clock: Clock
    entities: Mapping[str, LegalEntity]
    taxes: TaxEngine
    options: PaymentOptions = no_options


@dataclass(frozen=True, slots=True)
class _Opened:
    """A link that lives, the document that is asked for, and the day it is for the seller."""

    link: HostedLink
    account: Account
    frozen: FrozenDocument
    today: date


def show_hosted(*, desk: FrontDesk, token: str, number: str = "", language: str = "") -> str | None:
    """The page, as HTML: of the link's document, or of another one of its account by the key of its number.

    `language` is what the reader chose; without it the customer's own. None when the token does not open it.
    """
    opened = _open(desk, token, number)
    if opened is None:
        return None
    shown = _hosted(desk, opened)
    return render_hosted(shown=shown, address=HostedAddress(token, number), language=language or _language(opened))


def show_upcoming(*, desk: FrontDesk, token: str, language: str = "") -> str | None:
    """The page about what will be billed next, as HTML; None when the token does not open it."""
    opened = _open(desk, token, "")
    if opened is None or opened.link.scope is not LinkScope.ACCOUNT:
        return None
    found = upcoming_documents(
        database=desk.database,
        taxes=desk.taxes,
        entities=desk.entities,
        account=opened.account,
        today=opened.today,
    )
    chosen = language or _language(opened)
    return render_upcoming(
        upcoming=found, address=HostedAddress(token), seller=opened.frozen.view.seller, language=chosen
    )


def open_shared_file(*, desk: FrontDesk, token: str, kind: str, number: str = "") -> OpenedFile | None:
    """A file behind the link. None when the token does not open it; raises what `open_file` raises."""
    opened = _open(desk, token, number)
    if opened is None:
        return None
    return open_file(database=desk.database, invoice_id=opened.frozen.invoice_id, kind=kind)


def missing_page() -> str:
    """The page for whatever opens nothing, always the same."""
    return render_missing()


def preparing_page() -> str:
    """The page for a file that is still being made."""
    return render_preparing()


def _open(desk: FrontDesk, token: str, number: str) -> _Opened | None:
    link = find_shared(database=desk.database, clock=desk.clock, token=token)
    if link is None:
        return None
    with desk.database.reading() as connection:
        account = account_documents.account_of(connection=connection, invoice_id=link.invoice_id)
        entity = desk.entities.get(account.legal_entity) or plain_entity(code=account.legal_entity, country="")
        today = entity.today(desk.clock.now())
        invoice_id: int | None = link.invoice_id
        if number:
            documents = account_documents.list_documents(connection=connection, account=account, today=today)
            invoice_id = _numbered(documents, number, link)
        if invoice_id is None:
            return None
        return _Opened(link, account, load_issued(connection=connection, invoice_id=invoice_id), today)


def _numbered(documents: Sequence[AccountDocument], number: str, link: HostedLink) -> int | None:
    found = next((one.invoice_id for one in documents if one.key == number), None)
    is_allowed = link.scope is LinkScope.ACCOUNT or found == link.invoice_id
    return found if is_allowed else None


def _hosted(desk: FrontDesk, opened: _Opened) -> HostedDocument:
    view, is_for_account = opened.frozen.view, opened.link.scope is LinkScope.ACCOUNT
    this, others = _documents(desk, opened, is_for_account=is_for_account)
    with desk.database.reading() as connection:
        movements = account_documents.list_movements(connection=connection, invoice_id=this.invoice_id)
        files = load_states(connection=connection, invoice_id=this.invoice_id)
    is_owed = this.standing in _OWED
    return HostedDocument(
        view=view,
        open=this.open,
        standing=this.standing,
        movements=movements,
        accounts=view.payment.accounts if is_owed else (),
        reference=view.payment.reference if is_owed else "",
        code=payment_code(view=view, amount=this.open) if is_owed else "",
        options=tuple(desk.options(database=desk.database, invoice_id=this.invoice_id)) if is_owed else (),
        has_pdf=files.get(ArtifactKind.PDF) is ArtifactState.MADE,
        has_xml=files.get(ArtifactKind.XML) is ArtifactState.MADE,
        is_for_account=is_for_account,
        others=others,
        expires_at=opened.link.expires_at,
    )


def _documents(
    desk: FrontDesk, opened: _Opened, *, is_for_account: bool
) -> tuple[AccountDocument, tuple[AccountDocument, ...]]:
    """The document as it stands, and the other open ones where the link is for them too."""
    invoice_id = opened.frozen.invoice_id
    with desk.database.reading() as connection:
        (this,) = account_documents.list_documents(
            connection=connection, account=opened.account, today=opened.today, invoice_id=invoice_id
        )
        if not is_for_account:
            return this, ()
        documents = account_documents.list_documents(
            connection=connection, account=opened.account, today=opened.today
        )  # fmt: skip
    return this, tuple(one for one in documents if one.standing in _OWED and one.invoice_id != invoice_id)


def _language(opened: _Opened) -> str:
    return language_of(opened.frozen.view.buyer.address.country)
