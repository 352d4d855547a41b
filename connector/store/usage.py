"""Usage as read from the platform: units for each usage charge, kept so that every run bills from the same figures."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from connector.store.billing import look_again
from connector.store.inserting import insert
from connector.store.tables_billing import usage_readings
from connector.store.unit_of_work import UnitOfWork


def save_reading(
    *, work: UnitOfWork, contract_id: int, charge_key: str, units: Decimal, bill_on: date, now: datetime
) -> bool:
    """Keep how many units were used in the period of that charge; answers whether that is news.

    News is billed by the next run for `bill_on` (the charge's bill date) or later: as the charge itself, or as the
    difference to what was billed of it before.
    """
    readings = usage_readings.c
    key = (readings.contract_id == contract_id) & (readings.charge_key == charge_key)
    if work.execute(sa.select(readings.units).where(key)).scalar_one_or_none() == units:
        return False
    statement = insert(work, usage_readings).values(
        contract_id=contract_id, charge_key=charge_key, units=units, read_at=now
    )
    changes = {"units": statement.excluded.units, "read_at": statement.excluded.read_at}
    work.execute(
        statement.on_conflict_do_update(index_elements=[readings.contract_id, readings.charge_key], set_=changes)
    )
    look_again(work=work, contract_ids=[contract_id], since=bill_on)
    return True
