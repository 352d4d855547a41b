"""Every table, with its constraints named. One comment per index or constraint whose reason is not plain.

Amounts are ExactDecimal, instants UtcDateTime, documents ExactJson (see types). Rows of history and inbox are never
changed in content by code paths; states move only by the tables in `domain/fulfilment.py`.
"""

from __future__ import annotations

import sqlalchemy as sa

# The other table modules are read here so that the metadata is whole, whoever asks for it.
from connector.store import (
    tables_access,
    tables_billing,
    tables_cash,
    tables_collecting,
    tables_completeness,
    tables_delivery,
    tables_order_forms,
    tables_pacing,
    tables_platform,
    tables_queue,
    tables_review,
)
from connector.store.metadata import Id, count_column, id_column, metadata, reference_column, text_column
from connector.store.types import ExactDecimal, ExactJson, UtcDateTime

__all__ = [
    "metadata",
    "tables_access",
    "tables_billing",
    "tables_cash",
    "tables_collecting",
    "tables_completeness",
    "tables_delivery",
    "tables_order_forms",
    "tables_pacing",
    "tables_platform",
    "tables_queue",
    "tables_review",
]

processes = sa.Table(
    "processes",
    metadata,
    sa.Column("executor_id", sa.String(80), primary_key=True),
    text_column("kind"),
    text_column("host"),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("beat_at", UtcDateTime, nullable=False),
    sa.Column("stopped_at", UtcDateTime),
)

job_runs = sa.Table(
    "job_runs",
    metadata,
    # The primary key is the claim: two schedulers by mistake run each due time once.
    sa.Column("job", sa.String(60), primary_key=True),
    sa.Column("due_at", UtcDateTime, primary_key=True),
    text_column("claimed_by"),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("counts", ExactJson),
    text_column("error"),
)

inbox_bodies = sa.Table(
    "inbox_bodies",
    metadata,
    id_column(),
    text_column("content_type"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
)

inbox = sa.Table(
    "inbox",
    metadata,
    id_column(),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("message_id", sa.String(200), nullable=False),
    reference_column("body_id", "inbox_bodies"),
    text_column("kind"),
    text_column("org_id"),
    text_column("object"),
    text_column("record_id"),
    text_column("state", default="received"),
    text_column("reason"),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("done_at", UtcDateTime),
    # A second delivery of a message does nothing.
    sa.UniqueConstraint("source", "message_id"),
    sa.Index(None, "state", "received_at"),
    sa.Index(None, "org_id", "record_id"),
    # The messages of one body are spread together; and a body can be deleted without reading every message.
    sa.Index(None, "body_id"),
)

records = sa.Table(
    "records",
    metadata,
    id_column(),
    sa.Column("org_id", sa.String(18), nullable=False),
    sa.Column("object", sa.String(80), nullable=False),
    sa.Column("record_id", sa.String(18), nullable=False),
    text_column("state", default="due"),
    text_column("code"),
    text_column("reason"),
    text_column("owner"),
    text_column("name"),
    text_column("account_id"),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("looked_at", UtcDateTime),
    sa.Column("not_before", UtcDateTime),
    count_column("attempts"),
    # Which run works on the record now; a second look leaves a note and goes.
    text_column("claimed_by"),
    sa.Column("claimed_at", UtcDateTime),
    sa.Column("is_look_due", sa.Boolean, nullable=False, server_default=sa.false()),
    count_column("looks"),
    sa.UniqueConstraint("org_id", "record_id"),
    sa.Index(None, "not_before"),
    sa.Index(None, "state"),
)

orders = sa.Table(
    "orders",
    metadata,
    id_column(),
    # One signed record is one order, whatever arrives how often.
    sa.Column("record_row_id", Id, sa.ForeignKey("records.id"), nullable=False, unique=True),
    sa.Column("number", sa.String(20), nullable=False, unique=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    text_column("deal_type"),
    text_column("customer_ref"),
    text_column("customer_name"),
    text_column("currency"),
    sa.Column("value", ExactDecimal),
    sa.Column("starts_on", sa.Date),
    sa.Column("ends_on", sa.Date),
    text_column("amends_ref"),
    sa.Column("terms", ExactJson),
    text_column("source_hash"),
    text_column("mapping_version"),
    sa.Column("faults", ExactJson),
    # A later change of a fulfilled deal: shown to people, never acted on by itself.
    text_column("question_code"),
    text_column("question"),
    text_column("question_hash"),
    reference_column("contract_id", "contracts", nullable=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("fulfilled_at", UtcDateTime),
    sa.Index(None, "state", "id"),
    sa.Index(None, "customer_ref"),
    sa.Index(None, "amends_ref"),
    sa.Index(None, "contract_id"),
)

order_lines = sa.Table(
    "order_lines",
    metadata,
    id_column(),
    reference_column("order_id", "orders"),
    sa.Column("position", sa.Integer, nullable=False),
    text_column("salesforce_line_id"),
    text_column("product_code"),
    text_column("product_name"),
    text_column("charge_type"),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("terms", ExactJson, nullable=False),
    sa.UniqueConstraint("order_id", "position"),
)

fulfilment_steps = sa.Table(
    "fulfilment_steps",
    metadata,
    id_column(),
    reference_column("order_id", "orders"),
    sa.Column("name", sa.String(20), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    count_column("attempts"),
    sa.Column("started_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("not_before", UtcDateTime),
    text_column("code"),
    text_column("message"),
    text_column("fix"),
    text_column("owner"),
    sa.Column("result", ExactJson),
    sa.UniqueConstraint("order_id", "name"),
)

contracts = sa.Table(
    "contracts",
    metadata,
    id_column(),
    sa.Column("number", sa.String(20), nullable=False, unique=True),
    # The order that opened it; a second run of the same step finds its contract again.
    sa.Column("opened_by_order_id", Id, nullable=False, unique=True),
    sa.Column("org_id", sa.String(18), nullable=False),
    text_column("customer_ref"),
    text_column("customer_name"),
    text_column("currency"),
    text_column("legal_entity"),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),
    sa.Column("value", ExactDecimal, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    # When the next charge is due; None when nothing is left. A billing run reads only what is due.
    sa.Column("next_bill_on", sa.Date),
    # Up to where everything is drafted, for which version; another version is compared with all that was billed.
    sa.Column("billed_until", sa.Date),
    sa.Column("billed_version", sa.Integer, nullable=False, server_default="0"),
    # Counts the times it was drafted: two runs at once see that the other was first.
    sa.Column("billing_count", sa.Integer, nullable=False, server_default="0"),
    text_column("billing_problem"),
    # What a person should look at although it stops nothing; None = there is nothing.
    sa.Column("warnings", ExactJson),
    sa.Index(None, "customer_ref"),
    sa.Index(None, "next_bill_on"),
    # A chunk of a billing run is a stretch of customers; what is due among them is told by the index alone.
    sa.Index("ix_contracts_billing", "org_id", "customer_ref", "next_bill_on"),
)

contract_versions = sa.Table(
    "contract_versions",
    metadata,
    reference_column("contract_id", "contracts"),
    sa.Column("version", sa.Integer, nullable=False),
    reference_column("order_id", "orders"),
    sa.Column("value", ExactDecimal, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    text_column("reason"),
    # True where the order was taken back.
    sa.Column("is_undo", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.PrimaryKeyConstraint("contract_id", "version"),
    # An order changes its contract once, however often its step runs, and is taken back once.
    sa.UniqueConstraint("contract_id", "order_id", "is_undo"),
)

contract_lines = sa.Table(
    "contract_lines",
    metadata,
    id_column(),
    reference_column("contract_id", "contracts"),
    reference_column("order_line_id", "order_lines"),
    sa.Column("position", sa.Integer, nullable=False),
    text_column("product_code"),
    text_column("product_name"),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("value", ExactDecimal, nullable=False),
    sa.UniqueConstraint("contract_id", "order_line_id"),
)

customers = sa.Table(
    "customers",
    metadata,
    id_column(),
    sa.Column("org_id", sa.String(18), nullable=False),
    sa.Column("salesforce_id", sa.String(18), nullable=False),
    text_column("name"),
    text_column("platform_ref"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("org_id", "salesforce_id"),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    id_column(),
    reference_column("contract_id", "contracts"),
    reference_column("order_id", "orders"),
    text_column("product_ref"),
    text_column("plan_ref"),
    text_column("platform_ref"),
    sa.Column("wanted", ExactJson, nullable=False),
    text_column("state", default="wanted"),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    # One subscription per product and contract: a second order changes it, never doubles it.
    sa.UniqueConstraint("contract_id", "product_ref"),
)

metered_features = sa.Table(
    "metered_features",
    metadata,
    id_column(),
    reference_column("contract_id", "contracts"),
    reference_column("order_line_id", "order_lines"),
    text_column("feature_ref"),
    sa.UniqueConstraint("order_line_id"),
)

writebacks = sa.Table(
    "writebacks",
    metadata,
    id_column(),
    sa.Column("org_id", sa.String(18), nullable=False),
    sa.Column("object", sa.String(80), nullable=False),
    sa.Column("record_id", sa.String(18), nullable=False),
    text_column("account_id"),
    sa.Column("wanted", ExactJson, nullable=False),
    sa.Column("written", ExactJson),
    # True while wanted and written differ: the flush reads only these rows.
    sa.Column("is_owed", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("wanted_at", UtcDateTime, nullable=False),
    sa.Column("written_at", UtcDateTime),
    sa.Column("not_before", UtcDateTime),
    count_column("attempts"),
    text_column("code"),
    text_column("message"),
    text_column("claimed_by"),
    sa.Column("claimed_at", UtcDateTime),
    sa.UniqueConstraint("org_id", "record_id"),
    sa.Index(None, "is_owed", "not_before"),
)

history = sa.Table(
    "history",
    metadata,
    id_column(),
    sa.Column("at", UtcDateTime, nullable=False),
    text_column("actor"),
    sa.Column("subject", sa.String(20), nullable=False),
    sa.Column("subject_id", Id, nullable=False),
    text_column("event"),
    text_column("before"),
    text_column("after"),
    text_column("reason"),
    sa.Column("data", ExactJson),
    sa.Index(None, "subject", "subject_id", "id"),
)

watermarks = sa.Table(
    "watermarks",
    metadata,
    sa.Column("org_id", sa.String(18), primary_key=True),
    sa.Column("object", sa.String(80), primary_key=True),
    sa.Column("swept_until", UtcDateTime, nullable=False),
)

resyncs = sa.Table(
    "resyncs",
    metadata,
    id_column(),
    sa.Column("token", sa.String(40), nullable=False, unique=True),
    text_column("actor"),
    sa.Column("asked", ExactJson, nullable=False),
    sa.Column("is_dry_run", sa.Boolean, nullable=False),
    sa.Column("found", ExactJson, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

users = sa.Table(
    "users",
    metadata,
    id_column(),
    sa.Column("name", sa.String(120), nullable=False, unique=True),
    text_column("password_hash"),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("is_disabled", sa.Boolean, nullable=False, server_default=sa.false()),
    # Raised to end every open session of the user at once.
    sa.Column("session_epoch", sa.Integer, nullable=False, server_default="1"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_login_at", UtcDateTime),
)

login_attempts = sa.Table(
    "login_attempts",
    metadata,
    id_column(),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("address", sa.String(60), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("is_good", sa.Boolean, nullable=False),
    sa.Index(None, "name", "at"),
    sa.Index(None, "address", "at"),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    id_column(),
    sa.Column("name", sa.String(120), nullable=False, unique=True),
    # SHA-256 of 256 random bits: nothing to guess, so no slow hash is needed.
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("scopes", ExactJson, nullable=False),
    sa.Column("person", sa.String(120), nullable=False, server_default=""),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("last_used_at", UtcDateTime),
)
