"""The command line: every command explains itself, answers people and machines, and says by its exit code how it went.

0 good, 1 findings or failures, 2 usage or configuration. The commands run in this process over a SQLite file, those
that ask Salesforce over the sandbox.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from connector.__main__ import main
from connector.demo.configuration import write_settings
from connector.domain.drawings import drawing
from connector.jobs import JOB_NAMES
from connector.sandbox import Sandbox, story
from connector.sandbox.story import SeededDeal
from tests.settings import ENVIRONMENT

ORG_ID = "00D000000000001"
PASSWORD = "correct horse battery"


def all_commands(group: click.Group = main, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command as its words, groups left out."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, (*above, name))
        else:
            yield (*above, name)


class CommandLine:
    """Runs `countersign WORDS` with that settings file and the secrets of the tests."""

    def __init__(self, file: Path, **environment: str) -> None:
        self._environment = {**ENVIRONMENT, "COUNTERSIGN_CONFIG": str(file), "USER": "anna", **environment}

    def __call__(self, *words: str, **options: Any) -> Result:
        return CliRunner().invoke(main, words, env=self._environment, **options)

    def told(self, *words: str) -> Any:
        """The JSON answer of a command that goes well."""
        done = self(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def org() -> Iterator[Sandbox]:
    """A sandbox org with the demo's deals: the first one signed, and the one with a wrong total."""
    sandbox = Sandbox(auto_push=False)
    deals = {deal.key: deal for deal in story.seed(sandbox)}
    for key in ("platform", "wrong-total"):
        story.sign(sandbox, deals[key])
    with sandbox:
        yield sandbox


@pytest.fixture
def countersign(tmp_path: Path, org: Sandbox) -> CommandLine:
    """The command line over that org and a database with tables."""
    file = write_settings(
        folder=tmp_path, org_id=org.org_id, sandbox_url=org.base_url, web_port=8900, custom_plans=story.CUSTOM_PLANS
    )
    command_line = CommandLine(file)
    assert command_line("migrate").exit_code == 0
    return command_line


@pytest.fixture
def bare(tmp_path: Path) -> CommandLine:
    """The command line with settings, but a database that was never migrated and an org that is not there."""
    return CommandLine(settings_without_org(tmp_path))


def settings_without_org(folder: Path) -> Path:
    """A settings file whose org nobody serves."""
    return write_settings(
        folder=folder, org_id=ORG_ID, sandbox_url="http://127.0.0.1:9", web_port=8900, custom_plans={}
    )


def deal_of(org: Sandbox, key: str) -> SeededDeal:
    """A deal of the story."""
    return next(deal for deal in org.story if deal.key == key)


# What every command has


@pytest.mark.parametrize("words", [(), ("user",), ("token",), ("map",), *all_commands()], ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, [*words, "--help"])

    assert done.exit_code == 0
    assert " " in done.stdout.splitlines()[2].strip(), "no sentence that says what it does"


@pytest.mark.parametrize("words", [words for words in all_commands() if words not in {("transitions",), ("demo",)}])
def test_every_command_takes_a_settings_file_and_answers_machines(words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(main, [*words, "--help"]).stdout

    assert "--config" in told
    assert "--json" in told


@pytest.mark.parametrize("words", [("nonsense",), ("user", "nonsense"), ("migrate", "--nonsense"), ("run",)])
def test_a_word_that_is_not_known_ends_with_2(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, words)

    assert done.exit_code == 2
    assert "Usage: " in done.stderr


COMMANDS_WITH_SETTINGS = [
    ("migrate",),
    ("serve",),
    ("work",),
    ("check",),
    ("run", "sweep"),
    ("resync", "O-000001"),
    ("replay",),
    ("reconcile",),
    ("map", "preview", "0Q0000000000001"),
    ("user", "list"),
    ("token", "list"),
]


@pytest.mark.parametrize("words", COMMANDS_WITH_SETTINGS, ids=" ".join)
def test_without_a_settings_file_every_command_ends_with_2_and_says_so(words: tuple[str, ...], tmp_path: Path) -> None:
    done = CommandLine(tmp_path / "missing.toml")(*words)

    assert done.exit_code == 2
    assert "The file does not exist. Copy config.example.toml and edit it." in done.stderr


def test_all_faults_of_the_settings_are_in_one_report(tmp_path: Path) -> None:
    file = settings_without_org(tmp_path)
    file.write_text(
        file.read_text("utf-8")
        .replace("port = 8900", 'port = "many"\nnonsense = 1')
        .replace(ORG_ID, "00D")
        .replace('object = "Quote"', "object = 7"),
        "utf-8",
    )

    done = CommandLine(file)("migrate", "--json")

    assert done.exit_code == 2
    places = [fault["field"] for fault in json.loads(done.stderr)["faults"]]
    assert {"web.port", "web.nonsense", "salesforce[1].org_id"} < set(places)
    assert any("signed" in place for place in places)
    assert not (tmp_path / "countersign.db").exists()


def test_the_file_named_on_the_command_line_comes_before_the_environment(tmp_path: Path) -> None:
    file = settings_without_org(tmp_path)

    done = CommandLine(tmp_path / "missing.toml")("migrate", "--config", str(file))

    assert done.exit_code == 0, done.output


# The database


def test_migrate_says_what_it_did_and_may_be_repeated(bare: CommandLine) -> None:
    first, second = bare("migrate"), bare("migrate")

    assert first.stdout.startswith("The database went from empty to ")
    assert second.stdout.startswith("The database is at ")
    told = bare.told("migrate")
    assert told["before"] == told["after"] != ""


@pytest.mark.parametrize("words", [("user", "list"), ("token", "list"), ("replay",), ("run", "retention")])
def test_a_database_without_tables_is_told_with_its_remedy(bare: CommandLine, words: tuple[str, ...]) -> None:
    done = bare(*words)

    assert done.exit_code == 2
    assert "The database has no table" in done.stderr
    assert "Run `countersign migrate`." in done.stderr


def test_the_drawing_of_the_state_machines_needs_no_settings() -> None:
    assert CliRunner().invoke(main, ["transitions"]).stdout == drawing()


# Users and tokens


def test_a_user_is_added_listed_and_disabled(countersign: CommandLine) -> None:
    added = countersign("user", "add", "maria", "--role", "finance", input=f"{PASSWORD}\n{PASSWORD}\n")
    disabled = countersign("user", "disable", "maria")

    assert (added.exit_code, disabled.exit_code) == (0, 0)
    assert "maria may sign in as finance." in added.stdout
    assert PASSWORD not in added.output
    assert countersign.told("user", "list") == {"users": [{"name": "maria", "role": "finance", "state": "disabled"}]}
    assert countersign("user", "list").stdout.splitlines()[-1].split() == ["maria", "finance", "disabled"]


def test_a_user_gets_another_role_and_is_let_in_again(countersign: CommandLine) -> None:
    countersign("user", "add", "maria", input=f"{PASSWORD}\n{PASSWORD}\n")
    countersign("user", "disable", "maria")

    given = countersign("user", "role", "maria", "approver")
    enabled = countersign("user", "enable", "maria")

    assert (given.exit_code, enabled.exit_code) == (0, 0)
    assert countersign.told("user", "list") == {"users": [{"name": "maria", "role": "approver", "state": "active"}]}


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("user", "add", "otto", "--password", "short"), 1, "The password must have 12"),
        (("user", "add", "  ", "--password", PASSWORD), 1, "The name is empty."),
        (("user", "add", "otto", "--password", PASSWORD, "--role", "king"), 2, "'king' is not one of"),
        (("user", "disable", "otto"), 1, "otto"),
        (("user", "enable", "otto"), 1, "otto"),
        (("user", "role", "otto", "finance"), 1, "otto"),
        (("token", "create", "erp", "--scope", "everything"), 1, "'everything' is not known"),
        (("token", "create", "erp"), 2, "--scope"),
        (("token", "revoke", "erp"), 1, "erp"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    countersign: CommandLine, words: tuple[str, ...], code: int, told: str
) -> None:
    done = countersign(*words)

    assert done.exit_code == code
    assert told in done.stderr
    assert "Traceback" not in done.output


def test_a_second_user_or_token_of_the_same_name_is_refused(countersign: CommandLine) -> None:
    user, token = ("user", "add", "maria", "--password", PASSWORD), ("token", "create", "erp", "--scope", "read")

    codes = [countersign(*words).exit_code for words in (user, user, token, token)]

    assert codes == [0, 1, 0, 1]


def test_a_token_is_shown_once_and_can_be_revoked(countersign: CommandLine) -> None:
    made = countersign.told("token", "create", "erp", "--scope", "read", "--scope", "orders:write")["token"]
    listed = countersign("token", "list")
    revoked = countersign("token", "revoke", "erp")

    assert made.startswith("cs_")
    assert made not in listed.output
    assert revoked.exit_code == 0
    told = countersign.told("token", "list")["tokens"]
    assert [(one["name"], one["scopes"], one["state"]) for one in told] == [("erp", "read orders:write", "revoked")]


def test_a_refusal_answers_machines_too(countersign: CommandLine) -> None:
    done = countersign("token", "revoke", "erp", "--json")

    assert done.exit_code == 1
    told = json.loads(done.stderr)
    assert told["code"] == "NOT_FOUND"
    assert told["fix"]


# Deals


def test_a_preview_shows_what_a_record_would_become(countersign: CommandLine, org: Sandbox) -> None:
    deal = deal_of(org, "platform")

    done = countersign("map", "preview", deal.record_id)

    assert done.exit_code == 0, done.output
    assert "Contract value: 30000.00 USD" in done.stdout
    assert countersign.told("map", "preview", deal.record_id)["contract"]["value"] == "30000.00"


def test_a_preview_with_faults_tells_them_and_ends_with_1(countersign: CommandLine, org: Sandbox) -> None:
    done = countersign("map", "preview", deal_of(org, "wrong-total").record_id)

    assert done.exit_code == 1
    assert "10020" in done.stdout.replace(",", "")
    assert "Who: " in done.stdout


def test_reconcile_finds_signed_deals_that_are_not_here(countersign: CommandLine) -> None:
    told = countersign.told("reconcile", "intake")

    assert told["unsynced"]["found"] == 2
    assert told["unsynced"]["failed"] == told["sweep"]["failed"] == 0


def test_reconcile_of_a_room_that_is_not_there_ends_with_2(countersign: CommandLine) -> None:
    assert countersign("reconcile", "kitchen").exit_code == 2


def test_a_job_is_run_by_hand(countersign: CommandLine) -> None:
    assert "found" in countersign.told("run", "unsynced")


def test_every_job_can_be_run_by_hand_and_is_named_by_the_help(countersign: CommandLine) -> None:
    told = CliRunner().invoke(main, ["run", "--help"]).stdout.partition("Jobs:")[2]

    codes = {name: countersign("run", name).exit_code for name in JOB_NAMES}

    assert set(re.findall(r"\w+", told)) == set(JOB_NAMES)
    assert codes == dict.fromkeys(JOB_NAMES, 0)


def test_a_job_that_is_not_there_is_told_with_those_that_are(countersign: CommandLine) -> None:
    done = countersign("run", "nonsense")

    assert done.exit_code == 2
    assert "write_back, wake, watchdog, sweep" in done.stderr


def test_resync_names_what_it_would_look_at(countersign: CommandLine, org: Sandbox) -> None:
    deal = deal_of(org, "platform")

    told = countersign.told("resync", deal.record_id, "--dry-run")

    assert (told["dry_run"], [one["salesforce_id"] for one in told["found"]]) == (True, [deal.record_id])


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "Name a record or an order"),
        (("O-999999",), 1, "There is no order O-999999."),
        (("not-an-id",), 1, "not a Salesforce id"),
        (("--since", "yesterday", "--until", "2026-03-01"), 2, "'yesterday' is not a date"),
    ],
)
def test_resync_refuses_what_it_cannot_look_at(
    countersign: CommandLine, words: tuple[str, ...], code: int, told: str
) -> None:
    done = countersign("resync", *words)

    assert done.exit_code == code
    assert told in done.output


def test_replay_says_how_many_messages_it_took(countersign: CommandLine) -> None:
    assert countersign("replay", "--dry-run").stdout == "0 parked message(s) would be replayed.\n"
    assert countersign.told("replay") == {"dry_run": False, "replayed": 0}
    assert countersign("replay", "5").exit_code == 1
    assert countersign("replay", "five").exit_code == 2


# Salesforce is away, or is another one


@pytest.mark.parametrize("words", [("reconcile",), ("run", "sweep"), ("map", "preview", "0Q0000000000001")])
def test_an_org_that_does_not_answer_ends_with_1(bare: CommandLine, words: tuple[str, ...]) -> None:
    bare("migrate")

    done = bare(*words)

    assert done.exit_code == 1
    assert "Salesforce" in done.output
    assert "tried again by itself" not in done.output


@pytest.mark.parametrize("words", [("reconcile",), ("run", "sweep")])
def test_the_wrong_org_is_refused_with_2(tmp_path: Path, org: Sandbox, words: tuple[str, ...]) -> None:
    file = write_settings(
        folder=tmp_path, org_id=ORG_ID, sandbox_url=org.base_url, web_port=8900, custom_plans=story.CUSTOM_PLANS
    )
    countersign = CommandLine(file)
    countersign("migrate")

    done = countersign(*words, "--json")

    assert done.exit_code == 2
    assert json.loads(done.stderr.splitlines()[-1])["code"] == "WRONG_ORG"


def test_a_web_server_whose_worker_cannot_start_ends_with_its_reason(tmp_path: Path, org: Sandbox) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    file = write_settings(folder=tmp_path, org_id=ORG_ID, sandbox_url=org.base_url, web_port=port, custom_plans={})

    done = subprocess.run(
        [sys.executable, "-m", "connector", "serve", "--with-worker", "--config", str(file)],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    told = next(json.loads(line) for line in done.stderr.splitlines() if "worker_cannot_start" in line)
    assert (told["code"], told["fix"] != "") == ("WRONG_ORG", True)
