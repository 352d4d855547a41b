"""The review queue: assessments of waiting drafts, approvals of many at once, and the person behind an API token."""

import sqlalchemy as sa
from alembic import op

from connector.store.types import ExactJson, UtcDateTime

revision = "0010"
down_revision = "0009"

# SQLite counts only an INTEGER primary key up by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Safe while the previous release runs: it knows none of these tables, and the new column may stay empty."""
    op.add_column("api_tokens", sa.Column("person", sa.String(length=120), server_default="", nullable=False))
    # A contract is read from its orders, for every document that is looked at.
    op.create_index(op.f("ix_orders_contract_id"), "orders", ["contract_id"], unique=False)
    op.create_table(
        "invoice_assessments",
        sa.Column("invoice_id", ID, autoincrement=False, nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("risk", sa.SmallInteger(), nullable=False),
        sa.Column("findings", ExactJson(), nullable=False),
        sa.Column("codes", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("assessed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_assessments_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_invoice_assessments")),
    )
    op.create_index(op.f("ix_invoice_assessments_assessed_at"), "invoice_assessments", ["assessed_at"], unique=False)
    op.create_table(
        "bulk_approvals",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("good_until", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("runs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("asked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("request_key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bulk_approvals_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_approvals")),
        sa.UniqueConstraint("request_key", name=op.f("uq_bulk_approvals_request_key")),
    )
    op.create_index(op.f("ix_bulk_approvals_finished_at"), "bulk_approvals", ["finished_at"], unique=False)
    op.create_table(
        "bulk_approval_items",
        sa.Column("bulk_id", ID, autoincrement=False, nullable=False),
        sa.Column("invoice_id", ID, autoincrement=False, nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk_approvals.id"], name=op.f("fk_bulk_approval_items_bulk_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_bulk_approval_items_invoice_id")),
        sa.PrimaryKeyConstraint("bulk_id", "invoice_id", name=op.f("pk_bulk_approval_items")),
    )
    op.create_index(
        op.f("ix_bulk_approval_items_bulk_id_state"), "bulk_approval_items", ["bulk_id", "state"], unique=False
    )
