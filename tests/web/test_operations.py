"""What operators read: alive, ready with findings, and the metrics."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.fulfilment import OrderState
from connector.store.tables import metadata
from connector.store.unit_of_work import Database
from tests.builders import a_fault, make_message_rows, make_order_rows, make_process_row, make_record_row
from tests.web.serving import make_services


def _client(database: Database, clock: FixedClock) -> FlaskClient:
    return create_app(services=make_services(database, clock)).test_client()


def test_live_says_so_whatever_the_database_does(stranger: FlaskClient, sqlite_database: Database) -> None:
    metadata.drop_all(sqlite_database.writer)

    assert stranger.get("/health/live").json == {"status": "live"}


def test_ready_with_a_worker_has_no_findings(database: Database, clock: FixedClock) -> None:
    make_process_row(database, clock)

    answer = _client(database, clock).get("/health/ready")

    assert answer.status_code == 200
    assert answer.json == {"status": "ready", "findings": []}


def test_without_a_worker_messages_are_still_taken_and_a_finding_says_so(database: Database, clock: FixedClock) -> None:
    make_process_row(database, clock, age=timedelta(minutes=1))
    make_process_row(database, clock, kind="web", name="web")

    answer = _client(database, clock).get("/health/ready")

    assert answer.status_code == 200
    assert [finding["level"] for finding in answer.json["findings"]] == ["warning"]
    assert "countersign work" in answer.json["findings"][0]["fix"]


def test_missing_tables_make_it_unready(database: Database, clock: FixedClock) -> None:
    metadata.drop_all(database.writer)

    answer = _client(database, clock).get("/health/ready")

    assert answer.status_code == 503
    assert answer.json["status"] == "not ready"
    assert "countersign migrate" in answer.json["findings"][0]["fix"]


def test_a_database_that_is_away_makes_it_unready_and_its_address_stays_secret(clock: FixedClock) -> None:
    away = Database("postgresql://someone:secret@127.0.0.1:1/nothing")

    answer = _client(away, clock).get("/health/ready")
    away.dispose()

    assert answer.status_code == 503
    assert answer.json["findings"][0]["message"] == "The database does not answer."
    assert "secret" not in answer.text
    assert "someone" not in answer.text


def test_metrics_count_what_is_there_and_how_long_it_waits(database: Database, clock: FixedClock) -> None:
    make_order_rows(database, clock)
    make_order_rows(database, clock, state=OrderState.RETRYING, step_fault=a_fault(), age=timedelta(minutes=12))
    make_message_rows(database, clock, ref=make_record_row(database, clock, number=9), count=3)
    make_process_row(database, clock, age=timedelta(seconds=4))
    clock.advance(seconds=60)

    answer = _client(database, clock).get("/metrics")

    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    assert samples["countersign_orders", "FULFILLED"] == 1
    assert samples["countersign_orders", "RETRYING"] == 1
    assert samples["countersign_orders", "BLOCKED"] == 0
    assert samples["countersign_inbox_messages", "parked"] == 3
    assert samples["countersign_writebacks_owed",] == 1
    assert samples["countersign_oldest_age_seconds", "order"] == 13 * 60
    assert samples["countersign_oldest_age_seconds", "message"] == 0
    assert samples["countersign_process_beat_age_seconds", "host-a-worker-1", "worker"] == 64
