"""map backtest and map diff at the command line: for people, for machines, by exit code."""

from __future__ import annotations

from pathlib import Path

from connector.sandbox import Sandbox
from tests.test_commands import CommandLine, countersign, org

__all__ = ["countersign", "org"]


def test_a_backtest_of_deals_that_nobody_has_done_yet_names_each_and_ends_with_1(
    countersign: CommandLine, org: Sandbox
) -> None:
    done = countersign("map", "backtest", "--since", "2020-01-01", "--until", "2099-01-01")

    assert done.exit_code == 1
    assert "would be an order, is none" in done.stdout
    told = countersign("map", "backtest", "--since", "2020-01-01", "--until", "2099-01-01", "--all", "--json")
    assert '"refused, as it was": 1' in told.stdout


def test_a_backtest_over_a_time_without_deals_is_good(countersign: CommandLine) -> None:
    told = countersign.told("map", "backtest", "--since", "2019-01-01", "--until", "2019-02-01")

    assert (told["rows"], told["counts"]) == ([], {})


def test_two_files_are_compared_rule_by_rule(countersign: CommandLine, tmp_path: Path) -> None:
    file = next(tmp_path.glob("*.toml"))
    other = tmp_path / "other.toml"
    text = file.read_text("utf-8")
    assert 'po_number = "PO_Number__c"' in text
    other.write_text(text.replace('po_number = "PO_Number__c"', 'po_number = "Name"'), "utf-8")

    done = countersign("map", "diff", str(other))

    assert done.exit_code == 1
    assert "defaults.header.po_number" in done.stdout
    assert countersign("map", "diff", str(file)).stdout == "The two mappings are the same.\n"


def test_a_version_that_was_never_used_is_refused_in_words(countersign: CommandLine) -> None:
    done = countersign("map", "diff", "0123456789ab")

    assert done.exit_code == 1
    assert "No mapping of the version 0123456789ab was used here." in done.stderr


def test_without_names_the_versions_used_are_listed(countersign: CommandLine) -> None:
    assert countersign("map", "diff").stdout == "No mapping was used yet.\n"
