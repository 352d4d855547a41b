"""Drift between access sold and granted: the daily job and `reconcile access`; usage read and taken by command."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

import connector.commands.setting
from connector.__main__ import main
from connector.bootstrap import make_clockwork, make_services
from connector.demo.configuration import write_settings
from connector.domain.usage import Reach, UsageEvent, UsageGap
from connector.errors import Refused, Unavailable
from connector.sandbox import story
from connector.store import tables
from connector.store.differences import DifferenceRow, list_differences
from connector.store.queries import PageAsked
from connector.store.tables_access import usage_states
from connector.store.tables_billing import usage_readings
from connector.store.tables_platform import platform_subscriptions
from connector.usecases.reconcile_access import AccessReconciled, reconcile_access
from tests.reviewing import Finance, make_finance
from tests.selling import SignedDeal
from tests.settings import ENVIRONMENT
from tests.world import World

_SOLD = (("PLATFORM", "1", "1000"), ("SEAT", "50", "24"))
_CALLS = "feature-api-calls"
_METERED = {"Charge_Type__c": "Usage", "Billing_Frequency__c": "Monthly", "Entitlement_Value__c": "Unlimited"}
_OUTAGE = UsageGap(datetime.fromisoformat("2026-04-03T00:00Z"), datetime.fromisoformat("2026-04-04T00:00Z"), "outage")
_MAY = date(2026, 5, 1)

Command = Callable[..., Result]


@pytest.fixture
def countersign(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line over the world's database, at the world's time."""
    file = write_settings(
        folder=tmp_path,
        org_id=world.sandbox.org_id,
        sandbox_url=world.sandbox.base_url,
        web_port=8900,
        custom_plans=story.CUSTOM_PLANS,
    )
    monkeypatch.setattr(connector.commands.setting, "make_services", partial(make_services, clock=world.clock))
    environment = {**ENVIRONMENT, "COUNTERSIGN_CONFIG": str(file), "USER": "anna"}

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, words, env=environment)

    return run


def _told(done: Result, *, exit_code: int = 0) -> Any:
    assert done.exit_code == exit_code, done.output
    return json.loads(done.stdout)


def _granted(world: World, *contracts: SignedDeal) -> list[str]:
    """Sign such deals; the numbers of their contracts, which run."""
    world.look_at(*contracts)
    world.come(date(2026, 4, 2))
    return [world.contract(deal).number for deal in contracts]


def _drift(world: World, deal: SignedDeal, value: str) -> None:
    """Somebody changes the seats on the platform by hand."""
    table = platform_subscriptions
    with world.database.unit_of_work() as work:
        contract_ref = f"contract-{world.contract(deal).id}"
        row = work.execute(sa.select(table).where(table.c.contract_ref == contract_ref)).one()
        grants = [grant | {"value": value} for grant in row.grants]
        work.execute(table.update().where(table.c.ref == row.ref).values(grants=grants))
        work.commit()


def _reconcile(world: World) -> AccessReconciled:
    return reconcile_access(database=world.database, clock=world.clock, platform=world.platform)


def _differences(world: World, *, room: str = "access", is_open: bool = True) -> list[DifferenceRow]:
    with world.database.reading() as connection:
        return list(list_differences(connection=connection, page=PageAsked(), room=room, is_open=is_open).rows)


# The comparison.


def test_what_differs_is_shown_with_both_sides_until_they_agree_again(world: World) -> None:
    deal = world.seller.quote(_SOLD)
    (number,) = _granted(world, deal)
    _drift(world, deal, "7")

    first, again = _reconcile(world), _reconcile(world)

    assert first == again == AccessReconciled(contracts=1, differences=1)
    (found,) = _differences(world)
    assert (found.subject_number, found.what) == (number, "plan-platform: feature-seats")
    assert (found.wanted, found.actual, found.owner) == ("50", "7", "RevOps")
    assert world.grants(deal) == {"feature-seats": 7}, "nothing is repaired by itself"

    _drift(world, deal, "50")
    _reconcile(world)

    assert _differences(world) == []
    assert [row.resolved_at for row in _differences(world, is_open=False)] == [world.clock.now()]


def test_a_contract_that_cannot_be_asked_is_counted_and_holds_up_no_other(world: World) -> None:
    unlucky, drifted = world.seller.quote(_SOLD), world.seller.quote(_SOLD)
    _, number = _granted(world, unlucky, drifted)
    _drift(world, drifted, "7")
    world.platform.fail("fetch_subscription", Unavailable("The platform does not answer."))

    done = _reconcile(world)

    assert done == AccessReconciled(contracts=1, failed=1, differences=1)
    assert [row.subject_number for row in _differences(world)] == [number]


def test_a_difference_of_a_contract_that_cannot_be_asked_stays_open(world: World) -> None:
    deal = world.seller.quote(_SOLD)
    _granted(world, deal)
    _drift(world, deal, "7")
    _reconcile(world)
    world.platform.fail("fetch_subscription", Unavailable("The platform does not answer."))

    _reconcile(world)

    assert len(_differences(world)) == 1


def test_the_daily_job_compares_all_running_contracts(world: World) -> None:
    deal = world.seller.quote(_SOLD)
    _granted(world, deal)
    _drift(world, deal, "7")
    services = make_services(world.services.config, clock=world.clock)
    (job,) = (job for job in make_clockwork(services, executor_id="p").jobs() if job.name == "compare_access")

    told = job.run()

    services.database.dispose()
    assert (job.every, job.is_claimed) == (86_400, True)
    assert told == {"contracts": 1, "failed": 0, "differences": 1}
    assert len(_differences(world)) == 1


def test_a_difference_of_a_contract_that_has_ended_is_closed(world: World) -> None:
    deal = world.seller.quote(_SOLD)
    _granted(world, deal)
    _drift(world, deal, "7")
    _reconcile(world)
    world.come(date(2027, 4, 2))

    done = _reconcile(world)

    assert done.contracts == 0
    assert _differences(world) == []


# The commands.


def test_reconcile_access_lists_what_differs_and_ends_with_1(world: World, countersign: Command) -> None:
    deal = world.seller.quote(_SOLD)
    (number,) = _granted(world, deal)
    good = countersign("reconcile", "access")
    _drift(world, deal, "7")

    told = _told(countersign("reconcile", "access", "--json"), exit_code=1)
    said = countersign("reconcile", "access").stdout

    assert (good.exit_code, good.stdout) == (0, "1 contracts compared, 0 values differ.\n")
    assert (told["contracts"], told["differences"], told["failed"]) == (1, 1, 0)
    (row,) = told["open"]
    assert (row["contract"], row["sold"], row["granted"]) == (number, "50", "7")
    assert "1 values differ" in said
    assert number in said


def test_usage_sync_tells_what_waits_and_what_was_priced(world: World, countersign: Command) -> None:
    number = _metered(world)
    _report(world, "9")

    waits = _told(countersign("usage", "sync", "--json"), exit_code=1)
    _report(world, "1", reach=Reach(complete=((_CALLS, world.clock.now()),)))
    done = countersign("usage", "sync", "--contract", number)

    assert (waits["contracts"], waits["incomplete"], waits["priced"], waits["failed"]) == (1, 1, 0, 0)
    assert done.exit_code == 0, done.output
    assert "1 were priced, 0 wait for complete data." in done.stdout
    assert [row.units for row in world.rows(usage_readings)] == [10]


def test_usage_sync_of_a_contract_without_usage_says_so(world: World, countersign: Command) -> None:
    done = countersign("usage", "sync", "--contract", "C-000009")

    assert done.exit_code == 1
    assert "There is no contract C-000009 with usage to read." in done.stderr


def test_usage_accept_takes_the_figure_in_the_name_of_who_typed_it(world: World, countersign: Command) -> None:
    number = _metered(world)
    _report(world, "9")
    countersign("usage", "sync")
    key = world.rows(usage_states)[0].charge_key

    silent = countersign("usage", "accept", number, key)
    empty = countersign("usage", "accept", number, key, "--reason", " ")
    unknown = countersign("usage", "accept", number, "nothing", "--reason", "Confirmed by mail.")
    assert [done.exit_code for done in (silent, empty, unknown)] == [2, 1, 1]
    assert world.rows(usage_readings) == []

    told = _told(countersign("usage", "accept", number, key, "--reason", "Confirmed by mail.", "--json"))

    assert told == {"contract": number, "charge": key, "units": "9"}
    countersign("usage", "sync")
    assert [row.units for row in world.rows(usage_readings)] == [9]
    taken = next(row for row in world.rows(usage_states) if row.charge_key == key)
    assert (taken.accepted_by, taken.accepted_reason) == ("command line (anna)", "Confirmed by mail.")


# Usage that is doubted after it was drafted.


def test_a_draft_whose_usage_is_doubted_is_not_issued_until_it_is_whole_or_taken(
    world: World, countersign: Command
) -> None:
    number = _metered(world)
    _report(world, "9", reach=Reach(complete=((_CALLS, world.clock.now()),)))
    world.services.usage_sync.sync()
    finance = make_finance(world.database, world.clock)
    finance.books.bill("2026-05-02")
    draft = _draft_with_usage(finance)
    assert "USAGE_DOUBTED" not in _codes(finance, draft)

    _report(world, reach=Reach(gaps=((_CALLS, _OUTAGE),)))
    world.services.usage_sync.sync()

    (doubt,) = (one for one in finance.opened(draft).findings if one.code == "USAGE_DOUBTED")
    assert doubt.is_blocking
    assert number in doubt.message
    assert "missing from 2026-04-03 00:00 UTC to 2026-04-04 00:00 UTC: outage" in doubt.message
    with pytest.raises(Refused):
        finance.approve(draft)
    assert finance.state(draft) == "draft"

    key = next(row.charge_key for row in world.rows(usage_states) if not row.is_complete and row.bill_on <= _MAY)
    countersign("usage", "accept", number, key, "--reason", "The outage lost nothing.")

    assert "USAGE_DOUBTED" not in _codes(finance, draft)
    assert finance.approve(draft).number


def _metered(world: World) -> str:
    """A contract with calls at 0.10 each, billed monthly from April, on 2 May; its number."""
    deal = world.seller.quote(
        [("USAGEPLAN", "1", "1000"), ("API", "1", "0.10", _METERED)], Total_Contract_Value__c=None
    )
    world.look_at(deal)
    world.come(date(2026, 5, 2))
    return str(world.contract(deal).number)


def _report(world: World, units: str = "", *, reach: Reach | None = None) -> None:
    (customer,) = world.rows(tables.customers)
    at = datetime.fromisoformat("2026-04-10T10:00Z")
    events = [UsageEvent(customer.platform_ref, units, _CALLS, Decimal(units), at)] if units else []
    world.services.usage.report(events=events, reach=reach or Reach())  # type: ignore[attr-defined]


def _draft_with_usage(finance: Finance) -> int:
    """The row of the draft that bills usage."""
    return next(row.id for row in finance.books.drafts() if finance.opened(row.id).facts.has_usage)


def _codes(finance: Finance, invoice_id: int) -> list[str]:
    return [finding.code for finding in finance.opened(invoice_id).findings]
