"""A finance team for tests: books that bill, a desk to decide at, and people with roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from connector.domain.documents import Seller
from connector.domain.legal_entities import LegalEntity
from connector.domain.review import ReviewRules
from connector.domain.status import Status
from connector.domain.terms import Address, Customer, Order
from connector.ports import Clock
from connector.store import audit
from connector.store.audit import AuditRow
from connector.store.tables_billing import invoices
from connector.store.tables_review import issued_documents
from connector.store.unit_of_work import Database
from connector.usecases.approve_invoice import approve_invoice
from connector.usecases.review_desk import Decision, OpenedDocument, ReviewDesk, look
from connector.usecases.show_status import StatusBoard
from tests.billing import TAXES, Books
from tests.domain.making import make_item, make_order

ROLES = {"vera": "viewer", "finn": "finance", "fred": "finance", "anna": "approver", "alex": "approver"}

ACME = Customer(
    "001A",
    "Acme Analytics",
    email="billing@acme.example",
    tax_id="DE123456789",
    billing_address=Address("Hauptstr. 1", "Berlin", "", "10115", "DE"),
)


def entity(code: str, country: str, **changes: Any) -> LegalEntity:
    """A legal entity with everything that a document needs."""
    seller = Seller(f"Countersign {code}", Address("Main Street 1", "Town", "", "12345", country), tax_id=f"{code}1")
    return replace(LegalEntity(code, seller), **changes)


ENTITIES = {"US": entity("US", "US"), "DE": entity("DE", "DE", time_zone="Europe/Berlin"), "JP": entity("JP", "JP")}
RULES = ReviewRules(
    second_approver_above={"EUR": Decimal(50000), "USD": Decimal(50000)},
    quiet_up_to={"EUR": Decimal(10000)},
    is_first_quiet=True,
)


def sold(*items: Any, record: str = "NEW", customer: Customer = ACME, **changes: Any) -> Order:
    """A yearly order of Acme, by the German entity unless told otherwise."""
    return make_order(*(items or (make_item(),)), record=record, customer=customer, **{"legal_entity": "DE", **changes})


@dataclass
class Finance:
    """People around one database."""

    books: Books
    desk: ReviewDesk

    def draft(self, *orders: Order, as_of: str = "2026-01-01") -> int:
        """Sign and bill; the row of the newest document."""
        for order in orders:
            self.books.sign(order)
        self.books.bill(as_of)
        return self.newest()

    def newest(self) -> int:
        """The row of the newest document."""
        with self.books.database.reading() as connection:
            return connection.execute(sa.select(sa.func.max(invoices.c.id))).scalar_one()

    def opened(self, invoice_id: int) -> OpenedDocument:
        """The document as a reviewer sees it."""
        return look(desk=self.desk, invoice_ids=[invoice_id])[invoice_id]

    def hash(self, invoice_id: int) -> str:
        """What a reviewer looked at."""
        return self.opened(invoice_id).content.hash

    def approve(self, invoice_id: int, who: str = "anna", *, looked_at: str = "") -> Decision:
        """Look and approve."""
        return approve_invoice(
            desk=self.desk,
            invoice_id=invoice_id,
            looked_at=looked_at or self.hash(invoice_id),
            actor=who,
            role=ROLES.get(who, "finance"),
        )

    def issued(self, *orders: Order, as_of: str = "2026-01-01") -> int:
        """Sign, bill and approve; the row of the issued document."""
        invoice_id = self.draft(*orders, as_of=as_of)
        assert self.approve(invoice_id).number
        return invoice_id

    def state(self, invoice_id: int) -> str:
        """The state of a document."""
        with self.books.database.reading() as connection:
            return connection.execute(sa.select(invoices.c.state).where(invoices.c.id == invoice_id)).scalar_one()

    def numbers(self) -> list[str]:
        """Every number that was given, in the order of the numbers."""
        with self.books.database.reading() as connection:
            query = sa.select(issued_documents.c.number).order_by(issued_documents.c.number)
            return list(connection.execute(query).scalars())

    def log(self, invoice_id: int) -> list[AuditRow]:
        """The audit entries of a document."""
        with self.books.database.reading() as connection:
            return audit.load_entries(connection=connection, subject_id=invoice_id)

    def events(self, invoice_id: int) -> list[tuple[str, str]]:
        """(who, what) of a document, in order."""
        return [(entry.actor, entry.event) for entry in self.log(invoice_id)]

    def faults(self) -> list[Any]:
        """Whatever is wrong with any audit chain."""
        with self.books.database.reading() as connection:
            names = audit.chains(connection=connection)
            return [fault for name in names for fault in audit.verify(connection=connection, chain=name)]


def make_finance(
    database: Database,
    clock: Clock,
    *,
    rules: ReviewRules = RULES,
    entities: Mapping[str, LegalEntity] | None = None,
) -> Finance:
    """A team with its desk."""
    desk = ReviewDesk(database, clock, rules, entities or ENTITIES, TAXES, StatusBoard(_fields, "http://here"))
    return Finance(Books(database, clock), desk)


def _fields(_object: str, status: Status) -> dict[str, Any]:
    return {"Status": status.word, "Code": status.code, "Error": status.sentence}
