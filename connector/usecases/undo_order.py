"""Take a contract's latest order back: what it did before a day is reversed on that day, the rest never happens.

Nothing is deleted: the order stays, marked; the contract gets a new version with its new value; the next billing run
books the difference as dated entries. Orders are undone step by step, the latest first. Access follows the orders that
are left; should the platform be away, the same command again brings it in line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from connector.domain.contracts import build_contract, contract_value, undo
from connector.domain.money import Money
from connector.errors import NotFound, Refused
from connector.ports import Clock, EntitlementPlatform
from connector.store import contract_orders, contracts, history, orders
from connector.store.contract_orders import ContractOrders
from connector.store.orders import StoredOrder
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.align_access import AccessAligner
from connector.usecases.show_status import StatusBoard


class UndoRefused(Refused):
    """The order cannot be undone."""

    code = "UNDO_REFUSED"
    owner = "finance"


class AlreadyUndone(UndoRefused):
    """The order was undone before; only its access was brought in line again."""

    code = "ALREADY_UNDONE"
    fix = "Nothing to do. To sell the same again, sign a new order."


@dataclass(frozen=True, slots=True)
class UndoneOrder:
    """What became of the contract: its value before and after, and from which day the order counts no more."""

    order_number: str
    contract_number: str
    on: date
    value_before: Money
    value_after: Money


@dataclass(frozen=True, slots=True)
class Undoer:
    """What undoing needs."""

    database: Database
    clock: Clock
    platform: EntitlementPlatform
    board: StatusBoard

    def undo(self, *, number: str, on: date, reason: str, actor: str) -> UndoneOrder:
        """Undo the order with that number from a day on, and bring the access of its contract in line.

        Raises NotFound, AlreadyUndone, UndoRefused, and ContractRefused when it is not the latest of its contract.
        """
        try:
            undone = self._undo(number, on, reason.strip(), actor)
        except AlreadyUndone:
            # The platform may have been away when it was; granting the same again is harmless.
            self.restore_access(number=number)
            raise
        self.restore_access(number=number)
        return undone

    def _undo(self, number: str, on: date, reason: str, actor: str) -> UndoneOrder:
        with self.database.unit_of_work() as work:
            order = _order(work, number)
            assert order.contract_id is not None
            stored = contracts.lock(work=work, contract_id=order.contract_id)
            signed = contract_orders.load_orders(connection=work.connection, contract_id=stored.id)
            _refuse(order, signed, reason)
            before = build_contract(orders=signed.terms, undone=signed.undone)
            assert order.terms is not None
            after = undo(contract=before, order_ref=order.terms.source.record_id, on=on, reason=reason)
            value = contract_value(contract=after)
            now = self.clock.now()
            contract_orders.save_undo(
                work=work, contract_id=stored.id, order_id=order.id, on=on, reason=reason, actor=actor, now=now
            )
            contracts.save_version(
                work=work,
                contract=stored,
                order_id=order.id,
                value=value.amount,
                starts_on=after.starts_on,
                ends_on=after.ends_on,
                bill_from=on,
                warnings=after.warnings,
                reason=f"undone from {on}: {reason}",
                now=now,
                actor=actor,
                is_undo=True,
            )
            self._tell(work, order, on, reason, actor)
            work.commit()
        return UndoneOrder(number, stored.number, on, Money(stored.value, value.currency), value)

    def _tell(self, work: UnitOfWork, order: StoredOrder, on: date, reason: str, actor: str) -> None:
        """The order's history says so, and every record of the contract shows its new value."""
        now = self.clock.now()
        history.append(
            work=work,
            at=now,
            actor=actor,
            subject="order",
            subject_id=order.id,
            event="undo",
            after=str(on),
            reason=reason,
        )
        for order_id in (order.id, *orders.others_of_contract(work=work, order_id=order.id)):
            self.board.show_order(work=work, order_id=order_id, now=now)

    def restore_access(self, *, number: str) -> None:
        """Grant what the orders left of the contract of that order sell, and end what they sell no more.

        An order that counts until a later day keeps its access until then. Raises what the platform's adapter raises.
        """
        with self.database.looking() as work:
            order = _order(work, number)
        assert order.contract_id is not None
        AccessAligner(self.database, self.clock, self.platform).align(contract_id=order.contract_id)


def _order(work: UnitOfWork, number: str) -> StoredOrder:
    """The order, which must have a contract. Raises NotFound and UndoRefused."""
    order = orders.load_by_number(work=work, number=number)
    if order is None:
        raise NotFound(f"There is no order {number}.")
    if order.contract_id is None or order.terms is None:
        raise UndoRefused(
            f"Order {number} has changed no contract yet, so there is nothing to undo.",
            fix="Withdraw the signature in Salesforce; the order then stays as it is.",
        )
    return order


def _refuse(order: StoredOrder, signed: ContractOrders, reason: str) -> None:
    assert order.terms is not None
    step = next((step for step in signed.undone if step.order_ref == order.terms.source.record_id), None)
    if step is not None:
        raise AlreadyUndone(f"Order {order.number} was undone already, from {step.on}: {step.reason}")
    if not reason:
        raise UndoRefused("An undone order needs a reason that an auditor can read.", fix="Give the reason in words.")
