"""The tables of the review queue: what the rules last told of each waiting draft, and approvals of many at once.

What is kept here can be made again from the documents; it decides nothing. An approval looks at the document itself.
"""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import Id, count_column, id_column, metadata, reference_column, text_column
from connector.store.types import ExactJson, UtcDateTime

invoice_assessments = sa.Table(
    "invoice_assessments",
    metadata,
    sa.Column("invoice_id", Id, sa.ForeignKey("invoices.id"), primary_key=True, autoincrement=False),
    # What the document said when the rules looked.
    sa.Column("content_hash", sa.String(64), nullable=False),
    # 0 quiet, 1 plain, 2 warned, 3 blocked.
    sa.Column("risk", sa.SmallInteger, nullable=False),
    sa.Column("findings", ExactJson, nullable=False),
    # The codes of the findings between blanks, so that one can be looked for.
    text_column("codes"),
    # The size of the gross amount in thousandths, so that both databases sort it as a number.
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("assessed_at", UtcDateTime, nullable=False),
    sa.Index(None, "assessed_at"),
)

bulk_approvals = sa.Table(
    "bulk_approvals",
    metadata,
    id_column(),
    # Who pressed the button; what is done later is done for this person while the person may.
    reference_column("user_id", "users"),
    text_column("actor"),
    text_column("role"),
    sa.Column("started_at", UtcDateTime, nullable=False),
    # After it nothing more is approved: a decision is not carried out when nobody remembers it.
    sa.Column("good_until", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    # How often its work was started; a run that ended before all was done is followed by another.
    count_column("runs"),
    count_column("asked"),
    # Made once by the page, so that a double click is one approval.
    sa.Column("request_key", sa.String(64), nullable=False, unique=True),
    sa.Index(None, "finished_at"),
)

bulk_approval_items = sa.Table(
    "bulk_approval_items",
    metadata,
    sa.Column("bulk_id", Id, sa.ForeignKey("bulk_approvals.id"), primary_key=True, autoincrement=False),
    sa.Column("invoice_id", Id, sa.ForeignKey("invoices.id"), primary_key=True, autoincrement=False),
    # What the list showed when the button was pressed.
    sa.Column("content_hash", sa.String(64), nullable=False),
    # waiting, approved, refused.
    sa.Column("state", sa.String(10), nullable=False),
    text_column("number"),
    text_column("code"),
    text_column("message"),
    sa.Column("decided_at", UtcDateTime),
    sa.Index(None, "bulk_id", "state"),
)
