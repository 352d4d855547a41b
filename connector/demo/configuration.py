"""The demo's settings: an ordinary settings file over the sandbox, and random secrets for the children only."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from connector.sandbox import CLIENT_ID, CLIENT_SECRET

PUSH_PATH = "/webhooks/salesforce/outbound/"
# The story has a message that never comes; nobody wants to wait five minutes for the sweep to find it.
_SWEEP_SECONDS = 2
# Nobody wants to wait for what is ordinarily looked at now and then.
_CASH_SECONDS = 1


@dataclass(frozen=True, slots=True)
class DemoSecrets:
    """What only this run knows."""

    session: str
    push_token: str

    @classmethod
    def random(cls) -> DemoSecrets:
        """New ones."""
        return cls(session=secrets.token_urlsafe(48), push_token=secrets.token_urlsafe(32))


def write_settings(
    *, folder: Path, org_id: str, sandbox_url: str, web_port: int, custom_plans: Mapping[str, Mapping[str, Any]]
) -> Path:
    """The settings file of the demo: its own part, the companies, the plans of the story, the model org's mapping."""
    own = f"""\
# Settings of the demo, made new at each start. config.example.toml explains every key.

[database]
url = {_text(f"sqlite:///{folder / 'countersign.db'}")}

[[salesforce]]
instance_url = {_text(sandbox_url)}
client_id = {_text(CLIENT_ID)}
org_id = {_text(org_id)}

[web]
base_url = "http://127.0.0.1:{web_port}"
port = {web_port}

[mail]
folder = {_text(str(folder / "mail"))}

[jobs]
sweep = {_SWEEP_SECONDS}
payments = 0.2
payment_links = 0.5
cash_status = {_CASH_SECONDS}

[payments]
provider = "embedded"

[writeback]
money = ["Quote", "Opportunity", "Order"]

"""
    shipped = files("connector.demo")
    companies, mapping = (shipped.joinpath(name).read_text("utf-8") for name in ("companies.toml", "model-org.toml"))
    file = folder / "config.toml"
    file.write_text(
        own + companies + "\n".join(_plan(ref, plan) for ref, plan in custom_plans.items()) + "\n" + mapping, "utf-8"
    )
    return file


def environment_of(secret: DemoSecrets, *, settings: Path) -> dict[str, str]:
    """The product's environment: the plain one and the demo's own secrets."""
    return plain_environment() | {
        "COUNTERSIGN_CONFIG": str(settings),
        "COUNTERSIGN_SESSION_SECRET": secret.session,
        "COUNTERSIGN_SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
        "COUNTERSIGN_SALESFORCE_PUSH_TOKENS": secret.push_token,
    }


def plain_environment() -> dict[str, str]:
    """The host's environment without any COUNTERSIGN_ variable: the demo must never meet a real org's secret."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}


def _plan(ref: str, plan: Mapping[str, Any]) -> str:
    lines = ["[[entitlements.plans]]", f"ref = {_text(ref)}", f"product = {_text(ref.replace('plan-', 'product-'))}"]
    for is_optional, entitlements in ((False, plan["required"]), (True, plan["optional"])):
        for entitlement in entitlements:
            lines += _variable_entitlement(entitlement, is_optional=is_optional)
    return "\n".join(lines) + "\n"


def _variable_entitlement(ref: str, *, is_optional: bool) -> list[str]:
    kind = "credit" if ref.startswith("cred-") else "entitlement"
    head = ["", "[[entitlements.plans.entitlements]]", f"ref = {_text(ref)}", f"kind = {_text(kind)}"]
    return [*head, "variable = true", f"optional = {str(is_optional).lower()}"]


def _text(value: str) -> str:
    """A TOML basic string; JSON's quoting is valid there."""
    return json.dumps(value, ensure_ascii=False)
