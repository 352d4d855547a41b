"""The tables of payment providers: links, what a provider told, its events, refunds; and the embedded one's own.

What is kept of a provider carries its environment, so that play money is never taken for real. Request ids are stored
before the call that carries them: the same wish is never sent under two.
"""

from __future__ import annotations

import sqlalchemy as sa

from connector.domain.collecting import LIVE_LINK_STATES
from connector.store.metadata import Id, count_column, id_column, metadata, reference_column, text_column
from connector.store.types import ExactDecimal, UtcDateTime

# Shared with the migration: an invoice has one link that can be paid, never two.
ONE_LIVE_LINK = "uq_payment_links_invoice_id_live"
_IS_LIVE = sa.text(f"state IN ({', '.join(repr(state.value) for state in LIVE_LINK_STATES)})")

payment_links = sa.Table(
    "payment_links",
    metadata,
    id_column(),
    reference_column("invoice_id", "invoices"),
    sa.Column("provider", sa.String(20), nullable=False),
    sa.Column("environment", sa.String(120), nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False, unique=True),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount", ExactDecimal, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    text_column("provider_ref"),
    text_column("url"),
    count_column("attempts"),
    # Also the end of a claim: a process that dies leaves the link to the next one.
    sa.Column("not_before", UtcDateTime),
    text_column("code"),
    text_column("message"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Index(ONE_LIVE_LINK, "invoice_id", unique=True, sqlite_where=_IS_LIVE, postgresql_where=_IS_LIVE),
    sa.Index(None, "invoice_id"),
    sa.Index(None, "state", "not_before"),
    sa.Index(None, "provider_ref"),
)

provider_objects = sa.Table(
    "provider_objects",
    metadata,
    id_column(),
    sa.Column("provider", sa.String(20), nullable=False),
    sa.Column("environment", sa.String(120), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("ref", sa.String(200), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("currency", sa.String(10), nullable=False),
    sa.Column("amount", ExactDecimal, nullable=False),
    sa.Column("asked", ExactDecimal),
    sa.Column("fee", ExactDecimal),
    text_column("fee_currency"),
    text_column("payment_ref"),
    text_column("link_ref"),
    text_column("reference"),
    text_column("payer"),
    # The provider's own word for the state, and why something failed.
    text_column("told"),
    text_column("detail"),
    sa.Column("happened_at", UtcDateTime, nullable=False),
    # By the provider's clock: something older never overwrites something newer.
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("stamp", sa.String(16), nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    reference_column("link_id", "payment_links", nullable=True),
    reference_column("invoice_id", "invoices", nullable=True),
    reference_column("payment_id", "payments", nullable=True),
    # What differs from what was expected, for people; empty when nothing does.
    text_column("code"),
    text_column("message"),
    sa.UniqueConstraint("provider", "environment", "kind", "ref"),
    sa.Index(None, "state"),
    sa.Index(None, "code"),
    sa.Index(None, "payment_ref"),
    sa.Index(None, "payment_id"),
)

provider_events = sa.Table(
    "provider_events",
    metadata,
    id_column(),
    sa.Column("provider", sa.String(20), nullable=False),
    sa.Column("environment", sa.String(120), nullable=False),
    # The provider's id of the event; for a look that nobody told us to take, what is new about the object.
    sa.Column("event_id", sa.String(200), nullable=False),
    text_column("name"),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("ref", sa.String(200), nullable=False),
    # webhook, poll, or the part of ours that wants another look.
    sa.Column("source", sa.String(20), nullable=False),
    # Signed long before it came; kept, because a late retry may be the only notice of money.
    sa.Column("is_late", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("body", sa.LargeBinary),
    sa.Column("received_at", UtcDateTime, nullable=False),
    # waiting, done, ignored, unknown (the provider has no such object), failed (a person must look).
    sa.Column("state", sa.String(20), nullable=False),
    count_column("attempts"),
    sa.Column("not_before", UtcDateTime),
    text_column("code"),
    text_column("message"),
    sa.Column("done_at", UtcDateTime),
    sa.UniqueConstraint("provider", "environment", "event_id"),
    sa.Index(None, "state", "not_before"),
    sa.Index(None, "kind", "ref"),
)

provider_refunds = sa.Table(
    "provider_refunds",
    metadata,
    sa.Column("refund_id", Id, sa.ForeignKey("refunds.id"), primary_key=True, autoincrement=False),
    sa.Column("provider", sa.String(20), nullable=False),
    sa.Column("environment", sa.String(120), nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False, unique=True),
    text_column("payment_ref"),
    text_column("provider_ref"),
    # wanted, sent (the provider has it), refused.
    sa.Column("state", sa.String(20), nullable=False),
    count_column("attempts"),
    sa.Column("not_before", UtcDateTime),
    text_column("code"),
    text_column("message"),
    sa.Index(None, "state", "not_before"),
    sa.Index(None, "provider_ref"),
)

# The embedded provider's own; only `store/embedded_payments.py` uses them, as if they were somebody else's.

embedded_links = sa.Table(
    "embedded_links",
    metadata,
    sa.Column("ref", sa.String(60), primary_key=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount", ExactDecimal, nullable=False),
    text_column("reference"),
    text_column("title"),
    text_column("return_url"),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
    text_column("payment_ref"),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

embedded_objects = sa.Table(
    "embedded_objects",
    metadata,
    sa.Column("ref", sa.String(60), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    # A delayed payment settles by itself then.
    sa.Column("settles_at", UtcDateTime),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount", ExactDecimal, nullable=False),
    sa.Column("asked", ExactDecimal),
    text_column("payment_ref"),
    text_column("link_ref"),
    # Empty for what nobody asked for with a key.
    text_column("key"),
    text_column("reference"),
    text_column("payer"),
    text_column("detail"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index(None, "created_at"),
    sa.Index(None, "key"),
)
