"""config.example.toml is the documentation of the settings: it loads, it is complete, and nothing else is accepted."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from connector.bootstrap import make_services
from connector.config import Config, ConfigRefused, load_config, parse_config

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config.example.toml"
MODEL_ORG = ROOT / "docs/examples/model-org.toml"
SECRETS = {
    "COUNTERSIGN_SESSION_SECRET": "s" * 40,
    "COUNTERSIGN_SALESFORCE_CLIENT_SECRET": "c" * 40,
    "COUNTERSIGN_SALESFORCE_PUSH_TOKENS": "p" * 40,
}


def load(text: str, folder: Path, environment: dict[str, str] | None = None) -> Config:
    """The settings of that text."""
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(path=file, environment=SECRETS if environment is None else environment)


def test_the_example_loads_and_makes_a_whole_product(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace("sqlite:///var/", f"sqlite:///{tmp_path}/")

    services = make_services(load(text, tmp_path))

    assert {org.name for org in services.orgs.values()} == {"default"}
    assert {rule["object"] for rule in services.config.signed} == {"Quote", "Opportunity", "Order"}


def test_the_examples_for_further_orgs_and_fields_load_too(tmp_path: Path) -> None:
    text = with_examples_switched_on(EXAMPLE.read_text(encoding="utf-8").partition("[[signed]]")[0])
    secrets = SECRETS | {
        "COUNTERSIGN_SALESFORCE_EU_PRIVATE_KEY": "k",
        "COUNTERSIGN_SALESFORCE_EU_PUSH_TOKENS": "e" * 40,
    }

    config = load(text, tmp_path, secrets)

    assert [(org.name, org.auth) for org in config.salesforce] == [("default", "client_credentials"), ("eu", "jwt")]
    assert config.salesforce[0].calls_per_day == 50_000
    assert config.writeback.fields == {"Status": "Billing_Status__c", "Source_Hash": ""}
    assert [(entity.code, len(config.billing.taxes)) for entity in config.billing.entities] == [("DE", 1)]
    assert config.secrets.salesforce["eu"].private_key.get_secret_value() == "k"


def test_every_setting_is_in_the_example() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")

    missing = [
        place
        for place, name in settings_of(Config)
        if not re.search(rf"^(# )?{name} = |^(# )?\[+.*\b{name}\]", text, re.M)
    ]

    assert missing == []


def test_every_default_in_the_example_is_the_real_one(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    config = load(text, tmp_path)

    # What the example says to be a default must be one: reading only what has none must give the same settings.
    needed = ("client_id", "instance_url", "org_id")
    minimal = {"salesforce": {name: getattr(config.salesforce[0], name) for name in needed}}
    plain = parse_config(raw=minimal, environment=SECRETS)
    sections = ("database", "writeback", "billing", "review", "payments", "airwallex", "stigg", "web", "jobs")
    for section in (*sections, "order_forms", "docusign"):
        assert getattr(config, section) == getattr(plain, section), section
    assert config.salesforce == plain.salesforce
    assert config.entitlements.platform == plain.entitlements.platform


def test_every_secret_is_named_and_none_is_given() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    raw = tomllib.loads(text)
    names = ["SESSION_SECRET", "DATABASE_URL", "OIDC_CLIENT_SECRET", "AIRWALLEX_API_KEY", "AIRWALLEX_WEBHOOK_SECRETS"]
    names += ["STIGG_API_KEY", "STIGG_WEBHOOK_SECRETS"]
    names += ["DOCUSIGN_HMAC_KEYS", "DOCUSIGN_PRIVATE_KEY", "PANDADOC_KEYS", "DROPBOX_SIGN_API_KEYS"]
    names += ["ADOBE_SIGN_CLIENT_IDS"]
    names += [f"SALESFORCE_{name}" for name in ("CLIENT_SECRET", "PRIVATE_KEY", "PUSH_TOKENS", "EVENT_SECRETS")]

    assert [name for name in names for end in ("", "_FILE") if not re.search(rf"COUNTERSIGN_{name}{end}\b", text)] == []
    assert "secrets" not in raw
    assert not re.search(r"^[^#\n]*(secret|token|private_key|password)\w* *=", text, re.M | re.I)


def test_its_mapping_is_the_one_of_the_model_org() -> None:
    assert EXAMPLE.read_text(encoding="utf-8").endswith(MODEL_ORG.read_text(encoding="utf-8"))


def test_the_demo_reads_its_org_by_the_same_mapping() -> None:
    assert (ROOT / "connector/demo/model-org.toml").read_bytes() == MODEL_ORG.read_bytes()


@pytest.mark.parametrize(
    ("place", "table"),
    [
        ("nonsense", {"nonsense": 1}),
        ("database.nonsense", {"database": {"nonsense": 1}}),
        ("web.nonsense", {"web": {"nonsense": 1}}),
        ("jobs.nonsense", {"jobs": {"nonsense": 1}}),
        ("writeback.nonsense", {"writeback": {"nonsense": 1}}),
        ("entitlements.nonsense", {"entitlements": {"nonsense": 1}}),
    ],
)
def test_an_unknown_key_is_refused_by_its_place(place: str, table: dict[str, Any]) -> None:
    raw = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    merged = raw | {
        name: raw.get(name, {}) | value if isinstance(value, dict) else value for name, value in table.items()
    }

    with pytest.raises(ConfigRefused) as refused:
        parse_config(raw=merged, environment=SECRETS)

    assert [fault.field for fault in refused.value.faults] == [place]


def settings_of(model: type[BaseModel], place: str = "") -> Iterator[tuple[str, str]]:
    """Every setting below that section, as its place and its own name."""
    for name, field in model.model_fields.items():
        if name == "secrets":
            continue
        where = f"{place}.{name}".lstrip(".")
        yield where, name
        for section in _sections(field):
            yield from settings_of(section, where)


def _sections(field: FieldInfo) -> Iterator[type[BaseModel]]:
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield kind


def with_examples_switched_on(text: str) -> str:
    """The text with its commented tables and keys made real ones."""
    return re.sub(r"^# (\[+[\w.]+\]+|\w+ = )", r"\1", text, flags=re.M)
