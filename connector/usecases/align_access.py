"""Bring the access of a contract in line with what its orders sell today, and read back that it is.

Exists so that an undone order, a change whose day has come and a repair are one calculation: wanted minus granted. Safe
to repeat: every call has a key made of our rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.fulfilment import StepName
from connector.ports import Clock, EntitlementPlatform
from connector.store import contract_orders, contracts, orders
from connector.store.contract_orders import ContractOrders
from connector.store.unit_of_work import Database
from connector.usecases.access_in_force import access_in_force
from connector.usecases.fulfilment_steps import STEP_WORK, StepContext
from connector.usecases.read_order import plans_again


@dataclass(frozen=True, slots=True)
class AccessAligner:
    """What bringing access in line needs."""

    database: Database
    clock: Clock
    platform: EntitlementPlatform

    def align(self, *, contract_id: int) -> None:
        """Grant what the contract's orders sell today, end what they sell no more, compare the two sides.

        Raises AccessDiffers when they still differ, Conflict while an order of the contract is being granted, and what
        the platform's adapter raises.
        """
        with self.database.unit_of_work() as work:
            signed = contract_orders.load_orders(connection=work.connection, contract_id=contract_id)
            latest = signed.in_force()[-1]
            source = latest.source
            named = orders.lock_by_salesforce_id(work=work, org_id=source.org_id, record_id=source.record_id)
            assert named is not None
        plans = plans_again(contract_id=contract_id, database=self.database, platform=self.platform)
        context = StepContext(self.platform, named.id, latest, plans)
        self._end_unsold(context, contract_id, signed)
        for name in (StepName.SUBSCRIPTIONS, StepName.READ_BACK):
            self._run(context, name)

    def _run(self, context: StepContext, name: StepName) -> None:
        step = STEP_WORK[name]
        with self.database.unit_of_work() as work:
            material = step.prepare(work, context, self.clock.now())
            work.commit()
        answer = step.call(context, material)
        with self.database.unit_of_work() as work:
            step.record(work, context, answer, self.clock.now())
            work.commit()

    def _end_unsold(self, context: StepContext, contract_id: int, signed: ContractOrders) -> None:
        """End the subscriptions to products that only undone orders had sold, on the day they count no more."""
        timelines, _faults = access_in_force(terms=signed.terms, plans=context.plans, undone=signed.undone)
        sold = {one.product_ref for one in timelines if one.is_lasting}
        with self.database.looking() as work:
            rows = contracts.load_subscriptions(work=work, contract_id=contract_id)
        ended_on = signed.undone[-1].on if signed.undone else self.clock.now().date()
        for row in rows:
            if row.product_ref in sold or row.state == contracts.REVOKED or not row.platform_ref:
                continue
            self.platform.revoke_subscription(
                key=f"revoke-{row.id}", subscription_ref=row.platform_ref, ends_on=ended_on
            )
            with self.database.unit_of_work() as work:
                contracts.save_subscription(
                    work=work,
                    subscription_id=row.id,
                    platform_ref=row.platform_ref,
                    state=contracts.REVOKED,
                    now=self.clock.now(),
                )
                work.commit()
