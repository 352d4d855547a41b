"""Airwallex's answers as our values: the one place that knows its field names and status words.

Every status word that we do not know becomes UNKNOWN, every amount an exact Decimal; an answer without what we need is
an error, never a guess. It must not call anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connector.adapters.payments_airwallex_calls import instant
from connector.adapters.payments_airwallex_errors import plain
from connector.domain.collecting import ObjectKind, ObjectState, ProviderObject
from connector.domain.money import Money
from connector.errors import Refused
from connector.ports_payments import PaymentLink

# Our own words inside Airwallex's metadata.
KEY_FIELD = "countersign_key"

_S = ObjectState
_INTENT_STATES = {
    "REQUIRES_PAYMENT_METHOD": _S.WAITING,
    "REQUIRES_CUSTOMER_ACTION": _S.WAITING,
    "REQUIRES_CAPTURE": _S.PENDING,
    "PENDING": _S.PENDING,
    "PENDING_REVIEW": _S.PENDING,
    "PROCESSING": _S.PENDING,
    "SUCCEEDED": _S.SETTLED,
    "CANCELLED": _S.FAILED,
}
_DEPOSIT_STATES = {
    "PENDING": _S.PENDING,
    "SETTLED": _S.SETTLED,
    "REJECTED": _S.FAILED,
    "REVERSED": _S.REVERSED,
}
_REFUND_STATES = {
    "RECEIVED": _S.PENDING,
    "ACCEPTED": _S.PENDING,
    "SETTLED": _S.SETTLED,
    # Its name up to version 2025-02-14.
    "SUCCEEDED": _S.SETTLED,
    "FAILED": _S.FAILED,
}
_DISPUTE_STATES = {
    "REQUIRES_RESPONSE": _S.PENDING,
    "CHALLENGED": _S.PENDING,
    # Accepted by us or by the pre-chargeback programme, or not answered in time: the money goes back.
    "ACCEPTED": _S.SETTLED,
    "EXPIRED": _S.SETTLED,
    "LOST": _S.SETTLED,
    "WON": _S.FAILED,
    "REVERSED": _S.FAILED,
}
_STATES = {
    ObjectKind.PAYMENT: _INTENT_STATES,
    ObjectKind.DEPOSIT: _DEPOSIT_STATES,
    ObjectKind.REFUND: _REFUND_STATES,
    ObjectKind.DISPUTE: _DISPUTE_STATES,
}
_DECIMAL = re.compile(r"-?\d{1,24}(\.\d{1,12})?")


_NONSENSE, _MOST_PLACES = Decimal(10) ** 15, 15


class UnreadableObject(Refused):
    """An answer of the payment provider lacks something or holds nonsense."""

    code = "UNREADABLE_OBJECT"
    fix = "Look the object up in the provider's web app, and report it with the version of the API that is set."


def link_of(body: Any) -> PaymentLink:
    """A payment link. Raises UnreadableObject."""
    row = _row(body)
    is_active = row.get("active")
    if not isinstance(is_active, bool):
        raise UnreadableObject("A payment link of the answer does not say whether it is active.")
    return PaymentLink(
        ref=_text(row, "id"),
        url=_text(row, "url"),
        amount=_amount(row, "amount"),
        currency=_text(row, "currency"),
        is_active=is_active,
        payment_ref=_word(row.get("latest_successful_payment_intent_id")),
    )


def link_key(body: Any) -> str:
    """The key of ours that a link carries, empty when it is not ours."""
    metadata = _row(body).get("metadata")
    return _word(metadata.get(KEY_FIELD)) if isinstance(metadata, Mapping) else ""


def request_id_of(body: Any) -> str:
    """The request id that an object repeats, empty when it does not."""
    return _word(_row(body).get("request_id"))


def object_of(kind: ObjectKind, body: Any) -> ProviderObject:
    """A payment intent, deposit, refund or dispute. Raises UnreadableObject."""
    row = _row(body)
    told = plain(row.get("status"))
    attempt = row.get("latest_payment_attempt")
    created = _instant(row, "created_at")
    return ProviderObject(
        kind=kind,
        ref=_text(row, "id"),
        state=_STATES[kind].get(told, ObjectState.UNKNOWN),
        amount=_amount(row, "captured_amount" if kind is ObjectKind.PAYMENT else "amount"),
        currency=_text(row, "currency"),
        happened_at=_instant(row, "settled_at", otherwise=created),
        updated_at=_instant(row, "updated_at", otherwise=created),
        asked=_amount(row, "amount") if kind is ObjectKind.PAYMENT else None,
        payment_ref=_word(row.get("payment_intent_id")),
        link_ref=_word(row.get("payment_link_id")),
        key=_key(kind, row),
        reference=plain(row.get("merchant_order_id") or row.get("reference")),
        payer=_payer(row),
        fee=_fee(row),
        told=told,
        detail=_why_failed(row, attempt if isinstance(attempt, Mapping) else {}),
    )


def _key(kind: ObjectKind, row: Mapping[str, Any]) -> str:
    """The key of ours that leads back; a refund repeats the request id that was ours, an intent one of a link's own."""
    metadata = row.get("metadata")
    ours = _word(metadata.get(KEY_FIELD)) if isinstance(metadata, Mapping) else ""
    return ours or (_word(row.get("request_id")) if kind is ObjectKind.REFUND else "")


def _row(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise UnreadableObject("The answer is not an object.")
    return body


def _word(value: Any) -> str:
    """An id, exactly as it was written; nothing that cannot be one."""
    return value if isinstance(value, str) and len(value) <= 200 and value.isprintable() else ""


def _text(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    if not isinstance(found, str) or not found.strip() or len(found) > 2000:
        raise UnreadableObject(f"The answer has no {name}.")
    return found.strip()


def _amount(row: Mapping[str, Any], name: str) -> Decimal:
    """An exact amount: Airwallex writes it as a number in most groups and as text in some."""
    found = row.get(name)
    is_text = isinstance(found, str) and _DECIMAL.fullmatch(found)
    if isinstance(found, bool) or not (is_text or isinstance(found, Decimal | int)):
        raise UnreadableObject(f"The answer has no amount in {name}.")
    amount = Decimal(str(found))
    # Compared before it is written out: 1e400 is short here and endless everywhere else.
    if not amount.is_finite() or abs(amount) >= _NONSENSE or -int(amount.as_tuple().exponent) > _MOST_PLACES:
        raise UnreadableObject(f"The amount in {name} is none.")
    return amount


def _instant(row: Mapping[str, Any], name: str, *, otherwise: datetime | None = None) -> datetime:
    found = row.get(name)
    if found in (None, "") and otherwise is not None:
        return otherwise
    try:
        return instant(found)
    except ValueError as error:
        raise UnreadableObject(f"The answer has no instant with its offset in {name}.") from error


def _payer(row: Mapping[str, Any]) -> str:
    payer = row.get("payer")
    return plain(payer.get("name")) if isinstance(payer, Mapping) else plain(row.get("customer_name"))


def _fee(row: Mapping[str, Any]) -> Money | None:
    fee = row.get("fee")
    if not isinstance(fee, Mapping) or not fee.get("currency"):
        return None
    amount = _amount(fee, "amount")
    return Money(amount, _text(fee, "currency")) if amount else None


def _why_failed(row: Mapping[str, Any], attempt: Mapping[str, Any]) -> str:
    """Why a deposit was rejected, a refund or an attempt failed: a failed attempt is no failed payment."""
    details = row.get("failure_details")
    if isinstance(details, Mapping):
        details = details.get("message") or details.get("code")
    reason = row.get("failure_reason") or details or attempt.get("failure_code") or ""
    return plain(reason)
