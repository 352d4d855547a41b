"""A seller with issued documents that are shared with customers, and the application that shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Flask

from connector.app import create_app
from connector.domain.documents import BankAccount, Seller
from connector.domain.hosted import LinkScope, PaymentOption
from connector.domain.legal_entities import LegalEntity
from connector.domain.review import Actor
from connector.domain.terms import Address, Customer
from connector.ports import Clock
from connector.store.hosted_links import list_links
from connector.store.unit_of_work import Database
from connector.usecases.render_artifacts import render_artifacts
from connector.usecases.share_invoice import revoke_link, share_invoice
from tests.documents.making import SELLER
from tests.reviewing import ENTITIES, Finance, make_finance
from tests.web.serving import make_services

ANNA = Actor("anna", "approver")
NORDLICHT = LegalEntity("DE", SELLER, time_zone="Europe/Berlin")
AURORA = Customer(
    "001AURORA",
    "Aurora Analytics GmbH",
    email="rechnung@aurora.example",
    tax_id="DE811569869",
    billing_address=Address("Lindenweg 4", "Berlin", postal_code="10969", country="Germany"),
)


def seller(**changes: Any) -> Seller:
    """Nordlicht Software, changed."""
    return replace(SELLER, **changes)


@dataclass
class Sharing:
    """Finance, and the pages that their customers open."""

    finance: Finance
    app: Flask

    def share(self, invoice_id: int, *, scope: LinkScope = LinkScope.ACCOUNT, **more: Any) -> str:
        """A link for a document; answers its token."""
        return share_invoice(
            database=self.finance.desk.database,
            clock=self.finance.desk.clock,
            invoice_id=invoice_id,
            label="rechnung@aurora.example",
            actor=ANNA,
            scope=scope,
            **more,
        )

    def revoke(self, invoice_id: int) -> None:
        """End the first link of a document."""
        desk = self.finance.desk
        with desk.database.reading() as connection:
            link = list_links(connection=connection, invoice_id=invoice_id)[0]
        revoke_link(database=desk.database, clock=desk.clock, link_id=link.id, actor=ANNA)

    def render(self, draw: Any = lambda kind, frozen: f"{kind} of {frozen.number}".encode()) -> None:
        """Make the files, as told."""
        render_artifacts(database=self.finance.desk.database, clock=self.finance.desk.clock, render=draw)


def make_sharing(
    database: Database, clock: Clock, *, options: tuple[PaymentOption, ...] = (), **entity: Any
) -> Sharing:
    """The seller and the application."""
    entities = ENTITIES | {"DE": replace(NORDLICHT, **entity)}
    finance = make_finance(database, clock, entities=entities)
    services = make_services(
        database,
        clock,
        entities=entities,
        taxes=finance.desk.taxes,
        payment_options=lambda database, invoice_id: options,
    )
    return Sharing(finance, create_app(services=services))


EUR_ACCOUNT = BankAccount("Nordlicht Software GmbH", "DE89370400440532013000", "COBADEFFXXX", currency="EUR")
