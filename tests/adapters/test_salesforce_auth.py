"""Logging in to Salesforce: both ways, every refusal in plain words, and never a loop."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connector.adapters.clock import FixedClock
from connector.adapters.salesforce_auth import SalesforceLogin, TokenSource
from connector.adapters.salesforce_auth_faults import AuthenticationFailed
from connector.errors import Misconfigured, RateLimited, Unavailable

HOST = "https://acme.my.salesforce.com"
TOKEN_URL = f"{HOST}/services/oauth2/token"
SECRET = "very-secret-word"
GOOD = {"access_token": "the-token", "id": "https://login.salesforce.com/id/00DV0000008s2Sr/005V0000000abcd"}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """One key for all tests; making one takes a moment."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def client_login(**changes: Any) -> SalesforceLogin:
    values: dict[str, Any] = {
        "instance_url": HOST,
        "auth": "client_credentials",
        "client_id": "consumer-key",
        "client_secret": SECRET,
    }
    return SalesforceLogin(**(values | changes))


def tokens_for(login: SalesforceLogin, clock: FixedClock) -> TokenSource:
    return TokenSource(login=login, clock=clock, sleep=lambda _seconds: None)


def form_of(call: responses.Call) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(str(call.request.body)).items()}


def test_client_credentials_ask_the_orgs_own_host(clock: FixedClock) -> None:
    with responses.RequestsMock() as mock:
        mock.post(TOKEN_URL, json=GOOD)

        token = tokens_for(client_login(instance_url=f"{HOST}/"), clock).fetch()

        assert form_of(mock.calls[0]) == {
            "grant_type": "client_credentials",
            "client_id": "consumer-key",
            "client_secret": SECRET,
        }
        assert mock.calls[0].request.req_kwargs["timeout"] == (5.0, 20.0)
    assert token.value == "the-token"
    assert token.org_id == "00DV0000008s2SrMAI"


@pytest.mark.parametrize(
    ("instance_url", "audience", "sent"),
    [
        (HOST, "", "https://login.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "", "https://test.salesforce.com"),
        (HOST, "https://site.example.com", "https://site.example.com"),
    ],
)
def test_the_assertion_names_app_user_audience_and_lives_three_minutes(
    key: rsa.RSAPrivateKey, clock: FixedClock, instance_url: str, audience: str, sent: str
) -> None:
    login = SalesforceLogin(
        instance_url=instance_url,
        auth="jwt",
        client_id="consumer-key",
        private_key=pem_of(key),
        username="integration@acme.com",
        audience=audience,
    )
    with responses.RequestsMock() as mock:
        mock.post(f"{instance_url}/services/oauth2/token", json=GOOD)

        tokens_for(login, clock).fetch()

        form = form_of(mock.calls[0])
    claims = jwt.decode(
        form["assertion"], key.public_key(), algorithms=["RS256"], audience=sent, options={"verify_exp": False}
    )
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert claims == {
        "iss": "consumer-key",
        "sub": "integration@acme.com",
        "aud": sent,
        "exp": int((clock.now() + timedelta(minutes=3)).timestamp()),
    }


@pytest.mark.parametrize(
    ("error", "told", "says", "fix", "owner"),
    [
        (
            "invalid_grant",
            "user hasn't approved this consumer",
            "not pre-authorised",
            "permission set",
            "salesforce_admin",
        ),
        (
            "invalid_app_access",
            "user is not admin approved",
            "not pre-authorised",
            "permission set",
            "salesforce_admin",
        ),
        ("invalid_grant", "audience is invalid", "audience", "salesforce.audience", "operator"),
        ("invalid_grant", "expired assertion", "clock", "NTP", "operator"),
        ("invalid_grant", "invalid assertion", "signature", "certificate", "salesforce_admin"),
        ("invalid_grant", "no client credentials user enabled", "run as", "run-as user", "salesforce_admin"),
        ("invalid_grant", "request not supported on this domain", "this host", "My Domain", "operator"),
        ("invalid_client_id", "client identifier invalid", "client id", "consumer key", "salesforce_admin"),
        ("invalid_client", "invalid client credentials", "client secret", "consumer secret", "salesforce_admin"),
        ("invalid_grant", "ip restricted", "address", "IP ranges", "salesforce_admin"),
        ("inactive_user", "inactive user", "inactive", "Activate", "salesforce_admin"),
        ("unsupported_grant_type", "grant type not supported", "kind of login", "Enable", "salesforce_admin"),
        ("invalid_grant", "authentication failure", "refused", "username", "salesforce_admin"),
        ("something_new", "who knows", "known reason", "login history", "salesforce_admin"),
    ],
)
def test_each_refusal_says_the_cause_the_fix_and_who_acts(
    clock: FixedClock, error: str, told: str, says: str, fix: str, owner: str
) -> None:
    with responses.RequestsMock() as mock:
        mock.post(TOKEN_URL, json={"error": error, "error_description": told}, status=400)

        with pytest.raises(AuthenticationFailed) as refusal:
            tokens_for(client_login(), clock).fetch()

        assert len(mock.calls) == 1
    assert says in str(refusal.value)
    assert fix in refusal.value.fix
    assert refusal.value.owner == owner
    assert isinstance(refusal.value, Misconfigured)


def test_a_refused_login_is_not_tried_again_for_a_quarter_of_an_hour(clock: FixedClock) -> None:
    tokens = tokens_for(client_login(), clock)
    with responses.RequestsMock() as mock:
        mock.post(TOKEN_URL, json={"error": "invalid_grant", "error_description": "expired assertion"}, status=400)
        with pytest.raises(AuthenticationFailed):
            tokens.fetch()

        for _ in range(50):
            with pytest.raises(AuthenticationFailed, match=r"clock.*09:45 UTC"):
                tokens.fetch()
        clock.advance(timedelta(minutes=14, seconds=59))
        with pytest.raises(AuthenticationFailed):
            tokens.fetch()

        assert len(mock.calls) == 1
        mock.replace("POST", TOKEN_URL, json=GOOD)
        clock.advance(seconds=1)
        assert tokens.fetch().value == "the-token"


def test_a_busy_token_endpoint_is_asked_three_times_and_then_is_unavailable(clock: FixedClock) -> None:
    with responses.RequestsMock() as mock:
        mock.post(TOKEN_URL, body="<html>maintenance</html>", status=503)

        with pytest.raises(Unavailable):
            tokens_for(client_login(), clock).fetch()

        assert len(mock.calls) == 3


@pytest.mark.parametrize(
    "first",
    [
        {"body": requests.ConnectionError("reset")},
        {"body": requests.ReadTimeout("slow")},
        {"body": "<html>oops</html>", "status": 502},
        {"json": {"error": "unknown_error", "error_description": "retry your request"}, "status": 400},
        {"body": '{"access_tok', "status": 200},
        {"json": {"error": "server_error"}, "status": 500},
        {"status": 302, "headers": {"Location": "https://login.salesforce.com/"}},
    ],
)
def test_a_passing_trouble_is_repeated_and_shuts_nothing(clock: FixedClock, first: dict[str, Any]) -> None:
    with responses.RequestsMock() as mock:
        mock.post(TOKEN_URL, **first)
        mock.post(TOKEN_URL, json=GOOD)

        assert tokens_for(client_login(), clock).fetch().value == "the-token"


def test_too_many_logins_wait_an_hour(clock: FixedClock) -> None:
    with responses.RequestsMock() as mock:
        mock.post(TOKEN_URL, json={"error": "login_rate_exceeded"}, status=403)

        with pytest.raises(RateLimited) as limited:
            tokens_for(client_login(), clock).fetch()

    assert limited.value.retry_after == 3600


def test_an_untrusted_certificate_is_a_setting_and_not_a_passing_trouble(clock: FixedClock) -> None:
    with responses.RequestsMock() as mock:
        mock.post(TOKEN_URL, body=requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get issuer"))

        with pytest.raises(Misconfigured) as wrong:
            tokens_for(client_login(), clock).fetch()

        assert len(mock.calls) == 1
    assert wrong.value.code == "TLS_CERTIFICATE"


@pytest.mark.parametrize(
    "identity", [None, 7, "nonsense", "https://x/id/00D/005", "https://x/id/00DV0000008s2SrZZZ/005"]
)
def test_an_unreadable_identity_leaves_the_org_id_open(clock: FixedClock, identity: object) -> None:
    with responses.RequestsMock() as mock:
        mock.post(TOKEN_URL, json={"access_token": "the-token", "id": identity})

        assert tokens_for(client_login(), clock).fetch().org_id == ""


def test_no_secret_is_seen_in_a_text_a_log_or_an_error(
    clock: FixedClock, key: rsa.RSAPrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pem = pem_of(key)
    login = client_login()
    jwt_login = client_login(auth="jwt", private_key=pem, username="integration@acme.com", client_secret="")
    with responses.RequestsMock() as mock:
        # A hostile endpoint that repeats what it was sent.
        mock.add_callback(
            "POST",
            TOKEN_URL,
            callback=lambda request: (400, {}, f'{{"error": "{SECRET} x", "error_description": "{request.body}"}}'),
        )
        refusals = []
        for one in (login, jwt_login):
            with pytest.raises(AuthenticationFailed) as refusal:
                tokens_for(one, clock).fetch()
            refusals.append("".join(traceback.format_exception(refusal.value)) + refusal.value.fix)
        mock.replace("POST", TOKEN_URL, json=GOOD)
        token = tokens_for(login, clock).fetch()
    texts = "".join([repr(login), str(login), repr(jwt_login), repr(token), caplog.text, *refusals])

    for secret in (SECRET, "PRIVATE KEY", pem.splitlines()[1], "the-token", "consumer-key", "assertion=", "eyJ"):
        assert secret not in texts


def test_a_key_that_is_no_key_is_told_without_showing_it(clock: FixedClock) -> None:
    login = client_login(auth="jwt", private_key="-----BEGIN secret nonsense", username="integration@acme.com")

    with pytest.raises(Misconfigured) as wrong:
        tokens_for(login, clock).fetch()

    assert "salesforce.private_key" in str(wrong.value)
    assert "nonsense" not in "".join(traceback.format_exception(wrong.value))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"client_secret": " "}, "client_secret"),
        ({"client_id": ""}, "client_id"),
        ({"auth": "jwt"}, "username"),
        ({"auth": "jwt", "username": "u"}, "private_key"),
        ({"auth": "password"}, "auth"),
        ({"api_version": "v63.0"}, "api_version"),
        ({"api_version": "63.0/../"}, "api_version"),
        ({"instance_url": "http://acme.my.salesforce.com"}, "instance_url"),
    ],
)
def test_a_login_that_cannot_work_is_refused_at_once(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        client_login(**changes)


def test_plain_http_is_accepted_for_a_stand_in_on_this_machine() -> None:
    assert client_login(instance_url="http://127.0.0.1:8790/").instance_url == "http://127.0.0.1:8790"
