"""The tables of billing: runs and their chunks, drafts with their items, orders taken back, usage.

An item names the charge it bills, so "what is billed" is a sum over items and nothing is counted twice.
"""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import Id, id_column, metadata, text_column
from connector.store.types import ExactDecimal, ExactJson, UtcDateTime

billing_runs = sa.Table(
    "billing_runs",
    metadata,
    id_column(),
    sa.Column("as_of", sa.Date, nullable=False),
    text_column("actor"),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("counts", ExactJson),
)

billing_chunks = sa.Table(
    "billing_chunks",
    metadata,
    sa.Column("run_id", Id, sa.ForeignKey("billing_runs.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    # Customers from here (included) to the next chunk's beginning, by (org, customer).
    sa.Column("first_org_id", sa.String(18), nullable=False),
    text_column("first_customer_ref"),
    text_column("state", default="waiting"),
    text_column("claimed_by"),
    sa.Column("claimed_at", UtcDateTime),
    sa.Column("counts", ExactJson),
)

invoices = sa.Table(
    "invoices",
    metadata,
    id_column(),
    # The same content has the same key, so no run can store it twice.
    sa.Column("draft_key", sa.String(60), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("run_id", Id, sa.ForeignKey("billing_runs.id")),
    sa.Column("org_id", sa.String(18), nullable=False),
    text_column("customer_ref"),
    text_column("customer_name"),
    text_column("payer_ref"),
    text_column("legal_entity"),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("payment_terms_days", sa.Integer, nullable=False),
    text_column("po_number"),
    sa.Column("bill_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("net", ExactDecimal, nullable=False),
    sa.Column("tax", ExactDecimal, nullable=False),
    sa.Column("gross", ExactDecimal, nullable=False),
    sa.Column("tax_rows", ExactJson, nullable=False),
    sa.Column("lowers", ExactJson, nullable=False),
    # Why it cannot leave as it is, such as a tax that no rule decides.
    text_column("problem_code"),
    text_column("problem"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index(
        "uq_invoices_draft_key",
        "draft_key",
        unique=True,
        sqlite_where=sa.text("state <> 'void'"),
        postgresql_where=sa.text("state <> 'void'"),
    ),
    sa.Index(None, "customer_ref", "bill_on"),
    sa.Index(None, "state", "bill_on"),
)

invoice_items = sa.Table(
    "invoice_items",
    metadata,
    sa.Column("invoice_id", Id, sa.ForeignKey("invoices.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("contract_id", Id, sa.ForeignKey("contracts.id"), nullable=False),
    text_column("charge_key"),
    text_column("kind"),
    text_column("order_ref"),
    text_column("line_key"),
    text_column("line_ref"),
    text_column("product_code"),
    text_column("description"),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("unit_price", ExactDecimal, nullable=False),
    sa.Column("amount", ExactDecimal, nullable=False),
    text_column("tax_code"),
    # The tax as decided, so that whatever takes the row back keeps it.
    sa.Column("tax", ExactJson, nullable=False),
    text_column("reason"),
    text_column("reverses"),
    sa.Index(None, "contract_id"),
)

contract_undos = sa.Table(
    "contract_undos",
    metadata,
    id_column(),
    sa.Column("contract_id", Id, sa.ForeignKey("contracts.id"), nullable=False),
    # An order is taken back once.
    sa.Column("order_id", Id, sa.ForeignKey("orders.id"), nullable=False, unique=True),
    sa.Column("on", sa.Date, nullable=False),
    text_column("reason"),
    text_column("actor"),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Index(None, "contract_id"),
)

usage_readings = sa.Table(
    "usage_readings",
    metadata,
    sa.Column("contract_id", Id, sa.ForeignKey("contracts.id"), primary_key=True),
    # The usage charge that the units belong to: its line, first day and kind.
    sa.Column("charge_key", sa.String(200), primary_key=True),
    sa.Column("units", ExactDecimal, nullable=False),
    sa.Column("read_at", UtcDateTime, nullable=False),
)
