"""Dockerfile and compose file name things that exist. They are not built here: that needs a container engine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask

from connector.__main__ import main
from connector.config_secrets import read_secrets
from connector.web.health import operations

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = [name for name, service in COMPOSE["services"].items() if service["image"] == "countersign"]


@pytest.mark.parametrize("name", OURS)
def test_every_service_runs_a_command_that_exists(name: str) -> None:
    command = COMPOSE["services"][name]["command"]

    assert command[0] in main.commands
    assert {"web": "serve", "worker": "work"}[name] == command[0]


def test_the_image_runs_a_command_that_exists_and_not_as_root() -> None:
    entry = re.search(r'^ENTRYPOINT \["(\w+)"\]', DOCKERFILE, re.M)
    command = re.search(r'^CMD \["(\w+)"\]', DOCKERFILE, re.M)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert entry is not None
    assert entry[1] in project["scripts"]
    assert command is not None
    assert command[1] in main.commands
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.M)[-1] == "countersign"


def test_everything_the_image_copies_is_there_and_reaches_the_build() -> None:
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.M))
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
        for source in line.split()[:-1]
    }  # fmt: skip

    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert copied == let_in


def test_the_health_of_the_image_is_asked_at_a_route_that_exists() -> None:
    app = Flask("routes")
    app.register_blueprint(operations)

    asked = re.search(r"127\.0\.0\.1:8900(/[\w/]+)", DOCKERFILE)

    assert asked is not None
    assert asked[1] in {str(rule) for rule in app.url_map.iter_rules()}


@pytest.mark.parametrize("name", OURS)
def test_every_secret_is_a_file_that_the_product_reads(name: str, tmp_path: Path) -> None:
    service = COMPOSE["services"][name]
    given = {variable: Path(path).name for variable, path in service["environment"].items()}
    environment = {variable: str(tmp_path / secret) for variable, secret in given.items()}
    for secret in given.values():
        (tmp_path / secret).write_text(f"{secret} {'x' * 40}", encoding="utf-8")

    faults: list[Any] = []
    found = read_secrets(["default"], environment, faults)

    assert faults == []
    assert found.session.get_secret_value().startswith("session_secret")
    assert found.salesforce["default"].client_secret.get_secret_value().startswith("client_secret")
    assert set(given.values()) == set(service["secrets"])
    assert {str(Path(path).parent) for path in service["environment"].values()} == {"/run/secrets"}


def test_every_secret_has_its_file_and_none_is_in_the_compose_file() -> None:
    named = {secret for service in COMPOSE["services"].values() for secret in service["secrets"]}

    assert named == set(COMPOSE["secrets"])
    assert all(secret["file"].startswith("./secrets/") for secret in COMPOSE["secrets"].values())
    assert not re.search(
        r"(password|secret|token)\w*: *[\"'\w]+$", (ROOT / "compose.yaml").read_text("utf-8"), re.M | re.I
    )
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8")


def test_the_guide_says_how_to_make_every_secret() -> None:
    guide = (ROOT / "docs/operators.md").read_text(encoding="utf-8")

    assert [name for name in COMPOSE["secrets"] if f"secrets/{name}" not in guide] == []
