"""A whole product over a sandbox in one process: stories are told here, and nothing runs until the story says so.

The sandbox is real and spoken to over HTTP, the database is real, the runs are the product's own; only the engine is
replaced by a list of started runs, so that a story can stop between two of them. Both clocks stand still until
`pass_time`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.bootstrap import make_looker, make_services, make_sweeper
from connector.domain.entitlements import AccessGranted, CustomPlan
from connector.domain.terms import Customer
from connector.ports import EntitlementPlatform, SubscriptionRequest
from connector.sandbox import Sandbox
from connector.store import tables
from connector.store.unit_of_work import Database
from connector.usecases.align_access import AccessAligner
from connector.usecases.grant_scheduled import ScheduledGranted, grant_scheduled
from connector.usecases.receive_message import Message, Receipt, receive
from connector.usecases.resync import ResyncAnswer, ResyncAsked, resync
from connector.usecases.spread_messages import spread
from connector.usecases.wake_waiting import wake_waiting
from connector.usecases.write_back import Flushed, write_back
from tests.selling import Seller, SignedDeal
from tests.settings import settings_for


class RunList:
    """Started runs in order, each run id once; kept only when the transaction that started them commits."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self._waiting: list[tuple[str, str, str]] = []

    def start(self, *, connection: Any, name: str, run_id: str, argument: str) -> None:
        """Remember the run when the caller commits; a rollback forgets it."""
        assert connection.in_transaction()

        def keep(_connection: Any) -> None:
            if run_id not in self.known:
                self.known.add(run_id)
                self._waiting.append((name, run_id, argument))

        sa.event.listen(connection, "commit", keep, once=True)

    def take(self) -> tuple[str, str, str] | None:
        """The run that waits longest, or None."""
        return self._waiting.pop(0) if self._waiting else None

    def take_all(self) -> list[tuple[str, str, str]]:
        """All runs that wait, taken out, for a story that runs them in its own way."""
        taken, self._waiting = self._waiting, []
        return taken


class MoodyPlatform:
    """The embedded platform with bad days: what is in `moods` of a call is done before the call goes through."""

    def __init__(self, platform: EntitlementPlatform) -> None:
        self._platform = platform
        self.moods: dict[str, list[Callable[[], None]]] = {}
        self.calls: list[str] = []
        self._lost_answer: Exception | None = None

    def fail(self, call: str, error: Exception, *, times: int = 1) -> None:
        """The next calls of that name raise the error."""

        def refuse() -> None:
            raise error

        self.moods.setdefault(call, []).extend([refuse] * times)

    def after_grant(self, error: Exception) -> None:
        """The next grant is made, and its answer is lost."""
        self._lost_answer = error

    def before(self, call: str, action: Callable[[], None]) -> None:
        """Do something just before the next call of that name goes through."""
        self.moods.setdefault(call, []).append(action)

    def upsert_customer(self, *, key: str, customer: Customer) -> str:
        """See the port."""
        self._meet("upsert_customer")
        return self._platform.upsert_customer(key=key, customer=customer)

    def fetch_plan(self, *, plan_ref: str, version: int | None = None) -> CustomPlan | None:
        """See the port."""
        self._meet("fetch_plan")
        return self._platform.fetch_plan(plan_ref=plan_ref, version=version)

    @property
    def name(self) -> str:
        """See the port."""
        return self._platform.name

    def grant(self, *, requests: Sequence[SubscriptionRequest]) -> tuple[str, ...]:
        """See the port."""
        self._meet("grant")
        answer = self._platform.grant(requests=requests)
        if error := self._lost_answer:
            self._lost_answer = None
            raise error
        return answer

    def fetch_subscription(self, *, subscription_ref: str) -> AccessGranted | None:
        """See the port."""
        self._meet("fetch_subscription")
        return self._platform.fetch_subscription(subscription_ref=subscription_ref)

    def revoke_subscription(self, *, key: str, subscription_ref: str, ends_on: Any) -> None:
        """See the port."""
        self._meet("revoke_subscription")
        self._platform.revoke_subscription(key=key, subscription_ref=subscription_ref, ends_on=ends_on)

    def close(self) -> None:
        """Close the connections of a platform that has some."""
        getattr(self._platform, "close", lambda: None)()

    def _meet(self, call: str) -> None:
        self.calls.append(call)
        if self.moods.get(call):
            self.moods[call].pop(0)()


class World:
    """One story: a sandbox org, a product that serves it, and the hand that lets them run."""

    def __init__(self, *, sandbox: Sandbox, database: Database, clock: FixedClock, **sections: Any) -> None:
        self.sandbox = sandbox
        self.seller = Seller(sandbox)
        self.clock = clock
        self.runs = RunList()
        config = settings_for(
            sandbox=sandbox, database_url=database.url.render_as_string(hide_password=False), **sections
        )
        made = make_services(config, clock=clock)
        self.database = made.database
        self.platform = MoodyPlatform(made.platform)
        self.services = dataclasses.replace(made, starter=self.runs, platform=self.platform)
        self.looker = make_looker(self.services)
        self.sweeper = make_sweeper(self.services)
        self.looks: list[str] = []
        self.granted = ScheduledGranted()
        self._bodies = 0

    def close(self) -> None:
        """Close all connections."""
        self.database.dispose()
        self.platform.close()
        for org in self.services.orgs.values():
            org.gateway.close()  # type: ignore[attr-defined]

    # What happens outside

    def push(self, *deals: SignedDeal, message_id: str = "") -> Receipt:
        """A body with a message about each of these deals arrives; each push is a new message unless it is named."""
        self._bodies += 1
        messages = [
            Message(
                "push", message_id or f"{self._bodies}-{deal.id}", "push", self.sandbox.org_id, deal.object, deal.id
            )
            for deal in deals
        ]
        return receive(
            database=self.database,
            starter=self.runs,
            clock=self.clock,
            messages=messages,
            body=b"pushed",
            content_type="text/plain",
        )

    def resync(self, *, is_dry_run: bool = False, **asked: Any) -> ResyncAnswer:
        """A person presses Resync."""
        return resync(
            database=self.database,
            starter=self.runs,
            clock=self.clock,
            orgs=self.services.orgs,
            asked=ResyncAsked(**asked),
            actor="rosa",
            is_dry_run=is_dry_run,
        )

    def pass_time(self, *, seconds: float = 0, **more: float) -> None:
        """Both clocks move on."""
        step = timedelta(seconds=seconds, **more)
        self.clock.advance(step)
        self.sandbox.clock.advance(seconds=step.total_seconds())

    # What the product does

    def work(self) -> None:
        """Wake what is due and run what was started, until nothing is left; Salesforce is not written to."""
        wake_waiting(database=self.database, clock=self.clock, starter=self.runs)
        while taken := self.runs.take():
            self.run(taken)

    def run(self, taken: tuple[str, str, str]) -> str:
        """One run, as the engine would run it."""
        name, run_id, argument = taken
        if name == "spread":
            for body_id in argument.split(","):
                spread(database=self.database, starter=self.runs, body_id=int(body_id))
            return "spread"
        outcome = self.looker.look(run_id, argument)
        self.looks.append(outcome)
        return outcome

    def come(self, on: date) -> None:
        """Time passes until that day; access whose day has come is granted, and everything that follows happens."""
        self.pass_time(seconds=(datetime.combine(on, time(), tzinfo=UTC) - self.clock.now()).total_seconds())
        self.granted = grant_scheduled(
            database=self.database,
            clock=self.clock,
            aligner=AccessAligner(self.database, self.clock, self.platform),
        )
        self.settle()

    def write_back(self) -> Flushed:
        """Tell Salesforce what is owed."""
        return write_back(
            database=self.database, clock=self.clock, orgs=self.services.orgs, batch=200, claimed_by="here"
        )

    def settle(self) -> None:
        """Work, and tell Salesforce."""
        self.work()
        self.write_back()

    def look_at(self, *deals: SignedDeal) -> None:
        """A push arrives and everything that follows happens."""
        self.push(*deals)
        self.settle()

    # What can be seen

    def shown(self, deal: SignedDeal) -> dict[str, Any]:
        """Our fields on the Salesforce record."""
        return self.seller.shown(deal)

    def order(self, deal: SignedDeal) -> Any:
        """The order's row; None when there is none."""
        query = (
            sa.select(tables.orders)
            .join(tables.records, tables.records.c.id == tables.orders.c.record_row_id)
            .where(tables.records.c.record_id == deal.id)
        )
        return self._rows(query, is_one=True)

    def record(self, deal: SignedDeal) -> Any:
        """The record's row."""
        return self._rows(sa.select(tables.records).where(tables.records.c.record_id == deal.id), is_one=True)

    def contract(self, deal: SignedDeal) -> Any:
        """The row of the contract that the deal opened or changed."""
        contract_id = self.order(deal).contract_id
        return self._rows(sa.select(tables.contracts).where(tables.contracts.c.id == contract_id), is_one=True)

    def steps(self, deal: SignedDeal) -> dict[str, str]:
        """Step name -> state."""
        return {row.name: row.state for row in self.step_rows(deal)}

    def step_rows(self, deal: SignedDeal) -> Sequence[Any]:
        """The rows of the deal's fulfilment steps, in order."""
        steps = tables.fulfilment_steps
        return self._rows(sa.select(steps).where(steps.c.order_id == self.order(deal).id).order_by(steps.c.position))

    def rows(self, table: sa.Table) -> Sequence[Any]:
        """All rows of a table, oldest first."""
        return self._rows(sa.select(table).order_by(*table.primary_key.columns))

    def events(self, deal: SignedDeal) -> list[str]:
        """The order's history in words: event, before and after."""
        table = tables.history
        rows = self._rows(
            sa.select(table)
            .where(table.c.subject == "order", table.c.subject_id == self.order(deal).id)
            .order_by(table.c.id)
        )
        return [f"{row.event}: {row.before} -> {row.after}" for row in rows]

    def grants(self, deal: SignedDeal) -> dict[str, Any]:
        """What the platform grants under the deal's contract: ref -> value, of all its subscriptions."""
        subscriptions = tables.subscriptions
        rows = self._rows(
            sa.select(subscriptions.c.platform_ref).where(subscriptions.c.contract_id == self.order(deal).contract_id)
        )
        found = [self.services.platform.fetch_subscription(subscription_ref=row.platform_ref) for row in rows]
        return {grant.ref: grant.value for access in found if access for grant in access.grants}

    def _rows(self, query: Any, *, is_one: bool = False) -> Any:
        with self.database.reading() as connection:
            result = connection.execute(query)
            return result.one_or_none() if is_one else result.all()
