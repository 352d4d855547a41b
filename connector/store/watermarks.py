"""How far each kind of record has been swept in each org. A watermark moves only after its findings are stored."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from connector.store.inserting import insert_ignore
from connector.store.tables import watermarks
from connector.store.unit_of_work import UnitOfWork


def load(*, work: UnitOfWork, org_id: str, object_name: str) -> datetime | None:
    """Up to where this kind of record was swept, None when never."""
    query = sa.select(watermarks.c.swept_until).where(_key(org_id, object_name))
    return work.execute(query).scalar_one_or_none()


def save(*, work: UnitOfWork, org_id: str, object_name: str, swept_until: datetime) -> None:
    """Everything before that moment is stored; a watermark never moves back."""
    work.execute(insert_ignore(work, watermarks).values(org_id=org_id, object=object_name, swept_until=swept_until))
    work.execute(
        watermarks.update()
        .where(_key(org_id, object_name), watermarks.c.swept_until < swept_until)
        .values(swept_until=swept_until)
    )


def _key(org_id: str, object_name: str) -> sa.ColumnElement[bool]:
    return sa.and_(watermarks.c.org_id == org_id, watermarks.c.object == object_name)
