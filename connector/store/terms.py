"""Signed terms as stored documents: an Order to JSON and back without losing a digit, and its fingerprint.

The document holds the dataclass field by field, so a release that adds a field with a default still reads old orders.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from pydantic import TypeAdapter

from connector.domain.entitlements import AccessWanted
from connector.domain.terms import Order
from connector.store.types import dump_exact

_ORDER = TypeAdapter(Order)
_ACCESS = TypeAdapter(AccessWanted)


def order_document(order: Order) -> dict[str, Any]:
    """The order as a document for an ExactJson column."""
    return dataclasses.asdict(order)


def load_order(document: dict[str, Any]) -> Order:
    """The order that the document holds."""
    return _ORDER.validate_python(document)


def access_document(wanted: AccessWanted) -> dict[str, Any]:
    """Access wanted as a document for an ExactJson column."""
    return dataclasses.asdict(wanted)


def load_access(document: dict[str, Any]) -> AccessWanted:
    """The access wanted that the document holds."""
    return _ACCESS.validate_python(document)


def fingerprint(order: Order) -> str:
    """A hash of everything the order says, to see whether a signed deal was changed afterwards."""
    return hashlib.sha256(dump_exact(order_document(order)).encode()).hexdigest()
