"""Which feature's usage does a usage line bill? Missing or ambiguous answers, as faults.

Exists so that no usage is billed twice or to nobody: a customer's usage of a feature belongs to one line at a time. It
must not know any platform.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from connector.domain.contract_terms import Contract, ContractLine
from connector.domain.terms import ChargeType, LineItem, Order, ProvisionKind
from connector.errors import Fault

_METERED = (ProvisionKind.ENTITLEMENT, ProvisionKind.CREDIT)


@dataclass(frozen=True, slots=True)
class MeteredElsewhere:
    """A feature that another contract of the same customer bills by usage in [starts_on, ends_on)."""

    feature_ref: str
    contract_number: str
    starts_on: date
    ends_on: date


def metering_faults(
    *, order: Order, contract: Contract | None, metered_elsewhere: Sequence[MeteredElsewhere] = ()
) -> tuple[Fault, ...]:
    """Every usage line of the order that names no feature, or one whose usage another line bills at the same time.

    `contract` is the contract with the order; its lines tell from when until when each of them counts.
    """
    lines = [line for line in order.line_items if line.charge_type is ChargeType.USAGE]
    faults = [_unmetered(line) for line in lines if line.provision.kind not in _METERED or not line.provision.ref]
    own = [line for line in contract.lines if line.item.charge_type is ChargeType.USAGE] if contract else []
    for line in lines:
        here = next((one for one in own if one.item.ref == line.ref), None)
        if not line.provision.ref or here is None:
            continue
        faults += [_twice(line, other.item.product_name) for other in own if _collides(here, other)]
        faults += [_elsewhere(line, other) for other in metered_elsewhere if _overlaps(here, other)]
    return tuple(faults)


def _collides(line: ContractLine, other: ContractLine) -> bool:
    """Whether two lines of the contract bill the same usage at the same time; the first of the two is told."""
    if other.key == line.key or other.item.provision.ref != line.item.provision.ref:
        return False
    return line.starts_on < _end(other) and other.starts_on < _end(line)


def _overlaps(line: ContractLine, other: MeteredElsewhere) -> bool:
    if other.feature_ref != line.item.provision.ref:
        return False
    return line.starts_on < other.ends_on and other.starts_on < _end(line)


def _end(line: ContractLine) -> date:
    return min(line.ends_on, line.cut.on) if line.cut else line.ends_on


def _unmetered(line: LineItem) -> Fault:
    return Fault(
        code="NO_METERED_FEATURE",
        message=f"Line {line.position}, {line.product_name}, is billed by usage, but no feature is known to meter it.",
        fix=f"Name the feature of product {line.product_code} in the catalogue, then press Resync.",
        owner="RevOps",
        record=line.ref,
        value=line.product_code,
        line=str(line.position),
    )


def _twice(line: LineItem, other: str) -> Fault:
    return Fault(
        code="METERED_TWICE",
        message=f"Line {line.position}, {line.product_name}, bills the usage of {line.provision.ref}, which {other} of "
        "this contract bills at the same time.",
        fix="Keep one of the two lines, or give them dates that follow each other.",
        owner="sales rep",
        record=line.ref,
        value=line.provision.ref,
        line=str(line.position),
    )


def _elsewhere(line: LineItem, other: MeteredElsewhere) -> Fault:
    return Fault(
        code="METERED_TWICE",
        message=f"Line {line.position}, {line.product_name}, bills the usage of {line.provision.ref}, which the "
        f"contract {other.contract_number} of this customer bills from {other.starts_on} to {other.ends_on}.",
        fix="Change that contract instead, or end it before this one begins.",
        owner="sales rep",
        record=line.ref,
        value=line.provision.ref,
        line=str(line.position),
    )
