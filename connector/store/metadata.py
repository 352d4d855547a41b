"""What all table modules share: the metadata with its naming of constraints, and the columns that every table has."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts only an INTEGER primary key up by itself.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def id_column() -> sa.Column[int]:
    """The row's own number."""
    return sa.Column("id", Id, primary_key=True, autoincrement=True)


def text_column(name: str, *, default: str = "") -> sa.Column[str]:
    """A text that is empty when nothing is known, never null."""
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def count_column(name: str) -> sa.Column[int]:
    """A count that begins at nothing."""
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def reference_column(name: str, target: str, *, nullable: bool = False) -> sa.Column[int]:
    """A row of another table."""
    return sa.Column(name, Id, sa.ForeignKey(f"{target}.id"), nullable=nullable)
