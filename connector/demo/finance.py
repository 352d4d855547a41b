"""The finance part of the demo: a billing run, and one invoice looked at and approved through the product's own API.

The other drafts are left in the review queue, for whoever runs the demo. Whatever the product refuses is told.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from connector.demo.calling import LocalServer
from connector.errors import ConnectorError

_SECONDS = 60
_POLL = 0.1
_MOST = 200


class NothingToApprove(ConnectorError):
    """The billing run of the demo left no invoice that can be approved."""

    code = "DEMO_FINANCE"
    fix = "Read the log files in the demo's folder."


@dataclass(frozen=True, slots=True)
class ApprovedInvoice:
    """The invoice that was approved, and how many drafts are left for the person at the keyboard."""

    id: int
    number: str
    customer: str
    amount: str
    left: int


def bill(*, settings: Path, environment: Mapping[str, str], as_of: date) -> None:
    """One billing run, as an operator starts it. Raises NothingToApprove when it fails."""
    command = [sys.executable, "-m", "connector", "bill", "--as-of", as_of.isoformat(), "--config", str(settings)]
    done = subprocess.run(  # noqa: S603 - our own program with our own arguments
        command, env=dict(environment), capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode != 0:
        raise NothingToApprove(f"The billing run ended with {done.returncode}: {(done.stdout + done.stderr)[-500:]}")


def approve_one(api: LocalServer) -> ApprovedInvoice:
    """Look at the drafts and approve the first one that nothing stops. Raises NothingToApprove, Unavailable."""
    drafts = _drafts(api)
    for draft in sorted(drafts, key=lambda draft: (draft["bill_on"], draft["id"])):
        seen = api.get(f"/api/v1/invoices/{draft['id']}")
        if any(finding["is_blocking"] for finding in seen["findings"]):
            continue
        decided = api.post(f"/api/v1/invoices/{draft['id']}/approve", {"content_hash": seen["content_hash"]})
        gross = seen["gross"]
        return ApprovedInvoice(
            id=draft["id"],
            number=decided["number"],
            customer=seen["customer"]["name"],
            amount=f"{gross['currency']} {gross['amount']}",
            left=len(drafts) - 1,
        )
    raise NothingToApprove(f"None of {len(drafts)} drafts can be approved.")


def _drafts(api: LocalServer) -> list[dict[str, Any]]:
    """The invoices that the run left; what the worker bills at the same time may come a moment later."""
    deadline = time.monotonic() + _SECONDS
    while True:
        found = api.get("/api/v1/invoices", state="draft", limit=_MOST)["data"]
        drafts = [draft for draft in found if draft["kind"] == "invoice"]
        if drafts or time.monotonic() > deadline:
            return drafts
        time.sleep(_POLL)
