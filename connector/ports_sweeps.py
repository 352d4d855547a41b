"""What crosses the border when we ask Salesforce what moved: the question, and the stamps that answer it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RecordStamp:
    """A record's id and its `SystemModstamp`."""

    record_id: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class AccountMerge:
    """Two accounts that became one: the loser is deleted, its records belong to the winner now."""

    loser_id: str
    winner_id: str
    merged_at: datetime


@dataclass(frozen=True, slots=True)
class Touched:
    """What moved since a sweep: signed records, records whose lines changed (by their lines' stamps), records deleted.

    All of it is whole for stamps before `whole_until`; that is earlier than asked when there was more than the limit.
    """

    whole_until: datetime

    signed: tuple[RecordStamp, ...] = ()
    by_lines: tuple[RecordStamp, ...] = ()
    gone: tuple[RecordStamp, ...] = ()
    merges: tuple[AccountMerge, ...] = ()


@dataclass(frozen=True, slots=True)
class TouchedQuestion:
    """What a sweep asks of one kind of record, for stamps in [since, until); at most `limit` of each kind of answer.

    `condition` is the SOQL of the signed rules. Without `line_object` lines are not asked for.
    """

    object: str
    condition: str
    since: datetime
    until: datetime
    limit: int
    line_object: str = ""
    line_parent_field: str = ""
    with_merges: bool = False
