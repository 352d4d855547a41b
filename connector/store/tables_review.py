"""The tables of finance review: what people wrote, numbers, issued documents with their files, links, the audit log.

Rows of `issued_documents` and `audit_log` are never changed or deleted; triggers of the database refuse it, so that a
slip of ours is an error and not a lost proof.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from connector.store.metadata import Id, count_column, id_column, metadata, reference_column, text_column
from connector.store.types import ExactDecimal, ExactJson, UtcDateTime

invoice_reviews = sa.Table(
    "invoice_reviews",
    metadata,
    # Only documents that somebody touched have a row.
    sa.Column("invoice_id", Id, sa.ForeignKey("invoices.id"), primary_key=True, autoincrement=False),
    text_column("memo"),
    # None: the customer's own address.
    sa.Column("recipients", ExactJson),
    sa.Column("held_until", sa.Date),
    # Why it is held or was sent back, and who must act.
    text_column("reason"),
    text_column("owner"),
    # Versions of its contracts (by row id) when it was sent back: another version is an answer.
    sa.Column("contract_versions", ExactJson),
    text_column("last_editor"),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

number_series = sa.Table(
    "number_series",
    metadata,
    id_column(),
    text_column("legal_entity"),
    sa.Column("kind", sa.String(20), nullable=False),
    # The year in which the series counts; empty for one that never begins again.
    sa.Column("period", sa.String(10), nullable=False),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("last_issued_on", sa.Date, nullable=False),
    sa.UniqueConstraint("legal_entity", "kind", "period"),
)

issued_documents = sa.Table(
    "issued_documents",
    metadata,
    sa.Column("invoice_id", Id, sa.ForeignKey("invoices.id"), primary_key=True, autoincrement=False),
    sa.Column("number", sa.String(40), nullable=False, unique=True),
    reference_column("series_id", "number_series"),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("issued_on", sa.Date, nullable=False),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    text_column("issued_by"),
    # The whole document as exact JSON, and the SHA-256 of that text.
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    # No number twice, whatever happens to the counter.
    sa.UniqueConstraint("series_id", "sequence"),
)

credit_applications = sa.Table(
    "credit_applications",
    metadata,
    sa.Column("credit_note_id", Id, sa.ForeignKey("invoices.id"), primary_key=True, autoincrement=False),
    sa.Column("invoice_id", Id, sa.ForeignKey("invoices.id"), primary_key=True, autoincrement=False),
    # Gross, positive: by so much the open amount of the invoice is lower.
    sa.Column("amount", ExactDecimal, nullable=False),
    sa.Index(None, "invoice_id"),
)

audit_chains = sa.Table(
    "audit_chains",
    metadata,
    sa.Column("name", sa.String(80), primary_key=True),
    # Locked by whoever appends, and the reason why rows cut off at the end are noticed.
    sa.Column("last_position", sa.Integer, nullable=False),
    sa.Column("last_hash", sa.String(64), nullable=False),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    id_column(),
    sa.Column("chain", sa.String(80), sa.ForeignKey("audit_chains.name"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    text_column("actor"),
    text_column("role"),
    sa.Column("subject", sa.String(20), nullable=False),
    sa.Column("subject_id", Id, nullable=False),
    text_column("event"),
    text_column("before"),
    text_column("after"),
    text_column("reason"),
    sa.Column("data", ExactJson),
    sa.Column("previous_hash", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.UniqueConstraint("chain", "position"),
    sa.Index(None, "subject", "subject_id", "id"),
)

artifacts = sa.Table(
    "artifacts",
    metadata,
    id_column(),
    reference_column("invoice_id", "invoices"),
    sa.Column("kind", sa.String(10), nullable=False),
    # wanted, made, failed (tried again when its time has come), refused (the document cannot have this file).
    sa.Column("state", sa.String(10), nullable=False),
    count_column("attempts"),
    # Also the end of a claim: a renderer that dies leaves it to the next one.
    sa.Column("not_before", UtcDateTime),
    text_column("code"),
    text_column("message"),
    sa.Column("sha256", sa.String(64)),
    sa.Column("content", sa.LargeBinary),
    sa.Column("wanted_at", UtcDateTime, nullable=False),
    sa.Column("made_at", UtcDateTime),
    sa.UniqueConstraint("invoice_id", "kind"),
    sa.Index(None, "state", "not_before"),
)

hosted_links = sa.Table(
    "hosted_links",
    metadata,
    id_column(),
    reference_column("invoice_id", "invoices"),
    # For whom it was made, so that one can be revoked alone.
    text_column("label"),
    # Its document alone, or all of its account.
    sa.Column("scope", sa.String(10), nullable=False, server_default="account"),
    # SHA-256 of 256 random bits; the token itself is nowhere.
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    text_column("created_by"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Index(None, "invoice_id"),
)

_APPEND_ONLY = (issued_documents.name, audit_log.name)


def append_only_statements(*, dialect: str, tables: Iterable[str]) -> list[str]:
    """The statements that make these tables refuse changes, in the words of that database."""
    found = []
    if dialect == "postgresql":
        found.append(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION USING MESSAGE = "
            "'rows of ' || TG_TABLE_NAME || ' are never changed or deleted'; END $$"
        )
    for table in tables:
        for event in ("UPDATE", "DELETE"):
            name = f"tr_{table}_{event.lower()}"
            if dialect == "postgresql":
                found.append(
                    f"CREATE OR REPLACE TRIGGER {name} BEFORE {event} ON {table} "
                    "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
                )
            else:
                found.append(
                    f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON {table} BEGIN "
                    f"SELECT RAISE(ABORT, 'rows of {table} are never changed or deleted'); END"
                )
    return found


def _protect(_metadata: sa.MetaData, connection: sa.Connection, **_options: object) -> None:
    for statement in append_only_statements(dialect=connection.dialect.name, tables=_APPEND_ONLY):
        connection.exec_driver_sql(statement)


# Tables that are made without the migrations (in tests) refuse the same.
sa.event.listen(metadata, "after_create", _protect)
