"""Tiers: which one a quantity reaches, and whether a list of them makes sense.

Exists so that the three tier models agree on their edges: `up_to` belongs to its tier, the next begins just above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.domain.terms import LineItem, Tier
from connector.errors import Fault, Refused

_FIX = "Correct the price tiers: ascending ends, each tier beginning where the one before ends, the last one open."


@dataclass(frozen=True, slots=True)
class TierRow:
    """A tier written with both bounds: above `lower` up to and including `upper` (None = no end)."""

    lower: Decimal
    upper: Decimal | None
    unit_price: Decimal
    flat_price: Decimal = Decimal(0)


def reached_tier(*, item: LineItem, quantity: Decimal) -> Tier:
    """The tier the quantity falls into. Raises Refused when it lies above a closed last tier or there is no tier."""
    for tier in item.tiers:
        if tier.up_to is None or quantity <= tier.up_to:
            return tier
    raise Refused(
        f"No price tier of line {item.ref or item.position} reaches up to {quantity}.",
        code="ABOVE_LAST_TIER",
        owner="RevOps",
        fix="Leave the end of the last tier empty.",
    )


def check_reach(*, item: LineItem, quantity: Decimal) -> None:
    """Raises Refused when no tier reaches up to the quantity."""
    reached_tier(item=item, quantity=quantity)


def tier_faults(*, tiers: Sequence[Tier], line: str, is_open_end_needed: bool = True) -> tuple[Fault, ...]:
    """Everything wrong with an ordered list of tiers, the row (1, 2, ...) named; empty when it can be priced."""
    if not tiers:
        return (_fault("TIERS_MISSING", "The price model needs price tiers and there are none.", line, ""),)
    faults = []
    below = Decimal(0)
    for row, tier in enumerate(tiers, start=1):
        is_last = row == len(tiers)
        if tier.up_to is None:
            if not is_last:
                message = f"Price tier {row} has no end, but {len(tiers) - row} more follow: they overlap."
                faults.append(_fault("TIERS_OVERLAP", message, line, "no end"))
            continue
        if tier.up_to <= below:
            faults.append(_order_fault(row=row, up_to=tier.up_to, below=below, line=line))
        if is_last and is_open_end_needed:
            message = f"The last price tier (row {row}) ends at {tier.up_to}: a quantity above it has no price."
            faults.append(_fault("TIER_OPEN_END_MISSING", message, line, str(tier.up_to)))
        below = max(below, tier.up_to)
    return tuple(faults)


def tiers_from_rows(*, rows: Sequence[TierRow], line: str = "") -> tuple[tuple[Tier, ...], tuple[Fault, ...]]:
    """Rows with both bounds as tiers, beside every gap and overlap between them; no tiers when there is a fault."""
    faults = []
    expected = Decimal(0)
    for number, row in enumerate(rows, start=1):
        if row.lower > expected:
            message = f"Price tier {number} begins at {row.lower}, the one before ends at {expected}: a gap."
            faults.append(_fault("TIERS_GAP", message, line, str(row.lower)))
        elif row.lower < expected:
            message = f"Price tier {number} begins at {row.lower}, the one before ends at {expected}: they overlap."
            faults.append(_fault("TIERS_OVERLAP", message, line, str(row.lower)))
        expected = row.lower if row.upper is None else row.upper
    tiers = tuple(Tier(up_to=row.upper, unit_price=row.unit_price, flat_price=row.flat_price) for row in rows)
    return (() if faults else tiers), tuple(faults)


def _order_fault(*, row: int, up_to: Decimal, below: Decimal, line: str) -> Fault:
    if row == 1:
        return _fault("TIERS_UNORDERED", f"Price tier 1 ends at {up_to}, which is not above zero.", line, str(up_to))
    message = f"Price tier {row} ends at {up_to}, not above the end of the one before ({below}): they overlap."
    return _fault("TIERS_UNORDERED", message, line, str(up_to))


def _fault(code: str, message: str, line: str, value: str) -> Fault:
    return Fault(code=code, message=message, fix=_FIX, owner="RevOps", line=line, field="tiers", value=value)
