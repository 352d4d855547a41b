"""`python -m connector.sandbox`: serve the stand-in org until interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

from connector.sandbox import story
from connector.sandbox.sandbox import Sandbox
from connector.sandbox.schema_packages import PACKAGES


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m connector.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8901)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind; loopback unless told otherwise")
    parser.add_argument("--push-url", help="where outbound messages go")
    parser.add_argument("--event-url", help="where signed JSON events go")
    parser.add_argument("--event-secret", help="whsec_ and base64; the secret of the JSON events")
    parser.add_argument("--public-key", type=Path, help="PEM file; JWT assertions must be signed by its private key")
    parser.add_argument("--seed", choices=("demo", "empty"), default="demo")
    parser.add_argument("--package", action="append", default=[], choices=sorted(PACKAGES), help="an installed package")
    parser.add_argument("--latency-ms", type=int, default=0, help="pause before each answer")
    parser.add_argument("--first-retry-seconds", type=int, default=30, help="first pause after a failed push")
    parser.add_argument(
        "--open-control", action="store_true", help="let other machines use the pages and control (in a container)"
    )
    return parser.parse_args(words)


def build(options: argparse.Namespace) -> Sandbox:
    """The sandbox of a command line, seeded."""
    sandbox = Sandbox(
        host=options.host,
        port=options.port,
        push_url=options.push_url,
        event_url=options.event_url,
        event_secret=options.event_secret,
        latency=timedelta(milliseconds=options.latency_ms),
        public_key=options.public_key.read_text(encoding="ascii") if options.public_key else None,
        packages=options.package,
        first_push_pause=timedelta(seconds=options.first_retry_seconds),
        open_control=options.open_control,
    )
    if options.seed == "demo":
        story.seed(sandbox)
    return sandbox


def main() -> int:
    """Serve until SIGINT or SIGTERM."""
    sandbox = build(arguments())
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        url = sandbox.start()
    except OSError as failure:
        sys.stderr.write(f"cannot serve: {failure}. Choose another --port, or stop what uses it.\n")
        return 1
    sys.stdout.write(f"sandbox org {sandbox.org_id} on {url}\n")
    sys.stdout.flush()
    done.wait()
    sandbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
