"""Have one payment link for the open amount of each issued invoice: opened, withdrawn and made anew as it changes.

First what is wanted is written down, with a request id, and committed; then the provider is called; then its answer is
kept. A process that dies anywhere leaves a row that says what to do next with the same request id, so that no invoice
ever has two links. Any number of processes may do this at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.collecting import LinkEvent, LinkState, LinkStep, ObjectKind, link_step
from connector.domain.fulfilment import MOST_ATTEMPTS, retry_wait
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.money import Money
from connector.domain.review import InvoiceState
from connector.errors import ConnectorError, Misconfigured, NotFound, RateLimited, Refused
from connector.logs import log
from connector.ports import Clock
from connector.ports_payments import LinkRequest, PaymentLink, PaymentProvider
from connector.store import payable, payment_links, provider_events, watermarks
from connector.store.issued import lock_all
from connector.store.open_items import IssuedInvoice, load_issued_invoices
from connector.store.payment_links import StoredLink
from connector.store.provider_events import NewEvent
from connector.store.unit_of_work import Database, UnitOfWork

# Longer than a call with all its repetitions may take; a process that died holds a link up for so long.
_CLAIM = timedelta(minutes=10)
# Transactions that were open when we looked last commit within this.
_OVERLAP = timedelta(minutes=10)
_AT_ONCE = 500
_WATERMARK = ("payments", "links")
# Withdrawn by people only: the settings name another provider or another of its worlds now.
_LEFT_BEHIND = "The settings name another provider now; withdraw this link in the former one's web app."


@dataclass(frozen=True, slots=True)
class Collector:
    """What collecting by link needs. `currencies` empty: invoices of every currency get a link."""

    database: Database
    clock: Clock
    provider: PaymentProvider
    currencies: tuple[str, ...] = ()


def collect_payments(*, collector: Collector, is_full: bool = False, limit: int = 100) -> dict[str, int]:
    """Write down which links are wanted or outdated, then call the provider for up to so many; answers counts.

    `is_full` looks at every issued invoice, else at those that changed since the last time.
    """
    planned = _plan(collector, is_full=is_full)
    opened = withdrawn = failed = 0
    for _ in range(limit):
        link = _claim_one(collector)
        if link is None:
            break
        state = _call(collector, link)
        opened, withdrawn = opened + (state is LinkState.OPEN), withdrawn + (state is LinkState.WITHDRAWN)
        failed += state is None or state is LinkState.REFUSED
    return {"planned": planned, "opened": opened, "withdrawn": withdrawn, "failed": failed}


def retry_link(*, database: Database, clock: Clock, link_id: int) -> None:
    """A person mended what the provider refused: try again. Raises NotFound, IllegalTransition."""
    with database.unit_of_work() as work:
        link = payment_links.load_link(connection=work.connection, link_id=link_id)
        payment_links.move_link(work=work, link=link, event=LinkEvent.RETRY, now=clock.now())
        work.commit()


# What is wanted.


def _plan(collector: Collector, *, is_full: bool) -> int:
    began, after, planned = collector.clock.now(), 0, 0
    since = None if is_full else _since(collector)
    while True:
        with collector.database.reading() as connection:
            found = payable.candidates(
                connection=connection, since=since, currencies=collector.currencies, after=after, limit=_AT_ONCE
            )
        planned += sum(_plan_one(collector, invoice_id) for invoice_id in _doubtful(collector, found))
        if len(found) < _AT_ONCE:
            break
        after = found[-1]
    with collector.database.unit_of_work() as work:
        watermarks.save(work=work, org_id=_WATERMARK[0], object_name=_WATERMARK[1], swept_until=began)
        work.commit()
    return planned


def _since(collector: Collector) -> datetime | None:
    with collector.database.looking() as work:
        last = watermarks.load(work=work, org_id=_WATERMARK[0], object_name=_WATERMARK[1])
    return None if last is None else last - _OVERLAP


def _doubtful(collector: Collector, invoice_ids: Sequence[int]) -> list[int]:
    """Those whose link is not as it must be, by a look without locks: most need nothing."""
    with collector.database.reading() as connection:
        issued = load_issued_invoices(connection=connection, invoice_ids=invoice_ids)
        live = payment_links.live_links(connection=connection, invoice_ids=invoice_ids)
    steps = {one: _step(collector, issued.get(one), live.get(one)) for one in invoice_ids}
    return [one for one, step in steps.items() if step is not LinkStep.KEEP]


def _plan_one(collector: Collector, invoice_id: int) -> bool:
    with collector.database.unit_of_work() as work:
        lock_all(work=work, invoice_ids=[invoice_id])
        issued = load_issued_invoices(connection=work.connection, invoice_ids=[invoice_id])[invoice_id]
        live = payment_links.live_link(connection=work.connection, invoice_id=invoice_id)
        step = _step(collector, issued, live)
        if step is LinkStep.WANT:
            _want(work, collector, issued)
        elif step is LinkStep.OUTDATE and live is not None:
            _outdate(work, collector, issued, live)
        work.commit()
    return step is not LinkStep.KEEP


def _step(collector: Collector, issued: IssuedInvoice | None, live: StoredLink | None) -> LinkStep:
    owed = None if issued is None else _owed(collector, issued)
    if live is not None and not _is_ours(collector, live):
        return LinkStep.OUTDATE
    return link_step(owed=owed, live=live.amount if live else None, state=live.state if live else None)


def _owed(collector: Collector, issued: IssuedInvoice) -> Money | None:
    is_payable = issued.kind is DocumentKind.INVOICE and issued.state is InvoiceState.ISSUED
    is_wanted = not collector.currencies or issued.currency in collector.currencies
    return issued.balance.open if is_payable and is_wanted else None


def _is_ours(collector: Collector, link: StoredLink) -> bool:
    return (link.provider, link.environment) == (collector.provider.name, collector.provider.environment)


def _want(work: UnitOfWork, collector: Collector, issued: IssuedInvoice) -> None:
    payment_links.want_link(
        work=work,
        invoice_id=issued.id,
        provider=collector.provider.name,
        environment=collector.provider.environment,
        # Random and stored, not counted from our row: a database that was restored from a backup counts again.
        request_id=str(uuid.uuid4()),
        amount=issued.balance.open,
        now=collector.clock.now(),
    )


def _outdate(work: UnitOfWork, collector: Collector, issued: IssuedInvoice, live: StoredLink) -> None:
    now = collector.clock.now()
    said = f"{issued.balance.open} is open now, the link is for {live.amount}."
    if _is_ours(collector, live):
        payment_links.move_link(work=work, link=live, event=LinkEvent.OUTDATE, now=now, message=said)
        return
    log.warning("payment_link_left_behind", link_id=live.id, provider=live.provider)
    if live.state is not LinkState.WITHDRAWING:
        payment_links.move_link(work=work, link=live, event=LinkEvent.OUTDATE, now=now, message=_LEFT_BEHIND)
        live = payment_links.load_link(connection=work.connection, link_id=live.id)
    if live.state is LinkState.WITHDRAWING:
        payment_links.move_link(
            work=work, link=live, event=LinkEvent.WITHDRAWN, now=now, code="LEFT_BEHIND", message=_LEFT_BEHIND
        )


# What the provider hears.


def _claim_one(collector: Collector) -> StoredLink | None:
    now = collector.clock.now()
    with collector.database.unit_of_work() as work:
        found = payment_links.claim(work=work, limit=1, now=now, until=now + _CLAIM)
        if found:
            work.commit()
    return found[0] if found else None


def _call(collector: Collector, link: StoredLink) -> LinkState | None:
    """The link's state after the call; None when it is tried again later."""
    if not _is_ours(collector, link):
        # The next plan sees to it.
        return None
    try:
        if link.state is LinkState.WANTED:
            return _open(collector, link)
        return _withdraw(collector, link)
    except ConnectorError as error:
        return _keep_failure(collector, link, error)


def _open(collector: Collector, link: StoredLink) -> LinkState | None:
    made = collector.provider.open_link(request=_request(collector, link))
    is_right = (made.amount, made.currency) == (link.amount.amount, link.amount.currency)
    if not is_right:
        raise Refused(
            f"The provider made a link for {made.amount} {made.currency} instead of {link.amount}.",
            code="LINK_DIFFERS",
            owner="finance",
            fix="Withdraw it in the provider's web app and report it; no customer was shown it.",
        )
    return _save_made(collector, link, made)


def _save_made(collector: Collector, link: StoredLink, made: PaymentLink) -> LinkState | None:
    with collector.database.unit_of_work() as work:
        lock_all(work=work, invoice_ids=[link.invoice_id])
        payment_links.save_ref(work=work, link_id=link.id, provider_ref=made.ref, url=made.url)
        current = payment_links.load_link(connection=work.connection, link_id=link.id)
        state: LinkState | None = current.state
        if current.state is LinkState.WANTED:
            state = payment_links.move_link(
                work=work, link=current, event=LinkEvent.OPENED, now=collector.clock.now(), provider_ref=made.ref
            )
        _look_at_payment(work, collector, made)
        work.commit()
    return state


def _withdraw(collector: Collector, link: StoredLink) -> LinkState | None:
    ref = link.provider_ref
    if not ref:
        # The answer to the create was lost: whether there is a link is known by its request id alone.
        made = collector.provider.find_link(request=_request(collector, link))
        ref = made.ref if made else ""
    try:
        found = collector.provider.withdraw_link(link_ref=ref) if ref else None
    except NotFound:
        found = None
    if found is not None and found.is_active:
        raise Refused("The provider still offers the link.", code="STILL_ACTIVE", owner="finance")
    with collector.database.unit_of_work() as work:
        lock_all(work=work, invoice_ids=[link.invoice_id])
        current = payment_links.load_link(connection=work.connection, link_id=link.id)
        state = current.state
        if state is LinkState.WITHDRAWING:
            state = payment_links.move_link(
                work=work, link=current, event=LinkEvent.WITHDRAWN, now=collector.clock.now(), provider_ref=ref
            )
        if found is not None:
            _look_at_payment(work, collector, found)
        work.commit()
    return state


def _look_at_payment(work: UnitOfWork, collector: Collector, link: PaymentLink) -> None:
    """A link that was paid before we withdrew it names its payment, which must not wait for an event."""
    if not link.payment_ref:
        return
    event = NewEvent(
        provider=collector.provider.name,
        environment=collector.provider.environment,
        event_id=f"link:{link.ref}:{link.payment_ref}",
        name="link was paid",
        kind=ObjectKind.PAYMENT.value,
        ref=link.payment_ref,
        source="link",
    )
    provider_events.put(work=work, events=[event], now=collector.clock.now())


def _keep_failure(collector: Collector, link: StoredLink, error: ConnectorError) -> LinkState | None:
    log.warning("payment_link_not_called", link_id=link.id, state=link.state.value, code=error.code)
    now = collector.clock.now()
    message = f"{error} {error.fix}".strip()
    asked = error.retry_after if isinstance(error, RateLimited) else 0
    is_withdrawing = link.state is LinkState.WITHDRAWING
    # What may still be paid is withdrawn for ever; what is refused waits for a person; settings are mended by one.
    is_tried_again = is_withdrawing or isinstance(error, Misconfigured) or not isinstance(error, Refused)
    attempt = min(link.attempts, MOST_ATTEMPTS - 1) if is_withdrawing else link.attempts
    wait = retry_wait(attempt=attempt, asked=asked) if is_tried_again else None
    with collector.database.unit_of_work() as work:
        lock_all(work=work, invoice_ids=[link.invoice_id])
        current = payment_links.load_link(connection=work.connection, link_id=link.id)
        state: LinkState | None = None
        if wait is not None:
            payment_links.save_waiting(
                work=work, link_id=link.id, not_before=now + timedelta(seconds=wait), code=error.code, message=message
            )
        elif current.state is LinkState.WANTED:
            state = payment_links.move_link(
                work=work, link=current, event=LinkEvent.REFUSE, now=now, code=error.code, message=message
            )
        work.commit()
    return state


def _request(collector: Collector, link: StoredLink) -> LinkRequest:
    with collector.database.reading() as connection:
        number = load_issued_invoices(connection=connection, invoice_ids=[link.invoice_id])[link.invoice_id].name
    return LinkRequest(key=link.request_id, amount=link.amount, reference=number, title=f"Invoice {number}")
