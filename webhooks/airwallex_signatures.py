"""Whether a body was signed by somebody who knows one of our Airwallex secrets, and how long ago.

Pure. The signature is the lower-case hexadecimal HMAC-SHA256 of `x-timestamp` followed directly by the raw body.
Several secrets may hold, so that they can be changed without a pause. It must not read a request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from webhooks.signatures import SignatureRefused, StaleSignature

# Older events are kept and flagged, not refused: whether a retry gets a new timestamp is not documented, a late one may
# be the only notice of money, and the object is fetched before anything is believed.
ON_TIME = timedelta(minutes=5)
# The sender retries for about three days; what is older was not sent by it.
_LATEST = timedelta(days=7)
_MILLISECONDS = re.compile(r"[0-9]{10,14}")
_FIX = "Copy the secret of the webhook from the Airwallex web app into COUNTERSIGN_AIRWALLEX_WEBHOOK_SECRETS."


def verify_airwallex(*, body: bytes, timestamp: str, signature: str, secrets: Sequence[str], now: datetime) -> bool:
    """Whether the body is on time (within five minutes). Raises SignatureRefused; StaleSignature beyond a week."""
    if not secrets:
        raise SignatureRefused("No webhook secret of Airwallex is set, so no event can be accepted.", fix=_FIX)
    if not _MILLISECONDS.fullmatch(timestamp):
        raise SignatureRefused("The header x-timestamp is missing or not well formed.", fix=_FIX)
    signed, given = timestamp.encode() + body, signature.encode("utf-8", "replace")
    # All secrets are tried, so that the time taken does not tell which one fits.
    fitting = [hmac.compare_digest(_digest(secret, signed), given) for secret in secrets]
    if not any(fitting):
        raise SignatureRefused("The signature in x-signature does not fit the body.", fix=_FIX)
    age = abs(now - datetime.fromtimestamp(int(timestamp) / 1000, UTC))
    if age > _LATEST:
        raise StaleSignature(f"The event was signed {age.days} days away from now.")
    return age <= ON_TIME


def _digest(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
