"""Calls to Salesforce are written down by day and purpose, added up over processes, each once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.ports import ApiUsage
from connector.store.queries_calls import days_of_calls, list_budgets
from connector.store.unit_of_work import Database
from connector.usecases.count_calls import CallCounter

ORG = "00D000000000001AAA"


class Gateway:
    """Counts as told."""

    def __init__(self) -> None:
        self.calls = {"fetch": 0, "sweep": 0}
        self.told = ApiUsage(used=120, limit=1000)

    def calls_by_purpose(self) -> dict[str, int]:
        """See the port."""
        return dict(self.calls)

    def usage(self) -> ApiUsage:
        """See the port."""
        return self.told


class OneOrg:
    """An org with nothing but a gateway."""

    org_id = ORG

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway


def _save(counter: CallCounter, database: Database, clock: FixedClock, gateway: Gateway) -> dict[str, int]:
    orgs: Any = {ORG: OneOrg(gateway)}
    return counter.save(database=database, clock=clock, orgs=orgs)


def _days(database: Database) -> list[tuple[date, dict[str, int]]]:
    with database.reading() as connection:
        return [(day.day, day.by_purpose) for day in days_of_calls(connection=connection, since=date(2020, 1, 1))]


def test_calls_are_added_once_and_those_of_two_processes_together(database: Database, clock: FixedClock) -> None:
    one, other = Gateway(), Gateway()
    counters = CallCounter(), CallCounter()
    one.calls["fetch"] = 3
    other.calls |= {"fetch": 1, "sweep": 5}

    assert _save(counters[0], database, clock, one) == {"calls": 3}
    assert _save(counters[0], database, clock, one) == {"calls": 0}
    one.calls["fetch"] = 4
    assert _save(counters[0], database, clock, one) == {"calls": 1}
    assert _save(counters[1], database, clock, other) == {"calls": 6}

    assert _days(database) == [(clock.now().date(), {"fetch": 5, "sweep": 5})]


def test_a_new_day_begins_a_new_row_and_the_newest_comes_first(sqlite_database: Database, clock: FixedClock) -> None:
    gateway, counter = Gateway(), CallCounter()
    gateway.calls["fetch"] = 2
    _save(counter, sqlite_database, clock, gateway)
    clock.advance(seconds=86_400)
    gateway.calls["fetch"] = 9
    _save(counter, sqlite_database, clock, gateway)

    assert [by_purpose for _, by_purpose in _days(sqlite_database)] == [{"fetch": 7}, {"fetch": 2}]


def test_what_the_org_told_of_its_limit_is_kept_and_silence_is_no_news(
    sqlite_database: Database, clock: FixedClock
) -> None:
    gateway, counter = Gateway(), CallCounter()
    gateway.calls["fetch"] = 1
    _save(counter, sqlite_database, clock, gateway)
    gateway.calls["fetch"], gateway.told = 2, ApiUsage()
    _save(counter, sqlite_database, clock, gateway)

    with sqlite_database.reading() as connection:
        rows = list_budgets(connection=connection)
    assert [(row.used, row.limit) for row in rows] == [(120, 1000)]


def test_a_count_that_could_not_be_written_is_written_next_time(
    sqlite_database: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, counter = Gateway(), CallCounter()
    gateway.calls["fetch"] = 3

    def broken(**_values: object) -> None:
        raise RuntimeError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr("connector.store.api_calls.add", broken)
        with pytest.raises(RuntimeError):
            _save(counter, sqlite_database, clock, gateway)

    assert _save(counter, sqlite_database, clock, gateway) == {"calls": 3}
