"""`countersign demo`, as a newcomer runs it: real processes, real HTTP, the whole story, and nothing left behind."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
import requests

from connector.demo import display
from connector.demo.children import ChildFailed, Children
from connector.demo.command import told_to_stop
from connector.demo.folder import FolderRefused, fresh_folder
from connector.demo.guardian import left_behind
from connector.demo.ports import free_ports
from tests.demo_deals import make_deal, make_standing

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "connector", "demo"]
# The story takes three seconds; the rest is for a machine that is busy with other tests.
LONGEST = 150

pytestmark = pytest.mark.xdist_group("processes")


def run_demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """One demo from start to end."""
    command = [*COMMAND, "--once", "--folder", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, cwd=ROOT, check=False)


@pytest.mark.crash
def test_every_deal_reaches_its_expected_end(tmp_path: Path) -> None:
    done = run_demo(tmp_path / "demo")

    assert done.returncode == 0, done.stdout + done.stderr
    for told in (
        "All 10 deals reached their expected end, here and in Salesforce.",
        "MISSING_ENTITLEMENT_VALUE",
        "TOTAL_MISMATCH",
        "message, 5 times",
        "USD 232,200.00",
        "was approved and issued as",
        "drafts wait in the review queue.",
    ):
        assert told in done.stdout
    assert "\x1b[" not in done.stdout, "colours and cursor moves do not belong into a file"


@pytest.mark.crash
def test_taken_ports_are_survived_and_it_runs_until_told_to_stop(tmp_path: Path) -> None:
    with closing(taken(8900)), closing(taken(8901)), running_demo(tmp_path / "demo") as running:
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        page = requests.get(told["links"]["orders"], timeout=5, allow_redirects=False)
        record = requests.get(told["links"]["salesforce"], timeout=5)
        running.send_signal(signal.SIGINT)
        code = running.wait(timeout=60)

    assert (page.status_code, record.status_code, code) == (302, 200, 0)
    assert told["approved"]["number"]
    assert told["paid"]["word"] == "Paid"
    assert told["links"]["invoice"].endswith(f"/review/invoices/{told['approved']['id']}")
    assert "Synced" in record.text
    assert all(deal["is_right"] for deal in told["deals"])
    assert not [link for link in told["links"].values() if ":8900/" in link or ":8901/" in link]
    lost = next(deal for deal in told["deals"] if deal["deal"] == "lost")
    assert (lost["deliveries"], lost["source"]) == (0, "sweep")
    for link in ("orders", "salesforce"):
        with pytest.raises(requests.ConnectionError):
            requests.get(told["links"][link], timeout=2)


@contextmanager
def running_demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo that keeps running; ended with the block if the test did not get so far."""
    command = [*COMMAND, "--json", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        try:
            yield running
        finally:
            running.terminate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_every_way_to_be_told_to_stop_is_the_same(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    with pytest.raises(KeyboardInterrupt), told_to_stop():
        signal.raise_signal(number)

    assert signal.getsignal(number) is before


def test_a_taken_port_is_replaced_by_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]

        found = free_ports(preferred=(port, port))

    assert port not in found
    assert len(set(found)) == 2


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")

    with pytest.raises(FolderRefused, match="left alone"), fresh_folder(folder):
        pass

    assert (folder / "mine.txt").read_text() == "mine"


def test_a_demo_folder_is_made_new_each_time(tmp_path: Path) -> None:
    with fresh_folder(tmp_path / "demo") as folder:
        (folder / "countersign.db").write_text("old")

    with fresh_folder(tmp_path / "demo") as folder:
        assert not (folder / "countersign.db").exists()


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        fresh_folder(tmp_path / "demo"),
        pytest.raises(FolderRefused, match="running"),
        fresh_folder(tmp_path / "demo"),
    ):
        pass


def test_a_process_that_ends_early_is_told_with_its_log(tmp_path: Path) -> None:
    words = "import sys; sys.exit('the port is taken')"

    with Children() as children, pytest.raises(ChildFailed, match="the port is taken"):
        child = children.start(
            name="The thing", command=[sys.executable, "-c", words], environment=os.environ, log=tmp_path / "log"
        )
        child.await_ready(lambda: False, seconds=30)


def test_children_end_when_the_demo_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Children() as children:
        child = children.start(
            name="Sleeper",
            command=[sys.executable, "-c", "import time; time.sleep(600)"],
            environment=os.environ,
            log=tmp_path / "log",
        )
        raise ZeroDivisionError

    assert child.has_ended


def test_children_end_when_the_demo_is_killed(tmp_path: Path) -> None:
    pipe, log = tmp_path / "pipe", tmp_path / "log"
    os.mkfifo(pipe)
    sleeper = [sys.executable, "-c", f"import time; held = open({str(pipe)!r}, 'w'); time.sleep(600)"]
    doomed_code = f"""if True:
        import os, pathlib, time
        from connector.demo.children import Children
        with Children() as children:
            children.start(name="Sleeper", command={sleeper!r}, environment=os.environ, log=pathlib.Path({str(log)!r}))
            time.sleep(600)
    """
    with subprocess.Popen([sys.executable, "-c", doomed_code], cwd=ROOT) as doomed, pipe.open() as held:
        # Opening waited for the sleeper to run.
        doomed.kill()

        # The pipe ends with the process that holds its other end.
        ended, _, _ = select.select([held], [], [], 30)

    assert ended


def test_the_guardian_ends_nothing_that_has_ended_well() -> None:
    assert left_behind(["12\n", "13\n", "done\n"]) == []
    assert left_behind(["12\n", "13\n"]) == [12, 13]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"orders": 0, "state": ""}, "0 orders instead of one"),
        ({"orders": 2}, "2 orders instead of one"),
        ({"state": "BLOCKED", "code": "TOTAL"}, "the order is BLOCKED TOTAL instead of FULFILLED"),
        ({"word": "Blocked"}, "Salesforce shows Blocked instead of Synced"),
        ({"word": ""}, "Salesforce shows nothing instead of Synced"),
        ({"value": None}, "the contract value is None instead of 1200.00"),
        ({"deliveries": 0}, "its message was delivered 0 times instead of 1"),
    ],
)
def test_an_unexpected_end_is_told_and_is_not_right(changes: dict[str, Any], told: str) -> None:
    standing = make_standing(**changes)

    assert told in standing.differences()
    assert not standing.is_right
    assert f"NOT AS EXPECTED: {told}." in click.unstyle("\n".join(display.summary([standing])))


def test_the_expected_end_is_right() -> None:
    assert make_standing().is_right


def test_a_wide_name_takes_its_columns_in_the_table() -> None:
    japanese = make_standing(deal=make_deal(title="株式会社さくら物流: an order"))

    lines = [click.unstyle(line) for line in display.summary([make_standing(), japanese])]

    rows = [line for line in lines if line.startswith("ok")]
    assert len({display.width(row) for row in rows}) == 1
    assert display.fit("株式会社", 5) == "株式…"


def test_the_live_view_redraws_over_itself(capsys: pytest.CaptureFixture[str]) -> None:
    progress = display.Progress(is_live=True)

    progress.show([make_standing(state="FULFILLING", word="")])
    progress.show([make_standing()])

    assert "\x1b[3A\x1b[J" in capsys.readouterr().out


def test_lines_are_told_once_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    progress = display.Progress(is_live=False)

    for _ in range(3):
        progress.show([make_standing()])

    assert len(capsys.readouterr().out.splitlines()) == 1


def taken(port: int) -> socket.socket:
    """A listener on that port, unless another program has it already; either way it is taken."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind(("127.0.0.1", port))
        holder.listen()
    except OSError:
        # Taken by somebody else: just what the test wants.
        return holder
    return holder
