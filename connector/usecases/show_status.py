"""What Salesforce should show of an order, or of a record we passed over, kept as a wish in the caller's transaction.

Exists so that every change of state is shown, in one place. It only writes down what is owed; `write_back` sends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.domain.fulfilment import OrderState
from connector.domain.status import WORD_OF_STATE, Attempt, InvoiceStatus, Status, StatusWord, sentence_of, steps_text
from connector.domain.terms import RecordRef
from connector.errors import Fault
from connector.store import mirror_rows, writebacks
from connector.store.money_status import documents_of
from connector.store.status import StatusRow, load_status
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.money_shown import money_of_customer, money_of_record

ORDER_UNDONE = "ORDER_UNDONE"
ACCOUNT = "Account"

StatusFields = Callable[[str, Status], Mapping[str, Any]]
"""(object name, status) -> Salesforce fields; empty when nothing is shown on that object."""


@dataclass(frozen=True, slots=True)
class AttemptRows:
    """The object in Salesforce that keeps the log, and the fields of a row there."""

    object: str
    fields: Callable[[Attempt], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class InvoiceRows:
    """The object in Salesforce that keeps a copy of invoices, and the fields of a row there."""

    object: str
    fields: Callable[[InvoiceStatus], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class StatusBoard:
    """Where status is shown: which fields, the address that links start with, objects that show balances."""

    fields: StatusFields
    base_url: str
    money: frozenset[str] = frozenset()
    attempts: AttemptRows | None = None
    invoices: InvoiceRows | None = None

    def show_order(
        self,
        *,
        work: UnitOfWork,
        order_id: int,
        now: datetime,
        attempts: int = 0,
        not_before: datetime | None = None,
    ) -> None:
        """Have the order's record show how far the order is.

        `attempts` and `not_before` tell of a deal that stopped before any step could; else its step tells them.
        """
        row = load_status(work=work, order_id=order_id)
        row = replace(row, attempts=row.attempts or attempts, not_before=not_before or row.not_before)
        status = _status(row, self.base_url, now)
        if row.ref.object in self.money:
            cash = money_of_record(work=work, ref=row.ref, account_id=row.account_id, today=now.date())
            status = replace(status, cash=cash)
        self._want(work, row.ref, row.account_id, status, now)

    def show_account(self, *, work: UnitOfWork, org_id: str, customer_ref: str, now: datetime) -> None:
        """Have the customer's account show what is open and overdue, if balances are shown there."""
        if ACCOUNT in self.money:
            cash = money_of_customer(work=work, org_id=org_id, customer_ref=customer_ref, today=now.date())
            ref = RecordRef(org_id, ACCOUNT, customer_ref)
            self._want(work, ref, customer_ref, Status(word=StatusWord.SYNCED, cash=cash), now)

    def mirror_invoices(self, *, work: UnitOfWork, org_id: str, customer_ref: str, now: datetime) -> None:
        """Have Salesforce keep a row for each document of the customer, where that is switched on."""
        if self.invoices is None:
            return
        for one in documents_of(work=work, org_id=org_id, customer_ref=customer_ref, today=now.date()):
            shown = replace(one, link=f"{self.base_url}/review/invoices/{one.id}")
            mirror_rows.want(
                work=work,
                org_id=org_id,
                object_name=self.invoices.object,
                key=str(one.id),
                fields=self.invoices.fields(shown),
                now=now,
            )

    def log_attempt(self, *, work: UnitOfWork, org_id: str, attempt: Attempt) -> None:
        """Have Salesforce keep one more row of the log, where the log is switched on."""
        if self.attempts is None:
            return
        mirror_rows.want(
            work=work,
            org_id=org_id,
            object_name=self.attempts.object,
            key=attempt.key,
            fields=self.attempts.fields(attempt),
            now=attempt.at,
        )

    def show_passed_over(
        self, *, work: UnitOfWork, ref: RecordRef, account_id: str, fault: Fault, word: StatusWord, now: datetime
    ) -> None:
        """Have a record that is no order of ours say why."""
        status = Status(word=word, code=fault.code, sentence=sentence_of((fault,)), attempted_at=now)
        self._want(work, ref, account_id, status, now)

    def _want(self, work: UnitOfWork, ref: RecordRef, account_id: str, status: Status, now: datetime) -> None:
        fields = self.fields(ref.object, status)
        if not fields:
            return
        # When we last looked is no news by itself: writing it would move the record, and we would look again.
        timeless = self.fields(ref.object, replace(status, attempted_at=None))
        fleeting = frozenset(name for name, value in fields.items() if timeless[name] != value)
        writebacks.want(work=work, ref=ref, account_id=account_id, fields=fields, fleeting=fleeting, now=now)


def _status(row: StatusRow, base_url: str, now: datetime) -> Status:
    word, code, sentence = _told(row)
    return Status(
        word=word,
        step=_step_words(row),
        steps=steps_text(state=row.state, steps=row.steps),
        code=code,
        sentence=sentence,
        attempts=row.attempts,
        attempted_at=now,
        succeeded_at=row.fulfilled_at,
        key=row.number,
        order_number=row.number,
        contract_number=row.contract_number,
        contract_value=row.contract_value,
        link=f"{base_url}/review/orders/{row.number}",
        source_hash=row.source_hash,
    )


def _told(row: StatusRow) -> tuple[StatusWord, str, str]:
    """State word, code and sentence; what people should know of a fulfilled order is a warning."""
    if row.undone_on is not None:
        sentence = f"This order was undone from {row.undone_on}: {row.undo_reason}"
        return StatusWord.WARNING, ORDER_UNDONE, sentence
    if row.state is OrderState.FULFILLED and row.sent_back is not None:
        return StatusWord.WARNING, row.sent_back.code, sentence_of((row.sent_back,))
    if row.state is OrderState.FULFILLED and row.question_code:
        return StatusWord.WARNING, row.question_code, row.question
    if row.state is OrderState.FULFILLED and row.warnings:
        return StatusWord.WARNING, row.warnings[0].code, sentence_of(row.warnings)
    if not row.faults:
        return WORD_OF_STATE[row.state], "", ""
    sentence = sentence_of(row.faults)
    if row.state is OrderState.RETRYING and row.not_before is not None:
        sentence += f" Next try: {row.not_before:%Y-%m-%d %H:%M} UTC."
    return WORD_OF_STATE[row.state], row.faults[0].code, sentence


def _step_words(row: StatusRow) -> str:
    if row.state is OrderState.FULFILLED:
        return "fulfilled"
    if row.step:
        return row.step
    return {OrderState.WAITING: "waiting", OrderState.BLOCKED: "mapping"}.get(row.state, "mapping")
