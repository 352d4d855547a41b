"""Tokens: both flows, every refusal, expiry and renewal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.sandbox import CLIENT_ID, CLIENT_SECRET, USERNAME, Sandbox
from connector.sandbox.oauth import JWT_GRANT
from tests.sandbox.conftest import NOW

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)


@pytest.fixture
def org() -> Iterator[Sandbox]:
    with Sandbox(now=NOW, public_key=PUBLIC, auto_push=False) as running:
        yield running


def _token(org: Sandbox, auth: Any = None, **form: str) -> requests.Response:
    return requests.post(f"{org.base_url}/services/oauth2/token", data=form, auth=auth, timeout=5)


def _works(org: Sandbox, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{org.base_url}/services/data/v63.0/limits", headers=headers, timeout=5).status_code


def _claims(**changes: Any) -> dict[str, Any]:
    expires = int((NOW + timedelta(minutes=3)).timestamp())
    return {"iss": CLIENT_ID, "sub": USERNAME, "aud": "https://login.salesforce.com", "exp": expires} | changes


def test_client_credentials_work_as_basic_and_as_form(org: Sandbox) -> None:
    basic = _token(org, (CLIENT_ID, CLIENT_SECRET), grant_type="client_credentials")
    form = _token(org, grant_type="client_credentials", client_id=CLIENT_ID, client_secret=CLIENT_SECRET)

    for response in (basic, form):
        body = response.json()
        assert (response.status_code, body["token_type"], body["instance_url"]) == (200, "Bearer", org.base_url)
        assert not {"refresh_token", "expires_in"} & set(body)
        assert _works(org, body["access_token"]) == 200
    assert org.sessions.logins == 2


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_id": CLIENT_ID, "client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong", "client_secret": CLIENT_SECRET}, 400, "invalid_client_id"),
        ({}, 400, "invalid_client_id"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_wrong_credentials_get_the_real_error_body(org: Sandbox, form: dict[str, str], status: int, error: str) -> None:
    response = _token(org, **({"grant_type": "client_credentials"} | form))

    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["error_description"]


def test_a_signed_assertion_gets_a_token(org: Sandbox) -> None:
    assertion = jwt.encode(_claims(exp=str(_claims()["exp"])), KEY, algorithm="RS256")

    response = _token(org, grant_type=JWT_GRANT, assertion=assertion)

    assert response.status_code == 200
    assert _works(org, response.json()["access_token"]) == 200


@pytest.mark.parametrize(
    ("claims", "error", "words"),
    [
        ({"aud": "https://example.com"}, "invalid_grant", "audience is invalid"),
        ({"sub": "someone@else.example"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"iss": "another app"}, "invalid_client_id", "client identifier invalid"),
        ({"exp": int(NOW.timestamp()) - 1}, "invalid_grant", "expired"),
        ({"exp": int(NOW.timestamp()) + 3_600}, "invalid_grant", "expires too late"),
        ({"exp": "soon"}, "invalid_grant", "invalid assertion"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(
    org: Sandbox, claims: dict[str, Any], error: str, words: str
) -> None:
    assertion = jwt.encode(_claims(**claims), KEY, algorithm="RS256")

    response = _token(org, grant_type=JWT_GRANT, assertion=assertion)

    assert (response.status_code, response.json()["error"]) == (400, error)
    assert words in response.json()["error_description"]


@pytest.mark.parametrize(
    "assertion",
    [
        jwt.encode(_claims(), OTHER_KEY, algorithm="RS256"),
        jwt.encode(_claims(), "shared secret of thirty-two bytes", algorithm="HS256"),
        "a.b.c",
        "nonsense",
        "",
    ],
)
def test_an_assertion_that_our_key_did_not_sign_is_refused(org: Sandbox, assertion: str) -> None:
    response = _token(org, grant_type=JWT_GRANT, assertion=assertion)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_a_token_lives_by_use_and_ends_by_time_revocation_and_order(org: Sandbox) -> None:
    token = org.sessions.issue()
    for _ in range(3):
        org.clock.advance(minutes=100)
        assert _works(org, token) == 200

    org.clock.advance(hours=2, seconds=1)
    assert _works(org, token) == 401
    second, third = org.sessions.issue(), org.sessions.issue()
    requests.post(f"{org.base_url}/services/oauth2/revoke", data={"token": second}, timeout=5)
    assert (_works(org, second), _works(org, third)) == (401, 200)
    org.expire_tokens()
    assert _works(org, third) == 401
    assert _works(org, "nonsense") == 401


def test_the_login_can_have_a_bad_day_too(org: Sandbox) -> None:
    org.inject_fault("unavailable_html", path="/services/oauth2/token")

    assert _token(org, (CLIENT_ID, CLIENT_SECRET), grant_type="client_credentials").status_code == 503
    assert _token(org, (CLIENT_ID, CLIENT_SECRET), grant_type="client_credentials").status_code == 200


def test_the_clock_of_a_running_org_goes_on() -> None:
    org = Sandbox(auto_push=False)

    assert org.clock.now().microsecond == 0
    assert abs((org.clock.now() - datetime.now(UTC)).total_seconds()) < 3
    org.clock.advance(days=1)
    assert org.clock.now().timestamp() - time.time() > 86_000
