"""Connections and transactions: one Database per process, one UnitOfWork per decision.

Exists so that every change is all or nothing and nobody forgets to commit by accident or commits by accident: leaving
the block without `commit()` rolls back. Nothing outside may be called while a unit of work is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url

from connector.errors import Misconfigured, Unavailable
from connector.store.sqlite_lock import WriteLock

# PostgreSQL's name for the end of a session that was idle inside a transaction.
_IDLE_IN_TRANSACTION = "25P03"
# Bodies of messages and names of customers do not belong in the text of an error.
_QUIET = {"hide_parameters": True}
_CONNECT = {"check_same_thread": False, "timeout": 30}


class UnitOfWork:
    """An open transaction; `commit()` ends it well, everything else rolls back."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._at_commit: dict[sa.Insert, list[Mapping[str, Any]]] = {}

    def commit(self) -> None:
        """Make the changes lasting and visible."""
        for statement, rows in self._at_commit.items():
            self.connection.execute(statement, rows)
        self._at_commit.clear()
        self.connection.commit()

    def insert_at_commit(self, statement: sa.Insert, row: Mapping[str, Any]) -> None:
        """Insert the row together with others of its kind, in one statement, just before the commit."""
        self._at_commit.setdefault(statement, []).append(row)

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        """Run one statement inside this transaction."""
        return self.connection.execute(statement, parameters)


@dataclass(frozen=True, slots=True)
class DatabaseLimits:
    """Seconds that PostgreSQL bears with a connection: idle inside a transaction, waiting for a lock, in one statement.

    A process that is paused in the middle of a transaction thus holds up nobody for longer than `idle`.
    """

    idle: float = 30
    lock: float = 20
    statement: float = 300


class Database:
    """The engines of one database. Writers are serialised on SQLite; PostgreSQL does that by itself."""

    def __init__(self, url: str, *, pool_size: int = 12, limits: DatabaseLimits | None = None) -> None:
        self.url = _checked(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.writer = (
            _sqlite_writer(self.url) if self.is_sqlite else _postgresql(self.url, pool_size, limits or DatabaseLimits())
        )
        self.reader = _sqlite_reader(self.url) if self.is_sqlite else self.writer

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """A transaction that rolls back unless `commit()` was called."""
        with _reachable(), self.writer.connect() as connection:
            connection.begin()
            work = UnitOfWork(connection)
            yield work

    @contextmanager
    def looking(self) -> Iterator[UnitOfWork]:
        """A unit of work that only reads: it waits for no writer and must not be committed."""
        with self.reading() as connection:
            yield UnitOfWork(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from, one consistent view, never blocking a writer."""
        with _reachable(), self.reader.connect() as connection:
            yield connection

    def dispose(self) -> None:
        """Close all connections."""
        self.writer.dispose()
        self.reader.dispose()


@contextmanager
def _reachable() -> Iterator[None]:
    """A database that is away or overloaded is a matter of waiting, not a bug."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
        raise Unavailable("The database did not answer.", code="DATABASE") from error
    except sa.exc.InternalError as error:
        if getattr(error.orig, "sqlstate", "") != _IDLE_IN_TRANSACTION:
            raise
        raise Unavailable("The database ended a transaction that did nothing for too long.", code="DATABASE") from error


def _checked(url: str) -> URL:
    """The parsed URL with our driver. Raises Misconfigured for anything but a SQLite file or PostgreSQL."""
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError as error:
        raise Misconfigured(
            "[database] url is not a database URL.", fix="Use sqlite:///file.db or postgresql://..."
        ) from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    raise Misconfigured(
        f"[database] url names {parsed.get_backend_name()!r}; only a SQLite file and PostgreSQL are supported.",
        fix="Use sqlite:///var/countersign.db or postgresql://user@host/name.",
    )


def _postgresql(url: URL, pool_size: int, limits: DatabaseLimits) -> Engine:
    engine = sa.create_engine(
        url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, pool_recycle=1800, **_QUIET
    )
    seconds = {
        "idle_in_transaction_session_timeout": limits.idle,
        "lock_timeout": limits.lock,
        "statement_timeout": limits.statement,
    }

    @event.listens_for(engine, "connect")
    def limit(dbapi_connection: Any, _record: Any) -> None:
        for name, value in seconds.items():
            dbapi_connection.execute(f"SET {name} = {int(value * 1000)}")
        # Without the commit a later rollback would take the limits back.
        dbapi_connection.commit()

    return engine


def _sqlite_writer(url: URL) -> Engine:
    file = Path(str(url.database))
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = WriteLock(file)
    engine = sa.create_engine(url, pool_size=8, max_overflow=32, connect_args=_CONNECT, **_QUIET)
    event.listen(engine, "connect", _prepare_sqlite)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        lock.acquire()
        connection.info["holds_write_lock"] = True
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "checkin")
    def checkin(_dbapi_connection: Any, record: Any) -> None:
        # The pool has rolled back or the caller has committed by now, so the next writer may begin.
        if record.info.pop("holds_write_lock", False):
            lock.release()

    return engine


def _sqlite_reader(url: URL) -> Engine:
    engine = sa.create_engine(url, pool_size=8, max_overflow=32, connect_args=_CONNECT, **_QUIET)
    event.listen(engine, "connect", _prepare_sqlite)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    # Our own BEGIN decides; the driver must not begin or commit by itself.
    dbapi_connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        dbapi_connection.execute(f"PRAGMA {pragma}")
