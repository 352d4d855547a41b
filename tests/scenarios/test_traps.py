"""Refusals of an org that no other story tells: records locked by an approval, activated orders that refuse edits."""

from __future__ import annotations

from typing import Any

from connector.store import tables
from tests.selling import SignedDeal
from tests.world import World


def _owed(world: World, deal: SignedDeal) -> Any:
    return next(row for row in world.rows(tables.writebacks) if row.record_id == deal.id)


def test_a_record_locked_by_an_approval_is_written_when_the_lock_is_gone(world: World) -> None:
    deal = world.seller.quote()
    world.sandbox.inject_fault("row_lock", code="ENTITY_IS_LOCKED", message="entity is locked for editing", times=12)
    world.look_at(deal)
    assert (_owed(world, deal).code, world.order(deal).state) == ("ENTITY_IS_LOCKED", "FULFILLED")
    assert "locked by an approval" in _owed(world, deal).message

    for _ in range(30):
        world.pass_time(hours=1)
        world.write_back()

    assert world.shown(deal)["Status"] == "Synced"


def test_an_activated_order_that_refuses_edits_keeps_its_order_and_says_why(world: World) -> None:
    deal, other = world.seller.order(), world.seller.quote()
    words = "You can't edit an activated order."
    world.sandbox.inject_fault(
        "row_lock", code="INSUFFICIENT_ACCESS_OR_READONLY", message=words, record=deal.id, times=None
    )

    world.look_at(deal, other)

    owed = _owed(world, deal)
    assert world.order(deal).state == "FULFILLED"
    assert (owed.code, owed.is_owed, owed.not_before) == ("INSUFFICIENT_ACCESS_OR_READONLY", False, None)
    assert words in owed.message
    assert world.shown(other)["Status"] == "Synced"
