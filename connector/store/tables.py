"""Every table, with its constraints named. One comment per index or constraint whose reason is not plain.

Amounts are ExactDecimal, instants UtcDateTime, documents ExactJson (see types). Rows of history and inbox are never
changed in content by code paths; states move only by the tables in `domain/fulfilment.py`.
"""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.types import ExactDecimal, ExactJson, UtcDateTime

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


def _id() -> sa.Column[int]:
    return sa.Column("id", Id, primary_key=True, autoincrement=True)


def _text(name: str, *, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def _reference(name: str, target: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, Id, sa.ForeignKey(f"{target}.id"), nullable=nullable)


processes = sa.Table(
    "processes",
    metadata,
    sa.Column("executor_id", sa.String(80), primary_key=True),
    _text("kind"),
    _text("host"),
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
    _text("claimed_by"),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("counts", ExactJson),
    _text("error"),
)

inbox_bodies = sa.Table(
    "inbox_bodies",
    metadata,
    _id(),
    _text("content_type"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
)

inbox = sa.Table(
    "inbox",
    metadata,
    _id(),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("message_id", sa.String(200), nullable=False),
    _reference("body_id", "inbox_bodies"),
    _text("kind"),
    _text("org_id"),
    _text("object"),
    _text("record_id"),
    _text("state", default="received"),
    _text("reason"),
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
    _id(),
    sa.Column("org_id", sa.String(18), nullable=False),
    sa.Column("object", sa.String(80), nullable=False),
    sa.Column("record_id", sa.String(18), nullable=False),
    _text("state", default="due"),
    _text("code"),
    _text("reason"),
    _text("owner"),
    _text("name"),
    _text("account_id"),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("looked_at", UtcDateTime),
    sa.Column("not_before", UtcDateTime),
    _count("attempts"),
    # Which run works on the record now; a second look leaves a note and goes.
    _text("claimed_by"),
    sa.Column("claimed_at", UtcDateTime),
    sa.Column("is_look_due", sa.Boolean, nullable=False, server_default=sa.false()),
    _count("looks"),
    sa.UniqueConstraint("org_id", "record_id"),
    sa.Index(None, "not_before"),
    sa.Index(None, "state"),
)

orders = sa.Table(
    "orders",
    metadata,
    _id(),
    # One signed record is one order, whatever arrives how often.
    sa.Column("record_row_id", Id, sa.ForeignKey("records.id"), nullable=False, unique=True),
    sa.Column("number", sa.String(20), nullable=False, unique=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    _text("deal_type"),
    _text("customer_ref"),
    _text("customer_name"),
    _text("currency"),
    sa.Column("value", ExactDecimal),
    sa.Column("starts_on", sa.Date),
    sa.Column("ends_on", sa.Date),
    _text("amends_ref"),
    sa.Column("terms", ExactJson),
    _text("source_hash"),
    _text("mapping_version"),
    sa.Column("faults", ExactJson),
    # A later change of a fulfilled deal: shown to people, never acted on by itself.
    _text("question_code"),
    _text("question"),
    _text("question_hash"),
    _reference("contract_id", "contracts", nullable=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("fulfilled_at", UtcDateTime),
    sa.Index(None, "state", "id"),
    sa.Index(None, "customer_ref"),
    sa.Index(None, "amends_ref"),
)

order_lines = sa.Table(
    "order_lines",
    metadata,
    _id(),
    _reference("order_id", "orders"),
    sa.Column("position", sa.Integer, nullable=False),
    _text("salesforce_line_id"),
    _text("product_code"),
    _text("product_name"),
    _text("charge_type"),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("terms", ExactJson, nullable=False),
    sa.UniqueConstraint("order_id", "position"),
)

fulfilment_steps = sa.Table(
    "fulfilment_steps",
    metadata,
    _id(),
    _reference("order_id", "orders"),
    sa.Column("name", sa.String(20), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    _count("attempts"),
    sa.Column("started_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("not_before", UtcDateTime),
    _text("code"),
    _text("message"),
    _text("fix"),
    _text("owner"),
    sa.Column("result", ExactJson),
    sa.UniqueConstraint("order_id", "name"),
)

contracts = sa.Table(
    "contracts",
    metadata,
    _id(),
    sa.Column("number", sa.String(20), nullable=False, unique=True),
    # The order that opened it; a second run of the same step finds its contract again.
    sa.Column("opened_by_order_id", Id, nullable=False, unique=True),
    sa.Column("org_id", sa.String(18), nullable=False),
    _text("customer_ref"),
    _text("customer_name"),
    _text("currency"),
    _text("legal_entity"),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),
    sa.Column("value", ExactDecimal, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Index(None, "customer_ref"),
)

contract_versions = sa.Table(
    "contract_versions",
    metadata,
    _reference("contract_id", "contracts"),
    sa.Column("version", sa.Integer, nullable=False),
    _reference("order_id", "orders"),
    sa.Column("value", ExactDecimal, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    _text("reason"),
    sa.PrimaryKeyConstraint("contract_id", "version"),
    # An order changes its contract once, however often its step runs.
    sa.UniqueConstraint("contract_id", "order_id"),
)

contract_lines = sa.Table(
    "contract_lines",
    metadata,
    _id(),
    _reference("contract_id", "contracts"),
    _reference("order_line_id", "order_lines"),
    sa.Column("position", sa.Integer, nullable=False),
    _text("product_code"),
    _text("product_name"),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),
    sa.Column("quantity", ExactDecimal, nullable=False),
    sa.Column("value", ExactDecimal, nullable=False),
    sa.UniqueConstraint("contract_id", "order_line_id"),
)

customers = sa.Table(
    "customers",
    metadata,
    _id(),
    sa.Column("org_id", sa.String(18), nullable=False),
    sa.Column("salesforce_id", sa.String(18), nullable=False),
    _text("name"),
    _text("platform_ref"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("org_id", "salesforce_id"),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    _id(),
    _reference("contract_id", "contracts"),
    _reference("order_id", "orders"),
    _text("product_ref"),
    _text("plan_ref"),
    _text("platform_ref"),
    sa.Column("wanted", ExactJson, nullable=False),
    _text("state", default="wanted"),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    # One subscription per product and contract: a second order changes it, never doubles it.
    sa.UniqueConstraint("contract_id", "product_ref"),
)

metered_features = sa.Table(
    "metered_features",
    metadata,
    _id(),
    _reference("contract_id", "contracts"),
    _reference("order_line_id", "order_lines"),
    _text("feature_ref"),
    sa.UniqueConstraint("order_line_id"),
)

writebacks = sa.Table(
    "writebacks",
    metadata,
    _id(),
    sa.Column("org_id", sa.String(18), nullable=False),
    sa.Column("object", sa.String(80), nullable=False),
    sa.Column("record_id", sa.String(18), nullable=False),
    _text("account_id"),
    sa.Column("wanted", ExactJson, nullable=False),
    sa.Column("written", ExactJson),
    # True while wanted and written differ: the flush reads only these rows.
    sa.Column("is_owed", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("wanted_at", UtcDateTime, nullable=False),
    sa.Column("written_at", UtcDateTime),
    sa.Column("not_before", UtcDateTime),
    _count("attempts"),
    _text("code"),
    _text("message"),
    _text("claimed_by"),
    sa.Column("claimed_at", UtcDateTime),
    sa.UniqueConstraint("org_id", "record_id"),
    sa.Index(None, "is_owed", "not_before"),
)

history = sa.Table(
    "history",
    metadata,
    _id(),
    sa.Column("at", UtcDateTime, nullable=False),
    _text("actor"),
    sa.Column("subject", sa.String(20), nullable=False),
    sa.Column("subject_id", Id, nullable=False),
    _text("event"),
    _text("before"),
    _text("after"),
    _text("reason"),
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
    _id(),
    sa.Column("token", sa.String(40), nullable=False, unique=True),
    _text("actor"),
    sa.Column("asked", ExactJson, nullable=False),
    sa.Column("is_dry_run", sa.Boolean, nullable=False),
    sa.Column("found", ExactJson, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

users = sa.Table(
    "users",
    metadata,
    _id(),
    sa.Column("name", sa.String(120), nullable=False, unique=True),
    _text("password_hash"),
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
    _id(),
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
    _id(),
    sa.Column("name", sa.String(120), nullable=False, unique=True),
    # SHA-256 of 256 random bits: nothing to guess, so no slow hash is needed.
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("scopes", ExactJson, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("last_used_at", UtcDateTime),
)

platform_customers = sa.Table(
    "platform_customers",
    metadata,
    sa.Column("ref", sa.String(120), primary_key=True),
    sa.Column("key", sa.String(120), nullable=False, unique=True),
    _text("name"),
    _text("email"),
)

platform_subscriptions = sa.Table(
    "platform_subscriptions",
    metadata,
    sa.Column("ref", sa.String(120), primary_key=True),
    sa.Column("key", sa.String(120), nullable=False, unique=True),
    sa.Column("customer_ref", sa.String(120), sa.ForeignKey("platform_customers.ref"), nullable=False),
    _text("contract_ref"),
    _text("plan_ref"),
    _text("product_ref"),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),
    sa.Column("grants", ExactJson, nullable=False),
    sa.Column("add_ons", ExactJson, nullable=False),
    sa.Column("is_revoked", sa.Boolean, nullable=False, server_default=sa.false()),
    # The platform's own rule: one running subscription per contract and product.
    sa.UniqueConstraint("contract_ref", "product_ref"),
)
