"""Whether a body was signed by somebody who knows one of our secrets, a short time ago (Standard Webhooks).

Pure: the secrets and the present instant are arguments. Several secrets and several signatures are allowed, so that
both sides can change theirs without a pause. It must not read a request or say which part of a signature was wrong.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import Misconfigured, Refused

# Long enough for clocks that disagree, short enough that a copied request is soon worthless.
WINDOW = timedelta(minutes=5)
_PREFIX = "whsec_"
_SCHEME = "v1,"
_SECONDS = re.compile(r"[0-9]{1,12}")
# Visible ASCII, short enough to be kept as the message's id.
_MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,120}")


class SignatureRefused(Refused):
    """The request is not signed as it must be."""

    code = "WRONG_SIGNATURE"
    owner = "sender"
    fix = "Sign the unchanged body as Standard Webhooks says, with the secret that both sides have."
    http_status = 401


class StaleSignature(SignatureRefused):
    """The request was signed too long ago, or in the future."""

    code = "STALE_SIGNATURE"
    fix = "Sign and send the request again, and check the clocks of both sides: they may differ by five minutes."


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """The headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, as received; missing ones are empty."""

    message_id: str
    timestamp: str
    signature: str


def verify(*, body: bytes, headers: SignedHeaders, secrets: Sequence[str], now: datetime) -> int:
    """The position of the secret that signed the body.

    `secrets` are base64, with or without `whsec_` in front. Raises SignatureRefused, StaleSignature when only the time
    is at fault, Misconfigured when a secret is not base64.
    """
    if not _MESSAGE_ID.fullmatch(headers.message_id) or not _SECONDS.fullmatch(headers.timestamp):
        raise SignatureRefused("The headers webhook-id and webhook-timestamp are missing or not well formed.")
    signed = f"{headers.message_id}.{headers.timestamp}.".encode() + body
    given = [part.removeprefix(_SCHEME).encode() for part in headers.signature.split() if part.startswith(_SCHEME)]
    # All secrets are tried, so that the time taken does not tell which one fits.
    fitting = [at for at, secret in enumerate(secrets) if _is_signed(signed=signed, secret=secret, given=given)]
    if not fitting:
        raise SignatureRefused("No signature in webhook-signature fits the body.")
    if abs(now.timestamp() - int(headers.timestamp)) > WINDOW.total_seconds():
        raise StaleSignature(f"The time in webhook-timestamp is more than {WINDOW} away from ours.")
    return fitting[0]


def _is_signed(*, signed: bytes, secret: str, given: Sequence[bytes]) -> bool:
    expected = base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256))
    # Summed, not `any`: each signature is compared, so that the time taken does not tell which one fits.
    return sum(hmac.compare_digest(expected, one) for one in given) > 0


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Misconfigured(
            "An event secret is not base64.", fix="Set the event secrets as whsec_ followed by base64."
        ) from error
    if not key:
        raise Misconfigured("An event secret is empty.", fix="Set the event secrets as whsec_ followed by base64.")
    return key
