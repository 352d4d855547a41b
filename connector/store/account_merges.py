"""Accounts that were merged in Salesforce: under which id we go on to know the customer, and where it is there now.

Everything here is keyed by the account under which a customer first bought. A merge moves its records to another
account; the customer stays the same here.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from connector.store.inserting import insert_ignore
from connector.store.tables import orders, records
from connector.store.tables_completeness import account_merges
from connector.store.unit_of_work import UnitOfWork


def save(
    *, work: UnitOfWork, org_id: str, loser_id: str, winner_id: str, merged_at: datetime, now: datetime
) -> tuple[str, bool]:
    """Keep a merge once; answers the account under which the customer is known, and whether the merge was new.

    The answer is empty when both accounts were customers here: nobody but a person can decide what is true then.
    """
    loser = known_as(work=work, org_id=org_id, account_id=loser_id)
    winner = known_as(work=work, org_id=org_id, account_id=winner_id)
    bought = _bought(work, org_id, (loser, winner))
    kept = {(True, False): loser, (False, True): winner, (False, False): winner}.get(
        (loser in bought, winner in bought and winner != loser), "" if winner != loser else loser
    )
    row = {
        "org_id": org_id,
        "loser_id": loser_id,
        "winner_id": winner_id,
        "kept_id": kept,
        "merged_at": merged_at,
        "seen_at": now,
    }
    added = work.execute(insert_ignore(work, account_merges).values(**row).returning(account_merges.c.loser_id)).first()
    return kept, added is not None


def known_as(*, work: UnitOfWork, org_id: str, account_id: str) -> str:
    """The account under which we know the customer that Salesforce has as `account_id`; itself without a merge."""
    merges = account_merges.c
    query = (
        sa.select(merges.kept_id)
        .where(merges.org_id == org_id, merges.winner_id == account_id, merges.kept_id != "")
        .order_by(merges.merged_at.desc())
        .limit(1)
    )
    return work.execute(query).scalar_one_or_none() or account_id


def account_now(*, work: UnitOfWork, org_id: str, customer_ref: str) -> str:
    """The account that Salesforce has for our customer today; itself without a merge. Follows merges of merges."""
    merges, seen = account_merges.c, {customer_ref}
    while True:
        query = sa.select(merges.winner_id).where(merges.org_id == org_id, merges.loser_id == customer_ref)
        winner = work.execute(query).scalar_one_or_none()
        if winner is None or winner in seen:
            return customer_ref
        seen.add(winner)
        customer_ref = winner


def _bought(work: UnitOfWork, org_id: str, account_ids: tuple[str, ...]) -> frozenset[str]:
    """Those of the accounts that have an order here."""
    query = (
        sa.select(orders.c.customer_ref)
        .join(records, records.c.id == orders.c.record_row_id)
        .where(records.c.org_id == org_id, orders.c.customer_ref.in_(account_ids))
        .distinct()
    )
    return frozenset(work.execute(query).scalars())


def undecided(*, work: UnitOfWork, org_id: str) -> tuple[tuple[str, str], ...]:
    """(loser, winner) of merges of two customers: nobody has said which one goes on."""
    merges = account_merges.c
    query = sa.select(merges.loser_id, merges.winner_id).where(merges.org_id == org_id, merges.kept_id == "")
    return tuple((row.loser_id, row.winner_id) for row in work.execute(query.order_by(merges.merged_at)))
