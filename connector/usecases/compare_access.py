"""Access granted against access sold, long after the order was fulfilled: what to ask people when the two differ.

Exists for deals whose every later message should prove their access again (`[[signed]] fire = "every"`). It only reads:
nothing is repaired by itself, the platform and the order stay as they are.
"""

from __future__ import annotations

from connector.domain.entitlements import AccessDifference, access_differences
from connector.ports import EntitlementPlatform
from connector.store import contracts
from connector.store.unit_of_work import Database


def access_question(*, database: Database, platform: EntitlementPlatform, contract_id: int) -> tuple[str, str, str]:
    """(code, question, mark) when the platform grants something else than was sold, else three empty texts.

    Asks the platform once per subscription. Raises the platform's Retryable errors: unknown is not "none".
    """
    with database.looking() as work:
        rows = contracts.load_subscriptions(work=work, contract_id=contract_id)
    found: list[AccessDifference] = []
    for row in rows:
        if row.state == "confirmed":
            granted = platform.fetch_subscription(subscription_ref=row.platform_ref)
            found += access_differences(wanted=row.wanted, granted=granted)
    if not found:
        return "", "", ""
    said = "; ".join(f"{one.what}: sold {one.sold}, granted {one.granted}" for one in found)
    question = (
        f"The access granted differs from the access sold. {said}. "
        "Correct the subscription on the entitlement platform. Who: RevOps."
    )
    return "ACCESS_DIFFERS", question, said[:200]
