"""Finance review: what people wrote, numbers, issued documents and their files, links, the audit log."""

import sqlalchemy as sa
from alembic import op

from connector.store.tables_review import append_only_statements
from connector.store.types import ExactDecimal, ExactJson, UtcDateTime

revision = "0004"
down_revision = "0003"

# SQLite counts only an INTEGER primary key up by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Safe while the previous release runs: it knows none of these tables."""
    op.create_table(
        "audit_chains",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("last_position", sa.Integer(), nullable=False),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_chains")),
    )
    op.create_table(
        "number_series",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("legal_entity", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("last_issued_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_series")),
        sa.UniqueConstraint("legal_entity", "kind", "period", name=op.f("uq_number_series_legal_entity_kind_period")),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("chain", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("event", sa.Text(), server_default="", nullable=False),
        sa.Column("before", sa.Text(), server_default="", nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("data", ExactJson(), nullable=True),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["chain"], ["audit_chains.name"], name=op.f("fk_audit_log_chain")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("chain", "position", name=op.f("uq_audit_log_chain_position")),
    )
    op.create_index(
        op.f("ix_audit_log_subject_subject_id_id"), "audit_log", ["subject", "subject_id", "id"], unique=False
    )
    op.create_table(
        "artifacts",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("wanted_at", UtcDateTime(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_artifacts_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifacts")),
        sa.UniqueConstraint("invoice_id", "kind", name=op.f("uq_artifacts_invoice_id_kind")),
    )
    op.create_index(op.f("ix_artifacts_state_not_before"), "artifacts", ["state", "not_before"], unique=False)
    op.create_table(
        "credit_applications",
        sa.Column("credit_note_id", ID, autoincrement=False, nullable=False),
        sa.Column("invoice_id", ID, autoincrement=False, nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credit_note_id"], ["invoices.id"], name=op.f("fk_credit_applications_credit_note_id")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_credit_applications_invoice_id")),
        sa.PrimaryKeyConstraint("credit_note_id", "invoice_id", name=op.f("pk_credit_applications")),
    )
    op.create_index(op.f("ix_credit_applications_invoice_id"), "credit_applications", ["invoice_id"], unique=False)
    op.create_table(
        "hosted_links",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_hosted_links_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hosted_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_hosted_links_token_hash")),
    )
    op.create_index(op.f("ix_hosted_links_invoice_id"), "hosted_links", ["invoice_id"], unique=False)
    op.create_table(
        "invoice_reviews",
        sa.Column("invoice_id", ID, autoincrement=False, nullable=False),
        sa.Column("memo", sa.Text(), server_default="", nullable=False),
        sa.Column("recipients", ExactJson(), nullable=True),
        sa.Column("held_until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("contract_versions", ExactJson(), nullable=True),
        sa.Column("last_editor", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_reviews_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_invoice_reviews")),
    )
    op.create_table(
        "issued_documents",
        sa.Column("invoice_id", ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("series_id", ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("issued_by", sa.Text(), server_default="", nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_issued_documents_invoice_id")),
        sa.ForeignKeyConstraint(["series_id"], ["number_series.id"], name=op.f("fk_issued_documents_series_id")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_issued_documents")),
        sa.UniqueConstraint("number", name=op.f("uq_issued_documents_number")),
        sa.UniqueConstraint("series_id", "sequence", name=op.f("uq_issued_documents_series_id_sequence")),
    )
    for statement in append_only_statements(
        dialect=op.get_bind().dialect.name, tables=("issued_documents", "audit_log")
    ):
        op.execute(sa.text(statement))
