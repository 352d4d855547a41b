"""Access: what the entitlement platforms keep, grants for later, usage as it was read."""

import sqlalchemy as sa
from alembic import op

from connector.store.types import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Safe while the previous release runs: it knows none of these tables."""
    _turns()


def _turns() -> None:
    """Turns to change something on a platform that counts our changes."""
    op.create_table(
        "paced_platforms",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("next_turn_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_paced_platforms")),
    )
    op.create_table(
        "paced_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["name"], ["paced_platforms.name"], name=op.f("fk_paced_changes_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paced_changes")),
    )
    for column in ("due_at", "key", "made_at"):
        op.create_index(op.f(f"ix_paced_changes_name_{column}"), "paced_changes", ["name", column], unique=False)
