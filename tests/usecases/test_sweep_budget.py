"""Searches hold back when the org's calls of the day run short, and come back by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.http import HttpSettings
from connector.adapters.salesforce import SimpleSalesforceGateway
from connector.adapters.salesforce_auth import SalesforceLogin
from connector.domain.terms import RecordRef
from connector.ports import Org
from connector.sandbox.sandbox import CLIENT_ID, CLIENT_SECRET, Sandbox
from connector.store import records, watermarks
from connector.store.records import LookResult
from connector.store.unit_of_work import Database
from connector.usecases.resync import CallsRunShort, ResyncAnswer, ResyncAsked, resync
from connector.usecases.sweep_records import Sweeper
from tests.recording import RecordingStarter

LIMIT = 1000


@pytest.fixture
def sandbox(clock: FixedClock) -> Iterator[Sandbox]:
    with Sandbox(now=clock.now(), auto_push=False, daily_limit=LIMIT) as running:
        yield running


@pytest.fixture
def quote(sandbox: Sandbox) -> str:
    """An accepted quote that nobody told us about."""
    account = sandbox.insert("Account", {"Name": "Halvorsen"})
    deal = {"Name": "Deal", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-03-31"}
    found = sandbox.insert("Quote", {"Name": "Offer", "OpportunityId": sandbox.insert("Opportunity", deal)})
    sandbox.clock.advance(minutes=-10)
    sandbox.update("Quote", found, {"Status": "Accepted"})
    sandbox.clock.advance(minutes=10)
    return found


@pytest.fixture
def gateway(sandbox: Sandbox, clock: FixedClock) -> Iterator[SimpleSalesforceGateway]:
    login = SalesforceLogin(
        instance_url=sandbox.base_url, auth="client_credentials", client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )
    made = SimpleSalesforceGateway(login=login, clock=clock, http=HttpSettings(2, 10), sleep=lambda _seconds: None)
    yield made
    made.close()


def make_sweeper(
    database: Database, clock: FixedClock, sandbox: Sandbox, gateway: SimpleSalesforceGateway, **changes: int
) -> Sweeper:
    conditions, bound = {"Quote": "Status = 'Accepted'"}, changes.get("calls_per_day", 0)
    org = Org(sandbox.org_id, "default", gateway, {}, lambda _record: (True, ""), conditions, bound)
    return Sweeper(
        database=database,
        clock=clock,
        starter=RecordingStarter(),
        orgs={org.org_id: org},
        overlap=timedelta(minutes=10),
        first_reach=timedelta(days=90),
        unfinished=lambda _object: "Sync_Status__c = null",
    )


def a_parked_record(database: Database, clock: FixedClock, sandbox: Sandbox, quote: str) -> None:
    """A record that was looked at and is blocked."""
    ref = RecordRef(sandbox.org_id, "Quote", quote)
    with database.unit_of_work() as work:
        claimed = records.claim(work=work, ref=ref, run_id="run", now=clock.now())
        assert claimed is not None
        result = LookResult("blocked", "CODE", "The reason.", "sales rep")
        records.release(work=work, record=claimed, result=result, now=clock.now())
        work.commit()


def watermark_of(database: Database, org_id: str) -> object:
    with database.unit_of_work() as work:
        return watermarks.load(work=work, org_id=org_id, object_name="Quote")


def test_a_sweep_runs_while_calls_are_left(
    sqlite_database: Database, clock: FixedClock, sandbox: Sandbox, gateway: SimpleSalesforceGateway, quote: str
) -> None:
    sandbox.calls.total = LIMIT * 79 // 100

    counts = make_sweeper(sqlite_database, clock, sandbox, gateway).sweep()

    assert counts == {"found": 1, "failed": 0, "held": 0}


@pytest.mark.parametrize("question", ["sweep", "ask_unsynced"])
def test_searches_wait_when_four_fifths_of_the_limit_are_used(
    question: str,
    sqlite_database: Database,
    clock: FixedClock,
    sandbox: Sandbox,
    gateway: SimpleSalesforceGateway,
    quote: str,
) -> None:
    sandbox.calls.total = LIMIT * 80 // 100

    counts = getattr(make_sweeper(sqlite_database, clock, sandbox, gateway), question)()

    assert counts == {"found": 0, "failed": 0, "held": 1}
    assert not [call for call in sandbox.calls.log if "SystemModstamp" in call.detail]
    assert watermark_of(sqlite_database, sandbox.org_id) is None


def test_our_own_bound_counts_when_it_is_smaller_than_the_orgs_limit(
    sqlite_database: Database, clock: FixedClock, sandbox: Sandbox, gateway: SimpleSalesforceGateway, quote: str
) -> None:
    sandbox.calls.total = 80

    counts = make_sweeper(sqlite_database, clock, sandbox, gateway, calls_per_day=100).sweep()

    assert counts["held"] == 1


def test_a_sweep_that_waited_finds_the_deal_when_the_org_has_calls_again(
    sqlite_database: Database, clock: FixedClock, sandbox: Sandbox, gateway: SimpleSalesforceGateway, quote: str
) -> None:
    sweeper = make_sweeper(sqlite_database, clock, sandbox, gateway)
    sandbox.calls.total = LIMIT - 10
    assert sweeper.sweep()["held"] == 1
    sandbox.calls.total = 5
    sandbox.clock.advance(hours=2)
    clock.advance(timedelta(hours=2))

    counts = sweeper.sweep()

    assert counts == {"found": 1, "failed": 0, "held": 0}


@pytest.mark.parametrize(("used", "is_held"), [(94, False), (95, True)])
def test_a_resync_of_many_records_waits_when_only_the_last_calls_are_left(
    used: int,
    is_held: bool,
    sqlite_database: Database,
    clock: FixedClock,
    sandbox: Sandbox,
    gateway: SimpleSalesforceGateway,
    quote: str,
) -> None:
    a_parked_record(sqlite_database, clock, sandbox, quote)
    sandbox.calls.total = LIMIT * used // 100 - 1

    def asked(**asked: Any) -> ResyncAnswer:
        orgs = make_sweeper(sqlite_database, clock, sandbox, gateway).orgs
        return resync(
            database=sqlite_database,
            starter=RecordingStarter(),
            clock=clock,
            orgs=orgs,
            asked=ResyncAsked(**asked),
            actor="anna",
            is_dry_run=False,
        )

    if not is_held:
        assert len(asked(parked=True).found) == 1
        return
    with pytest.raises(CallsRunShort, match="950 of 1,000 API calls"):
        asked(parked=True)
    assert len(asked(salesforce_id=quote).found) == 1
