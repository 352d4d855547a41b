"""Look at one Salesforce record and do what it asks for: nothing, wait, block, or fulfil the order.

Every push, sweep, wake-up and Resync ends here. The record is read afresh and decides, never the message; what was done
before is told by our rows. So looking again is always harmless, and "resync" means "look again now".
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from connector.domain.fulfilment import OrderEvent, OrderState, retry_wait
from connector.domain.status import StatusWord
from connector.domain.terms import Order, RecordRef
from connector.errors import ConnectorError, Fault, Misconfigured, RateLimited, Refused
from connector.logs import log
from connector.ports import Clock, EntitlementPlatform, Org, Record, RecordMapping
from connector.store import inbox, orders, records
from connector.store.orders import StoredOrder
from connector.store.records import ClaimedRecord, LookResult
from connector.store.unit_of_work import Database
from connector.usecases.changed_deal import question_about, unsigned_fault
from connector.usecases.fulfil_order import fault_of, fulfil_order
from connector.usecases.fulfilment_steps import StepContext
from connector.usecases.read_order import WaitsForOrder, access_again, read_order
from connector.usecases.show_status import StatusBoard
from connector.usecases.start_look import StartsWork

_STATE_OF_RECORD = {
    OrderState.FULFILLED: "ordered",
    OrderState.RETRYING: "retrying",
    OrderState.WAITING: "waiting",
    OrderState.BLOCKED: "blocked",
    OrderState.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class Looker:
    """One look needs these parts; made once per process."""

    database: Database
    clock: Clock
    starter: StartsWork
    orgs: Mapping[str, Org]
    platform: EntitlementPlatform
    board: StatusBoard

    def look(self, run_id: str, argument: str) -> str:
        """The durable run `look`: argument is org:object:record[:cause]; answers the record's state after it."""
        org_id, object_name, record_id, *cause = argument.split(":")
        claimed = self._claim(RecordRef(org_id, object_name, record_id), run_id)
        if claimed is None:
            return "noted"
        # A wake-up goes on counting failures; a push, a sweep or a person begins anew.
        is_fresh = cause[:1] != ["wake"]
        result = self._guarded(claimed, attempts=0 if is_fresh else claimed.attempts)
        self._release(claimed, run_id, result)
        return result.state

    def _claim(self, ref: RecordRef, run_id: str) -> ClaimedRecord | None:
        with self.database.unit_of_work() as work:
            claimed = records.claim(work=work, ref=ref, run_id=run_id, now=self.clock.now())
            work.commit()
        return claimed

    def _guarded(self, claimed: ClaimedRecord, *, attempts: int) -> LookResult:
        try:
            return self._look(claimed, attempts)
        except Refused as error:
            return LookResult("parked", error.code, str(error), error.owner)
        except ConnectorError as error:
            return self._later(error, attempts)
        except Exception as error:  # noqa: BLE001 - a bug in one deal must not hold up another: kept with its traceback
            log.exception("look_failed", record_id=claimed.ref.record_id)
            said = "".join(traceback.format_exception_only(error)).strip()
            return LookResult("parked", "UNEXPECTED", f"{said}\n{_places(error)}", "operator")

    def _later(self, error: ConnectorError, attempts: int) -> LookResult:
        """The outside was away before the order could be read: try again by ourselves, up to a named owner."""
        wait = retry_wait(attempt=attempts + 1, asked=error.retry_after if isinstance(error, RateLimited) else 0)
        if wait is None:
            return LookResult("failed", error.code, str(error), "operator", attempts=attempts + 1)
        not_before = self.clock.now() + timedelta(seconds=wait)
        owner = error.owner if isinstance(error, Misconfigured) else "nobody"
        return LookResult("retrying", error.code, str(error), owner, not_before, attempts + 1)

    def _release(self, claimed: ClaimedRecord, run_id: str, result: LookResult) -> None:
        """Let go; a look that was asked for meanwhile is started in the same transaction."""
        now = self.clock.now()
        org_id, record_id = claimed.ref.org_id, claimed.ref.record_id
        with self.database.unit_of_work() as work:
            is_due = records.release(work=work, record=claimed, run_id=run_id, result=result, now=now)
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

    def _look(self, claimed: ClaimedRecord, attempts: int) -> LookResult:
        org = self.orgs.get(claimed.ref.org_id)
        mapping = org.mappings.get(claimed.ref.object) if org else None
        if org is None or mapping is None:
            reason = f"No mapping is configured for {claimed.ref.object} of the org {claimed.ref.org_id}."
            return LookResult("skipped", "NO_MAPPING", reason, "RevOps")
        found = org.gateway.fetch(selection=mapping.selection, record_ids=[claimed.ref.record_id])
        if not found:
            return self._gone(claimed)
        is_signed, reason = org.is_signed(found[0])
        if not is_signed:
            return self._unsigned(claimed, found[0], reason)
        return self._signed(claimed, found[0], mapping, attempts)

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
                orders.move(
                    work=work, order=order, event=OrderEvent.BLOCK, now=now, reason=fault.message, faults=(fault,)
                )
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
        now = self.clock.now()
        with self.database.unit_of_work() as work:
            if orders.ask(work=work, order=order, code=code, question=question, of_hash=of_hash, now=now):
                self.board.show_order(work=work, order_id=order.id, now=now)
            if order.state is not OrderState.FULFILLED:
                orders.move(work=work, order=order, event=OrderEvent.MAP, now=now)
            work.commit()
        if order.state is OrderState.FULFILLED:
            return LookResult("ordered", code, question)
        assert order.contract_id is not None
        access = access_again(
            terms=order.terms, contract_id=order.contract_id, database=self.database, platform=self.platform
        )
        return StepContext(self.platform, order.id, order.terms, access)

    def _read(self, claimed: ClaimedRecord, record: Record, mapping: RecordMapping) -> StepContext | LookResult:
        """A signed record without a contract: read it whole, then open its order, or say what is wrong with it."""
        try:
            read = read_order(record=record, mapping=mapping, database=self.database, platform=self.platform)
        except Refused as error:
            return self._stopped(claimed, record, mapping, error)
        now = self.clock.now()
        with self.database.unit_of_work() as work:
            order = orders.open_order(work=work, record_row_id=claimed.id, now=now)
            orders.save_terms(
                work=work, order=order, terms=read.terms, value=read.value, mapping_version=mapping.version
            )
            order = orders.move(work=work, order=order, event=OrderEvent.MAP, now=now)
            self.board.show_order(work=work, order_id=order.id, now=now)
            work.commit()
        return StepContext(self.platform, order.id, read.terms, read.access)

    def _stopped(self, claimed: ClaimedRecord, record: Record, mapping: RecordMapping, error: Refused) -> LookResult:
        """The order exists and shows why it cannot go on: it waits for another one, or a person corrects the record."""
        is_waiting = isinstance(error, WaitsForOrder)
        faults = tuple(getattr(error, "faults", ())) or (fault_of(error),)
        terms: Order | None = getattr(error, "terms", None)
        name, account_id = title_of(record)
        now = self.clock.now()
        with self.database.unit_of_work() as work:
            order = orders.open_order(work=work, record_row_id=claimed.id, now=now)
            if terms is not None:
                orders.save_terms(work=work, order=order, terms=terms, value=None, mapping_version=mapping.version)
            else:
                orders.save_title(work=work, order=order, customer_ref=account_id, customer_name=name)
            event = OrderEvent.WAIT if is_waiting else OrderEvent.BLOCK
            if not (order.state is OrderState.BLOCKED and order.faults == faults):
                orders.move(work=work, order=order, event=event, now=now, reason=faults[0].message, faults=faults)
            self.board.show_order(work=work, order_id=order.id, now=now)
            work.commit()
        state = "waiting" if is_waiting else "blocked"
        return LookResult(state, faults[0].code, faults[0].message, faults[0].owner)


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


def _places(error: BaseException) -> str:
    """Where a bug was raised, without the values that a full traceback would show."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames)
