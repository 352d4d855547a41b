"""Look at one Salesforce record and do what it asks for: nothing, wait, block, or fulfil the order.

Every push, sweep, wake-up and Resync ends here. The record is read afresh and decides, never the message; what was done
before is told by our rows. So looking again is always harmless, and "resync" means "look again now".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from connector.domain.fulfilment import OrderEvent, OrderState
from connector.domain.status import WORD_OF_LOOK, Attempt, StatusWord
from connector.domain.terms import Order, RecordRef
from connector.errors import Conflict, ConnectorError, Fault
from connector.logs import log
from connector.ports import Clock, EntitlementPlatform, Org, Record, RecordMapping, no_sale
from connector.store import access_hints, inbox, orders, records
from connector.store.orders import StoredOrder
from connector.store.records import ClaimedRecord, ClaimLost, LookResult
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.changed_deal import question_about, unsigned_fault
from connector.usecases.compare_access import access_question
from connector.usecases.follow_pointer import follow_pointer
from connector.usecases.form_settings import FORM_OBJECT
from connector.usecases.fulfil_order import fulfil_order
from connector.usecases.fulfilment_steps import StepContext
from connector.usecases.gate_order import FormGate
from connector.usecases.merged_accounts import following_merges
from connector.usecases.one_of_sale import stand_for_sale
from connector.usecases.read_order import WaitsForOrder, plans_again, read_order
from connector.usecases.show_status import StatusBoard
from connector.usecases.start_look import StartsWork
from connector.usecases.stopped_deal import Stop, stop_because, stop_for, stop_order

_STATE_OF_RECORD = {
    OrderState.FULFILLED: "ordered",
    OrderState.RETRYING: "retrying",
    OrderState.WAITING: "waiting",
    OrderState.BLOCKED: "blocked",
    OrderState.FAILED: "failed",
}
# Found again in one of these, a record had nothing to be done.
_AT_REST = ("ordered", "skipped", "gone")


@dataclass(frozen=True, slots=True)
class Looker:
    """One look needs these parts; made once per process."""

    database: Database
    clock: Clock
    starter: StartsWork
    orgs: Mapping[str, Org]
    platform: EntitlementPlatform
    board: StatusBoard
    forms: FormGate

    def look(self, run_id: str, argument: str) -> str:
        """The durable run `look`: argument is org:object:record[:cause]; answers the record's state after it."""
        org_id, object_name, record_id, *cause = argument.split(":")
        claimed = self._claim(RecordRef(org_id, object_name, record_id), run_id)
        if claimed is None:
            return "noted"
        # A wake-up goes on counting failures; a push, a sweep or a person begins anew.
        is_fresh = cause[:1] != ["wake"]
        attempts = 0 if is_fresh else claimed.attempts
        try:
            result = self._guarded(claimed, attempts, partial(self._look, claimed, attempts))
            self._release(claimed, result)
        except ClaimLost as error:
            # We were taken for dead; whoever has the record now says what came of it.
            log.warning("claim_lost", run_id=run_id, record_id=record_id, error=str(error))
            return "lost"
        return result.state

    def _claim(self, ref: RecordRef, run_id: str) -> ClaimedRecord | None:
        with self.database.unit_of_work() as work:
            claimed = records.claim(work=work, ref=ref, run_id=run_id, now=self.clock.now())
            work.commit()
        return claimed

    def _guarded(
        self,
        claimed: ClaimedRecord,
        attempts: int,
        part: Callable[[], LookResult],
        signed: tuple[Record, RecordMapping] | None = None,
    ) -> LookResult:
        """What that part of the look comes to; an error stops the deal, visibly. `signed` is the record once known."""
        try:
            return part()
        except ClaimLost:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in one deal must not hold up another: kept with its traceback
            if not isinstance(error, ConnectorError):
                log.exception("look_failed", record_id=claimed.ref.record_id)
            return self._stopped(claimed, attempts, error, signed)

    def _stopped(
        self, claimed: ClaimedRecord, attempts: int, error: Exception, signed: tuple[Record, RecordMapping] | None
    ) -> LookResult:
        """The order shows why it cannot go on; a record that is known as signed has one from here on."""
        now = self.clock.now()
        stop = stop_for(error=error, attempts=attempts, now=now)
        with self.database.unit_of_work() as work:
            records.hold(work=work, record=claimed)
            order = orders.load_by_record(work=work, record_row_id=claimed.id)
            if order is None and signed is not None:
                order = orders.open_order(work=work, record_row_id=claimed.id, now=now)
            if order is not None and order.state is not OrderState.FULFILLED:
                self._keep_reading(work, order, error, signed)
                stop_order(work=work, order=order, stop=stop, now=now)
                self.board.show_order(
                    work=work, order_id=order.id, now=now, attempts=stop.attempts, not_before=stop.not_before
                )
            work.commit()
        if isinstance(error, WaitsForOrder):
            self._wake_if_it_came_meanwhile(claimed, error.terms)
        return _result_of(stop, signed)

    def _keep_reading(
        self, work: UnitOfWork, order: StoredOrder, error: Exception, signed: tuple[Record, RecordMapping] | None
    ) -> None:
        """As much as could be read of a deal without a contract: its terms, or at least whose it is."""
        if signed is None or order.contract_id is not None:
            return
        record, mapping = signed
        terms: Order | None = getattr(error, "terms", None)
        if terms is not None:
            orders.save_terms(work=work, order=order, terms=terms, value=None, mapping_version=mapping.version)
        else:
            name, account_id = title_of(record)
            orders.save_title(work=work, order=order, customer_ref=account_id, customer_name=name)

    def _wake_if_it_came_meanwhile(self, claimed: ClaimedRecord, terms: Order) -> None:
        """The other order may have got its contract, and woken those that wait, before we were one of them."""
        with self.database.unit_of_work() as work:
            other = orders.lock_by_salesforce_id(work=work, org_id=terms.source.org_id, record_id=terms.amends_ref)
            if other is not None and other.contract_id is not None:
                records.wake_at(work=work, record_row_id=claimed.id, moment=self.clock.now())
                work.commit()

    def _release(self, claimed: ClaimedRecord, result: LookResult) -> None:
        """Let go; a look that was asked for meanwhile is started in the same transaction."""
        now = self.clock.now()
        org_id, record_id = claimed.ref.org_id, claimed.ref.record_id
        with self.database.unit_of_work() as work:
            is_due = records.release(work=work, record=claimed, result=result, now=now)
            self._log(work, claimed, result, now)
            if result.state == "parked":
                inbox.park(
                    work=work, org_id=org_id, record_id=record_id, until_id=claimed.latest_message, reason=result.reason
                )
            else:
                inbox.mark_done(work=work, org_id=org_id, record_id=record_id, until_id=claimed.latest_message, at=now)
            if is_due:
                self.starter.start(
                    connection=work.connection,
                    name="look",
                    run_id=f"again:{claimed.id}:{claimed.looks}",
                    argument=f"{org_id}:{claimed.ref.object}:{record_id}",
                )
            work.commit()

    def _log(self, work: UnitOfWork, claimed: ClaimedRecord, result: LookResult, now: datetime) -> None:
        """One row of the log for each look that tried something; to find all as it was is no attempt."""
        if self.board.attempts is None or (result.state == claimed.state and result.state in _AT_REST):
            return
        order = orders.load_by_record(work=work, record_row_id=claimed.id)
        attempt = Attempt(
            key=f"{claimed.id}-{claimed.looks}",
            object=claimed.ref.object,
            record_id=claimed.ref.record_id,
            account_id=result.account_id,
            word=WORD_OF_LOOK.get(result.state, StatusWord.PENDING),
            code=result.code,
            sentence=result.reason,
            owner=result.owner,
            order_number=order.number if order else "",
            at=now,
            run=claimed.run_id,
        )
        self.board.log_attempt(work=work, org_id=claimed.ref.org_id, attempt=attempt)

    def _look(self, claimed: ClaimedRecord, attempts: int) -> LookResult:
        org = self.orgs.get(claimed.ref.org_id)
        if claimed.ref.object == FORM_OBJECT:
            return self._look_at_form(claimed, attempts)
        if org is not None and claimed.ref.object in org.pointers:
            pointer = org.pointers[claimed.ref.object]
            return follow_pointer(
                database=self.database,
                clock=self.clock,
                starter=self.starter,
                org=org,
                pointer=pointer,
                ref=claimed.ref,
            )
        mapping = org.mappings.get(claimed.ref.object) if org else None
        if org is None or mapping is None:
            reason = f"No mapping is configured for {claimed.ref.object} of the org {claimed.ref.org_id}."
            return LookResult("skipped", "NO_MAPPING", reason, "RevOps")
        found = org.gateway.fetch(selection=mapping.selection, record_ids=[claimed.ref.record_id])
        if not found:
            return self._gone(claimed)
        is_signed, reason = org.is_signed(found[0])
        if not is_signed and not self.forms.signed_by(org=org, record=found[0]):
            return self._unsigned(claimed, found[0], reason)
        signed = found[0], following_merges(mapping=mapping, database=self.database)
        return self._guarded(claimed, attempts, partial(self._signed, claimed, *signed, attempts), signed)

    def _look_at_form(self, claimed: ClaimedRecord, attempts: int) -> LookResult:
        """An order form without a Salesforce record is the record itself."""
        signed = self.forms.mapping_of(claimed.ref)
        if signed is None:
            reason = "The order form was rejected, or [order_forms] may_stand_alone is off."
            return LookResult("skipped", "NO_MAPPING", reason, "RevOps")
        is_signed, reason = self.forms.verdict(claimed.ref)
        if not is_signed:
            return self._unsigned(claimed, signed[0], reason)
        return self._guarded(claimed, attempts, partial(self._signed, claimed, *signed, attempts), signed)

    def _gone(self, claimed: ClaimedRecord) -> LookResult:
        """Deleted, merged, or hidden from us: no order is made; one that exists becomes a question."""
        reason = f"{claimed.ref.object} {claimed.ref.record_id} is deleted, merged, or hidden from our user."
        fault = Fault("RECORD_GONE", reason, "Decide what should happen to the order.", "sales rep")
        self._question_or_block(claimed, fault)
        return LookResult("gone", fault.code, reason, fault.owner)

    def _unsigned(self, claimed: ClaimedRecord, record: Record, reason: str) -> LookResult:
        fault = unsigned_fault(reason)
        name, account_id = title_of(record)
        if not self._question_or_block(claimed, fault):
            with self.database.unit_of_work() as work:
                self.board.show_passed_over(
                    work=work,
                    ref=claimed.ref,
                    account_id=account_id,
                    fault=fault,
                    word=StatusWord.SKIPPED,
                    now=self.clock.now(),
                )
                work.commit()
        return LookResult("skipped", fault.code, reason, fault.owner, name=name, account_id=account_id)

    def _question_or_block(self, claimed: ClaimedRecord, fault: Fault) -> bool:
        """Show on an order that exists what its record now says; False when there is none. Nothing is cancelled."""
        now = self.clock.now()
        with self.database.unit_of_work() as work:
            order = orders.load_by_record(work=work, record_row_id=claimed.id)
            if order is None:
                return False
            if order.contract_id is not None:
                said = fault.sentence()
                orders.ask(work=work, order=order, code=fault.code, question=said, of_hash=fault.code, now=now)
            else:
                stop_order(work=work, order=order, stop=stop_because(faults=(fault,)), now=now)
            self.board.show_order(work=work, order_id=order.id, now=now)
            work.commit()
        return True

    def _signed(self, claimed: ClaimedRecord, record: Record, mapping: RecordMapping, attempts: int) -> LookResult:
        name, account_id = title_of(record)
        with self.database.looking() as work:
            order = orders.load_by_record(work=work, record_row_id=claimed.id)
        if order is not None and order.contract_id is not None:
            context = self._settled(order, record, mapping)
        else:
            context = self._read(claimed, record, mapping)
        if isinstance(context, StepContext):
            done = fulfil_order(
                database=self.database, clock=self.clock, context=context, board=self.board, attempts=attempts
            )
            context = LookResult(
                _STATE_OF_RECORD[done.state],
                done.code,
                done.reason,
                done.owner,
                done.not_before,
                0 if done.state is OrderState.FULFILLED else attempts + 1,
            )
        return _named(context, name, account_id)

    def _settled(self, order: StoredOrder, record: Record, mapping: RecordMapping) -> StepContext | LookResult:
        """An order whose contract exists: its terms stand, a changed record is a question, its other steps go on."""
        assert order.terms is not None
        code, question, of_hash = question_about(order=order, record=record, mapping=mapping)
        if not code:
            code, question, of_hash = self.forms.late_question(record=record, order=order)
        assert order.contract_id is not None
        if not code and order.state is OrderState.FULFILLED and self._proves_again(record.ref):
            code, question, of_hash = access_question(
                database=self.database, platform=self.platform, contract_id=order.contract_id
            )
        now = self.clock.now()
        with self.database.unit_of_work() as work:
            if orders.ask(work=work, order=order, code=code, question=question, of_hash=of_hash, now=now):
                self.board.show_order(work=work, order_id=order.id, now=now)
            if order.state is not OrderState.FULFILLED:
                orders.move(work=work, order=order, event=OrderEvent.MAP, now=now)
            work.commit()
        if order.state is OrderState.FULFILLED:
            return LookResult("ordered", code, question)
        plans = plans_again(contract_id=order.contract_id, database=self.database, platform=self.platform)
        return StepContext(self.platform, order.id, order.terms, plans)

    def _proves_again(self, ref: RecordRef) -> bool:
        """Whether this look compares access: the settings want it every time, or the platform hinted at a change."""
        org = self.orgs.get(ref.org_id)
        if org is not None and ref.object in org.proves_again:
            return True
        with self.database.looking() as work:
            return access_hints.is_waiting(work=work, ref=ref)

    def _read(self, claimed: ClaimedRecord, record: Record, mapping: RecordMapping) -> StepContext:
        """A signed record without a contract: read it whole, then open its order. Raises what is wrong with it."""
        read = read_order(record=record, mapping=mapping, database=self.database, platform=self.platform)
        self.forms.tie_out(record=record, read=read)
        now = self.clock.now()
        with self.database.unit_of_work() as work:
            order = orders.open_order(work=work, record_row_id=claimed.id, now=now)
            if order.contract_id is not None:
                raise Conflict(f"Order {order.number} got its contract from another run.")
            # An order form by itself may belong to no org.
            org = self.orgs.get(record.ref.org_id)
            sale = no_sale(record) if org is None else org.sale_of(record)
            stand_for_sale(work=work, order=order, terms=read.terms, sale=sale, now=now)
            orders.save_terms(
                work=work, order=order, terms=read.terms, value=read.value, mapping_version=mapping.version
            )
            order = orders.move(work=work, order=order, event=OrderEvent.MAP, now=now)
            self.board.show_order(work=work, order_id=order.id, now=now)
            work.commit()
        return StepContext(self.platform, order.id, read.terms, read.plans)


def title_of(record: Record) -> tuple[str, str]:
    """(customer name, account id) of a record for lists, as far as it can be read without a mapping."""
    account = record.fields.get("Account")
    if not isinstance(account, Mapping):
        opportunity = record.fields.get("Opportunity")
        account = opportunity.get("Account") if isinstance(opportunity, Mapping) else None
    found: Mapping[str, Any] = account if isinstance(account, Mapping) else {}
    name = found.get("Name") or record.fields.get("Name") or ""
    return str(name), str(found.get("Id") or record.fields.get("AccountId") or "")


def _named(result: LookResult, name: str, account_id: str) -> LookResult:
    return replace(result, name=name, account_id=account_id)


def _result_of(stop: Stop, signed: tuple[Record, RecordMapping] | None) -> LookResult:
    fault = stop.faults[0]
    result = LookResult(stop.state, fault.code, stop.reason, fault.owner, stop.not_before, stop.attempts)
    return result if signed is None else _named(result, *title_of(signed[0]))
