"""A small threaded HTTP/1.1 server for the sandbox: keep-alive, loopback, start and stop from Python.

Salesforce keeps connections open and clients rely on it; Werkzeug's own server closes after each answer, and the
standard library's header parser is most of the cost of a call. So this one reads what it needs by itself, hands a
WSGI environment to the application and writes each answer at once. It is for a stand-in, not for the internet.
"""

from __future__ import annotations

import io
import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

App = Callable[..., Iterable[bytes]]
IDLE_SECONDS = 60
LONGEST_LINE = 65_536
MOST_HEADERS = 100
LARGEST_BODY = 50 * 1024 * 1024
logger = logging.getLogger(__name__)


class _BadRequest(Exception):
    """The bytes are no request that this server reads; the message is a status line."""


class _Connection(socketserver.StreamRequestHandler):
    """One client connection: requests in order until either side closes."""

    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: _SocketServer

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def handle(self) -> None:
        try:
            while self._serve_one():
                pass
        except (OSError, ValueError):
            # The client went away, fell silent, or the server is stopping: there is nobody to answer.
            return

    def _serve_one(self) -> bool:
        """Answer one request; False when the connection is to be closed."""
        try:
            environ = self._read_request()
        except _BadRequest as mistake:
            self.wfile.write(f"HTTP/1.1 {mistake}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return False
        if environ is None:
            return False
        keep: bool = environ["HTTP_CONNECTION"].lower() != "close" and environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        head: list[tuple[str, list[tuple[str, str]]]] = []
        try:
            chunks = self.server.app(environ, lambda status, headers, _info=None: head.append((status, headers)))
            body = b"".join(chunks)
            if hasattr(chunks, "close"):
                chunks.close()
        except ConnectionError:
            # The application cut the answer off on purpose.
            return False
        except Exception:
            logger.exception("the sandbox failed to answer %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            head, body, keep = (
                [("500 Internal Server Error", [("Content-Type", "text/plain")])],
                b"sandbox error",
                False,
            )
        self._write(environ["REQUEST_METHOD"], *head[-1], body, keep=keep)
        return keep

    def _read_request(self) -> dict[str, Any] | None:
        line = self._line()
        if not line:
            return None
        parts = line.split()
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise _BadRequest("400 Bad Request")
        headers = self._headers()
        path, _, query = parts[1].partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": parts[0],
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": parts[1],
            "SERVER_NAME": self.server.server_address[0],
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": parts[2],
            "REMOTE_ADDR": self.client_address[0],
            "HTTP_CONNECTION": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        environ.update(headers)
        environ["wsgi.input"] = io.BytesIO(self._body(headers))
        return environ

    def _line(self) -> str:
        raw = self.rfile.readline(LONGEST_LINE + 1)
        if len(raw) > LONGEST_LINE:
            raise _BadRequest("414 URI Too Long")
        return raw.decode("latin-1").rstrip("\r\n")

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for _ in range(MOST_HEADERS + 1):
            line = self._line()
            if not line:
                return found
            name, colon, value = line.partition(":")
            key = name.upper().replace("-", "_")
            if not colon or (key == "CONTENT_LENGTH" and key in found):
                raise _BadRequest("400 Bad Request")
            found[key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}"] = value.strip()
        raise _BadRequest("431 Request Header Fields Too Large")

    def _body(self, headers: dict[str, str]) -> bytes:
        if "HTTP_TRANSFER_ENCODING" in headers:
            raise _BadRequest("411 Length Required")
        length = headers.get("CONTENT_LENGTH", "0")
        if not length.isdigit():
            raise _BadRequest("400 Bad Request")
        if int(length) > LARGEST_BODY:
            raise _BadRequest("413 Content Too Large")
        return self.rfile.read(int(length))

    def _write(self, method: str, status: str, headers: list[tuple[str, str]], body: bytes, *, keep: bool) -> None:
        lines = [f"HTTP/1.1 {status}", "Server: sfdcedge"]
        lines += [f"{name}: {value}" for name, value in headers if name.lower() != "content-length"]
        bodiless = status[:3] in ("204", "304")
        if not bodiless:
            lines.append(f"Content-Length: {len(body)}")
        lines.append("Connection: keep-alive" if keep else "Connection: close")
        text = "\r\n".join(lines) + "\r\n\r\n"
        self.wfile.write(text.encode("latin-1") + (b"" if bodiless or method == "HEAD" else body))


class _SocketServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread per connection; `connections` lets `stop` end those that wait for a next request."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: App) -> None:
        self.app = app
        self.connections: set[socket.socket] = set()
        super().__init__(address, _Connection)


class Server:
    """Serves one WSGI application; a port of 0 takes a free one."""

    def __init__(self, *, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._server: _SocketServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """The URL of the running server."""
        port = self._server.server_address[1] if self._server is not None else self._port
        shown = "127.0.0.1" if self._host == "0.0.0.0" else self._host  # noqa: S104 - only compared
        return f"http://{shown}:{port}"

    def start(self, app: App) -> str:
        """Bind and serve in a background thread; the base URL. Raises OSError when the port is taken."""
        self._server = _SocketServer((self._host, self._port), app)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox-http", daemon=True
        )
        self._thread.start()
        return self.base_url

    def stop(self) -> None:
        """Stop accepting, end open connections, close the socket. The port stays known."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._port = self._server.server_address[1]
        self._server.server_close()
        for connection in list(self._server.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                # Closed by its own thread in the meantime.
                continue
        self._server = self._thread = None
