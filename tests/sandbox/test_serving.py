"""The small HTTP server: connections are kept, odd bytes are refused, stopping ends everything."""

from __future__ import annotations

import ast
import socket
import threading
from pathlib import Path

import pytest

import connector.sandbox
from connector.sandbox import Sandbox
from connector.sandbox.serving import Server


def _talk(sandbox: Sandbox, sent: bytes) -> bytes:
    """Everything the server says until it closes or falls silent."""
    host, _, port = sandbox.base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=2) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        heard = b""
        while part := line.recv(65_536):
            heard += part
    return heard


def test_several_requests_share_a_connection_until_one_asks_to_close(sandbox: Sandbox) -> None:
    one = b"GET /sandbox/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    heard = _talk(sandbox, one + one + last + one)

    assert heard.count(b"HTTP/1.1 200") == 3
    assert heard.count(b"Connection: keep-alive") == 2


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / SPDY/3\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", b"200"),
    ],
)
def test_odd_bytes_are_answered_and_the_connection_is_closed(sandbox: Sandbox, sent: bytes, status: bytes) -> None:
    heard = _talk(sandbox, sent)

    assert heard.split(b" ", 2)[1] == status
    assert b"Connection: close" in heard
    assert b"HTTP/1.1 200" in _talk(sandbox, b"GET /sandbox/health HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_a_mistake_of_the_application_is_logged_and_answered_500(caplog: pytest.LogCaptureFixture) -> None:
    def broken(environ: object, start: object) -> list[bytes]:
        raise LookupError("a mistake")

    server = Server(host="127.0.0.1", port=0)
    url = server.start(broken)
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=2) as line:
        line.sendall(b"GET /path HTTP/1.1\r\nHost: x\r\n\r\n")
        heard = line.recv(65_536)
    server.stop()

    assert heard.startswith(b"HTTP/1.1 500")
    assert b"a mistake" not in heard
    assert "a mistake" in caplog.text


def test_stopping_ends_open_connections_and_frees_the_port() -> None:
    sandbox = Sandbox(auto_push=True)
    before = threading.active_count()
    url = sandbox.start()
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=2) as line:
        line.sendall(b"GET /sandbox/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert line.recv(65_536).startswith(b"HTTP/1.1 200")

        sandbox.stop()

        assert line.recv(65_536) == b""
    # The port stays known, and a restart takes it again.
    assert sandbox.base_url == url == sandbox.start()
    sandbox.stop()
    assert threading.active_count() <= before + 1


def test_the_sandbox_imports_nothing_of_the_product() -> None:
    for file in Path(connector.sandbox.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                first = name.split(".")[0]
                assert first not in ("mappings", "webhooks", "templates"), f"{file.name} imports {name}"
                assert first != "connector" or name.startswith("connector.sandbox"), f"{file.name} imports {name}"
