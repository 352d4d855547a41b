"""The sandbox as one object: an org in memory, its server, its push queue, and direct access for tests and stories.

`Sandbox()` is ready to be used without a network; `start()` serves it on loopback in background threads. Everything
that scripts may do over HTTP can be done here by method. Imports nothing of the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from connector.sandbox.calls import Calls, LoggedWrite
from connector.sandbox.clock import SandboxClock
from connector.sandbox.faults import Fault, Faults
from connector.sandbox.ids import INSTANCE, full_id
from connector.sandbox.oauth import Sessions
from connector.sandbox.org import Org
from connector.sandbox.pushes import FIRST_PAUSE, Notification, Pushes, PushSettings
from connector.sandbox.records import STAMPS, Change, Records, Row
from connector.sandbox.schema import ObjectType, Schema
from connector.sandbox.serving import Server
from connector.sandbox.soql_run import Queries
from connector.sandbox.story import SeededDeal

CLIENT_ID = "sandbox-consumer-key"
CLIENT_SECRET = "sandbox-consumer-secret"  # noqa: S105 - a public default of a stand-in without real data
USERNAME = "integration@sandbox.example"
DEFAULT_CURRENCY = "USD"


class Sandbox:
    """A Salesforce org to test against. Keyword arguments are its switches; the defaults are those of the demo."""

    def __init__(
        self,
        *,
        now: datetime | None = None,
        push_url: str | None = None,
        event_url: str | None = None,
        event_secret: str | None = None,
        push_own_writes: bool = False,
        first_push_pause: timedelta | None = None,
        auto_push: bool = True,
        multicurrency: bool = True,
        person_accounts: bool = True,
        packages: Iterable[str] = (),
        is_sandbox_org: bool = True,
        instance: str = INSTANCE,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        username: str = USERNAME,
        public_key: str | None = None,
        token_life: timedelta = timedelta(hours=2),
        latency: timedelta = timedelta(),
        daily_limit: int = 5_000_000,
        host: str = "127.0.0.1",
        port: int = 0,
        open_control: bool = False,
    ) -> None:
        self.clock = SandboxClock(now)
        self.schema = Schema(multicurrency=multicurrency, person_accounts=person_accounts, packages=packages)
        self.records = Records(
            schema=self.schema, clock=self.clock, default_currency=DEFAULT_CURRENCY, instance=instance
        )
        self.faults = Faults()
        self.calls = Calls()
        self.latency = latency
        self.open_control = open_control
        self.story: list[SeededDeal] = []
        self._server = Server(host=host, port=port)
        self._auto_push = auto_push
        self._seed(username, is_sandbox_org)
        self.org = self._open_org(daily_limit)
        self.sessions = Sessions(
            clock=self.clock,
            org_id=self.org_id,
            user_id=self.integration_user_id,
            username=username,
            client_id=client_id,
            client_secret=client_secret,
            public_key=public_key,
            life=token_life,
        )
        settings = PushSettings(push_url, event_url, event_secret, push_own_writes, first_push_pause or FIRST_PAUSE)
        self.pushes = self._open_pushes(settings)
        self.records.listeners += [self._log_writes, self.pushes.changed]

    def _open_org(self, daily_limit: int) -> Org:
        return Org(
            schema=self.schema,
            records=self.records,
            queries=Queries(schema=self.schema, records=self.records, clock=self.clock),
            faults=self.faults,
            calls=self.calls,
            clock=self.clock,
            user_id=self.integration_user_id,
            org_id=self.org_id,
            daily_limit=daily_limit,
        )

    def _open_pushes(self, settings: PushSettings) -> Pushes:
        return Pushes(
            records=self.records,
            schema=self.schema,
            clock=self.clock,
            settings=settings,
            org_id=self.org_id,
            own_user=self.integration_user_id,
            base_url=lambda: self.base_url,
        )

    def _seed(self, username: str, is_sandbox_org: bool) -> None:
        org = {
            "Name": "Halyard Software",
            "IsSandbox": is_sandbox_org,
            "OrganizationType": "Enterprise Edition",
            "InstanceName": "CS001",
            "DefaultCurrencyIsoCode": DEFAULT_CURRENCY,
            "TimeZoneSidKey": "UTC",
            "LanguageLocaleKey": "en_US",
            "Country": "US",
        }
        self.org_id = self._insert_as("", "Organization", org)
        person = {"Email": username, "IsActive": True, "TimeZoneSidKey": "UTC", "LanguageLocaleKey": "en_US"}
        self.integration_user_id = self._insert_as(
            "", "User", person | {"FirstName": "Integration", "LastName": "User", "Username": username}
        )
        rep = {"FirstName": "Rosa", "LastName": "Lindqvist", "Username": "rosa.lindqvist@sandbox.example"}
        self.rep_id = self._insert_as("", "User", person | rep | {"Email": "rosa.lindqvist@sandbox.example"})

    # Serving

    @property
    def base_url(self) -> str:
        """Where the sandbox serves; a name without port before `start`."""
        return self._server.base_url

    def start(self) -> str:
        """Serve in background threads; the base URL."""
        from connector.sandbox.server import create_app

        url = self._server.start(create_app(self))
        if self._auto_push:
            self.pushes.start()
        return url

    def stop(self) -> None:
        """Stop serving and sending."""
        self.pushes.stop()
        self._server.stop()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Records

    def insert(self, object_name: str, values: Mapping[str, Any], *, user: str | None = None) -> str:
        """Create a record as the sales rep (or `user`); its id. Raises `Refusal` as the platform would."""
        return self._insert_as(user or self.rep_id, object_name, values)

    def _insert_as(self, user: str, object_name: str, values: Mapping[str, Any]) -> str:
        kind = self._kind(object_name)
        parsed = self.records.parse(kind, values, api=False)
        with self.records.savepoint():
            return self.records.insert(kind, parsed, user=user, api=False)

    def update(self, object_name: str, record_id: str, values: Mapping[str, Any], *, user: str | None = None) -> None:
        """Change a record as the sales rep (or `user`). Raises `Refusal`. Stamps may be set by name."""
        kind = self._kind(object_name)
        parsed = self.records.parse(kind, values, api=False)
        with self.records.savepoint():
            row = self.records.live(kind, record_id)
            self.records.update(kind, row, parsed, user=user or self.rep_id, api=False)

    def get(self, object_name: str, record_id: str) -> Row:
        """A copy of a live record as stored: Decimal, date, aware datetime. Raises `Refusal`."""
        return dict(self.records.live(self._kind(object_name), record_id))

    def all(self, object_name: str) -> list[Row]:
        """Copies of all live records of an object, oldest first."""
        return [dict(row) for row in self.records.rows(self._kind(object_name).name)]

    def delete(self, object_name: str, record_id: str, *, user: str | None = None) -> None:
        """Move a record to the recycle bin. Raises `Refusal`."""
        kind = self._kind(object_name)
        with self.records.savepoint():
            self.records.delete(kind, self.records.live(kind, record_id), user=user or self.rep_id)

    def undelete(self, object_name: str, record_id: str, *, user: str | None = None) -> None:
        """Bring a deleted record back. Raises KeyError when there is no such record."""
        row = self.records.row(full_id(record_id))
        if row is None:
            raise KeyError(record_id)
        self.records.undelete(self._kind(object_name), row, user=user or self.rep_id)

    def merge_accounts(self, winner: str, loser: str) -> None:
        """Merge two accounts: the loser is deleted and points to the winner, its records move."""
        kind = self._kind("Account")
        with self.records.savepoint():
            kept, lost = self.records.live(kind, winner), self.records.live(kind, loser)
            self.records.set_master(lost, kept["Id"], user=self.rep_id)

    def _kind(self, object_name: str) -> ObjectType:
        return self.schema.objects[object_name]

    # Bad days and pushes

    def inject_fault(self, kind: str, **options: Any) -> Fault:
        """Switch a fault on; kinds and options are those of `faults.Fault`. Raises ValueError or TypeError."""
        return self.faults.add(kind, **options)

    def expire_tokens(self) -> None:
        """End every session: the next call of each client is a 401."""
        self.sessions.revoke()

    def never_push(self, record_id: str) -> None:
        """Lose every push of this record; only a sweep can find it."""
        self.pushes.never.add(full_id(record_id))

    def deliver_times(self, record_id: str, times: int) -> None:
        """Deliver each push of this record so many times, with the same notification id."""
        if times < 1:
            raise ValueError(f"deliver_times: {times} is less than one")
        self.pushes.times[full_id(record_id)] = times

    def flush_pushes(self, *, everything: bool = False) -> int:
        """Send the pushes that are due now (or all that wait) and return the number of bodies sent."""
        return self.pushes.flush(everything=everything)

    def pending_pushes(self) -> list[Notification]:
        """Pushes that wait to be sent or sent again."""
        return self.pushes.pending()

    def _log_writes(self, changes: list[Change]) -> None:
        for change in changes:
            before = change.before or {}
            different = {
                name: value
                for name, value in change.after.items()
                if name not in STAMPS and before.get(name) != value and (value is not None or name in before)
            }
            self.calls.note_write(
                LoggedWrite(self.clock.now(), change.user, change.object_name, change.record_id, different)
            )
