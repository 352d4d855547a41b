"""`countersign check` and `countersign map lint` as a person or a machine runs them, over a served sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.__main__ import main
from connector.sandbox import CLIENT_ID, Sandbox
from tests.selling import Seller
from tests.settings import ENVIRONMENT

MODEL_ORG = Path(__file__).parent.parent / "docs" / "examples" / "model-org.toml"

Run = Callable[..., Result]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(auto_push=False) as running:
        Seller(running)
        yield running


@pytest.fixture
def file(sandbox: Sandbox, tmp_path: Path) -> Path:
    """Settings of a whole product over the sandbox; the plans that its products name are known."""
    refs = {row["Stigg_ID__c"] for row in sandbox.all("Product2") if row["Stigg_Type__c"] == "Plan"}
    plans = "\n".join(f'[[entitlements.plans]]\nref = "{ref}"\nproduct = "of-{ref}"' for ref in sorted(refs))
    found = tmp_path / "config.toml"
    found.write_text(
        f"""
[database]
url = "sqlite:///{tmp_path / "countersign.db"}"
[salesforce]
instance_url = "{sandbox.base_url}"
client_id = "{CLIENT_ID}"
org_id = "{sandbox.org_id}"
[mail]
transport = "smtp"
host = "mail.example.com"
sender = "billing@example.com"
{plans}
{MODEL_ORG.read_text(encoding="utf-8")}""",
        encoding="utf-8",
    )
    return found


@pytest.fixture
def run(file: Path) -> Run:
    def runs(*words: str, **environment: str) -> Result:
        answer = CliRunner().invoke(main, [*words, "--config", str(file)], env={**ENVIRONMENT, **environment})
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        return answer

    return runs


def told(answer: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_check_before_migrate_finds_it_and_after_migrate_all_is_good(run: Run) -> None:
    before = run("check")
    run("migrate")
    after = run("check")

    assert (before.exit_code, after.exit_code) == (1, 0)
    assert "Run `countersign migrate`. Who: operator." in before.stdout
    assert "0 bad, 0 to look at." in after.stdout


def test_check_answers_machines_in_json(run: Run, sandbox: Sandbox) -> None:
    run("migrate")
    sandbox.schema.hide("Quote", "Contract_Start__c")

    answer = run("check", "--json", "--quiet")

    assert answer.exit_code == 1
    assert answer.stderr == ""
    found = told(answer)
    assert found["counts"]["bad"] == 1
    [finding] = [one for one in found["findings"] if one["state"] == "bad"]
    assert set(finding) == {"area", "state", "message", "fix", "owner"}
    assert (finding["area"], finding["state"]) == ("salesforce default", "bad")


@pytest.mark.parametrize("command", [("check",), ("map", "lint")])
def test_faults_of_the_settings_end_with_2(run: Run, file: Path, command: tuple[str, ...]) -> None:
    text = file.read_text(encoding="utf-8").replace("[mapping]", '[mapping]\ncolour = "red"')
    file.write_text(f"{text}\n[web]\nport = 0\n", encoding="utf-8")

    answer = run(*command)

    assert answer.exit_code == 2
    assert "mapping.colour is not a setting" in answer.stderr
    assert "web.port: This setting must be at least 1." in answer.stderr


def test_lint_names_the_mapped_objects_and_needs_no_database(run: Run) -> None:
    answer = run("map", "lint", "--json")

    assert answer.exit_code == 0
    messages = " ".join(finding["message"] for finding in told(answer)["findings"])
    assert "Quote is mapped (version" in messages
    assert "fields that are read of QuoteLineItem are visible" in messages


def test_lint_finds_a_misspelt_field_and_an_unknown_plan(run: Run, file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace('"PO_Number__c"', '"PO_Nmuber__c"')
    file.write_text(f'{text}\n[mapping.products.GOLD]\nkind = "plan"\nref = "plan-gold"\n', encoding="utf-8")

    answer = run("map", "lint", "--quiet")

    assert answer.exit_code == 1
    assert "The field Quote.PO_Nmuber__c is misspelt" in answer.stdout
    assert "mapping.products.GOLD gives the plan plan-gold" in answer.stdout


def test_lint_without_salesforce_judges_the_settings_alone(run: Run, sandbox: Sandbox) -> None:
    sandbox.calls.reset()

    answer = run("map", "lint", "--offline")

    assert answer.exit_code == 0
    assert sandbox.calls.total == 0


def test_lint_tells_of_an_object_that_is_mapped_and_never_signed(run: Run, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('object = "Order"', 'object = "Quote"', 1), encoding="utf-8")

    answer = run("map", "lint", "--quiet", "--offline")

    assert "mapping.objects.Order is mapped, but no [[signed]] rule names it" in answer.stdout
    assert answer.exit_code == 0
