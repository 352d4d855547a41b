"""What the API answers about payments: the money that came, where it went, what its provider told, refunds."""

from __future__ import annotations

from datetime import date

from connector.web.api.answers import Answer, Instant, MoneyAnswer


class PaymentAnswer(Answer):
    """A payment; `left` pays nothing yet. `match_code` and `match_reason` say what matching found."""

    id: int
    source: str
    environment: str
    source_ref: str
    amount: MoneyAnswer
    left: MoneyAnswer
    state: str
    match_state: str
    match_code: str
    match_reason: str
    payer_name: str
    customer_ref: str
    received_on: date | None
    created_at: Instant


class MovementAnswer(Answer):
    """A posting that names the payment; `is_undone` when it was taken back later."""

    id: int
    kind: str
    amount: MoneyAnswer
    invoice_id: int | None
    on: date
    actor: str
    reason: str
    is_undone: bool


class ToldAnswer(Answer):
    """What the provider told; `code` and `message` say what differs from what was expected."""

    kind: str
    ref: str
    state: str
    amount: str
    told: str
    code: str
    message: str
    seen_at: Instant


class RefundAnswer(Answer):
    """A refund, and how far the provider is with it (empty when none has it)."""

    id: int
    amount: MoneyAnswer
    state: str
    reason: str
    message: str
    requested_by: str
    requested_at: Instant
    at_provider: str


class PaymentDetailAnswer(PaymentAnswer):
    """A payment with everything that is known of it."""

    movements: tuple[MovementAnswer, ...]
    told: tuple[ToldAnswer, ...]
    refunds: tuple[RefundAnswer, ...]
