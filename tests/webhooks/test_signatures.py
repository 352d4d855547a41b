"""Standard Webhooks signatures, as pure values; the published example of the scheme is among them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import Misconfigured
from tests.webhooks.sending import FIRST_SECRET, OLD_FIRST_SECRET, STRANGE_SECRET, signed_headers
from webhooks.signatures import SignatureRefused, SignedHeaders, StaleSignature, verify

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
BODY = b'{"object": "Quote", "id": "0Q0V0000000abcdKAA"}'


def headers(*secrets: str, at: datetime = NOW, body: bytes = BODY) -> SignedHeaders:
    found = signed_headers(body, at=at, secrets=secrets)
    return SignedHeaders(
        message_id=found["webhook-id"], timestamp=found["webhook-timestamp"], signature=found["webhook-signature"]
    )


def check(given: SignedHeaders, *secrets: str, body: bytes = BODY) -> int:
    return verify(body=body, headers=given, secrets=secrets, now=NOW)


def test_the_example_that_the_scheme_publishes_is_accepted() -> None:
    given = SignedHeaders(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp="1614265330",
        signature="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    )
    at = datetime.fromtimestamp(1614265330, UTC)

    assert (
        verify(body=b'{"test": 2432232314}', headers=given, secrets=["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], now=at) == 0
    )


def test_the_position_of_the_secret_that_signed_is_told() -> None:
    assert check(headers(OLD_FIRST_SECRET), FIRST_SECRET, OLD_FIRST_SECRET) == 1


def test_one_fitting_signature_among_several_is_enough() -> None:
    assert check(headers(STRANGE_SECRET, FIRST_SECRET), FIRST_SECRET) == 0


def test_a_secret_may_lack_its_prefix() -> None:
    assert check(headers(FIRST_SECRET), FIRST_SECRET.removeprefix("whsec_")) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"message_id": "msg_2"},
        {"message_id": ""},
        {"message_id": "x" * 121},
        {"message_id": "msg 1"},
        {"message_id": "msg_é"},
        {"timestamp": str(int(NOW.timestamp()) + 1)},
        {"timestamp": ""},
        {"timestamp": "now"},
        {"timestamp": "-5"},
        {"timestamp": "1e9"},
        {"timestamp": "9" * 400},
        {"timestamp": "١٧٧٢٤٤٣٨٠٠"},
        {"signature": ""},
        {"signature": "v1,"},
        {"signature": "v1,é"},
        {"signature": "v1, v1, v1,"},
    ],
)
def test_changed_or_missing_headers_are_refused(changed: dict[str, str]) -> None:
    with pytest.raises(SignatureRefused) as refusal:
        check(replace(headers(FIRST_SECRET), **changed), FIRST_SECRET)

    assert refusal.value.code == "WRONG_SIGNATURE"


def test_a_signature_of_another_scheme_is_refused() -> None:
    given = headers(FIRST_SECRET)

    with pytest.raises(SignatureRefused):
        check(replace(given, signature=given.signature.replace("v1,", "v2,")), FIRST_SECRET)


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY.replace(b"abcd", b"abce")])
def test_a_changed_body_is_refused(body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        check(headers(FIRST_SECRET), FIRST_SECRET, body=body)


def test_a_strange_secret_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        check(headers(STRANGE_SECRET), FIRST_SECRET, OLD_FIRST_SECRET)


def test_nothing_fits_no_secret() -> None:
    with pytest.raises(SignatureRefused):
        check(headers(FIRST_SECRET))


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_clocks_may_differ_by_five_minutes(seconds: int) -> None:
    assert check(headers(FIRST_SECRET, at=NOW + timedelta(seconds=seconds)), FIRST_SECRET) == 0


@pytest.mark.parametrize("seconds", [-301, 301, -86400, 86400])
def test_more_than_five_minutes_is_stale(seconds: int) -> None:
    with pytest.raises(StaleSignature):
        check(headers(FIRST_SECRET, at=NOW + timedelta(seconds=seconds)), FIRST_SECRET)


@pytest.mark.parametrize("secret", ["whsec_not base64!", "whsec_", "whsec_abc", "é"])
def test_a_secret_that_is_no_base64_is_our_fault_and_is_not_shown(secret: str) -> None:
    with pytest.raises(Misconfigured) as fault:
        check(headers(FIRST_SECRET), secret)

    assert secret.removeprefix("whsec_") not in str(fault.value) or secret == "whsec_"
