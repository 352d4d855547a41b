"""Delivery of documents to customers, and people who sign in by OIDC."""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import count_column, id_column, metadata, reference_column, text_column
from connector.store.types import UtcDateTime

# Mail owed to customers: a row for each document, recipient and time that somebody wanted it sent.
deliveries = sa.Table(
    "deliveries",
    metadata,
    id_column(),
    reference_column("invoice_id", "invoices"),
    # Set when the mail is a reminder; `invoice_id` is then the first invoice that it reminds of.
    reference_column("letter_id", "reminder_letters", nullable=True),
    sa.Column("recipient", sa.String(320), nullable=False),
    # 1 for the mail at issue, then one more each time that a person sends it again.
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    text_column("requested_by"),
    count_column("attempts"),
    # How often nobody knew whether the mail had left: it may have arrived so many times more.
    count_column("losses"),
    # Also the end of a claim: a sender that dies leaves it to the next one.
    sa.Column("not_before", UtcDateTime),
    # The link inside the mail, made anew for each attempt, because its token is kept nowhere.
    reference_column("link_id", "hosted_links", nullable=True),
    text_column("message_id"),
    text_column("code"),
    text_column("message"),
    text_column("owner"),
    sa.Column("wanted_at", UtcDateTime, nullable=False),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    # The same wish twice is one mail.
    sa.UniqueConstraint("invoice_id", "recipient", "ordinal"),
    sa.Index(None, "letter_id"),
    sa.Index(None, "state", "not_before"),
)

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
