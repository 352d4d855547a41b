"""Access: what the entitlement platforms keep, grants for later, usage as it was read."""

import sqlalchemy as sa
from alembic import op

from connector.store.tables_review import append_only_statements
from connector.store.types import ExactDecimal, ExactJson, UtcDateTime

revision = "0005"
down_revision = "0004"

# SQLite counts only an INTEGER primary key up by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Safe while the previous release runs: what it knows only gains columns that fill themselves."""
    op.create_table(
        "differences",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("room", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_number", sa.String(length=40), nullable=False),
        sa.Column("customer_name", sa.Text(), server_default="", nullable=False),
        sa.Column("what", sa.Text(), server_default="", nullable=False),
        sa.Column("wanted", sa.Text(), server_default="", nullable=False),
        sa.Column("actual", sa.Text(), server_default="", nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("fix", sa.Text(), server_default="", nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_differences")),
    )
    op.create_index(op.f("ix_differences_room_resolved_at"), "differences", ["room", "resolved_at"], unique=False)
    op.create_index(
        "uq_differences_open",
        "differences",
        ["room", "subject", "subject_number", "what"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "platform_gaps",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("feature_ref", sa.String(length=120), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.Column("filled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_gaps")),
        sa.UniqueConstraint(
            "feature_ref", "starts_at", "ends_at", name=op.f("uq_platform_gaps_feature_ref_starts_at_ends_at")
        ),
    )
    op.create_table(
        "platform_plans",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("ref", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("document", ExactJson(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_plans")),
        sa.UniqueConstraint("ref", "version", name=op.f("uq_platform_plans_ref_version")),
    )
    op.create_table(
        "platform_reporting",
        sa.Column("feature_ref", sa.String(length=120), nullable=False),
        sa.Column("complete_until", UtcDateTime(), nullable=True),
        sa.Column("newest_event_at", UtcDateTime(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("feature_ref", name=op.f("pk_platform_reporting")),
    )
    op.create_table(
        "platform_balances",
        sa.Column("customer_ref", sa.String(length=120), nullable=False),
        sa.Column("credit_ref", sa.String(length=120), nullable=False),
        sa.Column("balance", ExactDecimal(), nullable=False),
        sa.Column("entries", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_ref"], ["platform_customers.ref"], name=op.f("fk_platform_balances_customer_ref")
        ),
        sa.PrimaryKeyConstraint("customer_ref", "credit_ref", name=op.f("pk_platform_balances")),
    )
    op.create_table(
        "platform_ledger",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("customer_ref", sa.String(length=120), nullable=False),
        sa.Column("credit_ref", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("entry_key", sa.String(length=400), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("balance", ExactDecimal(), nullable=False),
        sa.Column("effective_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("subscription_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_ref"], ["platform_customers.ref"], name=op.f("fk_platform_ledger_customer_ref")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_ledger")),
        sa.UniqueConstraint(
            "customer_ref", "credit_ref", "position", name=op.f("uq_platform_ledger_customer_ref_credit_ref_position")
        ),
        sa.UniqueConstraint("entry_key", name=op.f("uq_platform_ledger_entry_key")),
    )
    op.create_table(
        "platform_usage_events",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("customer_ref", sa.String(length=120), nullable=False),
        sa.Column("event_key", sa.String(length=200), nullable=False),
        sa.Column("feature_ref", sa.String(length=120), nullable=False),
        sa.Column("units", ExactDecimal(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_ref"], ["platform_customers.ref"], name=op.f("fk_platform_usage_events_customer_ref")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_usage_events")),
        sa.UniqueConstraint("customer_ref", "event_key", name=op.f("uq_platform_usage_events_customer_ref_event_key")),
    )
    op.create_table(
        "platform_usage_hours",
        sa.Column("customer_ref", sa.String(length=120), nullable=False),
        sa.Column("feature_ref", sa.String(length=120), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("units", ExactDecimal(), nullable=False),
        sa.Column("events", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_ref"], ["platform_customers.ref"], name=op.f("fk_platform_usage_hours_customer_ref")
        ),
        sa.PrimaryKeyConstraint("customer_ref", "feature_ref", "hour", name=op.f("pk_platform_usage_hours")),
    )
    op.create_table(
        "usage_snapshots",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("charge_key", sa.String(length=200), nullable=False),
        sa.Column("feature_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("units", ExactDecimal(), nullable=True),
        sa.Column("covered_until", UtcDateTime(), nullable=True),
        sa.Column("last_event_at", UtcDateTime(), nullable=True),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_usage_snapshots_contract_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_snapshots")),
    )
    op.create_index(
        op.f("ix_usage_snapshots_contract_id_charge_key_id"),
        "usage_snapshots",
        ["contract_id", "charge_key", "id"],
        unique=False,
    )
    op.create_table(
        "platform_credits",
        sa.Column("subscription_ref", sa.String(length=120), nullable=False),
        sa.Column("credit_ref", sa.String(length=120), nullable=False),
        sa.Column("customer_ref", sa.String(length=120), nullable=False),
        sa.Column("cadence", sa.String(length=10), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("granted", ExactDecimal(), nullable=False),
        sa.Column("consumed", ExactDecimal(), nullable=False),
        sa.Column("left", ExactDecimal(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_ref"], ["platform_customers.ref"], name=op.f("fk_platform_credits_customer_ref")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_ref"], ["platform_subscriptions.ref"], name=op.f("fk_platform_credits_subscription_ref")
        ),
        sa.PrimaryKeyConstraint("subscription_ref", "credit_ref", name=op.f("pk_platform_credits")),
    )
    op.create_index(
        op.f("ix_platform_credits_customer_ref_credit_ref"),
        "platform_credits",
        ["customer_ref", "credit_ref"],
        unique=False,
    )
    op.create_table(
        "scheduled_access",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("product_ref", sa.Text(), server_default="", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("wanted", ExactJson(), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("problem_code", sa.Text(), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_scheduled_access_contract_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_scheduled_access_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_access")),
        sa.UniqueConstraint(
            "contract_id",
            "product_ref",
            "starts_on",
            name=op.f("uq_scheduled_access_contract_id_product_ref_starts_on"),
        ),
    )
    op.create_index(
        op.f("ix_scheduled_access_state_starts_on"), "scheduled_access", ["state", "starts_on"], unique=False
    )
    op.create_table(
        "usage_states",
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("charge_key", sa.String(length=200), nullable=False),
        sa.Column("snapshot_id", ID, nullable=False),
        sa.Column("bill_on", sa.Date(), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_by", sa.Text(), server_default="", nullable=False),
        sa.Column("accepted_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_usage_states_contract_id")),
        sa.ForeignKeyConstraint(["snapshot_id"], ["usage_snapshots.id"], name=op.f("fk_usage_states_snapshot_id")),
        sa.PrimaryKeyConstraint("contract_id", "charge_key", name=op.f("pk_usage_states")),
    )
    op.add_column("platform_subscriptions", sa.Column("plan_version", sa.Integer(), server_default="0", nullable=False))
    op.add_column("platform_subscriptions", sa.Column("credits_due_on", sa.Date(), nullable=True))
    op.create_index(
        op.f("ix_platform_subscriptions_credits_due_on"), "platform_subscriptions", ["credits_due_on"], unique=False
    )
    op.create_index(
        op.f("ix_platform_subscriptions_customer_ref"), "platform_subscriptions", ["customer_ref"], unique=False
    )
    _turns()
    # Running subscriptions get the credits that fell due so far.
    op.execute(sa.text("UPDATE platform_subscriptions SET credits_due_on = starts_on"))
    for statement in append_only_statements(
        dialect=op.get_bind().dialect.name,
        tables=("usage_snapshots", "platform_ledger", "platform_usage_events"),
    ):
        op.execute(sa.text(statement))


def _turns() -> None:
    """Turns to change something on a platform that counts our changes."""
    op.create_table(
        "paced_platforms",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("next_turn_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_paced_platforms")),
    )
    op.create_table(
        "paced_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["name"], ["paced_platforms.name"], name=op.f("fk_paced_changes_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paced_changes")),
    )
    for column in ("due_at", "key", "made_at"):
        op.create_index(op.f(f"ix_paced_changes_name_{column}"), "paced_changes", ["name", column], unique=False)
