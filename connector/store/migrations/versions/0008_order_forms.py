"""Order forms: signed documents, what was read from them, the tie-out, envelopes, what we made."""

import sqlalchemy as sa
from alembic import op

from connector.store.tables_review import append_only_statements
from connector.store.types import ExactJson, UtcDateTime

revision = "0008"
down_revision = "0007"

# SQLite counts only an INTEGER primary key up by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Safe while the previous release runs: it knows none of these tables."""
    op.create_table(
        "order_form_files",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("kept_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_order_form_files")),
    )
    op.create_table(
        "envelopes",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("envelope_ref", sa.String(length=100), nullable=False),
        sa.Column("account", sa.Text(), server_default="", nullable=False),
        sa.Column("org_id", sa.String(length=18), server_default="", nullable=False),
        sa.Column("record_id", sa.String(length=18), server_default="", nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("recipients", ExactJson(), nullable=True),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("certificate_sha256", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_sha256"], ["order_form_files.sha256"], name=op.f("fk_envelopes_certificate_sha256")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_envelopes")),
        sa.UniqueConstraint("provider", "envelope_ref", name=op.f("uq_envelopes_provider_envelope_ref")),
    )
    op.create_index(op.f("ix_envelopes_state_not_before"), "envelopes", ["state", "not_before"], unique=False)
    op.create_table(
        "envelope_events",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("envelope_id", ID, nullable=False),
        sa.Column("inbox_id", ID, nullable=False),
        sa.Column("event", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("happened_at", UtcDateTime(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["envelope_id"], ["envelopes.id"], name=op.f("fk_envelope_events_envelope_id")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_envelope_events_inbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_envelope_events")),
        sa.UniqueConstraint("envelope_id", "inbox_id", name=op.f("uq_envelope_events_envelope_id_inbox_id")),
    )
    op.create_table(
        "order_forms",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("file_name", sa.Text(), server_default="", nullable=False),
        sa.Column("received_by", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("org_id", sa.String(length=18), server_default="", nullable=False),
        sa.Column("object", sa.String(length=80), server_default="", nullable=False),
        sa.Column("record_id", sa.String(length=18), server_default="", nullable=False),
        sa.Column("envelope_id", ID, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("fix", sa.Text(), server_default="", nullable=False),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("signatures", ExactJson(), nullable=True),
        sa.Column("reading", ExactJson(), nullable=True),
        sa.Column("answers", ExactJson(), nullable=True),
        sa.Column("confirmation", ExactJson(), nullable=True),
        sa.Column("is_ours", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("verdict", ExactJson(), nullable=True),
        sa.Column("differences", ExactJson(), nullable=True),
        sa.Column("compared", ExactJson(), nullable=True),
        sa.Column("findings_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("accepted_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("decision_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("tied_out_at", UtcDateTime(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["envelope_id"], ["envelopes.id"], name=op.f("fk_order_forms_envelope_id")),
        sa.ForeignKeyConstraint(["sha256"], ["order_form_files.sha256"], name=op.f("fk_order_forms_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_forms")),
        sa.UniqueConstraint("sha256", name=op.f("uq_order_forms_sha256")),
    )
    op.create_index(op.f("ix_order_forms_org_id_record_id"), "order_forms", ["org_id", "record_id"], unique=False)
    op.create_index(op.f("ix_order_forms_state_not_before"), "order_forms", ["state", "not_before"], unique=False)
    op.create_table(
        "order_form_pages",
        sa.Column("form_id", ID, autoincrement=False, nullable=False),
        sa.Column("page", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["form_id"], ["order_forms.id"], name=op.f("fk_order_form_pages_form_id")),
        sa.PrimaryKeyConstraint("form_id", "page", name=op.f("pk_order_form_pages")),
    )
    op.create_table(
        "made_order_forms",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("made_ref", sa.String(length=64), nullable=False),
        sa.Column("org_id", sa.String(length=18), nullable=False),
        sa.Column("object", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.String(length=18), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Text(), server_default="", nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["order_form_files.sha256"], name=op.f("fk_made_order_forms_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_made_order_forms")),
        sa.UniqueConstraint("made_ref", name=op.f("uq_made_order_forms_made_ref")),
    )
    op.create_index(
        op.f("ix_made_order_forms_org_id_record_id"), "made_order_forms", ["org_id", "record_id"], unique=False
    )
    op.create_table(
        "signature_pointers",
        sa.Column("org_id", sa.String(length=18), nullable=False),
        sa.Column("record_id", sa.String(length=18), nullable=False),
        sa.Column("pointer_object", sa.String(length=80), nullable=False),
        sa.Column("pointer_id", sa.String(length=18), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "org_id", "record_id", "pointer_object", "pointer_id", name=op.f("pk_signature_pointers")
        ),
    )
    for statement in append_only_statements(
        dialect=op.get_bind().dialect.name, tables=("order_form_files", "envelope_events")
    ):
        op.execute(sa.text(statement))
