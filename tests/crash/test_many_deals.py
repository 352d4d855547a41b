"""Many deals at once, delivered again and again, while workers die: every deal becomes one order, none is lost.

The numbers of the full story (1,000 messages, five deliveries of each) run on PostgreSQL with two workers; SQLite, with
one worker, gets a smaller share so that the suite stays quick.
"""

from __future__ import annotations

import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from connector.sandbox import push_bodies
from connector.sandbox.ids import numbered_id
from connector.store import tables
from connector.store.tables_platform import platform_customers, platform_subscriptions
from connector.store.unit_of_work import Database
from tests.crash.conftest import Workers
from tests.crash.place import Place
from tests.crash.processes import Child, wait_until
from tests.selling import SignedDeal
from tests.settings import PUSH_TOKEN

pytestmark = pytest.mark.crash

_ACCOUNTS = 25
_DELIVERIES = 5


def _deals(place: Place, count: int) -> list[SignedDeal]:
    accounts = [place.seller.account(f"Customer {number}") for number in range(_ACCOUNTS)]
    return [place.seller.quote(account=accounts[number % _ACCOUNTS]) for number in range(count)]


def test_a_worker_that_dies_among_two_hands_its_orders_to_the_other(
    new_postgresql: Callable[[], Database], workers: Workers
) -> None:
    database = new_postgresql()
    place = Place(database)
    deals = _deals(place, 200)
    first, second = workers.start(place.settings), workers.start(place.settings)
    for start in range(0, 200, 50):
        place.push(*deals[start : start + 50])

    wait_until(lambda: _fulfilled(place) >= 40, "some orders are fulfilled")
    first.kill()
    _await_all(place, 200, second)

    _assert_each_once(place, deals)
    assert second.terminate() == 0, second.said()
    place.close()
    database.dispose()


def test_five_deliveries_of_each_message_and_dying_workers_make_one_order_each(
    new_database: Callable[[], Database], workers: Workers
) -> None:
    database = new_database()
    place = Place(database)
    count, crew = (150, 1) if database.is_sqlite else (1000, 2)
    deals = _deals(place, count)
    port = _free_port()
    web = workers.start_web(
        place.settings | {"web": {"port": port, "processes": 1, "base_url": f"http://127.0.0.1:{port}"}}
    )
    running = [workers.start(place.settings) for _ in range(crew)]
    chance = random.Random(4)

    with ThreadPoolExecutor(max_workers=4) as senders:
        _await_web(port, web)
        answers = senders.map(lambda body: _post(port, body), _bodies(place, deals, chance))
        for share in (0.1, 0.3, 0.6):
            wait_until(lambda wanted=share * count: _fulfilled(place) >= wanted, f"{share:.0%} are fulfilled")
            chance.choice(running).kill()
            running = [child for child in running if not child.has_ended()] + [workers.start(place.settings)]
        assert set(answers) == {200}
    _await_all(place, count, *running)

    _assert_each_once(place, deals)
    with database.reading() as connection:
        messages = connection.execute(sa.select(sa.func.count()).select_from(tables.inbox)).scalar_one()
    assert messages == count
    place.close()
    database.dispose()


def _bodies(place: Place, deals: Sequence[SignedDeal], chance: random.Random) -> list[bytes]:
    """All deliveries of all messages in random order, in bodies of 1 to 100."""
    deliveries = [
        (numbered_id("04l", number), deal.object, {"Id": deal.id}) for number, deal in enumerate(deals, start=1)
    ] * _DELIVERIES
    chance.shuffle(deliveries)
    bodies = []
    while deliveries:
        size = chance.randint(1, 100)
        batch, deliveries = deliveries[:size], deliveries[size:]
        # One body never names a notification twice.
        batch = list({delivery[0]: delivery for delivery in batch}.values())
        bodies.append(
            push_bodies.envelope(
                org_id=place.sandbox.org_id,
                action_id=numbered_id("04k", 1),
                host="https://x.example",
                notifications=batch,
            )
        )
    return bodies


def _post(port: int, body: bytes) -> int:
    """Deliver as Salesforce does: again until it is acknowledged."""
    url = f"http://127.0.0.1:{port}/webhooks/salesforce/outbound/{PUSH_TOKEN}"
    return requests.post(url, data=body, headers={"Content-Type": "text/xml"}, timeout=60).status_code


def _await_web(port: int, web: Child) -> None:
    def answers() -> bool:
        assert not web.has_ended(), web.said()
        try:
            return requests.get(f"http://127.0.0.1:{port}/health/live", timeout=5).ok
        except requests.ConnectionError:
            return False

    wait_until(answers, "the web server answers")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_all(place: Place, count: int, *children: Child) -> None:
    place.await_end(*children, deals=count, seconds=150)


def _fulfilled(place: Place) -> int:
    query = sa.select(sa.func.count()).select_from(tables.orders).where(tables.orders.c.state == "FULFILLED")
    with place.database.reading() as connection:
        return int(connection.execute(query).scalar_one())


def _assert_each_once(place: Place, deals: Sequence[SignedDeal]) -> None:
    """One order, contract, version and subscription per deal; one customer per account; no step confirmed twice."""
    count = len(deals)
    with place.database.reading() as connection:
        rows = dict(_counts(connection))
        twice = connection.execute(
            sa.select(tables.history.c.subject_id, tables.history.c.event, sa.func.count())
            .where(tables.history.c.subject == "order", tables.history.c.event.like("%: confirm"))
            .group_by(tables.history.c.subject_id, tables.history.c.event)
            .having(sa.func.count() > 1)
        ).all()
    assert rows == {
        "orders": count,
        "contracts": count,
        "contract_versions": count,
        "subscriptions": count,
        "platform_subscriptions": count,
        "customers": _ACCOUNTS,
        "platform_customers": _ACCOUNTS,
    }
    assert twice == []
    assert Counter(place.seller.shown(deal)["Status"] for deal in deals) == {"Synced": count}


def _counts(connection: sa.Connection) -> Iterator[tuple[str, Any]]:
    for table in (
        *(tables.orders, tables.contracts, tables.contract_versions, tables.subscriptions, tables.customers),
        *(platform_subscriptions, platform_customers),
    ):
        yield table.name, connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
