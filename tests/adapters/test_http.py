"""The HTTP session that every adapter uses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import responses

from connector import __version__
from connector.adapters.http import HttpSettings, ServiceSession, is_loopback, require_safe_url
from connector.errors import Misconfigured


class _Mirror(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/login")
            self.end_headers()
            return
        body = f"{self.headers['User-Agent']}|{self.headers.get('Authorization')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def mirror() -> Iterator[str]:
    """A plain http server on this machine that tells what it was sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Mirror)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_call_has_a_timeout_and_our_name() -> None:
    with responses.RequestsMock() as mock, ServiceSession(settings=HttpSettings(3, 20)) as session:
        mock.get("https://example.com/x", body="ok")

        session.get("https://example.com/x")

        assert mock.calls[0].request.headers["User-Agent"] == f"Countersign/{__version__}"
        assert mock.calls[0].request.req_kwargs["timeout"] == (3, 20)


def test_a_caller_may_choose_another_timeout() -> None:
    with responses.RequestsMock() as mock, ServiceSession() as session:
        mock.get("https://example.com/x", body="ok")

        session.get("https://example.com/x", timeout=1)
        session.get("https://example.com/x", timeout=None)

        assert [call.request.req_kwargs["timeout"] for call in mock.calls] == [1, (5.0, 60.0)]


def test_https_calls_to_the_stand_in_server_go_there_without_tls(mirror: str) -> None:
    with ServiceSession(plain_http_to=mirror) as session:
        answer = session.get(mirror.replace("http://", "https://") + "/x", headers={"Authorization": "Bearer t"})

    assert answer.text == f"Countersign/{__version__}|Bearer t"


def test_redirects_are_not_followed(mirror: str) -> None:
    with ServiceSession() as session:
        assert session.get(f"{mirror}/elsewhere").status_code == 302


def test_a_netrc_password_never_replaces_our_token(
    mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    with ServiceSession(settings=HttpSettings(trust_env=True)) as session:
        answer = session.get(mirror, headers={"Authorization": "Bearer ours"})

    assert answer.text.endswith("|Bearer ours")


def test_proxies_of_the_environment_are_used_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    with responses.RequestsMock() as mock:
        mock.get("https://example.com/x", body="ok")
        for trusts in (False, True):
            with ServiceSession(settings=HttpSettings(trust_env=trusts)) as session:
                session.get("https://example.com/x")

        proxies = [dict(call.request.req_kwargs["proxies"]) for call in mock.calls]
    assert proxies == [{}, {"https": "http://proxy.invalid:3128"}]


def test_plain_http_to_the_outside_is_refused() -> None:
    with ServiceSession() as session, pytest.raises(Misconfigured, match="clear"):
        session.get("http://example.com/x")
    with pytest.raises(Misconfigured):
        ServiceSession(plain_http_to="http://example.com")


def test_listeners_hear_every_answer(mirror: str) -> None:
    heard: list[int] = []
    with ServiceSession(on_answer=lambda answer: heard.append(answer.status_code)) as session:
        session.get(mirror)
        session.get(f"{mirror}/elsewhere")

    assert heard == [200, 302]


@pytest.mark.parametrize("url", ["http://localhost:8790", "https://127.0.0.1", "http://[::1]:1"])
def test_this_machine_is_known(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize("url", ["http://localhost.example.com", "http://10.0.0.1", "", "nonsense"])
def test_other_machines_are_not_this_one(url: str) -> None:
    assert not is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.my.salesforce.com",
        "acme.my.salesforce.com",
        "https://user:secret@acme.my.salesforce.com",
        "https://acme.my.salesforce.com/?token=secret",
        "ftp://localhost",
        "https://",
    ],
)
def test_unsafe_addresses_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        require_safe_url(url, setting="salesforce.instance_url")

    assert "salesforce.instance_url" in str(refusal.value)
    assert "secret" not in str(refusal.value)
