"""The values a billing run hands to and from the store: what is due, what is known to be billed, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from connector.domain.invoice_drafts import Billed
from connector.domain.tax import Tax
from connector.domain.taxed_documents import TaxedDocument
from connector.store.contract_orders import ContractOrders


@dataclass(frozen=True, slots=True)
class DueContract:
    """A contract as it stands; `billed_until` None when nothing was drafted yet, `next_bill_on` when nothing is left.

    `problem` says why the last run could not bill it.
    """

    id: int
    number: str
    org_id: str
    customer_ref: str
    version: int
    billed_version: int
    billed_until: date | None
    billing_count: int
    next_bill_on: date | None
    problem: str
    orders: ContractOrders = field(default_factory=ContractOrders)

    @property
    def is_unchanged(self) -> bool:
        """Whether all it owed up to `billed_until` is billed; otherwise everything is compared."""
        return self.billed_until is not None and self.version == self.billed_version

    @property
    def may_hold_later(self) -> bool:
        """Whether documents after `billed_until` can exist: only beside usage that waited for its reading."""
        return self.billed_until is not None and self.next_bill_on == self.billed_until + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of some contracts: what documents hold, the tax it was billed with, and the units used.

    `taxes` and `units` go by charge key. For a contract (by id) in `since`, `billed` holds only what is dated after
    that day, and nothing before it can have changed.
    """

    billed: Sequence[Billed]
    since: Mapping[int, date] = field(default_factory=dict)
    taxes: Mapping[str, Tax] = field(default_factory=dict)
    units: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaxedDraft:
    """A draft with its tax; `problem` says why it cannot leave as it is."""

    document: TaxedDocument
    customer_name: str
    problem_code: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a contract is after its drafting: `is_compared` when all up to `billed_until` was looked at."""

    next_bill_on: date | None
    billed_until: date | None
    is_compared: bool


@dataclass(frozen=True, slots=True)
class Drafted:
    """What one customer's drafting came to, to be stored together; with a `problem` nothing is."""

    contracts: Sequence[DueContract]
    contract_ids: Mapping[str, int]
    drafts: Sequence[TaxedDraft]
    waiting: int
    progress: Mapping[int, Progress]
    problem: str = ""
