"""What the product takes for granted about the outside, as values: what is to be proved, and what was found.

Exists so that `check`, the health page and the mapping's own judgement speak of the same things. Nothing here proves or
calls anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class FindingState(StrEnum):
    """Whether an assumption holds; unknown = it cannot be proved from here, so a person should read it.

    What must be proved and could not be, because the outside did not answer, is bad.
    """

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One assumption and how it stands, told so that its owner can mend it; `fix` and `owner` are empty when good."""

    area: str
    state: FindingState
    message: str
    fix: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class FieldUse:
    """How one field of a record is read: what for (in words), which Salesforce types cannot be read, which values can.

    `path` starts at `object`, parents with dots. `reads` says whether a picklist value would be understood; None means
    that any value is.
    """

    object: str
    path: str
    words: str
    unfit_types: frozenset[str] = frozenset()
    reads: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class SignedUse:
    """One `[[signed]]` rule: the field that tells, and its values as text; `also` are further fields it needs."""

    object: str
    field: str
    values: tuple[str, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusField:
    """One field that we write: the types it may have, the least length of text, and the words it must take."""

    name: str
    types: frozenset[str]
    length: int = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogueUse:
    """Where products say what they are: paths from the line object; `is_plan` judges a value of `type_path`."""

    line_object: str
    type_path: str
    ref_path: str
    is_plan: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Everything that the configuration takes for granted.

    `status_fields` is keyed by object, as is `rows`: objects of ours in which we make rows.
    `plan_refs` maps a plan's ref to the place in the file that names it. `secrets`
    maps a variable to what is wrong with it, empty for nothing. `by_org` holds those of each org.
    `mail_folder` is where mail goes while none leaves.
    `payment_currencies` are those that a link must be able to take; `is_money_real` says in which world we are.
    """

    fields: tuple[FieldUse, ...] = ()
    signed: tuple[SignedUse, ...] = ()
    status_fields: Mapping[str, Sequence[StatusField]] = field(default_factory=dict)
    rows: Mapping[str, Sequence[StatusField]] = field(default_factory=dict)
    catalogues: tuple[CatalogueUse, ...] = ()
    plan_refs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    payment_currencies: tuple[str, ...] = ()
    is_money_real: bool = False
    mail_folder: str = ""
    by_org: Mapping[str, Assumptions] = field(default_factory=dict)

    def for_org(self, org_id: str) -> Assumptions:
        """What holds for one org: its own, when its records are read by rules of its own."""
        return self.by_org.get(org_id, self)
