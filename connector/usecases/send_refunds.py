"""Send refunds that people asked for through the provider that took the money; its later word settles or fails them.

The money was set apart when the refund was asked for (`refund_payment`). The request id is stored before the call and
is the same on every try, so that nobody is paid back twice. A bank deposit cannot go back this way: people transfer it.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from connector.domain.collecting import ObjectKind, ObjectState, ProviderObject
from connector.domain.fulfilment import MOST_ATTEMPTS, retry_wait
from connector.errors import ConnectorError, Misconfigured, RateLimited, Refused
from connector.logs import log
from connector.ports_payments import PaymentProvider, RefundRequest
from connector.store import provider_events, provider_refunds
from connector.store.provider_events import NewEvent
from connector.store.provider_refunds import ClaimedRefund
from connector.usecases.cash_desk import CashDesk
from connector.usecases.refund_payment import fail_refund, settle_refund

_CLAIM = timedelta(minutes=10)
_DEPOSIT = "It came by bank transfer: send it back by one, from the same account, and settle the refund by hand."


def send_refunds(*, desk: CashDesk, provider: PaymentProvider, limit: int = 50) -> dict[str, int]:
    """Send up to so many refunds now; answers how many went and how many could not. Safe in many processes."""
    _want_unsent(desk, provider, limit)
    sent = failed = 0
    for _ in range(limit):
        refund = _claim_one(desk, provider)
        if refund is None:
            break
        is_sent = _send(desk, provider, refund)
        sent, failed = sent + is_sent, failed + (not is_sent)
    return {"refunds_sent": sent, "refunds_failed": failed}


def settle_by_provider(*, desk: CashDesk, refund_id: int, found: ProviderObject, actor: str) -> None:
    """The provider's word about a refund of ours. The same word again does nothing. Raises IllegalTransition."""
    if found.state is ObjectState.SETTLED:
        settle_refund(desk=desk, refund_id=refund_id, actor=actor, provider_ref=found.ref)
    elif found.state is ObjectState.FAILED:
        said = found.detail or "The provider could not pay it back."
        fail_refund(desk=desk, refund_id=refund_id, actor=actor, message=said)


def _want_unsent(desk: CashDesk, provider: PaymentProvider, limit: int) -> None:
    with desk.database.reading() as connection:
        found = provider_refunds.unsent(
            connection=connection, provider=provider.name, environment=provider.environment, limit=limit
        )
    if not found:
        return
    with desk.database.unit_of_work() as work:
        for one in found:
            provider_refunds.want(
                work=work,
                refund=one,
                provider=provider.name,
                environment=provider.environment,
                request_id=str(uuid.uuid4()),
                message=_DEPOSIT if one.is_deposit else "",
            )
        work.commit()


def _claim_one(desk: CashDesk, provider: PaymentProvider) -> ClaimedRefund | None:
    now = desk.clock.now()
    with desk.database.unit_of_work() as work:
        found = provider_refunds.claim(
            work=work,
            provider=provider.name,
            environment=provider.environment,
            limit=1,
            now=now,
            until=now + _CLAIM,
        )
        if found:
            work.commit()
    return found[0] if found else None


def _send(desk: CashDesk, provider: PaymentProvider, refund: ClaimedRefund) -> bool:
    request = RefundRequest(refund.request_id, refund.payment_ref, refund.amount, refund.reason)
    try:
        made = provider.refund(request=request)
    except ConnectorError as error:
        _keep_failure(desk, refund, error, actor=provider.name)
        return False
    event = NewEvent(
        provider=provider.name,
        environment=provider.environment,
        event_id=f"refund:{made.ref}:{made.stamp}",
        name="refund was sent",
        kind=ObjectKind.REFUND.value,
        ref=made.ref,
        source="refund",
    )
    with desk.database.unit_of_work() as work:
        provider_refunds.save_sent(work=work, refund_id=refund.refund_id, provider_ref=made.ref)
        provider_events.put(work=work, events=[event], now=desk.clock.now())
        work.commit()
    return True


def _keep_failure(desk: CashDesk, refund: ClaimedRefund, error: ConnectorError, *, actor: str) -> None:
    """Refused: the money is free again. Anything else is tried for ever, because it may have gone out."""
    message = f"{error} {error.fix}".strip()
    log.warning("refund_not_sent", refund_id=refund.refund_id, code=error.code)
    if isinstance(error, Refused) and not isinstance(error, Misconfigured):
        fail_refund(desk=desk, refund_id=refund.refund_id, actor=actor, message=message)
        with desk.database.unit_of_work() as work:
            provider_refunds.save_refused(work=work, refund_id=refund.refund_id, code=error.code, message=message)
            work.commit()
        return
    asked = error.retry_after if isinstance(error, RateLimited) else 0
    wait = retry_wait(attempt=min(refund.attempts, MOST_ATTEMPTS - 1), asked=asked) or 0
    with desk.database.unit_of_work() as work:
        provider_refunds.save_waiting(
            work=work,
            refund_id=refund.refund_id,
            not_before=desk.clock.now() + timedelta(seconds=wait),
            code=error.code,
            message=message,
        )
        work.commit()
