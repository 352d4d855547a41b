"""What every list for people has in common: pages by cursor, text search, and the small value types of the rows.

Reads for pages and the API live in `queries_*`, apart from the writes. A row here is made for reading: values, never
SQLAlchemy rows. Lists run from the newest id down, so a row that is added while somebody turns pages moves nothing.
Nothing in these modules may change data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.money import Money
from connector.errors import Fault
from connector.store.tables import customers

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Which page of a list: at most `limit` rows with an id below `after` (None = from the newest)."""

    limit: int = 50
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list; `next_after` is the id to go on from, None when this was the last page."""

    rows: tuple[Row, ...]
    next_after: int | None


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One customer as kept here."""

    id: int
    org_id: str
    salesforce_id: str
    name: str
    platform_ref: str
    created_at: datetime


def list_customers(*, connection: Connection, page: PageAsked, text: str = "") -> Page[CustomerRow]:
    """Customers, newest first; `text` is looked for in name and Salesforce id."""
    query = sa.select(customers)
    if text:
        query = query.where(contains(text, customers.c.name, customers.c.salesforce_id))
    return read_page(connection=connection, query=query, key=customers.c.id, page=page, row=_customer)


def read_page(
    *, connection: Connection, query: sa.Select[Any], key: sa.Column[int], page: PageAsked, row: Callable[[Any], Row]
) -> Page[Row]:
    """One page of a query by descending id; reads one row more than asked to know whether another page follows."""
    if page.after is not None:
        query = query.where(key < page.after)
    found = connection.execute(query.order_by(key.desc()).limit(page.limit + 1)).all()
    shown = found[: page.limit]
    next_after = shown[-1].id if len(found) > page.limit else None
    return Page(tuple(row(item) for item in shown), next_after)


def contains(text: str, *columns: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """True where one of the columns holds the text, whatever its case; % and _ in the text mean themselves."""
    return sa.or_(*(column.icontains(text, autoescape=True) for column in columns))


def money(amount: Decimal | None, currency: str) -> Money | None:
    """The amount with its currency, rounded to the currency's places; None when one of them is not known."""
    return None if amount is None or not currency else Money(amount, currency).rounded()


def stored_faults(documents: Iterable[dict[str, Any]] | None) -> tuple[Fault, ...]:
    """Faults as kept in a JSON column; a key that a later release added is left out."""
    return tuple(Fault(**{name: item.get(name, "") for name in _FAULT_FIELDS}) for item in documents or ())


def by_key(rows: Sequence[Any], name: str) -> dict[Any, list[Any]]:
    """Rows grouped by one of their columns, in their order."""
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(getattr(row, name), []).append(row)
    return groups


_FAULT_FIELDS = tuple(field.name for field in fields(Fault))


def _customer(row: Any) -> CustomerRow:
    return CustomerRow(row.id, row.org_id, row.salesforce_id, row.name, row.platform_ref, row.created_at)
