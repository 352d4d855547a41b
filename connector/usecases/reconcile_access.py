"""Access sold against access granted, for all running contracts: what differs becomes a difference that people see.

Exists because a platform can be changed by hand, and nobody would know. It only reads the platform and repairs nothing;
a contract that cannot be asked is counted and holds up no other.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.entitlements import access_differences
from connector.errors import ConnectorError
from connector.logs import log
from connector.ports import Clock, EntitlementPlatform
from connector.store import contracts, differences
from connector.store.differences import FoundDifference
from connector.store.unit_of_work import Database

ROOM = "access"
_PAGE = 200
_FIX = "Correct the subscription on the entitlement platform, or sign the change, then press Resync."


@dataclass(slots=True)
class AccessReconciled:
    """Contracts compared, contracts that could not be, values that differ."""

    contracts: int = 0
    failed: int = 0
    differences: int = 0


def reconcile_access(*, database: Database, clock: Clock, platform: EntitlementPlatform) -> AccessReconciled:
    """Compare every running contract, value by value; found differences open rows, those that are gone resolve.

    Those of a contract that runs no more resolve too: nothing is sold any longer that could differ.
    """
    done, after = AccessReconciled(), 0
    with database.reading() as connection:
        ended = differences.open_subjects(connection=connection, room=ROOM, subject="contract")
    while True:
        with database.looking() as work:
            page = contracts.running_page(work=work, after=after, today=clock.now().date(), limit=_PAGE)
        for contract_id, number, customer_name in page:
            ended.discard(number)
            try:
                found = _found(database, platform, contract_id, customer_name)
            except ConnectorError as error:
                done.failed += 1
                log.warning("access_not_compared", contract=number, code=error.code)
                continue
            done.contracts += 1
            done.differences += len(found)
            _keep(database, clock, number, found)
        if len(page) < _PAGE:
            break
        after = page[-1][0]
    for number in sorted(ended):
        _keep(database, clock, number, [])
    return done


def _found(
    database: Database, platform: EntitlementPlatform, contract_id: int, customer_name: str
) -> list[FoundDifference]:
    with database.looking() as work:
        rows = contracts.load_subscriptions(work=work, contract_id=contract_id)
    found = []
    for row in rows:
        if row.state != "confirmed":
            continue
        granted = platform.fetch_subscription(subscription_ref=row.platform_ref)
        found += [
            FoundDifference(f"{row.plan_ref}: {one.what}", one.sold, one.granted, customer_name, fix=_FIX)
            for one in access_differences(wanted=row.wanted, granted=granted)
        ]
    return found


def _keep(database: Database, clock: Clock, number: str, found: list[FoundDifference]) -> None:
    with database.unit_of_work() as work:
        differences.save_found(
            work=work, room=ROOM, subject="contract", subject_number=number, found=found, now=clock.now()
        )
        work.commit()
