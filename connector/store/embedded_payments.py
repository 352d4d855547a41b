"""The embedded payment provider's own tables: its links, payments, refunds and disputes.

They belong to the provider, not to the core: only `adapters/payments_embedded.py` uses this module, each call in a
transaction of its own, as if it were somebody else's database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.domain.embedded_payments import EmbeddedLink, EmbeddedObject
from connector.store.inserting import insert_ignore
from connector.store.tables_collecting import embedded_links, embedded_objects
from connector.store.unit_of_work import Database, UnitOfWork


class EmbeddedPaymentStore:
    """Rows of the embedded provider. A create with a known key answers with what exists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_link(self, link: EmbeddedLink) -> EmbeddedLink:
        """Keep a link, or answer the one that its key made."""
        with self._database.unit_of_work() as work:
            work.execute(insert_ignore(work, embedded_links), asdict(link))
            row = work.execute(_LINKS.where(embedded_links.c.key == link.key)).one()
            work.commit()
        return _link(row)

    def link(self, *, ref: str = "", key: str = "") -> EmbeddedLink | None:
        """The link of that ref, or of that key."""
        column, value = (embedded_links.c.ref, ref) if ref else (embedded_links.c.key, key)
        with self._database.reading() as connection:
            row = connection.execute(_LINKS.where(column == value)).one_or_none()
        return None if row is None else _link(row)

    def deactivate(self, *, ref: str) -> EmbeddedLink | None:
        """Take a link off; None when there is none."""
        with self._database.unit_of_work() as work:
            off = embedded_links.update().where(embedded_links.c.ref == ref).values(is_active=False)
            row = work.execute(off.returning(*_LINK_COLUMNS)).one_or_none()
            work.commit()
        return None if row is None else _link(row)

    def pay(self, *, link_ref: str, payment_ref: str, objects: Sequence[EmbeddedObject]) -> bool:
        """Use a link up for a payment, with what followed from it; False when it is no longer active."""
        link = embedded_links.c
        with self._database.unit_of_work() as work:
            used = embedded_links.update().where(link.ref == link_ref, link.is_active)
            if work.execute(used.values(is_active=False, payment_ref=payment_ref)).rowcount != 1:
                return False
            _insert(work, objects)
            work.commit()
        return True

    def add(self, found: EmbeddedObject) -> EmbeddedObject:
        """Keep a thing; one with a key that is known answers with what exists."""
        with self._database.unit_of_work() as work:
            # Two creates with one key at once: the payment's row is the lock.
            same_payment = embedded_objects.c.ref == found.payment_ref
            work.execute(sa.select(embedded_objects.c.ref).where(same_payment).with_for_update()).all()
            known = work.execute(_OBJECTS.where(embedded_objects.c.key == found.key)).first() if found.key else None
            if known is None:
                _insert(work, [found])
                work.commit()
        return found if known is None else _object(known)

    def change(self, *, ref: str, state: str, at: datetime) -> bool:
        """Have a thing go on; False when there is none."""
        with self._database.unit_of_work() as work:
            changed = embedded_objects.update().where(embedded_objects.c.ref == ref)
            is_there = work.execute(changed.values(state=state, updated_at=at, settles_at=None)).rowcount == 1
            work.commit()
        return is_there

    def object(self, *, kind: str, ref: str) -> EmbeddedObject | None:
        """A thing as it is kept."""
        query = _OBJECTS.where(embedded_objects.c.ref == ref, embedded_objects.c.kind == kind)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _object(row)

    def objects(self, *, since: datetime | None = None, payment_ref: str = "") -> list[EmbeddedObject]:
        """Things made or changed since then, or those of one payment, oldest first."""
        c = embedded_objects.c
        wanted = c.payment_ref == payment_ref if payment_ref else c.updated_at >= since
        with self._database.reading() as connection:
            return [_object(row) for row in connection.execute(_OBJECTS.where(wanted).order_by(c.created_at))]


_LINK_COLUMNS = tuple(embedded_links.c[name] for name in EmbeddedLink.__dataclass_fields__)
_LINKS = sa.select(*_LINK_COLUMNS)
_OBJECTS = sa.select(*(embedded_objects.c[name] for name in EmbeddedObject.__dataclass_fields__))


def _insert(work: UnitOfWork, objects: Sequence[EmbeddedObject]) -> None:
    rows: list[dict[str, Any]] = [asdict(one) for one in objects]
    if rows:
        work.execute(embedded_objects.insert(), rows)


def _link(row: Any) -> EmbeddedLink:
    return EmbeddedLink(*row)


def _object(row: Any) -> EmbeddedObject:
    return EmbeddedObject(*row)
