"""Many rows at once keep every digit, on both databases, whatever way they travel."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import sqlalchemy as sa

from connector.store.inserting import insert_many
from connector.store.types import ExactAmount, ExactDecimal, ExactJson, UtcDateTime
from connector.store.unit_of_work import Database

ROWS = sa.Table(
    "rows_of_every_kind",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("amount", ExactAmount),
    sa.Column("price", ExactDecimal),
    sa.Column("document", ExactJson),
    sa.Column("at", UtcDateTime),
    sa.Column("on", sa.Date),
    sa.Column("text", sa.Text),
)


def test_every_kind_of_value_comes_back_as_it_was(database: Database) -> None:
    rows = [
        {
            "id": number,
            "amount": Decimal("1234567.8901") if number else None,
            "price": Decimal("0.00000012"),
            "document": {"a": Decimal("1.10"), "b": [date(2026, 2, 28)]},
            "at": datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC),
            "on": date(2028, 2, 29),
            "text": "tab\there, line\nbreak, back\\slash, עברית",
        }
        for number in range(3)
    ]
    with database.unit_of_work() as work:
        ROWS.create(work.connection)
        insert_many(work, ROWS, rows)
        work.commit()

    with database.reading() as connection:
        found = [dict(row._mapping) for row in connection.execute(sa.select(ROWS).order_by(ROWS.c.id))]
    assert found == rows
