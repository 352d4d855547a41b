"""Billing: runs, drafts, orders taken back."""

import sqlalchemy as sa
from alembic import op

from connector.store.types import ExactDecimal, ExactJson, UtcDateTime

revision = "0002"
down_revision = "0001"

# SQLite counts only an INTEGER primary key up by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Safe while the previous release runs."""
    op.create_table(
        "billing_runs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("counts", ExactJson(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_runs")),
    )
    op.create_table(
        "billing_chunks",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_org_id", sa.String(length=18), nullable=False),
        sa.Column("first_customer_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("claimed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("counts", ExactJson(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["billing_runs.id"], name=op.f("fk_billing_chunks_run_id")),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_billing_chunks")),
    )
    op.create_table(
        "invoices",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("draft_key", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("org_id", sa.String(length=18), nullable=False),
        sa.Column("customer_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("customer_name", sa.Text(), server_default="", nullable=False),
        sa.Column("payer_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("legal_entity", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_terms_days", sa.Integer(), nullable=False),
        sa.Column("po_number", sa.Text(), server_default="", nullable=False),
        sa.Column("bill_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("net", ExactDecimal(), nullable=False),
        sa.Column("tax", ExactDecimal(), nullable=False),
        sa.Column("gross", ExactDecimal(), nullable=False),
        sa.Column("tax_rows", ExactJson(), nullable=False),
        sa.Column("lowers", ExactJson(), nullable=False),
        sa.Column("problem_code", sa.Text(), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["billing_runs.id"], name=op.f("fk_invoices_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
    )
    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoices_customer_ref_bill_on"), ["customer_ref", "bill_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoices_state_bill_on"), ["state", "bill_on"], unique=False)
        batch_op.create_index(
            "uq_invoices_draft_key",
            ["draft_key"],
            unique=True,
            sqlite_where=sa.text("state <> 'void'"),
            postgresql_where=sa.text("state <> 'void'"),
        )

    op.create_table(
        "contract_undos",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_contract_undos_contract_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_contract_undos_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_undos")),
        sa.UniqueConstraint("order_id", name=op.f("uq_contract_undos_order_id")),
    )
    with op.batch_alter_table("contract_undos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contract_undos_contract_id"), ["contract_id"], unique=False)

    op.create_table(
        "invoice_items",
        sa.Column("invoice_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("charge_key", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("order_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("line_key", sa.Text(), server_default="", nullable=False),
        sa.Column("line_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("product_code", sa.Text(), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("quantity", ExactDecimal(), nullable=False),
        sa.Column("unit_price", ExactDecimal(), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("tax_code", sa.Text(), server_default="", nullable=False),
        sa.Column("tax", ExactJson(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("reverses", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_invoice_items_contract_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_items_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_items")),
    )
    with op.batch_alter_table("invoice_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoice_items_contract_id"), ["contract_id"], unique=False)

    with op.batch_alter_table("contracts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("next_bill_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("billed_until", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("billed_version", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("billing_count", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("billing_problem", sa.Text(), server_default="", nullable=False))
        batch_op.create_index(batch_op.f("ix_contracts_next_bill_on"), ["next_bill_on"], unique=False)
    # Contracts made by the release before: the next run looks at each of them once.
    op.execute("UPDATE contracts SET next_bill_on = starts_on WHERE next_bill_on IS NULL")
