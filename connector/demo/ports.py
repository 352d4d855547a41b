"""Free ports on this machine: the usual ones when nobody has them, any other otherwise."""

from __future__ import annotations

import socket
from collections.abc import Sequence

HOST = "127.0.0.1"


def free_ports(*, preferred: Sequence[int]) -> list[int]:
    """One free port for each preferred one, all different."""
    held: list[socket.socket] = []
    try:
        for port in preferred:
            held.append(_bound(port))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def _bound(port: int) -> socket.socket:
    """A socket on that port, or on any free one."""
    for wanted in (port, 0):
        probe = socket.socket()
        # As servers do: a port that was left a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
            probe.listen()
        except OSError:
            probe.close()
            if wanted == 0:
                raise
        else:
            return probe
    raise AssertionError("not reached")
