"""The zygote of this run, a place per test, and processes that are never left behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from connector.store import tables
from connector.store.unit_of_work import Database
from tests.crash.place import Place
from tests.crash.processes import Child, Zygote
from tests.postgresql import Copies
from tests.scenarios.conftest import make_world as make_world


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """A process that has imported everything and forks workers."""
    found = Zygote(tmp_path_factory.mktemp("workers"))
    yield found
    found.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> Callable[[], Database]:
    """Makes databases in which a worker has run before, as many as wanted; the test runs once for each kind."""
    makes: Callable[[], Database] = request.getfixturevalue(f"new_{request.param}")
    return makes


@pytest.fixture
def new_sqlite(_used_sqlite: Path, tmp_path: Path) -> Callable[[], Database]:
    numbers = count(1)

    def new_file() -> Database:
        file = tmp_path / f"{next(numbers)}.db"
        shutil.copyfile(_used_sqlite, file)
        return Database(f"sqlite:///{file}")

    return new_file


@pytest.fixture(scope="session")
def _used_sqlite(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Path:
    file = tmp_path_factory.mktemp("used") / "used.db"
    shutil.copyfile(_sqlite_template, file)
    _let_a_worker_run(f"sqlite:///{file}", zygote)
    return file


@pytest.fixture(scope="session")
def new_postgresql(_postgresql_copies: Copies, zygote: Zygote) -> Iterator[Callable[[], Database]]:
    used = _postgresql_copies.new()
    _let_a_worker_run(used, zygote)
    copies = Copies(used)
    yield lambda: Database(copies.new())
    copies.dispose()


def _let_a_worker_run(database_url: str, zygote: Zygote) -> None:
    """The engine looks only once a second for a queue that it has never seen; a later worker starts at once."""
    database = Database(database_url)
    place = Place(database)
    place.push(place.seller.quote())
    child = zygote.worker(place.settings)
    place.await_end(child, deals=1)
    assert child.terminate() == 0, child.said()
    with database.unit_of_work() as work:
        for table in reversed(tables.metadata.sorted_tables):
            work.execute(table.delete())
        work.commit()
    place.starter.forget_before(moment=datetime.now(UTC) + timedelta(days=1))
    place.close()
    database.dispose()


@pytest.fixture
def place(database: Database) -> Iterator[Place]:
    """A sandbox and a database; the test runs once for each kind of database."""
    found = Place(database)
    yield found
    found.close()


@pytest.fixture
def postgresql_place(postgresql_database: Database) -> Iterator[Place]:
    """A sandbox and a PostgreSQL database."""
    found = Place(postgresql_database)
    yield found
    found.close()


class Workers:
    """Starts processes for one place; what still runs at the end of the test is killed."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self._children: list[Child] = []

    def start(self, settings: dict[str, Any], **options: Any) -> Child:
        """A worker process."""
        child = self._zygote.worker(settings, **options)
        self._children.append(child)
        return child

    def start_web(self, settings: dict[str, Any]) -> Child:
        """A web server process."""
        child = self._zygote.web(settings)
        self._children.append(child)
        return child

    def kill_all(self) -> None:
        """Leave nothing behind."""
        for child in self._children:
            child.kill()


@pytest.fixture
def workers(zygote: Zygote) -> Iterator[Workers]:
    """Worker processes of this test."""
    found = Workers(zygote)
    yield found
    found.kill_all()
