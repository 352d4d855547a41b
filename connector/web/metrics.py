"""The numbers for Prometheus: what is there, read from the database at scrape time, and what the receivers counted.

What can be read is not counted, because several processes serve and none of them sees everything. Requests that were
refused leave nothing to read: the web processes of a host count them together, in files of the web server, from its
start on. Import this module late: the library decides while it is imported whether processes count together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from connector.store.queries_operations import Backlog, ProcessRow
from connector.store.queries_orders import ORDER_STATES

_COUNTED = {
    "countersign_webhook_messages": "Messages received, by source and whether new.",
    "countersign_webhook_refused": "Requests refused by a webhook, by source and reason.",
}
_MESSAGE_STATES = ("received", "done", "parked", "ignored")


def metrics_text(*, backlog: Backlog, processes: Sequence[ProcessRow], now: datetime) -> str:
    """All metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers(backlog, processes, now))
    registry.register(_Counted())
    return generate_latest(registry).decode("utf-8")


class _Counted(Collector):
    """What the receivers counted: of all web processes of this web server, or of this process where there is none."""

    def collect(self) -> Iterator[Metric]:
        families = {family.name: family for family in _counted()}
        for name, text in _COUNTED.items():
            # Also before the first count, so that an alarm on it is known to watch something.
            yield families.get(name) or CounterMetricFamily(name, text)


def _counted() -> Iterator[Metric]:
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        together = CollectorRegistry(auto_describe=False)
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return iter(together.collect())
    return iter(REGISTRY.collect())


class _Numbers(Collector):
    def __init__(self, backlog: Backlog, processes: Sequence[ProcessRow], now: datetime) -> None:
        self._backlog, self._processes, self._now = backlog, processes, now

    def collect(self) -> Iterator[Metric]:
        backlog = self._backlog
        yield _by_state("countersign_orders", "Orders by state.", backlog.orders, ORDER_STATES)
        yield _by_state("countersign_inbox_messages", "Messages by state.", backlog.inbox, _MESSAGE_STATES)
        yield _by_state("countersign_records", "Salesforce records by state.", backlog.records, ())
        yield _one("countersign_writebacks_owed", "Records whose Salesforce fields are owed.", backlog.writebacks_owed)
        yield _one("countersign_writebacks_failing", "Owed records that failed before.", backlog.writebacks_failing)
        yield self._ages()
        yield self._beats()

    def _ages(self) -> Metric:
        family = GaugeMetricFamily("countersign_oldest_age_seconds", "Age of what waits longest.", labels=("of",))
        for name, moment in (
            ("message", self._backlog.oldest_message_at),
            ("record", self._backlog.oldest_record_at),
            ("order", self._backlog.oldest_open_order_at),
            ("writeback", self._backlog.oldest_writeback_at),
        ):
            family.add_metric((name,), max(0.0, self._seconds_since(moment)) if moment else 0.0)
        return family

    def _beats(self) -> Metric:
        family = GaugeMetricFamily(
            "countersign_process_beat_age_seconds", "Time since a running process gave a sign of life.",
            labels=("executor", "kind"),
        )  # fmt: skip
        for row in self._processes:
            if row.stopped_at is None:
                family.add_metric((row.executor_id, row.kind), max(0.0, self._seconds_since(row.beat_at)))
        return family

    def _seconds_since(self, moment: datetime) -> float:
        return (self._now - moment).total_seconds()


def _by_state(name: str, text: str, counts: dict[str, int], known: tuple[str, ...]) -> Metric:
    """One number per state; a known state without rows is there with zero, so that its graph has no hole."""
    family = GaugeMetricFamily(name, text, labels=("state",))
    for state, count in (dict.fromkeys(known, 0) | counts).items():
        family.add_metric((state,), count)
    return family


def _one(name: str, text: str, value: int) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
