"""Warnings of contracts, orders taken back, usage readings, and the index that billing runs read."""

import sqlalchemy as sa
from alembic import op

from connector.store.types import ExactDecimal, ExactJson, UtcDateTime

revision = "0003"
down_revision = "0002"

# SQLite counts only an INTEGER primary key up by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Safe while the previous release runs: it writes no second version of an order and reads no warnings."""
    with op.batch_alter_table("contracts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("warnings", ExactJson(), nullable=True))
        batch_op.create_index("ix_contracts_billing", ["org_id", "customer_ref", "next_bill_on"], unique=False)
    with op.batch_alter_table("contract_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_undo", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.drop_constraint(op.f("uq_contract_versions_contract_id_order_id"), type_="unique")
        batch_op.create_unique_constraint(
            op.f("uq_contract_versions_contract_id_order_id_is_undo"), ["contract_id", "order_id", "is_undo"]
        )
    op.create_table(
        "usage_readings",
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("charge_key", sa.String(length=200), nullable=False),
        sa.Column("units", ExactDecimal(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_usage_readings_contract_id")),
        sa.PrimaryKeyConstraint("contract_id", "charge_key", name=op.f("pk_usage_readings")),
    )
