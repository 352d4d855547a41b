"""The tables of the embedded entitlement platform; they belong to it, and only its own stores use them."""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import count_column, id_column, metadata, text_column
from connector.store.tables_review import append_only_statements
from connector.store.types import ExactDecimal, ExactJson, UtcDateTime

APPEND_ONLY = ("platform_ledger", "platform_usage_events")

platform_customers = sa.Table(
    "platform_customers",
    metadata,
    sa.Column("ref", sa.String(120), primary_key=True),
    sa.Column("key", sa.String(120), nullable=False, unique=True),
    text_column("name"),
    text_column("email"),
)

platform_subscriptions = sa.Table(
    "platform_subscriptions",
    metadata,
    sa.Column("ref", sa.String(120), primary_key=True),
    sa.Column("key", sa.String(120), nullable=False, unique=True),
    sa.Column("customer_ref", sa.String(120), sa.ForeignKey("platform_customers.ref"), nullable=False),
    text_column("contract_ref"),
    text_column("plan_ref"),
    text_column("product_ref"),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),
    sa.Column("grants", ExactJson, nullable=False),
    sa.Column("add_ons", ExactJson, nullable=False),
    sa.Column("is_revoked", sa.Boolean, nullable=False, server_default=sa.false()),
    count_column("plan_version"),
    # The day on which the next credits fall due, so that the job finds its work at once; null when none are to come.
    sa.Column("credits_due_on", sa.Date),
    # The platform's own rule: one running subscription per contract and product.
    sa.UniqueConstraint("contract_ref", "product_ref"),
    sa.Index(None, "customer_ref"),
    sa.Index(None, "credits_due_on"),
)

platform_plans = sa.Table(
    "platform_plans",
    metadata,
    id_column(),
    sa.Column("ref", sa.String(120), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    # draft or published; a published version never changes
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("document", ExactJson, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("published_at", UtcDateTime),
    text_column("actor"),
    sa.UniqueConstraint("ref", "version"),
)

# The credits of one subscription in their running period: what was granted in it and what is left of that.
platform_credits = sa.Table(
    "platform_credits",
    metadata,
    sa.Column("subscription_ref", sa.String(120), sa.ForeignKey("platform_subscriptions.ref"), nullable=False),
    sa.Column("credit_ref", sa.String(120), nullable=False),
    sa.Column("customer_ref", sa.String(120), sa.ForeignKey("platform_customers.ref"), nullable=False),
    sa.Column("cadence", sa.String(10), nullable=False),
    # The first day of the first period: all boundaries are counted from it.
    sa.Column("anchor_on", sa.Date, nullable=False),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),
    sa.Column("granted", ExactDecimal, nullable=False),
    sa.Column("consumed", ExactDecimal, nullable=False),
    sa.Column("left", ExactDecimal, nullable=False),
    sa.PrimaryKeyConstraint("subscription_ref", "credit_ref"),
    sa.Index(None, "customer_ref", "credit_ref"),
)

# The row that every movement of a customer's credit locks: the running balance and how many movements there were.
platform_balances = sa.Table(
    "platform_balances",
    metadata,
    sa.Column("customer_ref", sa.String(120), sa.ForeignKey("platform_customers.ref"), nullable=False),
    sa.Column("credit_ref", sa.String(120), nullable=False),
    sa.Column("balance", ExactDecimal, nullable=False),
    count_column("entries"),
    sa.PrimaryKeyConstraint("customer_ref", "credit_ref"),
)

platform_ledger = sa.Table(
    "platform_ledger",
    metadata,
    id_column(),
    sa.Column("customer_ref", sa.String(120), sa.ForeignKey("platform_customers.ref"), nullable=False),
    sa.Column("credit_ref", sa.String(120), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    # What happened, so that it is booked once: a grant names its subscription, period and total.
    sa.Column("entry_key", sa.String(400), nullable=False, unique=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("amount", ExactDecimal, nullable=False),
    sa.Column("balance", ExactDecimal, nullable=False),
    sa.Column("effective_at", UtcDateTime, nullable=False),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
    text_column("subscription_ref"),
    text_column("note"),
    sa.UniqueConstraint("customer_ref", "credit_ref", "position"),
)

platform_usage_events = sa.Table(
    "platform_usage_events",
    metadata,
    id_column(),
    sa.Column("customer_ref", sa.String(120), sa.ForeignKey("platform_customers.ref"), nullable=False),
    sa.Column("event_key", sa.String(200), nullable=False),
    sa.Column("feature_ref", sa.String(120), nullable=False),
    sa.Column("units", ExactDecimal, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
    # The reporter's own name of the event: sent again, it is not counted again.
    sa.UniqueConstraint("customer_ref", "event_key"),
)

# The sum of events by hour, so that a period is read without reading its events.
platform_usage_hours = sa.Table(
    "platform_usage_hours",
    metadata,
    sa.Column("customer_ref", sa.String(120), sa.ForeignKey("platform_customers.ref"), nullable=False),
    sa.Column("feature_ref", sa.String(120), nullable=False),
    sa.Column("hour", UtcDateTime, nullable=False),
    sa.Column("units", ExactDecimal, nullable=False),
    count_column("events"),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("customer_ref", "feature_ref", "hour"),
)

# How far the reporting of a feature reaches: what its reporter declared, and the newest event of anybody.
platform_reporting = sa.Table(
    "platform_reporting",
    metadata,
    sa.Column("feature_ref", sa.String(120), primary_key=True),
    sa.Column("complete_until", UtcDateTime),
    sa.Column("newest_event_at", UtcDateTime),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

platform_gaps = sa.Table(
    "platform_gaps",
    metadata,
    id_column(),
    sa.Column("feature_ref", sa.String(120), nullable=False),
    sa.Column("starts_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    text_column("reason"),
    sa.Column("told_at", UtcDateTime, nullable=False),
    # The missing events were sent after all.
    sa.Column("filled_at", UtcDateTime),
    sa.UniqueConstraint("feature_ref", "starts_at", "ends_at"),
)


def _protect(_metadata: sa.MetaData, connection: sa.Connection, **_options: object) -> None:
    for statement in append_only_statements(dialect=connection.dialect.name, tables=APPEND_ONLY):
        connection.exec_driver_sql(statement)


# Tables that are made without the migrations (in tests) refuse the same.
sa.event.listen(metadata, "after_create", _protect)
