"""The zygote of this run, a place per test, and processes that are never left behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from connector.store.unit_of_work import Database
from tests.crash.place import Place
from tests.crash.processes import Child, Zygote


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """A process that has imported everything and forks workers."""
    found = Zygote(tmp_path_factory.mktemp("workers"))
    yield found
    found.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Database]:
    """Makes empty databases with all tables, as many as the test wants; the test runs once for each kind."""
    if request.param == "postgresql":
        copies = request.getfixturevalue("_postgresql_copies")
        return lambda: Database(copies.new())
    template, numbers = request.getfixturevalue("_sqlite_template"), count(1)

    def new_file() -> Database:
        file = tmp_path / f"{next(numbers)}.db"
        shutil.copyfile(template, file)
        return Database(f"sqlite:///{file}")

    return new_file


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
