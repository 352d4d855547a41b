"""Cash: payments, the ledger, refunds, bank statements, what stops collecting, reminders."""

import sqlalchemy as sa
from alembic import op

from connector.store.tables_review import append_only_statements
from connector.store.types import ExactAmount, ExactDecimal, ExactJson, UtcDateTime

revision = "0006"
down_revision = "0005"

# SQLite counts only an INTEGER primary key up by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Safe while the previous release runs: it knows none of these tables."""
    op.create_table(
        "bank_files",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("format", sa.Text(), server_default="", nullable=False),
        sa.Column("statements", sa.Integer(), server_default="0", nullable=False),
        sa.Column("entries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("new_entries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("imported_by", sa.Text(), server_default="", nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_files")),
        sa.UniqueConstraint("sha256", name=op.f("uq_bank_files_sha256")),
    )
    op.create_table(
        "cash_statuses",
        sa.Column("org_id", sa.String(length=18), nullable=False),
        sa.Column("customer_ref", sa.String(length=40), nullable=False),
        sa.Column("is_due", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("shown_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "customer_ref", name=op.f("pk_cash_statuses")),
    )
    op.create_index(op.f("ix_cash_statuses_is_due"), "cash_statuses", ["is_due"], unique=False)
    op.create_table(
        "payments",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("source_ref", sa.String(length=200), nullable=False),
        sa.Column("environment", sa.Text(), server_default="", nullable=False),
        sa.Column("account", sa.Text(), server_default="", nullable=False),
        sa.Column("legal_entity", sa.Text(), server_default="", nullable=False),
        sa.Column("org_id", sa.Text(), server_default="", nullable=False),
        sa.Column("customer_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", ExactAmount(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("references", ExactJson(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("payer_name", sa.Text(), server_default="", nullable=False),
        sa.Column("payer_account", sa.Text(), server_default="", nullable=False),
        sa.Column("end_to_end", sa.Text(), server_default="", nullable=False),
        sa.Column("match_state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("match_code", sa.Text(), server_default="", nullable=False),
        sa.Column("match_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("source", "source_ref", name=op.f("uq_payments_source_source_ref")),
    )
    op.create_index(op.f("ix_payments_customer_ref"), "payments", ["customer_ref"], unique=False)
    op.create_index(op.f("ix_payments_end_to_end"), "payments", ["end_to_end"], unique=False)
    op.create_index(op.f("ix_payments_match_state_id"), "payments", ["match_state", "id"], unique=False)
    op.create_table(
        "postings",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("undoes_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["undoes_id"], ["postings.id"], name=op.f("fk_postings_undoes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postings")),
        sa.UniqueConstraint("key", name=op.f("uq_postings_key")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_postings_undoes_id")),
    )
    op.create_index(op.f("ix_postings_on"), "postings", ["on"], unique=False)
    op.create_table(
        "reminder_letters",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("org_id", sa.Text(), server_default="", nullable=False),
        sa.Column("customer_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("legal_entity", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("step", sa.Text(), server_default="", nullable=False),
        sa.Column("tone", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_letters")),
    )
    op.create_index(op.f("ix_reminder_letters_customer_ref"), "reminder_letters", ["customer_ref"], unique=False)
    op.create_index(op.f("ix_reminder_letters_state_id"), "reminder_letters", ["state", "id"], unique=False)
    op.create_table(
        "bank_statements",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("file_id", ID, nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("identity", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=True),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("opening", ExactAmount(), nullable=True),
        sa.Column("closing", ExactAmount(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["bank_files.id"], name=op.f("fk_bank_statements_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statements")),
        sa.UniqueConstraint("account", "identity", name=op.f("uq_bank_statements_account_identity")),
    )
    op.create_index(
        op.f("ix_bank_statements_account_closes_on"), "bank_statements", ["account", "closes_on"], unique=False
    )
    op.create_table(
        "refunds",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("request_key", sa.String(length=200), nullable=False),
        sa.Column("payment_id", ID, nullable=False),
        sa.Column("posting_id", ID, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", ExactAmount(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_by", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["postings.id"], name=op.f("fk_refunds_posting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("request_key", name=op.f("uq_refunds_request_key")),
    )
    op.create_index(op.f("ix_refunds_payment_id"), "refunds", ["payment_id"], unique=False)
    op.create_index(op.f("ix_refunds_state"), "refunds", ["state"], unique=False)
    op.create_table(
        "bank_entries",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("statement_id", ID, nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("entry_key", sa.String(length=200), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=True),
        sa.Column("amount", ExactAmount(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("bank_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("end_to_end", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("other_name", sa.Text(), server_default="", nullable=False),
        sa.Column("other_account", sa.Text(), server_default="", nullable=False),
        sa.Column("references", ExactJson(), nullable=False),
        sa.Column("is_reversal", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("payment_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_bank_entries_payment_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statements.id"], name=op.f("fk_bank_entries_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_entries")),
        sa.UniqueConstraint("account", "entry_key", name=op.f("uq_bank_entries_account_entry_key")),
    )
    op.create_index(op.f("ix_bank_entries_outcome"), "bank_entries", ["outcome"], unique=False)
    op.create_index(op.f("ix_bank_entries_statement_id"), "bank_entries", ["statement_id"], unique=False)
    op.create_table(
        "collection_stops",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("set_by", sa.Text(), server_default="", nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_collection_stops_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_stops")),
    )
    op.create_index(op.f("ix_collection_stops_invoice_id"), "collection_stops", ["invoice_id"], unique=False)
    op.create_table(
        "ledger_lines",
        sa.Column("posting_id", ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.String(length=20), nullable=False),
        sa.Column("amount", ExactAmount(), nullable=False),
        sa.Column("payment_id", ID, nullable=True),
        sa.Column("invoice_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_ledger_lines_invoice_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_ledger_lines_payment_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["postings.id"], name=op.f("fk_ledger_lines_posting_id")),
        sa.PrimaryKeyConstraint("posting_id", "position", name=op.f("pk_ledger_lines")),
    )
    op.create_index(op.f("ix_ledger_lines_invoice_id_account"), "ledger_lines", ["invoice_id", "account"], unique=False)
    op.create_index(op.f("ix_ledger_lines_payment_id_account"), "ledger_lines", ["payment_id", "account"], unique=False)
    op.create_table(
        "payment_references",
        sa.Column("invoice_id", ID, autoincrement=False, nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_payment_references_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_payment_references")),
    )
    op.create_index(op.f("ix_payment_references_key"), "payment_references", ["key"], unique=False)
    op.create_table(
        "reminders",
        sa.Column("invoice_id", ID, autoincrement=False, nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("letter_id", ID, nullable=False),
        sa.Column("open_amount", ExactAmount(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_reminders_invoice_id")),
        sa.ForeignKeyConstraint(["letter_id"], ["reminder_letters.id"], name=op.f("fk_reminders_letter_id")),
        sa.PrimaryKeyConstraint("invoice_id", "step", name=op.f("pk_reminders")),
    )
    op.create_index(op.f("ix_reminders_letter_id"), "reminders", ["letter_id"], unique=False)
    for statement in append_only_statements(dialect=op.get_bind().dialect.name, tables=("postings", "ledger_lines")):
        op.execute(sa.text(statement))
    _providers()


def _providers() -> None:
    """The tables of payment providers."""
    op.create_table(
        "embedded_links",
        sa.Column("ref", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("return_url", sa.Text(), server_default="", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("payment_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_embedded_links")),
        sa.UniqueConstraint("key", name=op.f("uq_embedded_links_key")),
    )
    op.create_table(
        "embedded_objects",
        sa.Column("ref", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("settles_at", UtcDateTime(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("asked", ExactDecimal(), nullable=True),
        sa.Column("payment_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("link_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("payer", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_embedded_objects")),
    )
    op.create_index(op.f("ix_embedded_objects_created_at"), "embedded_objects", ["created_at"], unique=False)
    op.create_index(op.f("ix_embedded_objects_key"), "embedded_objects", ["key"], unique=False)
    op.create_table(
        "provider_events",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("environment", sa.String(length=120), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("is_late", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_events")),
        sa.UniqueConstraint(
            "provider", "environment", "event_id", name=op.f("uq_provider_events_provider_environment_event_id")
        ),
    )
    op.create_index(op.f("ix_provider_events_kind_ref"), "provider_events", ["kind", "ref"], unique=False)
    op.create_index(
        op.f("ix_provider_events_state_not_before"), "provider_events", ["state", "not_before"], unique=False
    )
    op.create_table(
        "payment_links",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("environment", sa.String(length=120), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("provider_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_payment_links_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_links")),
        sa.UniqueConstraint("request_id", name=op.f("uq_payment_links_request_id")),
    )
    op.create_index(op.f("ix_payment_links_invoice_id"), "payment_links", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_payment_links_provider_ref"), "payment_links", ["provider_ref"], unique=False)
    op.create_index(op.f("ix_payment_links_state_not_before"), "payment_links", ["state", "not_before"], unique=False)
    op.create_index(
        "uq_payment_links_invoice_id_live",
        "payment_links",
        ["invoice_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('wanted', 'open', 'withdrawing', 'refused')"),
        postgresql_where=sa.text("state IN ('wanted', 'open', 'withdrawing', 'refused')"),
    )
    op.create_table(
        "provider_refunds",
        sa.Column("refund_id", ID, autoincrement=False, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("environment", sa.String(length=120), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("payment_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("provider_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("fk_provider_refunds_refund_id")),
        sa.PrimaryKeyConstraint("refund_id", name=op.f("pk_provider_refunds")),
        sa.UniqueConstraint("request_id", name=op.f("uq_provider_refunds_request_id")),
    )
    op.create_index(op.f("ix_provider_refunds_provider_ref"), "provider_refunds", ["provider_ref"], unique=False)
    op.create_index(
        op.f("ix_provider_refunds_state_not_before"), "provider_refunds", ["state", "not_before"], unique=False
    )
    op.create_table(
        "provider_objects",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("environment", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=10), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("asked", ExactDecimal(), nullable=True),
        sa.Column("fee", ExactDecimal(), nullable=True),
        sa.Column("fee_currency", sa.Text(), server_default="", nullable=False),
        sa.Column("payment_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("link_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("payer", sa.Text(), server_default="", nullable=False),
        sa.Column("told", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("happened_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("stamp", sa.String(length=16), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("link_id", ID, nullable=True),
        sa.Column("invoice_id", ID, nullable=True),
        sa.Column("payment_id", ID, nullable=True),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_provider_objects_invoice_id")),
        sa.ForeignKeyConstraint(["link_id"], ["payment_links.id"], name=op.f("fk_provider_objects_link_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_provider_objects_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_objects")),
        sa.UniqueConstraint(
            "provider", "environment", "kind", "ref", name=op.f("uq_provider_objects_provider_environment_kind_ref")
        ),
    )
    op.create_index(op.f("ix_provider_objects_code"), "provider_objects", ["code"], unique=False)
    op.create_index(op.f("ix_provider_objects_payment_id"), "provider_objects", ["payment_id"], unique=False)
    op.create_index(op.f("ix_provider_objects_payment_ref"), "provider_objects", ["payment_ref"], unique=False)
    op.create_index(op.f("ix_provider_objects_state"), "provider_objects", ["state"], unique=False)
