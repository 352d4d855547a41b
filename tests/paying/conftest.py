"""A strict Airwallex, and the real adapter that speaks to it; it notes its naps and takes none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.http import HttpSettings
from connector.adapters.payments_airwallex import AirwallexPayments
from connector.adapters.payments_airwallex_calls import AirwallexSettings
from connector.adapters.payments_embedded import EmbeddedPayments
from connector.store.embedded_payments import EmbeddedPaymentStore
from connector.store.unit_of_work import Database
from tests.cashing import Till
from tests.paying.airwallex import API_KEY, CLIENT_ID, StrictAirwallex
from tests.paying.counter import Counter

MakeAirwallex = Callable[..., AirwallexPayments]


@pytest.fixture
def server(clock: FixedClock) -> Iterator[StrictAirwallex]:
    """An account without anything."""
    found = StrictAirwallex(clock)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def naps() -> list[float]:
    """The seconds that the adapter would have slept."""
    return []


@pytest.fixture
def make_airwallex(server: StrictAirwallex, clock: FixedClock, naps: list[float]) -> Iterator[MakeAirwallex]:
    """Makes adapters for that account, with settings of one's own."""
    made: list[AirwallexPayments] = []

    def make(*, read_seconds: float = 5, **changes: str) -> AirwallexPayments:
        values = {"base_url": server.base_url, "client_id": CLIENT_ID, "api_key": API_KEY} | changes
        settings = AirwallexSettings(**values)
        http = HttpSettings(read_seconds=read_seconds)
        made.append(AirwallexPayments(settings=settings, clock=clock, http=http, sleep=naps.append))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def airwallex(make_airwallex: MakeAirwallex) -> AirwallexPayments:
    """The adapter for that account."""
    return make_airwallex()


@pytest.fixture
def counter(airwallex: AirwallexPayments, database: Database, clock: FixedClock) -> Counter:
    """A counter that takes money by Airwallex; the test runs once for each kind of database."""
    return Counter(Till(database, clock), airwallex, clock)


@pytest.fixture
def sqlite_counter(airwallex: AirwallexPayments, sqlite_database: Database, clock: FixedClock) -> Counter:
    """The same on SQLite alone, for what no database can change."""
    return Counter(Till(sqlite_database, clock), airwallex, clock)


@pytest.fixture
def embedded(sqlite_database: Database, clock: FixedClock) -> EmbeddedPayments:
    """The embedded provider."""
    return EmbeddedPayments(rows=EmbeddedPaymentStore(sqlite_database), clock=clock, base_url="http://here")


@pytest.fixture
def embedded_counter(embedded: EmbeddedPayments, sqlite_database: Database, clock: FixedClock) -> Counter:
    """A counter that takes money by the embedded provider."""
    return Counter(Till(sqlite_database, clock), embedded, clock)
