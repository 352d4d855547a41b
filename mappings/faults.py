"""How mapping failures are told: every fault of a record, or of a configuration, in one error.

Exists so that a sales rep corrects a deal once instead of once per mistake. It holds the two errors of this package and
the words for fields; it must not decide what is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connector.errors import Fault, Misconfigured, Refused, Unavailable

SALES_REP = "sales rep"
REVOPS = "RevOps"
OPERATOR = "operator"

# An error text is shown in a Salesforce field of 4,000 characters; a handful of faults is what a person reads at once.
_FAULTS_IN_MESSAGE = 5

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMESPACE = re.compile(r"^[A-Za-z0-9]+__(?=[A-Za-z0-9_]+__[a-z]+$)")


class MappingRefused(Refused):
    """The record cannot be read as an order; `faults` holds everything that is wrong with it, at least one fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(
            _told(faults),
            code=faults[0].code,
            owner=faults[0].owner,
            fix=faults[0].fix if len(faults) == 1 else "Correct every point that is named, then press Resync.",
        )
        self.faults = tuple(faults)


class RecordNotReady(Unavailable):
    """Salesforce has not finished the record yet (CPQ calculates in the background); it is read again later."""

    code = "RECORD_NOT_READY"


class MappingMisconfigured(Misconfigured):
    """The mapping settings cannot be used; `faults` names each setting by its place in the file, at least one fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(
            _told(faults), code="MAPPING_MISCONFIGURED", owner=REVOPS, fix="Correct the settings that are named."
        )
        self.faults = tuple(faults)


def label(path: str) -> str:
    """An API name as people read it: `Contract_Start__c` is "Contract Start", `Account.Name` is "Account Name"."""
    words = ""
    for segment in path.split("."):
        own = _segment_label(segment)
        words = own if own.startswith(words) else f"{words} {own}"
    return words


def named_field(path: str) -> str:
    """Label and API name together: `Contract Start (Contract_Start__c)`; the name alone when both are the same."""
    words = label(path)
    return path if words == path else f"{words} ({path})"


def _segment_label(segment: str) -> str:
    bare = re.sub(r"__[a-z]+$", "", _NAMESPACE.sub("", segment))
    words = _CAMEL.sub(" ", bare.replace("_", " "))
    return re.sub(r"^Product2$", "Product", words)


def _told(faults: Sequence[Fault]) -> str:
    shown = [fault.sentence() for fault in faults[:_FAULTS_IN_MESSAGE]]
    more = len(faults) - len(shown)
    return " ".join([*shown, f"And {more} more."] if more else shown)
