"""Delivery of documents to customers, and people who sign in by OIDC."""

import sqlalchemy as sa
from alembic import op

from connector.store.types import UtcDateTime

revision = "0007"
down_revision = "0006"

# SQLite counts only an INTEGER primary key up by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Safe while the previous release runs: it knows none of these tables, and its links are for their account."""
    _login_provider()
    _sales()
    _deliveries()


def _deliveries() -> None:
    with op.batch_alter_table("hosted_links", schema=None) as batch_op:
        batch_op.add_column(sa.Column("scope", sa.String(length=10), server_default="account", nullable=False))
    op.create_table(
        "deliveries",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("letter_id", ID, nullable=True),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_by", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("losses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("link_id", ID, nullable=True),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("wanted_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_deliveries_invoice_id")),
        sa.ForeignKeyConstraint(["link_id"], ["hosted_links.id"], name=op.f("fk_deliveries_link_id")),
        sa.ForeignKeyConstraint(["letter_id"], ["reminder_letters.id"], name=op.f("fk_deliveries_letter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "invoice_id", "recipient", "ordinal", name=op.f("uq_deliveries_invoice_id_recipient_ordinal")
        ),
    )
    op.create_index(op.f("ix_deliveries_letter_id"), "deliveries", ["letter_id"], unique=False)
    op.create_index(op.f("ix_deliveries_state_not_before"), "deliveries", ["state", "not_before"], unique=False)


def _login_provider() -> None:
    op.create_table(
        "oidc_identities",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("shown_name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_oidc_identities_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oidc_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_oidc_identities_issuer_subject")),
        sa.UniqueConstraint("user_id", name=op.f("uq_oidc_identities_user_id")),
    )
    op.create_table(
        "oidc_logins",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.Text(), server_default="", nullable=False),
        sa.Column("verifier", sa.Text(), server_default="", nullable=False),
        sa.Column("following", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oidc_logins")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_oidc_logins_state_hash")),
    )
    op.create_index(op.f("ix_oidc_logins_address"), "oidc_logins", ["address"], unique=False)
    op.create_index(op.f("ix_oidc_logins_started_at"), "oidc_logins", ["started_at"], unique=False)


def _sales() -> None:
    op.create_table(
        "sale_claims",
        sa.Column("org_id", sa.String(length=18), nullable=False),
        sa.Column("sale_ref", sa.String(length=18), nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_sale_claims_order_id")),
        sa.PrimaryKeyConstraint("org_id", "sale_ref", name=op.f("pk_sale_claims")),
    )
