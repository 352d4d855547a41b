"""A counter for tests: issued invoices, a provider that takes money for them, and the jobs between the two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.collecting import ObjectKind
from connector.ports_payments import PaymentProvider
from connector.store import payment_links
from connector.store.ledger import load_postings
from connector.store.payment_links import StoredLink
from connector.store.provider_events import NewEvent
from connector.store.tables_collecting import provider_events, provider_objects
from connector.usecases.apply_payment_event import Applied, apply_payment_events
from connector.usecases.collect_payment import Collector, collect_payments
from connector.usecases.poll_payments import poll_payments
from connector.usecases.receive_payment_event import receive_payment_events
from connector.usecases.send_refunds import send_refunds
from tests.cashing import Till


@dataclass
class Counter:
    """One till and one provider."""

    till: Till
    provider: PaymentProvider
    clock: FixedClock
    currencies: tuple[str, ...] = ()

    def collect(self, **changes: Any) -> dict[str, int]:
        """Open and withdraw links."""
        collector = Collector(self.till.database, self.clock, self.provider, self.currencies)
        return collect_payments(collector=collector, **changes)

    def tell(self, kind: ObjectKind | str, ref: str, *, event_id: str = "") -> int:
        """An event came."""
        event = NewEvent(
            provider=self.provider.name,
            environment=self.provider.environment,
            event_id=event_id or f"evt-{kind}-{ref}-{self.clock.now().timestamp()}",
            name=f"{kind}.something",
            kind=ObjectKind(kind).value,
            ref=ref,
            source="webhook",
        )
        return receive_payment_events(database=self.till.database, clock=self.clock, events=[event])

    def apply(self) -> Applied:
        """Work on what came."""
        return apply_payment_events(desk=self.till.desk, provider=self.provider)

    def poll(self, days: int = 7) -> dict[str, int]:
        """Ask for what did not come."""
        return poll_payments(
            database=self.till.database, clock=self.clock, provider=self.provider, reach=timedelta(days=days)
        )

    def send_refunds(self) -> dict[str, int]:
        """Send what people asked for."""
        return send_refunds(desk=self.till.desk, provider=self.provider)

    def links(self, invoice_id: int) -> list[StoredLink]:
        """All links of an invoice."""
        with self.till.database.reading() as connection:
            return payment_links.links_of(connection=connection, invoice_id=invoice_id)

    def told(self, invoice_id: int) -> list[str]:
        """All links of an invoice as text."""
        return [f"{link.amount} {link.state}" for link in self.links(invoice_id)]

    def live(self, invoice_id: int) -> StoredLink:
        """The newest link of an invoice."""
        return self.links(invoice_id)[-1]

    def events(self) -> list[str]:
        """State and code of every event."""
        c = provider_events.c
        with self.till.database.reading() as connection:
            rows = connection.execute(sa.select(c.state, c.code).order_by(c.id))
            return [f"{row.state} {row.code}".strip() for row in rows]

    def differences(self) -> list[str]:
        """Codes of everything that differs from what was expected."""
        c = provider_objects.c
        with self.till.database.reading() as connection:
            rows = connection.execute(sa.select(c.code).where(c.code != "").order_by(c.id))
            return list(rows.scalars())

    def ledger(self) -> list[tuple[str, str]]:
        """Every posting that holds, as kind and amount, sorted: what the ledger says in the end."""
        with self.till.database.reading() as connection:
            found = [
                one
                for payment_id in self.till.payment_ids()
                for one in load_postings(connection=connection, payment_id=payment_id)
            ]
        return sorted((one.posting.kind.value, str(abs(one.posting.amount.amount))) for one in found if one.holds)

    def payments(self) -> list[tuple[str, str, str]]:
        """Amount, state and what is left of every payment."""
        ids = self.till.payment_ids()
        return [(str(self.till.payment(one).amount), self.till.payment(one).state.value, self.till.left(one))
                for one in ids]  # fmt: skip
