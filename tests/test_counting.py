"""What the receivers count is seen at /metrics: in one process, and by real web processes that count together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.demo.configuration import write_settings
from connector.store.unit_of_work import Database
from tests.builders import ORG_ID
from tests.settings import ENVIRONMENT
from tests.web.serving import make_services

REFUSED = "countersign_webhook_refused_total"
EVENTS = "/webhooks/salesforce/events"


@pytest.fixture
def client(sqlite_database: Database, clock: FixedClock) -> FlaskClient:
    return create_app(services=make_services(sqlite_database, clock)).test_client()


def refused(text: str) -> dict[tuple[str, str], float]:
    """(source, code) -> how many requests were refused, as /metrics says it."""
    return {
        (sample.labels["source"], sample.labels["code"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == REFUSED
    }


def test_a_refused_request_is_seen_at_the_metrics(client: FlaskClient) -> None:
    before = sum(refused(client.get("/metrics").text).values())

    client.post(EVENTS, data=b"{}")

    assert sum(refused(client.get("/metrics").text).values()) == before + 1


def test_nothing_of_this_machine_is_told_beside_our_own_numbers(client: FlaskClient) -> None:
    client.post(EVENTS, data=b"{}")

    names = {family.name for family in text_string_to_metric_families(client.get("/metrics").text)}

    assert {name.partition("_")[0] for name in names} == {"countersign"}


def test_the_program_starts_without_the_library_that_counts() -> None:
    loaded = "import sys, connector.__main__; print('prometheus_client' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "False"


@pytest.mark.crash
def test_web_processes_count_together_and_leave_nothing_behind(tmp_path: Path) -> None:
    with _served(tmp_path) as (address, folder):
        for _ in range(30):
            assert requests.post(address + EVENTS, data=b"{}", timeout=10).status_code == 401
        seen = [sum(refused(requests.get(f"{address}/metrics", timeout=10).text).values()) for _ in range(12)]
        writers = len(list(folder.glob("countersign-counts-*/counter_*.db")))

    assert seen == [30] * 12
    assert writers == 2, "both processes must have been asked"
    assert list(folder.glob("countersign-counts-*")) == []


@contextmanager
def _served(folder: Path) -> Iterator[tuple[str, Path]]:
    """Two real web processes on a port of their own; yields the address and the folder for temporary files."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    file = write_settings(
        folder=folder, org_id=ORG_ID, sandbox_url="http://127.0.0.1:9", web_port=port, custom_plans={}
    )
    temporary = folder / "temporary"
    temporary.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-m", "connector", "serve", "--config", str(file)],
        env={**os.environ, **ENVIRONMENT, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _await(address, server)
        yield address, temporary
    finally:
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=60)
        assert b"Traceback" not in errors, errors.decode()


def _await(address: str, server: subprocess.Popen[bytes]) -> None:
    """Until the server answers; a connection is tried again at once, and refused at once while nobody listens."""
    retries = requests.adapters.HTTPAdapter(
        max_retries=requests.adapters.Retry(total=12, connect=12, backoff_factor=0.1)
    )
    with requests.Session() as session:
        session.mount("http://", retries)
        assert session.get(f"{address}/health/live", timeout=10).status_code == 200
    assert server.poll() is None
