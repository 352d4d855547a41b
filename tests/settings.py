"""Settings for a whole product over a sandbox: the model org's mapping, the sandbox's plans, quick jobs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from connector.config import Config, parse_config
from connector.sandbox import CLIENT_ID, CLIENT_SECRET, Sandbox
from tests.selling import plan_settings
from tests.stigg_place import WEBHOOK_SECRET
from tests.stigg_server import API_KEY

ROOT = Path(__file__).parent.parent
PUSH_TOKEN = "push-token-of-the-tests-0123456789abcdef"
ENVIRONMENT = {
    "COUNTERSIGN_SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
    "COUNTERSIGN_SALESFORCE_PUSH_TOKENS": PUSH_TOKEN,
    "COUNTERSIGN_SESSION_SECRET": "t" * 40,
    "COUNTERSIGN_STIGG_API_KEY": API_KEY,
    "COUNTERSIGN_STIGG_WEBHOOK_SECRETS": WEBHOOK_SECRET,
}
# A killed process is noticed within about a second.
QUICK_JOBS = {"write_back": 0.1, "wake": 0.2, "watchdog": 0.5, "silence": 1}


def raw_settings(*, sandbox: Sandbox, database_url: str, **sections: Any) -> dict[str, Any]:
    """The settings as TOML would give them; `sections` replace whole sections."""
    raw = tomllib.loads((ROOT / "docs/examples/model-org.toml").read_text(encoding="utf-8"))
    return raw | {
        "database": {"url": database_url},
        "salesforce": {"instance_url": sandbox.base_url, "client_id": CLIENT_ID, "org_id": sandbox.org_id},
        "entitlements": {"plans": plan_settings()},
        **sections,
    }


def settings_for(*, sandbox: Sandbox, database_url: str, **sections: Any) -> Config:
    """The checked settings of a product that serves this sandbox."""
    raw = raw_settings(sandbox=sandbox, database_url=database_url, **sections)
    return parse_config(raw=raw, environment=ENVIRONMENT)
