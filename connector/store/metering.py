"""Features whose usage other contracts of the same customer bill, for the rule that usage is billed once."""

from __future__ import annotations

import sqlalchemy as sa

from connector.domain.metering import MeteredElsewhere
from connector.store.tables import contracts, metered_features
from connector.store.unit_of_work import UnitOfWork


def metered_beside(*, work: UnitOfWork, contract_id: int) -> list[MeteredElsewhere]:
    """What the customer's other contracts meter, each for as long as its contract runs."""
    own, other = contracts.alias("own"), contracts.alias("other")
    query = (
        sa.select(metered_features.c.feature_ref, other.c.number, other.c.starts_on, other.c.ends_on)
        .distinct()
        .select_from(own)
        .join(other, (other.c.org_id == own.c.org_id) & (other.c.customer_ref == own.c.customer_ref))
        .join(metered_features, metered_features.c.contract_id == other.c.id)
        .where(own.c.id == contract_id, other.c.id != contract_id)
    )
    return [MeteredElsewhere(row.feature_ref, row.number, row.starts_on, row.ends_on) for row in work.execute(query)]
