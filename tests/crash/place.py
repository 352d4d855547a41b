"""One company for a crash test: a sandbox org, a database, settings, and what both look like in the end."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from connector.adapters.clock import SystemClock
from connector.engine import WorkStarter
from connector.sandbox import Sandbox
from connector.store import tables
from connector.store.tables_platform import platform_customers, platform_subscriptions
from connector.store.unit_of_work import Database
from connector.usecases.receive_message import Message, receive
from tests.crash.processes import Child, wait_until
from tests.selling import Seller, SignedDeal
from tests.settings import QUICK_JOBS, raw_settings

# What differs from run to run and says nothing about the deal.
_FLEETING = (
    "Last_Attempt",
    "Last_Success",
    "Link",
    "Key",
    "Source_Hash",
    "Requested_At",
    "Order_Number",
    "Contract_Number",
)


class Place:
    """A served sandbox and a database with tables; made per test, closed by the fixture."""

    def __init__(self, database: Database, **sections: Any) -> None:
        self.sandbox = Sandbox(auto_push=False)
        self.sandbox.start()
        self.seller = Seller(self.sandbox)
        self.database = database
        self.starter = WorkStarter(engine=database.writer, is_sqlite=database.is_sqlite)
        self.settings = raw_settings(
            sandbox=self.sandbox,
            database_url=database.url.render_as_string(hide_password=False),
            jobs=dict(QUICK_JOBS),
            **sections,
        )

    def close(self) -> None:
        """Stop serving."""
        self.sandbox.stop()

    def push(self, *deals: SignedDeal, times: int = 1) -> None:
        """Messages about these deals arrive in one body, which is delivered so many times."""
        messages = [
            Message("outbound", f"push-{number}-{deal.id}", "outbound", self.sandbox.org_id, deal.object, deal.id)
            for number, deal in enumerate(deals)
        ]
        for _ in range(times):
            receive(
                database=self.database,
                starter=self.starter,
                clock=SystemClock(),
                messages=messages,
                body=b"<pushed/>",
                content_type="text/xml",
            )

    def let_time_pass(self) -> None:
        """As if the silence of the dead had lasted long enough already."""
        table = tables.processes
        with self.database.unit_of_work() as work:
            # A process that was paused in the middle of its beat holds its row; the others wait for it, this must not.
            alive = sa.select(table.c.executor_id, table.c.beat_at).where(table.c.stopped_at.is_(None))
            rows = work.execute(alive.with_for_update(skip_locked=True))
            for row in rows.all():
                earlier = row.beat_at.replace(year=row.beat_at.year - 1)
                work.execute(table.update().where(table.c.executor_id == row.executor_id).values(beat_at=earlier))
            work.commit()

    def let_minutes_pass(self) -> None:
        """As if every message, claim and waiting time were some minutes older."""
        for table, column in _MOMENTS:
            with self.database.reading() as connection:
                rows = connection.execute(sa.select(table.c.id, column).where(column.is_not(None))).all()
            for row in rows:
                # One by one, because workers lock the same rows in an order of their own.
                with self.database.unit_of_work() as work:
                    earlier = {column.name: row[1] - timedelta(minutes=5)}
                    work.execute(table.update().where(table.c.id == row.id, column == row[1]).values(earlier))
                    work.commit()

    def await_end(self, *children: Child, deals: int, seconds: float = 60) -> None:
        """Wait until so many orders are fulfilled, Salesforce shows them and no run is left; name the reason if not."""
        try:
            wait_until(lambda: self.is_at_rest(deals), f"{deals} orders are fulfilled and shown", seconds=seconds)
        except AssertionError as error:
            said = "\n".join(child.said() for child in children)
            raise AssertionError(f"{error}\n{self.unrest(deals)}\n{said}") from None

    def is_at_rest(self, deals: int) -> bool:
        """Whether so many orders are fulfilled, nothing is owed, and the engine has nothing left to do."""
        return not self.unrest(deals)

    def unrest(self, deals: int) -> dict[str, Any]:
        """What is still to come before everything is done."""
        states = self.record_states()
        if states != Counter({"ordered": deals}):
            return {"records": states}
        found: dict[str, Any] = {}
        with self.database.reading() as connection:
            for name, query in _UNDONE.items():
                if rows := [row._asdict() for row in connection.execute(query)]:
                    found[name] = rows
        if runs := self.unfinished_runs():
            found["runs"] = runs
        return found

    def is_held_up(self) -> bool:
        """Whether somebody waits in PostgreSQL for a lock that somebody else holds, and not just for a moment."""
        query = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND clock_timestamp() - query_start > interval '2 seconds'"
        )
        with self.database.reading() as connection:
            return bool(connection.execute(query).scalar_one())

    def unfinished_runs(self) -> list[str]:
        """The ids of runs that the engine still has to finish."""
        client = self.starter.client
        runs = client.list_workflows(status=["PENDING", "ENQUEUED", "DELAYED"], load_input=False, load_output=False)
        return [run.workflow_id for run in runs]

    def record_states(self) -> Counter[str]:
        """How many records are in which state."""
        with self.database.reading() as connection:
            return Counter(connection.execute(sa.select(tables.records.c.state)).scalars())

    def end_state(self, deal: SignedDeal) -> dict[str, Any]:
        """Everything that must be the same however often a worker was killed on the way."""
        with self.database.reading() as connection:
            found = {name: self._rows(connection, table, columns) for name, (table, columns) in _TOLD.items()}
            confirmed = connection.execute(
                sa.select(tables.history.c.event).where(
                    sa.or_(
                        tables.history.c.event.like("%: confirm"),
                        tables.history.c.event.in_(("open", "fulfil", "recalculate")),
                    )
                )
            ).scalars()
            found["once in the history"] = sorted(confirmed)
        shown = self.seller.shown(deal)
        return found | {"shown": {name: value for name, value in shown.items() if name not in _FLEETING}}

    def _rows(self, connection: sa.Connection, table: sa.Table, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
        rows = connection.execute(sa.select(*(table.c[name] for name in columns)))
        return sorted((tuple(row) for row in rows), key=repr)


_MOMENTS = (
    (tables.inbox, tables.inbox.c.received_at),
    (tables.records, tables.records.c.claimed_at),
    (tables.records, tables.records.c.not_before),
    (tables.writebacks, tables.writebacks.c.claimed_at),
    (tables.writebacks, tables.writebacks.c.not_before),
)

_UNDONE = {
    "owed": sa.select(tables.writebacks).where(tables.writebacks.c.is_owed),
    "messages": sa.select(tables.inbox).where(tables.inbox.c.state != "done"),
    "held": sa.select(tables.records).where(tables.records.c.claimed_by != ""),
}

# Ids and numbers are left out: one that a rolled-back transaction has taken is not used again.
_TOLD: dict[str, tuple[sa.Table, tuple[str, ...]]] = {
    "messages": (tables.inbox, ("source", "state", "reason")),
    "records": (tables.records, ("state", "code", "claimed_by", "is_look_due", "attempts", "not_before", "name")),
    "orders": (tables.orders, ("state", "value", "customer_name", "question_code")),
    "steps": (tables.fulfilment_steps, ("position", "name", "state", "code", "not_before")),
    "lines": (tables.order_lines, ("position", "product_code", "quantity")),
    "contracts": (tables.contracts, ("value", "version", "customer_name", "starts_on", "ends_on")),
    "versions": (tables.contract_versions, ("version", "value")),
    "contract lines": (tables.contract_lines, ("position", "product_code", "quantity", "value")),
    "customers": (tables.customers, ("name",)),
    "subscriptions": (tables.subscriptions, ("product_ref", "plan_ref", "state")),
    "customers there": (platform_customers, ("name", "email")),
    "subscriptions there": (
        platform_subscriptions,
        ("plan_ref", "starts_on", "ends_on", "grants", "is_revoked"),
    ),
    "write-backs": (tables.writebacks, ("object", "is_owed", "code", "claimed_by", "attempts")),
}
