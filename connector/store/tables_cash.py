"""The tables of cash: payments, the ledger, refunds, bank statements, what stops collecting, reminders.

Rows of `postings` and `ledger_lines` are never changed or deleted; triggers of the database refuse it. Amounts are
ExactAmount, so that the database itself sums them.
"""

from __future__ import annotations

import sqlalchemy as sa

from connector.store.metadata import Id, count_column, id_column, metadata, reference_column, text_column
from connector.store.tables_review import append_only_statements
from connector.store.types import ExactAmount, ExactJson, UtcDateTime

payments = sa.Table(
    "payments",
    metadata,
    id_column(),
    # bank, the name of a provider, or manual; and what they call the payment.
    sa.Column("source", sa.String(20), nullable=False),
    sa.Column("source_ref", sa.String(200), nullable=False),
    # The environment of a provider (such as sandbox), so that play money is never taken for real.
    text_column("environment"),
    # Our account that it came to, by its name in the settings.
    text_column("account"),
    text_column("legal_entity"),
    text_column("org_id"),
    text_column("customer_ref"),
    sa.Column("currency", sa.String(3), nullable=False),
    # As told first; what counts is the ledger.
    sa.Column("amount", ExactAmount, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("received_on", sa.Date),
    sa.Column("references", ExactJson, nullable=False),
    text_column("text"),
    text_column("payer_name"),
    text_column("payer_account"),
    # What the payer's bank calls it: a return names it.
    text_column("end_to_end"),
    # waiting, matched, suggested, review, unapplied, and the reason in words.
    text_column("match_state", default="waiting"),
    text_column("match_code"),
    text_column("match_reason"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    # The same money is one payment, however often it is told of.
    sa.UniqueConstraint("source", "source_ref"),
    sa.Index(None, "match_state", "id"),
    sa.Index(None, "customer_ref"),
    sa.Index(None, "end_to_end"),
)

postings = sa.Table(
    "postings",
    metadata,
    id_column(),
    # Made from our own rows, so that the same movement is posted once.
    sa.Column("key", sa.String(200), nullable=False, unique=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    # The day that counts for books and reports, in the zone of the legal entity.
    sa.Column("on", sa.Date, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    text_column("actor"),
    text_column("reason"),
    # A posting is taken back once.
    sa.Column("undoes_id", Id, sa.ForeignKey("postings.id"), unique=True),
    sa.Index(None, "on"),
)

ledger_lines = sa.Table(
    "ledger_lines",
    metadata,
    sa.Column("posting_id", Id, sa.ForeignKey("postings.id"), primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", sa.String(20), nullable=False),
    sa.Column("amount", ExactAmount, nullable=False),
    reference_column("payment_id", "payments", nullable=True),
    reference_column("invoice_id", "invoices", nullable=True),
    sa.Index(None, "invoice_id", "account"),
    sa.Index(None, "payment_id", "account"),
)

refunds = sa.Table(
    "refunds",
    metadata,
    id_column(),
    # What the caller made once for the request, so that a double click is one refund.
    sa.Column("request_key", sa.String(200), nullable=False, unique=True),
    reference_column("payment_id", "payments"),
    reference_column("posting_id", "postings", nullable=True),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount", ExactAmount, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    text_column("reason"),
    text_column("provider_ref"),
    text_column("message"),
    text_column("requested_by"),
    sa.Column("requested_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Index(None, "payment_id"),
    sa.Index(None, "state"),
)

payment_references = sa.Table(
    "payment_references",
    metadata,
    sa.Column("invoice_id", Id, sa.ForeignKey("invoices.id"), primary_key=True, autoincrement=False),
    sa.Column("reference", sa.String(60), nullable=False),
    # What is compared: without separators, check digits and leading zeros. Two invoices with one key match nothing.
    sa.Column("key", sa.String(60), nullable=False),
    sa.Index(None, "key"),
)

bank_files = sa.Table(
    "bank_files",
    metadata,
    id_column(),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    text_column("name"),
    text_column("format"),
    count_column("statements"),
    count_column("entries"),
    count_column("new_entries"),
    text_column("imported_by"),
    sa.Column("imported_at", UtcDateTime, nullable=False),
)

bank_statements = sa.Table(
    "bank_statements",
    metadata,
    id_column(),
    reference_column("file_id", "bank_files"),
    sa.Column("account", sa.String(60), nullable=False),
    # What the bank calls the statement, with its dates: the same statement in another file is known.
    sa.Column("identity", sa.String(200), nullable=False),
    text_column("number"),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("opens_on", sa.Date),
    sa.Column("closes_on", sa.Date, nullable=False),
    # None where the format has no balances.
    sa.Column("opening", ExactAmount),
    sa.Column("closing", ExactAmount),
    sa.UniqueConstraint("account", "identity"),
    sa.Index(None, "account", "closes_on"),
)

bank_entries = sa.Table(
    "bank_entries",
    metadata,
    id_column(),
    reference_column("statement_id", "bank_statements"),
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("entry_key", sa.String(200), nullable=False),
    sa.Column("booked_on", sa.Date, nullable=False),
    sa.Column("value_on", sa.Date),
    # Signed: money in is above zero.
    sa.Column("amount", ExactAmount, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    text_column("kind"),
    text_column("bank_ref"),
    text_column("end_to_end"),
    text_column("text"),
    text_column("other_name"),
    text_column("other_account"),
    sa.Column("references", ExactJson, nullable=False),
    sa.Column("is_reversal", sa.Boolean, nullable=False, server_default=sa.false()),
    # payment, return (a payment was undone), question (a return of a payment that is not known), out (other money out).
    text_column("outcome"),
    text_column("reason"),
    reference_column("payment_id", "payments", nullable=True),
    # The same entry does nothing, in whatever file it comes again.
    sa.UniqueConstraint("account", "entry_key"),
    sa.Index(None, "statement_id"),
    sa.Index(None, "outcome"),
)

collection_stops = sa.Table(
    "collection_stops",
    metadata,
    id_column(),
    reference_column("invoice_id", "invoices"),
    # dispute, promise or pause.
    sa.Column("kind", sa.String(10), nullable=False),
    # A promise or pause ends by itself after this day.
    sa.Column("until", sa.Date),
    text_column("reason"),
    text_column("set_by"),
    sa.Column("set_at", UtcDateTime, nullable=False),
    text_column("ended_by"),
    sa.Column("ended_at", UtcDateTime),
    sa.Index(None, "invoice_id"),
)

reminder_letters = sa.Table(
    "reminder_letters",
    metadata,
    id_column(),
    text_column("org_id"),
    text_column("customer_ref"),
    text_column("legal_entity"),
    sa.Column("currency", sa.String(3), nullable=False),
    # The firmest step among its invoices decides the tone.
    text_column("step"),
    text_column("tone"),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("made_on", sa.Date, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    text_column("decided_by"),
    sa.Column("sent_at", UtcDateTime),
    text_column("reason"),
    sa.Index(None, "state", "id"),
    sa.Index(None, "customer_ref"),
)

reminders = sa.Table(
    "reminders",
    metadata,
    # An invoice is reminded of once for each step of its schedule.
    sa.Column("invoice_id", Id, sa.ForeignKey("invoices.id"), primary_key=True, autoincrement=False),
    sa.Column("step", sa.String(40), primary_key=True),
    reference_column("letter_id", "reminder_letters"),
    sa.Column("open_amount", ExactAmount, nullable=False),
    sa.Index(None, "letter_id"),
)

cash_statuses = sa.Table(
    "cash_statuses",
    metadata,
    sa.Column("org_id", sa.String(18), primary_key=True),
    sa.Column("customer_ref", sa.String(40), primary_key=True),
    # True since something moved: Salesforce is told by the next run.
    sa.Column("is_due", sa.Boolean, nullable=False, server_default=sa.true()),
    # Overdue is a matter of the day, so everything open is told anew once a day.
    sa.Column("shown_on", sa.Date),
    sa.Index(None, "is_due"),
)

APPEND_ONLY = (postings.name, ledger_lines.name)


def _protect(_metadata: sa.MetaData, connection: sa.Connection, **_options: object) -> None:
    for statement in append_only_statements(dialect=connection.dialect.name, tables=APPEND_ONLY):
        connection.exec_driver_sql(statement)


# Tables that are made without the migrations (in tests) refuse the same.
sa.event.listen(metadata, "after_create", _protect)
