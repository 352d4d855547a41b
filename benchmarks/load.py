"""A small HTTP load generator: many keep-alive connections in one thread, each request with an id of its own.

Runs as a process of its own (`python -m benchmarks.load`), so that it shares no interpreter lock with what it measures.
Answers one JSON line: requests, seconds, failures, latencies in seconds.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable

_NOTIFICATION = (
    '<Notification><Id>{id}</Id><sObject xsi:type="sf:Quote" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
    "<sf:Id>{record}</sf:Id><sf:Status>Accepted</sf:Status></sObject></Notification>"
)
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
    '<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{org}</OrganizationId>'
    '<ActionId>04k460000004DXEAA2</ActionId><SessionId xsi:nil="true"/><EnterpriseUrl>https://x.my.salesforce.com'
    "</EnterpriseUrl><PartnerUrl>https://x.my.salesforce.com</PartnerUrl>{items}</notifications></soapenv:Body>"
    "</soapenv:Envelope>"
)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def salesforce_id(prefix: str, number: int) -> str:
    """A valid 18-character id."""
    base = f"{prefix}gB{number:010d}"
    checks = (sum(1 << j for j, c in enumerate(base[i : i + 5]) if c.isupper()) for i in (0, 5, 10))
    return base + "".join(_LETTERS[check] for check in checks)


def messages(*, org: str, path: str, in_one_body: int, start: int) -> Callable[[], bytes]:
    """A function that makes the next request, never the same message twice."""
    count = start

    def make() -> bytes:
        nonlocal count
        items = []
        for _ in range(in_one_body):
            count += 1
            items.append(_NOTIFICATION.format(id=salesforce_id("04l", count), record=salesforce_id("0Q0", count)))
        body = _ENVELOPE.format(org=org, items="".join(items)).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    return make


class _Connection:
    """One keep-alive connection: what it waits for and since when."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self.answer = b""

    def send(self, request: bytes) -> None:
        self.answer = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def is_answered(self) -> bool:
        self.answer += self.socket.recv(65536)
        head, mark, body = self.answer.partition(b"\r\n\r\n")
        if not mark:
            return False
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return len(body) >= int(length.split(b":")[1])


def run(
    *, port: int, make: Callable[[], bytes], connections: int, seconds: float, rate: float
) -> tuple[list[float], int, float]:
    """(latencies, failures, seconds); `rate` 0 is flat out, else requests a second over all connections."""
    waiting = selectors.DefaultSelector()
    for _ in range(connections):
        connection = _Connection(port)
        waiting.register(connection.socket, selectors.EVENT_READ, connection)
    # In turn, so that no connection rests long enough for the server to close it.
    free = deque(key.data for key in waiting.get_map().values())
    latencies: list[float] = []
    failures = sent = 0
    started = time.perf_counter()
    while (now := time.perf_counter()) - started < seconds or len(free) < connections:
        is_over = now - started >= seconds
        while free and not is_over and (not rate or sent < (now - started) * rate):
            free.popleft().send(make())
            sent += 1
        for key, _ in waiting.select(0.0005 if rate else 0.01):
            if key.data.is_answered():
                latencies.append(time.perf_counter() - key.data.sent_at)
                failures += not key.data.answer.startswith(b"HTTP/1.1 2")
                free.append(key.data)
    return latencies, failures, time.perf_counter() - started


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    for name in ("--port", "--connections", "--in-one-body"):
        parser.add_argument(name, type=int, default=1)
    for name in ("--seconds", "--rate"):
        parser.add_argument(name, type=float, default=0)
    for name in ("--org", "--path"):
        parser.add_argument(name)
    asked = parser.parse_args()
    make = messages(
        org=asked.org, path=asked.path, in_one_body=asked.in_one_body, start=uuid.uuid4().int % 10_000_000 * 900
    )
    latencies, failures, seconds = run(
        port=asked.port, make=make, connections=asked.connections, seconds=asked.seconds, rate=asked.rate
    )
    json.dump({"latencies": latencies, "failures": failures, "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
