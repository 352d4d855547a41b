"""A strict Airwallex, and the real adapter that speaks to it; it notes its naps and takes none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.http import HttpSettings
from connector.adapters.payments_airwallex import AirwallexPayments
from connector.adapters.payments_airwallex_calls import AirwallexSettings
from tests.paying.airwallex import API_KEY, CLIENT_ID, StrictAirwallex

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
