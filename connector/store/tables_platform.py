"""The tables of the embedded entitlement platform; they belong to it, and only `store/platform.py` uses them."""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import metadata, text_column
from connector.store.types import ExactJson

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
    # The platform's own rule: one running subscription per contract and product.
    sa.UniqueConstraint("contract_ref", "product_ref"),
)
