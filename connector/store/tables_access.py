"""The tables of access: changes that wait for their day, differences found, usage as it was read.

What the platform grants is not kept here; only what is wanted of it, from when, and what it said.
"""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import count_column, id_column, metadata, reference_column, text_column
from connector.store.tables_review import append_only_statements
from connector.store.types import ExactDecimal, ExactJson, UtcDateTime

APPEND_ONLY = ("usage_snapshots",)

scheduled_access = sa.Table(
    "scheduled_access",
    metadata,
    id_column(),
    reference_column("contract_id", "contracts"),
    reference_column("order_id", "orders"),
    text_column("product_ref"),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("wanted", ExactJson, nullable=False),
    # waiting, granted, superseded (a later order has changed it before its day came)
    sa.Column("state", sa.String(12), nullable=False, server_default="waiting"),
    count_column("attempts"),
    sa.Column("not_before", UtcDateTime),
    text_column("problem_code"),
    text_column("problem"),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    # One change per subscription and day: written again, it is the same row.
    sa.UniqueConstraint("contract_id", "product_ref", "starts_on"),
    sa.Index(None, "state", "starts_on"),
)

differences = sa.Table(
    "differences",
    metadata,
    id_column(),
    # The room in which two sides were compared, such as access.
    sa.Column("room", sa.String(20), nullable=False),
    sa.Column("subject", sa.String(20), nullable=False),
    sa.Column("subject_number", sa.String(40), nullable=False),
    text_column("customer_name"),
    text_column("what"),
    text_column("wanted"),
    text_column("actual"),
    text_column("owner"),
    text_column("fix"),
    sa.Column("found_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("resolved_at", UtcDateTime),
    # What is found again is the same open row; what was resolved and comes back is a new one.
    sa.Index(
        "uq_differences_open",
        "room",
        "subject",
        "subject_number",
        "what",
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    ),
    sa.Index(None, "room", "resolved_at"),
)

usage_snapshots = sa.Table(
    "usage_snapshots",
    metadata,
    id_column(),
    reference_column("contract_id", "contracts"),
    # The usage charge that the units belong to: its line, first day and kind.
    sa.Column("charge_key", sa.String(200), nullable=False),
    text_column("feature_ref"),
    sa.Column("starts_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),
    # Null: the platform could not say.
    sa.Column("units", ExactDecimal),
    sa.Column("covered_until", UtcDateTime),
    sa.Column("last_event_at", UtcDateTime),
    sa.Column("is_complete", sa.Boolean, nullable=False),
    text_column("reason"),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("read_at", UtcDateTime, nullable=False),
    sa.Index(None, "contract_id", "charge_key", "id"),
)

# What is known of a charge by now, one row each, so that nobody has to look for the newest snapshot.
usage_states = sa.Table(
    "usage_states",
    metadata,
    reference_column("contract_id", "contracts"),
    sa.Column("charge_key", sa.String(200), nullable=False),
    reference_column("snapshot_id", "usage_snapshots"),
    sa.Column("bill_on", sa.Date, nullable=False),
    sa.Column("is_complete", sa.Boolean, nullable=False),
    sa.Column("read_at", UtcDateTime, nullable=False),
    # A person has taken the figure as it is: who and why.
    text_column("accepted_by"),
    text_column("accepted_reason"),
    sa.Column("accepted_at", UtcDateTime),
    sa.PrimaryKeyConstraint("contract_id", "charge_key"),
)


def _protect(_metadata: sa.MetaData, connection: sa.Connection, **_options: object) -> None:
    for statement in append_only_statements(dialect=connection.dialect.name, tables=APPEND_ONLY):
        connection.exec_driver_sql(statement)


# Tables that are made without the migrations (in tests) refuse the same.
sa.event.listen(metadata, "after_create", _protect)
