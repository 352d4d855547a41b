"""Delivery of documents to customers, and people who sign in by OIDC."""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import id_column, metadata, reference_column, text_column
from connector.store.types import UtcDateTime

# People of a login provider. Issuer and subject are who somebody is, for ever; everything else may be renamed there.
oidc_identities = sa.Table(
    "oidc_identities",
    metadata,
    id_column(),
    reference_column("user_id", "users"),
    sa.Column("issuer", sa.String(500), nullable=False),
    sa.Column("subject", sa.String(255), nullable=False),
    # As the provider last spelled them; the name of the user's row stays what it was at first sight.
    text_column("shown_name"),
    text_column("email"),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("issuer", "subject"),
    sa.UniqueConstraint("user_id"),
)

# Sign-ins that were sent to the provider and have not come back. Whoever comes back first with one takes its row out.
oidc_logins = sa.Table(
    "oidc_logins",
    metadata,
    id_column(),
    sa.Column("state_hash", sa.String(64), nullable=False, unique=True),
    text_column("nonce"),
    text_column("verifier"),
    # The page that was asked for.
    text_column("following"),
    sa.Column("address", sa.String(60), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Index(None, "address"),
    sa.Index(None, "started_at"),
)

# Which order stands for a sale of which several records are signed; the key lets only one through.
sale_claims = sa.Table(
    "sale_claims",
    metadata,
    sa.Column("org_id", sa.String(18), primary_key=True),
    sa.Column("sale_ref", sa.String(18), primary_key=True),
    reference_column("order_id", "orders"),
    sa.Column("claimed_at", UtcDateTime, nullable=False),
)
