"""Credits of a customer: how much is left, what made it so, and when the next ones come.

Exists so that balance and ledger mean the same on every platform. It must not know any platform; when recurring credits
fall due is `credit_grants`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class LedgerKind(StrEnum):
    """What moved a balance."""

    GRANTED = "granted"
    CONSUMED = "consumed"
    EXPIRED = "expired"
    VOIDED = "voided"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class CreditBalance:
    """What a customer has of one credit now; `granted` and `consumed` belong to the running credit period.

    `next_grant_at` is when new credits come and unused ones end, None when no more are due or the platform cannot say.
    """

    credit_ref: str
    balance: Decimal
    granted: Decimal
    consumed: Decimal
    next_grant_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One movement: `amount` is signed (grants add, consumption and expiry take), `balance` is what it left.

    `entry_ref` is the platform's id of it; `balance` is None when the platform tells no running balance.
    """

    entry_ref: str
    credit_ref: str
    kind: LedgerKind
    amount: Decimal
    effective_at: datetime
    balance: Decimal | None = None
    subscription_ref: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Some entries, newest first; `next_after` is what to ask the next page with, empty on the last one."""

    entries: tuple[LedgerEntry, ...]
    next_after: str = ""
