"""Settings of billing and review: what finance works with, and what is told of a typing error."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.bootstrap import make_services
from connector.config import Config, ConfigRefused, parse_config
from connector.domain.invoice_drafts import DocumentKind
from connector.finance import legal_entities
from connector.validation import finance_faults
from tests.test_config_example import EXAMPLE, SECRETS

ORG = {"instance_url": "https://x.example", "client_id": "c", "org_id": "00D000000000001"}
GERMANY = {"code": "DE", "country": "DE"}


def parsed(**tables: Any) -> Config:
    mapping = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["mapping"]
    raw = {"salesforce": ORG, "mapping": mapping, **tables}
    return parse_config(raw=raw, environment=SECRETS, judges=(finance_faults,))


def told(**tables: Any) -> list[tuple[str, str]]:
    with pytest.raises(ConfigRefused) as refused:
        parsed(**tables)
    return [(fault.field, fault.message) for fault in refused.value.faults]


def entities(*tables: dict[str, Any]) -> dict[str, Any]:
    return {"entities": list(tables)}


def test_settings_become_the_desk_of_finance(tmp_path: Path) -> None:
    germany = GERMANY | {
        "name": "Example GmbH",
        "street": "Hauptstr. 1",
        "city": "Berlin",
        "time_zone": "Europe/Berlin",
        "invoice_number": "R{year}{number:5}",
        "bank_accounts": [{"holder": "Example GmbH", "iban": "DE89370400440532013000"}],
    }
    config = parsed(
        database={"url": f"sqlite:///{tmp_path}/x.db"},
        billing=entities(germany) | {"due_from": "issue_date"},
        review={"second_approver_above": {"EUR": 50000}, "po_required_for": ["001A"], "quiet_up_to": {}},
    )

    desk = make_services(config).desk

    entity = desk.entities["DE"]
    assert (entity.seller.name, entity.seller.address.city, entity.seller.bank_accounts[0].holder) == (
        "Example GmbH",
        "Berlin",
        "Example GmbH",
    )
    assert entity.number_format(DocumentKind.INVOICE).text == "R{year}{number:5}"
    assert (entity.is_due_from_issue, entity.time_zone) == (True, "Europe/Berlin")
    assert desk.rules.second_approver_above == {"EUR": Decimal(50000)}
    assert (desk.rules.po_required_for, desk.rules.quiet_up_to) == (frozenset({"001A"}), {})


def test_without_settings_the_known_entities_can_be_numbered(tmp_path: Path) -> None:
    desk = make_services(parsed(database={"url": f"sqlite:///{tmp_path}/x.db"})).desk

    assert set(desk.entities) == {"US", "DE", "JP"}
    assert desk.rules.second_approver_above == {}


@pytest.mark.parametrize(
    ("billing", "place", "words"),
    [
        (entities(GERMANY | {"invoice_number": "DE-{year}"}), "billing.entities[1].invoice_number", "{number} once"),
        (entities(GERMANY | {"credit_note_number": "{entity}-{year}-{number:6}"}), "billing.entities", "same numbers"),
        (entities({"code": "IN", "country": "IN"}), "billing.entities", "longer than 16 characters"),
        (entities(GERMANY | {"time_zone": "Berlin"}), "billing.entities[1].time_zone", "must be a time zone"),
        (entities(GERMANY, GERMANY), "billing", "names the entity DE twice"),
        ({"due_from": "never"}, "billing.due_from", ""),
    ],
)
def test_a_fault_of_billing_is_told_with_its_place(billing: dict[str, Any], place: str, words: str) -> None:
    found = told(billing=billing)

    assert [field for field, _message in found] == [place]
    assert words in found[0][1]


@pytest.mark.parametrize(
    ("review", "place"),
    [
        ({"second_approver_above": {"EURO": 1}}, "review.second_approver_above"),
        ({"second_approver_above": {"XXX": 1}}, "review.second_approver_above.XXX"),
        ({"quiet_up_to": {"EUR": -1}}, "review.quiet_up_to"),
        ({"quiet_up_to": {"EUR": "many"}}, "review.quiet_up_to.EUR"),
        ({"jump_percent": 0}, "review.jump_percent"),
        ({"thresholds": {}}, "review.thresholds"),
    ],
)
def test_a_fault_of_review_is_told_with_its_place(review: dict[str, Any], place: str) -> None:
    assert [field for field, _message in told(review=review)] == [place]


def png(width: int, height: int, size: int = 60) -> bytes:
    """The beginning of a PNG of that many pixels, with something behind it."""
    header = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return header + b"\0" * size


def test_the_logo_of_a_company_is_read_once_and_stands_on_its_documents(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(png(300, 80))

    config = parsed(billing=entities(GERMANY | {"logo": str(tmp_path / "logo.png")}))

    assert legal_entities(config.billing)["DE"].seller.logo == png(300, 80)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"", "must name a PNG"),
        (b"<svg onload=alert(1)>", "must name a PNG"),
        (png(300, 80, size=200_001), "at most 200 kB"),
        (png(30_000, 30_000), "2000 pixels"),
        (png(0, 80), "2000 pixels"),
    ],
)
def test_a_logo_that_would_spoil_documents_is_refused_at_the_start(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "logo.png").write_bytes(content)

    found = told(billing=entities(GERMANY | {"logo": str(tmp_path / "logo.png")}))

    assert len(found) == 1
    assert said in found[0][1]
