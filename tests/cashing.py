"""A cashier for tests: issued invoices planted straight into the store, a desk to book at, balances as text."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from connector.domain.money import Money
from connector.domain.payments import PaymentState
from connector.ports import Clock
from connector.store import ledger, open_items
from connector.store.payments import ArrivedPayment, StoredPayment, load_payment
from connector.store.tables_billing import invoices
from connector.store.tables_cash import payments
from connector.store.tables_review import credit_applications, issued_documents, number_series
from connector.store.unit_of_work import Database
from connector.usecases.allocate_payment import Allocated, allocate_payment, release_surplus
from connector.usecases.cash_desk import CashDesk
from connector.usecases.receive_payment import receive_payment
from tests.reviewing import ENTITIES, ROLES

ORG = "00DgL0000000001UAA"


@dataclass
class Till:
    """Invoices, payments and what is left of both, in one database."""

    database: Database
    clock: Clock
    desk: CashDesk = field(init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        self.desk = CashDesk(self.database, self.clock, ENTITIES)

    def invoice(
        self,
        gross: str = "1190.00",
        currency: str = "EUR",
        *,
        customer: str = "001A",
        due: str = "2026-02-01",
        kind: str = "invoice",
        state: str = "issued",
        entity: str = "DE",
        number: str = "",
    ) -> int:
        """The row of a document that is issued (unless told otherwise) under the next number."""
        self._count += 1
        name = number or f"{entity}-2026-{self._count:06}"
        with self.database.unit_of_work() as work:
            row = invoice_row(name, gross, currency, customer, due, kind, state, entity, self.clock)
            invoice_id: int = work.execute(invoices.insert().returning(invoices.c.id), row).scalar_one()
            if state == "issued":
                document = issued_row(invoice_id, name, self._series(work, entity, kind), self._count, self.clock)
                work.execute(issued_documents.insert(), document)
                open_items.save_reference(work=work, invoice_id=invoice_id, number=name)
            work.commit()
        return invoice_id

    def make_void(self, invoice_id: int) -> None:
        """As if an issued invoice had been voided by a release that could."""
        with self.database.unit_of_work() as work:
            work.execute(invoices.update().where(invoices.c.id == invoice_id).values(state="void"))
            work.commit()

    def count(self) -> int:
        """A number that was not given before."""
        self._count += 1
        return self._count

    def at_once(self, part: Callable[[], Any], *, times: int) -> None:
        """Run the part in so many threads that start together; their errors are raised."""
        gate = threading.Barrier(times)
        errors: list[Exception] = []

        def run() -> None:
            gate.wait(timeout=30)
            try:
                part()
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)

        threads = [threading.Thread(target=run) for _ in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        if errors:
            raise errors[0]

    def credit(self, invoice_id: int, amount: str) -> int:
        """A credit note lowers an invoice, as issuing one does."""
        note = self.invoice(f"-{amount}", kind="credit_note", number=f"DE-CN-2026-{self._count + 1:06}")
        with self.database.unit_of_work() as work:
            row = {"credit_note_id": note, "invoice_id": invoice_id, "amount": Decimal(amount)}
            work.execute(credit_applications.insert(), row)
            release_surplus(work=work, invoice_ids=[invoice_id], on=self.clock.now().date(), now=self.clock.now(),
                            reason="Credited after it was paid.")  # fmt: skip
            work.commit()
        return note

    def arrived(
        self, amount: str = "1190.00", currency: str = "EUR", *, ref: str = "", **changes: Any
    ) -> ArrivedPayment:
        """Money that a bank tells of."""
        self._count += 1
        values: dict[str, Any] = {"received_on": date(2026, 3, 1), "state": PaymentState.RECEIVED, **changes}
        return ArrivedPayment("bank", ref or f"entry-{self._count}", Money(Decimal(amount), currency), **values)

    def paid(self, amount: str = "1190.00", currency: str = "EUR", **changes: Any) -> int:
        """The row of money that came."""
        arrived = self.arrived(amount, currency, **changes)
        return receive_payment(desk=self.desk, arrived=arrived, actor="test").payment_id

    def allocate(self, payment_id: int, amounts: dict[int, str], *, who: str = "finn", key: str = "") -> Allocated:
        """A person allocates."""
        self._count += 1
        return allocate_payment(
            desk=self.desk,
            payment_id=payment_id,
            amounts={one: Decimal(amount) for one, amount in amounts.items()},
            actor=who,
            role=ROLES.get(who, "finance"),
            request_key=key or f"click-{self._count}",
        )

    def reference(self, invoice_id: int) -> str:
        """What the payer of an invoice writes."""
        with self.database.reading() as connection:
            found = open_items.load_issued_invoices(connection=connection, invoice_ids=[invoice_id])
        return found[invoice_id].reference

    def open(self, invoice_id: int) -> str:
        """What is open on an invoice, and how far it is paid."""
        with self.database.reading() as connection:
            found = ledger.invoice_balance(connection=connection, invoice_id=invoice_id)
        return f"{found.open} {found.status}"

    def left(self, payment_id: int) -> str:
        """What is not used of a payment."""
        with self.database.reading() as connection:
            return str(ledger.payment_balance(connection=connection, payment_id=payment_id).left.amount)

    def payment(self, payment_id: int) -> StoredPayment:
        """A payment as kept."""
        with self.database.reading() as connection:
            return load_payment(connection=connection, payment_id=payment_id)

    def postings(self, payment_id: int) -> list[ledger.StoredPosting]:
        """Every posting of a payment."""
        with self.database.reading() as connection:
            return ledger.load_postings(connection=connection, payment_id=payment_id)

    def payment_ids(self) -> list[int]:
        """Every payment, oldest first."""
        with self.database.reading() as connection:
            return list(connection.execute(sa.select(payments.c.id).order_by(payments.c.id)).scalars())

    def lost(self) -> dict[str, Decimal]:
        """What the ledger does not sum to zero by, by currency; empty when nothing is lost."""
        with self.database.reading() as connection:
            sums = ledger.account_sums(connection=connection)
        wrong = {currency: sum(accounts.values(), Decimal(0)) for currency, accounts in sums.items()}
        return {currency: amount for currency, amount in wrong.items() if amount}

    def _series(self, work: Any, entity: str, kind: str) -> int:
        same = (number_series.c.legal_entity == entity) & (number_series.c.kind == kind)
        found = work.execute(sa.select(number_series.c.id).where(same)).scalar_one_or_none()
        if found is not None:
            return int(found)
        row = {"legal_entity": entity, "kind": kind, "period": "2026", "last": 0, "last_issued_on": date(2026, 1, 1)}
        return int(work.execute(number_series.insert().returning(number_series.c.id), row).scalar_one())


def invoice_row(
    name: str, gross: str, currency: str, customer: str, due: str, kind: str, state: str, entity: str, clock: Clock
) -> dict[str, Any]:
    """The row of a document without items."""
    return {
        "draft_key": f"draft-{name}",
        "kind": kind,
        "state": state,
        "org_id": ORG,
        "customer_ref": customer,
        "customer_name": f"Customer {customer}",
        "payer_ref": customer,
        "legal_entity": entity,
        "currency": currency,
        "payment_terms_days": 30,
        "bill_on": date(2026, 1, 2),
        "due_on": date.fromisoformat(due),
        "net": Decimal(gross),
        "tax": Decimal(0),
        "gross": Decimal(gross),
        "tax_rows": [],
        "lowers": [],
        "created_at": clock.now(),
    }


def issued_row(invoice_id: int, number: str, series_id: int, sequence: int, clock: Clock) -> dict[str, Any]:
    """The row of its issue; nobody reads its content here."""
    return {
        "invoice_id": invoice_id,
        "number": number,
        "series_id": series_id,
        "sequence": sequence,
        "issued_on": date(2026, 1, 2),
        "issued_at": clock.now(),
        "issued_by": "anna",
        "content": "{}",
        "content_hash": "0" * 64,
    }
