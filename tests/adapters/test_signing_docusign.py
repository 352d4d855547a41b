"""DocuSign over REST, against a strict server: login by JWT, documents, and bad days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.adapters.signing_docusign import DocusignLogin, DocusignProvider
from connector.domain.tie_out import Person
from connector.errors import ConnectorError, Misconfigured, NotFound, RateLimited, Refused, Unavailable
from tests.adapters.docusign_server import ACCOUNT, CERTIFICATE, INTEGRATION, USER, DocusignServer, envelope
from tests.builders import quote_id

MOST = 1_000_000


@pytest.fixture
def server() -> Iterator[DocusignServer]:
    found = DocusignServer()
    found.envelopes["e-1"] = envelope(quote_id(1), **{"1": b"%PDF-1.7 one", "2": b"%PDF-1.7 two"})
    yield found
    found.stop()


def _provider(server: DocusignServer, clock: FixedClock, **changes: Any) -> DocusignProvider:
    values = {
        "base_url": server.base_url, "auth_url": server.base_url, "account_id": ACCOUNT,
        "integration_key": INTEGRATION, "user_id": USER, "private_key": server.private_key,
    }  # fmt: skip
    return DocusignProvider(login=DocusignLogin(**(values | changes)), clock=clock)


def test_a_completed_envelope_comes_with_its_documents_and_certificate(
    server: DocusignServer, clock: FixedClock
) -> None:
    found = _provider(server, clock).fetch_envelope(envelope_ref="e-1", largest_file=MOST)

    assert [(one.name, one.content) for one in found.documents] == [
        ("Order 1", b"%PDF-1.7 one"), ("Order 2", b"%PDF-1.7 two"),
    ]  # fmt: skip
    assert (found.certificate, found.record_id) == (CERTIFICATE, quote_id(1))
    assert found.signers == (Person("Jane Miller", "jane@aurora.example"),)
    assert found.completed_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_one_login_serves_many_calls_until_its_token_runs_out(server: DocusignServer, clock: FixedClock) -> None:
    provider = _provider(server, clock)
    for _ in range(2):
        provider.fetch_envelope(envelope_ref="e-1", largest_file=MOST)
    assert server.logins == 1

    clock.advance(timedelta(hours=1))
    provider.fetch_envelope(envelope_ref="e-1", largest_file=MOST)

    assert server.logins == 2


def test_a_token_that_was_taken_back_is_renewed_once(server: DocusignServer, clock: FixedClock) -> None:
    provider = _provider(server, clock)
    provider.fetch_envelope(envelope_ref="e-1", largest_file=MOST)
    server.tokens.clear()

    assert provider.fetch_envelope(envelope_ref="e-1", largest_file=MOST).is_completed


def test_an_envelope_that_is_not_completed_brings_no_documents(server: DocusignServer, clock: FixedClock) -> None:
    server.envelopes["e-1"]["envelope"] = {"status": "sent"}

    found = _provider(server, clock).fetch_envelope(envelope_ref="e-1", largest_file=MOST)

    assert (found.is_completed, found.status, found.documents) == (False, "sent", ())


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"user_id": "somebody"}, Misconfigured),
        ({"private_key": "no key"}, Misconfigured),
        ({"account_id": "other"}, NotFound),
    ],
)
def test_a_login_that_does_not_fit_is_told(
    server: DocusignServer, clock: FixedClock, changes: dict[str, str], kind: type[ConnectorError]
) -> None:
    with pytest.raises(kind) as error:
        _provider(server, clock, **changes).fetch_envelope(envelope_ref="e-1", largest_file=MOST)

    assert "token-" not in str(error.value)


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (403, Misconfigured), (400, Refused)])
def test_each_refusal_is_our_own_error(
    server: DocusignServer, clock: FixedClock, status: int, kind: type[ConnectorError]
) -> None:
    server.answers = [status]

    with pytest.raises(kind):
        _provider(server, clock).fetch_envelope(envelope_ref="e-1", largest_file=MOST)


def test_a_moment_of_absence_is_bridged_and_a_long_one_is_told(server: DocusignServer, clock: FixedClock) -> None:
    provider = _provider(server, clock)
    server.answers = [503]
    assert provider.fetch_envelope(envelope_ref="e-1", largest_file=MOST).is_completed

    server.answers = [503] * 3
    with pytest.raises(Unavailable):
        provider.fetch_envelope(envelope_ref="e-1", largest_file=MOST)


def test_a_document_without_end_is_not_taken(server: DocusignServer, clock: FixedClock) -> None:
    server.envelopes["e-1"] = envelope(quote_id(1), **{"1": bytes(2_000_000)})

    with pytest.raises(Refused) as error:
        _provider(server, clock).fetch_envelope(envelope_ref="e-1", largest_file=MOST)

    assert error.value.code == "FORM_TOO_LARGE"


def test_plain_http_to_the_outside_is_refused() -> None:
    with pytest.raises(Misconfigured):
        DocusignLogin("http://example.com", "https://example.com", "a", "b", "c", "d")


def test_a_check_logs_in_and_names_the_account(server: DocusignServer, clock: FixedClock) -> None:
    (found,) = _provider(server, clock).prove()

    assert found.message == "We are logged in to the DocuSign account 'Nordlicht'."


def test_a_check_tells_a_wrong_account_and_a_wrong_key_apart(server: DocusignServer, clock: FixedClock) -> None:
    with pytest.raises(Misconfigured, match="knows no account acc-2 here"):
        list(_provider(server, clock, account_id="acc-2").prove())
    with pytest.raises(Misconfigured, match="consent_required"):
        list(_provider(server, clock, user_id="somebody").prove())
