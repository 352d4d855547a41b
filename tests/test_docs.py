"""The documents say what is so: drawings, commands, settings, files and jobs that they name exist."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import click
import pytest
from click.testing import CliRunner

from connector.__main__ import main
from connector.config import JobSettings
from connector.domain.fulfilment import ORDER_TRANSITIONS, OrderState
from connector.domain.status import Status, StatusWord
from connector.jobs import JOB_NAMES, Clockwork
from connector.store.queries_operations import Backlog, ProcessRow
from connector.web.metrics import metrics_text
from mappings.writeback import status_fields
from tests.conftest import NOW

ROOT = Path(__file__).parent.parent
BEAT: dict[str, Any] = {"executor_id": "host-1", "kind": "worker", "beat_at": NOW, "stopped_at": None}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def text_of(name: str) -> str:
    """A document."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_drawings_are_those_of_the_program() -> None:
    drawn = CliRunner().invoke(main, ["transitions"]).stdout

    assert text_of("docs/state-machines.md").endswith("\n\n" + drawn)


def test_every_order_state_is_explained() -> None:
    words = text_of("docs/state-machines.md").partition("```")[0]

    assert [state for state in OrderState if state not in words and state not in ("NEW", "FULFILLING")] == []
    assert {before for before, _event in ORDER_TRANSITIONS} | {OrderState.FULFILLED} == set(OrderState)


def test_every_status_word_is_explained() -> None:
    told = re.findall(r"^\| (\w[\w ]*?) \|", text_of("docs/salesforce-setup.md"), re.M)

    assert {word.value for word in StatusWord} <= set(told)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_file_that_a_document_links_to_is_there(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_command_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|^|exec web )countersign ([a-z][a-z -]*)", text, re.M)

    assert [words for words in named if not is_command(words.split())] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_make_target_that_a_document_names_exists(document: Path) -> None:
    targets = re.findall(r"^([a-z]+):", text_of("Makefile"), re.M)
    named = re.findall(r"(?:`|^)make ([a-z]+)", document.read_text(encoding="utf-8"), re.M)

    assert [target for target in named if target not in targets] == []


def test_every_job_and_command_is_in_the_guides() -> None:
    services = MagicMock()
    services.config.jobs = JobSettings()
    parts = dict.fromkeys((field.name for field in dataclasses.fields(Clockwork) if field.init), MagicMock())
    jobs = Clockwork(**(parts | {"services": services})).jobs()

    text = text_of("docs/operators.md")
    assert tuple(job.name for job in jobs) == JOB_NAMES
    assert [job.name for job in jobs if f"| `{job.name}` |" not in text] == []
    assert [name for name in main.commands if name not in text_of("CHANGELOG.md")] == []


def test_every_metric_of_the_operators_guide_exists() -> None:
    nothing: dict[str, Any] = {field.name: None for field in dataclasses.fields(Backlog)}
    counts = {"orders": {}, "inbox": {}, "records": {}, "writebacks_owed": 0, "writebacks_failing": 0}
    beat = ProcessRow(**({field.name: None for field in dataclasses.fields(ProcessRow)} | BEAT))
    found = metrics_text(backlog=Backlog(**(nothing | counts)), processes=(beat,), now=NOW)

    named = re.findall(r"`(countersign_\w+)", text_of("docs/operators.md"))
    assert len(named) >= 5
    assert [name for name in named if name not in found] == []


def test_every_field_that_is_written_is_in_the_setup_of_salesforce() -> None:
    fields_of = status_fields(objects=("Quote",), prefix="Sync_", renamed={})

    written = fields_of("Quote", Status(word=StatusWord.SYNCED))

    text = text_of("docs/salesforce-setup.md")
    assert len(written) > 10
    assert [name for name in written if f"| `{name}` |" not in text] == []


def is_command(words: list[str]) -> bool:
    """Whether the words begin with a command; the rest are its arguments."""
    command: click.Command = main
    while isinstance(command, click.Group):
        if not words or words[0] not in command.commands:
            return not words and command is not main
        command, words = command.commands[words[0]], words[1:]
    return True
