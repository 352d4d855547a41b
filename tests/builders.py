"""Rows as the product itself leaves them, for tests of what reads them: orders in any state, contracts, messages.

Made through the store's own functions where they exist, so that a builder cannot invent rows that the product would
never write. Every function commits. Names are invented.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher

from connector.domain.entitlements import AccessWanted, Grant
from connector.domain.fulfilment import OrderState, StepState
from connector.domain.salesforce_ids import id18
from connector.domain.terms import (
    Cadence,
    ChargeType,
    Customer,
    DealType,
    LineItem,
    Order,
    Provision,
    ProvisionKind,
    RecordRef,
)
from connector.errors import Fault
from connector.ports import Clock
from connector.store import contracts, history, inbox, orders, processes, users, writebacks
from connector.store.inbox import Message
from connector.store.tables import fulfilment_steps, job_runs
from connector.store.tables import inbox as inbox_table
from connector.store.tables import orders as orders_table
from connector.store.tables import records as records_table
from connector.store.tables import writebacks as writebacks_table
from connector.store.unit_of_work import Database
from connector.usecases.issue_tokens import create_token

ORG_ID = "00D5g00000ABCDEEA2"
PASSWORD = "a long enough password"
# Cheap on purpose: verifying reads the cost from the hash, so tests do not pay for strength.
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass(frozen=True, slots=True)
class MadeOrder:
    """What `make_order_rows` made."""

    id: int
    number: str
    record_row_id: int
    ref: RecordRef
    contract_number: str = ""


def quote_id(number: int) -> str:
    """The number-th Quote id of a test, with 18 characters."""
    return id18(f"0Q05g00000{number:05d}")


def account_id(number: int) -> str:
    """The number-th Account id of a test, with 18 characters."""
    return id18(f"0015g00000{number:05d}")


def make_line(position: int = 1, **changes: Any) -> LineItem:
    """One recurring line item: 50 seats for a year."""
    line = LineItem(
        ref=f"0QL5g00000{position:05d}GAE",
        position=position,
        product_code="SEATS",
        product_name="Seats",
        starts_on=date(2026, 4, 1),
        ends_on=date(2027, 4, 1),
        quantity=Decimal(50),
        unit_price=Decimal("120.00"),
        provision=Provision(ProvisionKind.ENTITLEMENT, "feature-seats"),
    )
    return dataclasses.replace(line, **changes)


def make_terms(ref: RecordRef, *, customer: str = "Aurora Analytics GmbH", **changes: Any) -> Order:
    """A signed order with a plan, seats, recurring credits and a set-up fee: 17,900.00 EUR."""
    plan = make_line(1, product_code="PLATFORM", product_name="Platform Business", quantity=Decimal(1),
                     unit_price=Decimal(9600), provision=Provision(ProvisionKind.PLAN, "plan-business"))  # fmt: skip
    seats = make_line(2, discount_percent=Decimal(10))
    credits = make_line(3, product_code="CREDITS", product_name="AI credits", quantity=Decimal(10_000),
                        unit_price=Decimal("0.14"), price_period_months=12,
                        provision=Provision(ProvisionKind.CREDIT, "credit-ai", cadence=Cadence.MONTH))  # fmt: skip
    fee = make_line(4, product_code="ONBOARD", product_name="Onboarding", quantity=Decimal(1),
                    unit_price=Decimal("1500.00"), charge_type=ChargeType.ONE_TIME, provision=Provision())  # fmt: skip
    order = Order(
        source=ref,
        name=f"{customer}, platform",
        deal_type=DealType.NEW,
        customer=Customer(account_id(1), customer, email="billing@example.com"),
        currency="EUR",
        starts_on=date(2026, 4, 1),
        ends_on=date(2027, 4, 1),
        payment_terms_days=30,
        legal_entity="Countersign Demo GmbH",
        line_items=(plan, seats, credits, fee),
        po_number="PO-7741",
        signed_on=date(2026, 2, 27),
        signed_total=Decimal("17900.00"),
    )
    return dataclasses.replace(order, **changes)


def a_fault(**changes: Any) -> Fault:
    """One fault as a mapping reports it."""
    fault = Fault(
        code="UNKNOWN_PRODUCT",
        message="Line 3, AI credits: the product code CREDITZ is not in the catalogue.",
        fix="Correct the product code on the line, or add the product to the catalogue, then press Resync.",
        owner="RevOps",
        record="0QL5g0000000003GAE",
        field="Product2.ProductCode",
        value="CREDITZ",
        line="3",
    )
    return dataclasses.replace(fault, **changes)


def make_order_rows(
    database: Database,
    clock: Clock,
    *,
    state: OrderState | str = OrderState.FULFILLED,
    number: int | None = None,
    customer: str = "Aurora Analytics GmbH",
    object_name: str = "Quote",
    value: Decimal | None = Decimal("17900.00"),
    age: timedelta = timedelta(minutes=5),
    done_steps: int | None = None,
    step_fault: Fault | None = None,
    faults: Sequence[Fault] = (),
    question: str = "",
    next_try: timedelta = timedelta(minutes=4),
    messages: int = 1,
    with_contract: bool | None = None,
    terms_changes: Mapping[str, Any] | None = None,
) -> MadeOrder:
    """One order with its record, steps, lines, write-back and messages, as it is in that state.

    `number` makes the record id (the next free one by default); `done_steps` is how many steps are done (all of them
    for FULFILLED, none for NEW, WAITING and BLOCKED, two otherwise); `step_fault` is told by the step that stopped.
    """
    now = clock.now()
    state = OrderState(state)
    with database.unit_of_work() as work:
        if number is None:
            number = work.execute(sa.select(sa.func.count()).select_from(records_table)).scalar_one() + 1
        ref = RecordRef(ORG_ID, object_name, quote_id(number))
        record_row_id = _record(work, ref, state, customer, now, age, next_try, faults or (step_fault,))
        order = orders.open_order(work=work, record_row_id=record_row_id, now=now - age)
        is_readable = state is not OrderState.BLOCKED or not faults
        if is_readable and state is not OrderState.NEW:
            terms = make_terms(ref, customer=customer, **(terms_changes or {}))
            orders.save_terms(work=work, order=order, terms=terms, value=value, mapping_version="1a2b3c4d")
        elif state is not OrderState.NEW:
            orders.save_title(work=work, order=order, customer_ref=account_id(number), customer_name=customer)
        done = _done_steps(state) if done_steps is None else done_steps
        _steps(work, order.id, state, done, step_fault, now, age)
        work.execute(
            orders_table.update()
            .where(orders_table.c.id == order.id)
            .values(
                state=state,
                faults=[dataclasses.asdict(fault) for fault in faults],
                question=question,
                question_code="CHANGED_AFTER_FULFILMENT" if question else "",
                changed_at=now - age / 2,
                fulfilled_at=now - age / 2 if state is OrderState.FULFILLED else None,
            )
        )
        history.append(
            work=work, at=now - age / 2, subject="order", subject_id=order.id, event="map", before="NEW", after=state
        )
        contract_number = ""
        if (done >= 2 if with_contract is None else with_contract) and is_readable:
            contract_number = _contract(
                work, order.id, make_terms(ref, customer=customer, **(terms_changes or {})), value, now - age / 2
            )
        _writeback(work, ref, state, order.number, contract_number, now, faults)
        work.commit()
    if messages:
        make_message_rows(database, clock, ref=ref, count=messages, state="done" if done else "received")
    return MadeOrder(order.id, order.number, record_row_id, ref, contract_number)


def make_message_rows(
    database: Database, clock: Clock, *, ref: RecordRef, count: int = 1, state: str = "parked", reason: str = "",
    source: str = "outbound", body: bytes | None = None,
) -> list[int]:  # fmt: skip
    """Messages about one record, each with its own raw body; answers their ids."""
    made: list[int] = []
    for index in range(count):
        with database.unit_of_work() as work:
            before = work.execute(sa.select(sa.func.count()).select_from(inbox_table)).scalar_one()
            message = Message(source, f"04l5g{before:010d}AAA", ref.object, ref.org_id, ref.object, ref.record_id)
            text = body if body is not None else _envelope(message.message_id, ref, index)
            rows = inbox.put_all(work=work, messages=[message], body=text, content_type="text/xml", at=clock.now())
            made.append(rows[0].id)
            if state == "parked":
                inbox.park(
                    work=work, org_id=ref.org_id, record_id=ref.record_id, until_id=rows[0].id,
                    reason=reason or "The record cannot be read: INSUFFICIENT_ACCESS on Quote.",
                )  # fmt: skip
            elif state == "done":
                inbox.mark_done(
                    work=work, org_id=ref.org_id, record_id=ref.record_id, until_id=rows[0].id, at=clock.now()
                )
            work.commit()
    return made


def make_record_row(
    database: Database, clock: Clock, *, number: int, state: str = "skipped", reason: str = "", name: str = "",
    code: str = "NOT_SIGNED",
) -> RecordRef:  # fmt: skip
    """A record without an order: looked at and skipped, parked, or still due."""
    ref = RecordRef(ORG_ID, "Quote", quote_id(number))
    now = clock.now()
    with database.unit_of_work() as work:
        work.execute(
            records_table.insert().values(
                org_id=ref.org_id, object=ref.object, record_id=ref.record_id, state=state,
                code=code if state != "due" else "",
                reason=reason or ("Status is Draft; signed means Accepted." if state == "skipped" else ""),
                owner="sales rep" if state == "skipped" else "", name=name, first_seen_at=now, looks=1,
                looked_at=None if state == "due" else now, not_before=now if state == "due" else None,
            )
        )  # fmt: skip
        work.commit()
    return ref


def make_process_row(
    database: Database, clock: Clock, *, kind: str = "worker", age: timedelta = timedelta(seconds=2), name: str = ""
) -> None:
    """A process that gave its last sign of life that long ago."""
    now = clock.now()
    with database.unit_of_work() as work:
        executor_id = name or f"host-a-{kind}-1"
        processes.register(work=work, executor_id=executor_id, kind=kind, host="host-a", pid=4711, now=now - age)
        work.commit()


def make_job_row(
    database: Database, clock: Clock, *, job: str = "sweep", error: str = "", counts: Mapping[str, Any] | None = None
) -> None:
    """A job that ran a minute ago."""
    at = clock.now() - timedelta(minutes=1)
    with database.unit_of_work() as work:
        work.execute(
            job_runs.insert().values(
                job=job, due_at=at, claimed_by="host-a-worker-1", started_at=at, finished_at=at, error=error,
                counts=dict(counts if counts is not None else {"found": 3, "started": 1}),
            )
        )  # fmt: skip
        work.commit()


def make_user(database: Database, clock: Clock, *, name: str = "anna", role: str = "admin") -> int:
    """A user whose password is PASSWORD."""
    with database.unit_of_work() as work:
        user_id = users.add_user(
            work=work, name=name, password_hash=CHEAP_HASHER.hash(PASSWORD), role=role, now=clock.now(), actor="test"
        )
        work.commit()
    return user_id


def make_token(database: Database, clock: Clock, *scopes: str, name: str = "", person: str = "") -> str:
    """An API token with these scopes (all of them by default), deciding for that user."""
    wanted = scopes or ("read", "orders:write", "finance")
    return create_token(
        database=database,
        clock=clock,
        name=name or f"test {' '.join(wanted)} {person}".strip(),
        scopes=wanted,
        actor="test",
        person=person,
    )


def _done_steps(state: OrderState) -> int:
    if state is OrderState.FULFILLED:
        return 5
    return 0 if state in (OrderState.NEW, OrderState.WAITING, OrderState.BLOCKED) else 2


_RECORD_STATES = {
    OrderState.NEW: "due", OrderState.WAITING: "waiting", OrderState.FULFILLING: "due", OrderState.RETRYING: "retrying",
    OrderState.BLOCKED: "blocked", OrderState.FAILED: "failed", OrderState.FULFILLED: "ordered",
}  # fmt: skip


def _record(
    work: Any, ref: RecordRef, state: OrderState, customer: str, now: datetime, age: timedelta, next_try: timedelta,
    faults: Sequence[Fault | None],
) -> int:  # fmt: skip
    first = next((fault for fault in faults if fault), None)
    return int(
        work.execute(
            records_table.insert().values(
                org_id=ref.org_id, object=ref.object, record_id=ref.record_id, state=_RECORD_STATES[state],
                code=first.code if first else "", reason=first.message if first else "",
                owner=first.owner if first else "",
                name=customer, account_id=account_id(1), first_seen_at=now - age, looked_at=now - age / 2,
                not_before=now + next_try if state is OrderState.RETRYING else None,
                attempts=3 if first else 0, looks=1,
            ).returning(records_table.c.id)
        ).scalar_one()
    )  # fmt: skip


_STOPPED = {
    OrderState.FULFILLING: StepState.RUNNING, OrderState.RETRYING: StepState.RETRYING,
    OrderState.BLOCKED: StepState.BLOCKED, OrderState.FAILED: StepState.FAILED,
}  # fmt: skip


def _steps(
    work: Any, order_id: int, state: OrderState, done: int, fault: Fault | None, now: datetime, age: timedelta
) -> None:
    for position in range(1, 6):
        where = (fulfilment_steps.c.order_id == order_id) & (fulfilment_steps.c.position == position)
        if position <= done:
            at = now - age + timedelta(seconds=position)
            values: dict[str, Any] = {"state": StepState.DONE, "attempts": 1, "started_at": at, "ended_at": at}
        elif position == done + 1 and state in _STOPPED and (done or fault):
            is_again = state in (OrderState.RETRYING, OrderState.FAILED)
            values = {"state": _STOPPED[state], "attempts": 3 if is_again else 1, "started_at": now - age / 2}
            if state is OrderState.RETRYING:
                values["not_before"] = now + timedelta(minutes=4)
            if fault:
                values |= {"code": fault.code, "message": fault.message, "fix": fault.fix, "owner": fault.owner}
        else:
            continue
        work.execute(fulfilment_steps.update().where(where).values(**values))


def _contract(work: Any, order_id: int, terms: Order, value: Decimal | None, now: datetime) -> str:
    contract = contracts.open_contract(work=work, order_id=order_id, order=terms, value=value or Decimal(0), now=now)
    by_ref = orders.line_ids(work=work, order_id=order_id)
    contracts.save_version(
        work=work, contract=contract, order_id=order_id, value=value or Decimal(0), starts_on=terms.starts_on,
        ends_on=terms.ends_on, bill_from=terms.starts_on, now=now, reason="opened", warnings=(),
    )  # fmt: skip
    contracts.save_lines(
        work=work, contract_id=contract.id, line_items=terms.line_items, order_line_ids=by_ref,
        values={line.ref: line.quantity * line.unit_price for line in terms.line_items},
    )  # fmt: skip
    wanted = AccessWanted(
        "plan-business", "product-platform", terms.starts_on, terms.ends_on,
        (Grant("feature-seats", ProvisionKind.ENTITLEMENT, Decimal(50)),
         Grant("credit-ai", ProvisionKind.CREDIT, Decimal(10_000), cadence=Cadence.MONTH)),
    )  # fmt: skip
    contracts.want_subscription(work=work, contract_id=contract.id, order_id=order_id, wanted=wanted, now=now)
    return contract.number


def _writeback(
    work: Any, ref: RecordRef, state: OrderState, number: str, contract: str, now: datetime, faults: Sequence[Fault]
) -> None:
    fields = {
        "Sync_Status__c": {"FULFILLED": "Synced", "BLOCKED": "Blocked", "FAILED": "Failed"}.get(state, "In Progress"),
        "Sync_Order__c": number,
        "Sync_Contract__c": contract,
        "Sync_Error__c": " ".join(fault.sentence() for fault in faults),
        "Sync_Attempts__c": 1,
    }
    writebacks.want(work=work, ref=ref, account_id=account_id(1), fields=fields, now=now)
    if state is OrderState.FULFILLED:
        work.execute(
            writebacks_table.update()
            .where(writebacks_table.c.record_id == ref.record_id)
            .values(written=fields, is_owed=False, written_at=now)
        )


def _envelope(message_id: str, ref: RecordRef, index: int) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>{ref.org_id}</OrganizationId>
   <SessionId>00D!SECRET{index}</SessionId>
   <Notification>
    <Id>{message_id}</Id>
    <sObject xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>{ref.record_id}</sf:Id></sObject>
   </Notification>
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>
""".encode()
