"""Bring a database to this release's tables, from any earlier one; safe to repeat, safe beside running processes.

Migrations are numbered files in `migrations/versions`; a test proves that together they make exactly `tables.py`. Each
is safe while the previous release still runs: add, fill, switch, drop come in separate releases.
"""

from __future__ import annotations

from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from connector.store.unit_of_work import Database

# Any constant of ours: two processes that start at once must not migrate at once.
_ADVISORY_LOCK = 4_711_002


def migrate(*, database: Database) -> tuple[str, str]:
    """Run what is missing, in one transaction; answers the revision before (empty = new database) and after."""
    with database.unit_of_work() as work:
        if not database.is_sqlite:
            for limit in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
                # A large table takes its time, and so does another process that migrates first.
                work.execute(sa.text(f"SET LOCAL {limit} = 0"))
            work.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        before = current_revision(connection=work.connection)
        command.upgrade(_configuration(work.connection), "head")
        after = current_revision(connection=work.connection)
        work.commit()
    return before, after


def current_revision(*, connection: Connection) -> str:
    """The revision the database is at, empty when it has no tables."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def newest_revision() -> str:
    """The revision that this release needs."""
    return ScriptDirectory.from_config(_configuration(None)).get_current_head() or ""


def _configuration(connection: Connection | None) -> AlembicConfig:
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(files("connector.store") / "migrations"))
    settings.attributes["connection"] = connection
    return settings
