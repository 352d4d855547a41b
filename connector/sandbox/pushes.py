"""Outbound messages and JSON events: what a change queues, when it is sent, and again until it is acknowledged.

The rules are those of the platform: at least once, up to 100 notifications per body, the same notification id on a
retry, the body built when it is sent, longer pauses up to two hours, dropped after 24 hours. Network calls are made
outside every lock. Whether a record is signed is data (`SIGNED`), not code.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import requests

from connector.sandbox import push_bodies
from connector.sandbox.clock import SandboxClock
from connector.sandbox.ids import numbered_id
from connector.sandbox.records import Change, Records
from connector.sandbox.schema import Schema

# Object -> the field and the value whose arrival means "signed".
SIGNED: dict[str, tuple[str, str]] = {
    "Quote": ("Status", "Accepted"),
    "Opportunity": ("StageName", "Closed Won"),
    "Order": ("Status", "Activated"),
    "SBQQ__Quote__c": ("SBQQ__Status__c", "Accepted"),
    "dfsle__EnvelopeStatus__c": ("dfsle__Status__c", "Completed"),
}
REQUESTED = "Sync_Requested_At__c"
# Fields that the outbound message of an object carries beside Id, when the integration user can read them.
SENT_FIELDS = (
    "Name",
    "Status",
    "StageName",
    "StatusCode",
    "SBQQ__Status__c",
    "dfsle__SourceId__c",
    "dfsle__Status__c",
    "Sync_Requested_At__c",
    "SystemModstamp",
)
PER_BODY = 100
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=2)
# The clock counts whole seconds: a shorter pause would be due at once, without end.
SHORTEST_PAUSE = timedelta(seconds=1)
KEPT_FOR = timedelta(hours=24)
TIMEOUT = 10.0
IDLE = 0.2
LOG_LENGTH = 5_000
logger = logging.getLogger(__name__)


@dataclass
class Notification:
    """One queued delivery. `left` counts the deliveries still wanted after an Ack (a lost Ack, on request)."""

    id: str
    channel: str
    object_name: str
    record_id: str
    queued_at: datetime
    next_at: datetime
    attempts: int = 0
    left: int = 1
    state: str = "queued"
    last_answer: str = ""


@dataclass
class PushSettings:
    """Where pushes go; both channels may be used at once. The secret is `whsec_` and base64."""

    push_url: str | None = None
    event_url: str | None = None
    event_secret: str | None = None
    own_writes: bool = False
    first_pause: timedelta = FIRST_PAUSE

    def __post_init__(self) -> None:
        if self.event_url:
            # A secret that cannot sign must not wait for the first event to be noticed.
            push_bodies.event_key(self.event_secret or "")


class Pushes:
    """The push queue of one org. `changed` listens to the records; `flush` sends what is due."""

    def __init__(
        self,
        *,
        records: Records,
        schema: Schema,
        clock: SandboxClock,
        settings: PushSettings,
        org_id: str,
        own_user: str,
        base_url: Callable[[], str],
    ) -> None:
        self.settings = settings
        self.never: set[str] = set()
        self.times: dict[str, int] = {}
        self.log: deque[Notification] = deque(maxlen=LOG_LENGTH)
        self._records, self._schema, self._clock = records, schema, clock
        self._org_id, self._own_user, self._base_url = org_id, own_user, base_url
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._made = 0
        self._waiting: list[Notification] = []
        self._ended: Counter[str] = Counter()
        self._session = requests.Session()
        self._session.trust_env = False
        self._wake = threading.Event()
        self._stop = threading.Event()
        # Set whenever a round of deliveries is over; a test may wait for it instead of sleeping.
        self.settled = threading.Event()
        self._thread: threading.Thread | None = None

    # Queueing

    def changed(self, changes: list[Change]) -> None:
        """Queue a notification for each change that the flow of the org would send."""
        for change in changes:
            if change.user == self._own_user and not self.settings.own_writes:
                continue
            if wants_push(change):
                self.queue(change.object_name, change.record_id)

    def queue(self, object_name: str, record_id: str) -> list[Notification]:
        """Queue the record on every configured channel, unless it is marked as never pushed."""
        if record_id in self.never:
            return []
        now = self._clock.now()
        channels = [name for name, url in (("soap", self.settings.push_url), ("event", self.settings.event_url)) if url]
        made = []
        with self._lock:
            for channel in channels:
                self._made += 1
                fresh = numbered_id("04l", self._made)
                left = self.times.get(record_id, 1)
                made.append(Notification(fresh, channel, object_name, record_id, now, now, left=left))
            self.log.extend(made)
            self._waiting.extend(made)
        self._wake.set()
        return made

    def pending(self) -> list[Notification]:
        """What is still to be sent."""
        with self._lock:
            return list(self._waiting)

    def counts(self) -> dict[str, int]:
        """Notifications by state: queued, delivered, dropped."""
        with self._lock:
            found = dict(self._ended)
            return found | ({"queued": len(self._waiting)} if self._waiting else {})

    # Sending

    def flush(self, *, everything: bool = False) -> int:
        """Send what is due (or `everything` that waits) until nothing more is due; the number of bodies sent."""
        sent = 0
        with self._sending:
            while due := self._due(everything=everything):
                for batch in _bodies(due):
                    self._deliver(batch)
                    sent += 1
                # A failed body is due later, so only repeated deliveries and new changes come round again here.
                everything = False
        self.settled.set()
        return sent

    def _due(self, *, everything: bool) -> list[Notification]:
        now = self._clock.now()
        with self._lock:
            for item in self._waiting:
                if now - item.queued_at > KEPT_FOR:
                    item.state, item.last_answer = "dropped", f"not acknowledged in 24 hours; {item.last_answer}"
            self._forget_ended()
            return [item for item in self._waiting if everything or item.next_at <= now]

    def _forget_ended(self) -> None:
        self._ended.update(item.state for item in self._waiting if item.state != "queued")
        self._waiting = [item for item in self._waiting if item.state == "queued"]

    def _deliver(self, batch: list[Notification]) -> None:
        ok, answer = self._send_soap(batch) if batch[0].channel == "soap" else self._send_event(batch[0])
        now = self._clock.now()
        with self._lock:
            for item in batch:
                item.attempts += 1
                item.last_answer = answer
                if not ok:
                    pause = self.settings.first_pause * 2 ** min(item.attempts - 1, 12)
                    item.next_at = now + min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE)
                    continue
                item.left -= 1
                item.next_at = now
                item.state = "queued" if item.left > 0 else "delivered"

    def _send_soap(self, batch: list[Notification]) -> tuple[bool, str]:
        body = push_bodies.envelope(
            org_id=self._org_id,
            action_id=self.action_id(batch[0].object_name),
            host=self._base_url(),
            notifications=[(item.id, item.object_name, self._fields(item)) for item in batch],
        )
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        status, answer, text = self._post(self.settings.push_url or "", body, headers)
        return push_bodies.is_acknowledged(status, answer), text

    def _send_event(self, item: Notification) -> tuple[bool, str]:
        body = push_bodies.event_body(object_name=item.object_name, record_id=item.record_id, event_id=item.id)
        headers = push_bodies.event_headers(
            secret=self.settings.event_secret or "", event_id=item.id, body=body, now=self._clock.now()
        )
        status, _, text = self._post(self.settings.event_url or "", body, headers)
        return 200 <= status < 300, text

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, str]:
        try:
            found = self._session.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as failure:
            return 0, b"", type(failure).__name__
        return found.status_code, found.content, f"HTTP {found.status_code}"

    def action_id(self, object_name: str) -> str:
        """The id of the message definition of an object; the same in every run."""
        return numbered_id("04k", list(self._schema.objects).index(object_name) + 1)

    def _fields(self, item: Notification) -> dict[str, Any]:
        row = self._records.row(item.record_id) or {}
        kind = self._schema.objects[item.object_name]
        seen = [name for name in SENT_FIELDS if self._schema.field(kind, name) is not None]
        return {"Id": item.record_id} | {name: row.get(name) for name in seen}

    # The automatic delivery

    def start(self) -> None:
        """Deliver by a background thread until `stop`."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="sandbox-pushes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the background thread and the connections."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=TIMEOUT + 1)
            self._thread = None
        self._session.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(IDLE)
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                self.flush()
            except Exception:
                # A mistake of ours must not end all deliveries; it is shown, and the queue is tried again.
                logger.exception("the sandbox could not deliver its pushes")


def _bodies(due: list[Notification]) -> Iterator[list[Notification]]:
    """What goes out together: up to 100 messages of one definition in a body; events one by one."""
    kinds: dict[str, list[Notification]] = {}
    for item in due:
        if item.channel == "event":
            yield [item]
        else:
            kinds.setdefault(item.object_name, []).append(item)
    for items in kinds.values():
        for start in range(0, len(items), PER_BODY):
            yield items[start : start + PER_BODY]


def wants_push(change: Change) -> bool:
    """Whether a change is the moment of signing or a request to look again."""
    if change.after["IsDeleted"]:
        return False
    before = change.before or {}
    signed = SIGNED.get(change.object_name)
    if signed is not None:
        field, value = signed
        if change.after.get(field) == value and before.get(field) != value:
            return True
    asked = change.after.get(REQUESTED)
    return asked is not None and asked != before.get(REQUESTED)
