"""The tables of order forms: files as they came, what was read from them, pictures, what we made, envelopes, pointers.

A file is kept once by its hash and never changed or deleted; triggers of the database refuse it. What was read, asked
and decided stands in `order_forms`; the decisions themselves are in the audit log.
"""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import Id, count_column, id_column, metadata, reference_column, text_column
from connector.store.tables_review import append_only_statements
from connector.store.types import ExactJson, UtcDateTime

order_form_files = sa.Table(
    "order_form_files",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("kept_at", UtcDateTime, nullable=False),
)

envelopes = sa.Table(
    "envelopes",
    metadata,
    id_column(),
    sa.Column("provider", sa.String(20), nullable=False),
    sa.Column("envelope_ref", sa.String(100), nullable=False),
    # The provider's account and the address of its API for it, as the event told.
    text_column("account"),
    sa.Column("org_id", sa.String(18), nullable=False, server_default=""),
    sa.Column("record_id", sa.String(18), nullable=False, server_default=""),
    # open, due (its documents are to be fetched), fetched, failed, hint (nobody fetches from this provider).
    sa.Column("state", sa.String(10), nullable=False),
    text_column("status"),
    text_column("subject"),
    sa.Column("recipients", ExactJson),
    sa.Column("completed_at", UtcDateTime),
    sa.Column("certificate_sha256", sa.String(64), sa.ForeignKey("order_form_files.sha256")),
    count_column("attempts"),
    sa.Column("not_before", UtcDateTime),
    text_column("code"),
    text_column("message"),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    # An envelope is one, however many events tell of it.
    sa.UniqueConstraint("provider", "envelope_ref"),
    sa.Index(None, "state", "not_before"),
)

envelope_events = sa.Table(
    "envelope_events",
    metadata,
    id_column(),
    reference_column("envelope_id", "envelopes"),
    # The message it came in, with its raw body.
    reference_column("inbox_id", "inbox"),
    text_column("event"),
    text_column("status"),
    sa.Column("happened_at", UtcDateTime),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("envelope_id", "inbox_id"),
)

order_forms = sa.Table(
    "order_forms",
    metadata,
    id_column(),
    # The same bytes twice are one order form.
    sa.Column("sha256", sa.String(64), sa.ForeignKey("order_form_files.sha256"), nullable=False, unique=True),
    sa.Column("source", sa.String(20), nullable=False),
    text_column("file_name"),
    text_column("received_by"),
    sa.Column("received_at", UtcDateTime, nullable=False),
    # The record that it belongs to; empty while nobody and nothing said so.
    sa.Column("org_id", sa.String(18), nullable=False, server_default=""),
    sa.Column("object", sa.String(80), nullable=False, server_default=""),
    sa.Column("record_id", sa.String(18), nullable=False, server_default=""),
    reference_column("envelope_id", "envelopes", nullable=True),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    count_column("attempts"),
    # Also the end of a claim: a process that dies while reading leaves it to the next one.
    sa.Column("not_before", UtcDateTime),
    # Why it was refused or is tried again.
    text_column("code"),
    text_column("message"),
    text_column("fix"),
    count_column("pages"),
    sa.Column("signatures", ExactJson),
    sa.Column("reading", ExactJson),
    # What people said: answers by the name of the value, and who confirmed the signature.
    sa.Column("answers", ExactJson),
    sa.Column("confirmation", ExactJson),
    # True when the file begins with the bytes of an order form that we made.
    sa.Column("is_ours", sa.Boolean, nullable=False, server_default=sa.false()),
    # What the last tie-out found, and against which order.
    sa.Column("verdict", ExactJson),
    sa.Column("differences", ExactJson),
    sa.Column("compared", ExactJson),
    text_column("findings_hash"),
    # The findings that a person accepted.
    text_column("accepted_hash"),
    text_column("decided_by"),
    text_column("decision_reason"),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("read_at", UtcDateTime),
    sa.Column("tied_out_at", UtcDateTime),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Index(None, "state", "not_before"),
    sa.Index(None, "org_id", "record_id"),
)

order_form_pages = sa.Table(
    "order_form_pages",
    metadata,
    sa.Column("form_id", Id, sa.ForeignKey("order_forms.id"), primary_key=True, autoincrement=False),
    sa.Column("page", sa.Integer, primary_key=True, autoincrement=False),
    # In points, so that places need no scale.
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("png", sa.LargeBinary, nullable=False),
)

made_order_forms = sa.Table(
    "made_order_forms",
    metadata,
    id_column(),
    # In the attachment of the document, so that one which comes back is known.
    sa.Column("made_ref", sa.String(64), nullable=False, unique=True),
    sa.Column("org_id", sa.String(18), nullable=False),
    sa.Column("object", sa.String(80), nullable=False),
    sa.Column("record_id", sa.String(18), nullable=False),
    sa.Column("sha256", sa.String(64), sa.ForeignKey("order_form_files.sha256"), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    text_column("made_by"),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Index(None, "org_id", "record_id"),
)

signature_pointers = sa.Table(
    "signature_pointers",
    metadata,
    # A record of an e-signature package says that this record was signed; asked again at each look.
    sa.Column("org_id", sa.String(18), primary_key=True),
    sa.Column("record_id", sa.String(18), primary_key=True),
    sa.Column("pointer_object", sa.String(80), primary_key=True),
    sa.Column("pointer_id", sa.String(18), primary_key=True),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)

APPEND_ONLY = (order_form_files.name, envelope_events.name)


def _protect(_metadata: sa.MetaData, connection: sa.Connection, **_options: object) -> None:
    for statement in append_only_statements(dialect=connection.dialect.name, tables=APPEND_ONLY):
        connection.exec_driver_sql(statement)


# Tables that are made without the migrations (in tests) refuse the same.
sa.event.listen(metadata, "after_create", _protect)
