"""Which world an Airwallex address belongs to: real money or play money.

Exists because nothing in a key or an answer tells the two apart, and a sandbox that marks real invoices as paid is the
classic accident. It must not call anything.
"""

from __future__ import annotations

from connector.errors import Misconfigured

PRODUCTION_HOST = "api.airwallex.com"
SANDBOX_HOSTS = ("api-demo.airwallex.com", "api.sandbox.airwallex.com")


def require_right_world(*, host: str, is_live: bool) -> None:
    """Raises Misconfigured when real money and play money would be mixed up; an own host (a test) may be either."""
    if host == PRODUCTION_HOST and not is_live:
        raise Misconfigured(
            f"[airwallex] base_url is {host}, where money is real, but live is false.",
            code="WRONG_ENVIRONMENT",
            fix="Set [airwallex] live = true in production, or use https://api-demo.airwallex.com.",
        )
    if host in SANDBOX_HOSTS and is_live:
        raise Misconfigured(
            f"[airwallex] base_url is {host}, where money is not real, but live is true.",
            code="WRONG_ENVIRONMENT",
            fix=f"Set base_url to https://{PRODUCTION_HOST}, or live = false.",
        )
