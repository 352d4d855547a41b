"""What [web.oidc] may say: one report with every fault, and nothing that would let everybody or nobody in unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.config import ConfigRefused
from connector.validation import read_settings

MODEL_ORG = Path(__file__).parent.parent / "docs/examples/model-org.toml"
_GOOD: dict[str, Any] = {
    "issuer": '"https://login.example.com/"',
    "client_id": '"countersign"',
    "roles": '{ "Finance" = "finance" }',
}
_SECRETS = {"COUNTERSIGN_SALESFORCE_CLIENT_SECRET": "c" * 40, "COUNTERSIGN_OIDC_CLIENT_SECRET": "o" * 40}


def _file(folder: Path, *, oidc: dict[str, Any] | None) -> Path:
    lines = ["[salesforce]", 'instance_url = "https://acme.my.salesforce.com"', 'client_id = "c"']
    lines += ['org_id = "00D000000000001"', "[web]", 'login = "oidc"']
    lines += [] if oidc is None else ["[web.oidc]", *(f"{name} = {value}" for name, value in oidc.items())]
    file = folder / "config.toml"
    file.write_text("\n".join([*lines, MODEL_ORG.read_text(encoding="utf-8")]), encoding="utf-8")
    return file


def test_a_login_provider_is_read(tmp_path: Path) -> None:
    config = read_settings(path=_file(tmp_path, oidc=_GOOD), environment=_SECRETS)

    assert config.web.oidc is not None
    assert config.web.oidc.issuer == "https://login.example.com/"
    assert config.secrets.oidc_client.get_secret_value() == "o" * 40
    assert "o" * 40 not in repr(config)


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"issuer": '"http://login.example.com"'}, "web.oidc.issuer", "must start with https://"),
        ({"issuer": '"https://a:b@login.example.com"'}, "web.oidc.issuer", "without user"),
        ({"roles": "{}"}, "web.oidc.roles", ""),
        ({"roles": '{ "Finance" = "king" }'}, "web.oidc.roles.Finance", '"viewer"'),
        ({"scopes": '["profile"]'}, "web.oidc.scopes", "openid"),
        ({"algorithms": '["none"]'}, "web.oidc.algorithms[1]", '"RS256"'),
        ({"algorithms": '["HS256"]'}, "web.oidc.algorithms[1]", '"RS256"'),
        ({"algorithms": "[]"}, "web.oidc.algorithms", "at least one"),
        ({"client_secret": '"x"'}, "web.oidc.client_secret", "Secrets do not belong"),
    ],
)
def test_settings_that_cannot_be_are_told_by_place(
    tmp_path: Path, change: dict[str, str], place: str, said: str
) -> None:
    with pytest.raises(ConfigRefused) as refused:
        read_settings(path=_file(tmp_path, oidc=_GOOD | change), environment=_SECRETS)

    assert [fault.field for fault in refused.value.faults] == [place]
    assert said in refused.value.faults[0].sentence()


def test_a_provider_without_its_section_or_our_secret_is_refused(tmp_path: Path) -> None:
    environment = {"COUNTERSIGN_SALESFORCE_CLIENT_SECRET": "c" * 40}

    with pytest.raises(ConfigRefused) as refused:
        read_settings(path=_file(tmp_path, oidc=None), environment=environment)

    assert [fault.field for fault in refused.value.faults] == ["web", "COUNTERSIGN_OIDC_CLIENT_SECRET"]
    assert "[web.oidc]" in refused.value.faults[0].message
