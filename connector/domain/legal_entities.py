"""Our own companies as they stand on documents, and how each numbers them.

Exists so that the number of a document and the party that issues it come from one place. A number is made of a text
with places: `DE-{year}-{number:6}`. It must not count; the store does, in the issuing transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.domain.documents import Seller
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.terms import Address

_PLACE = re.compile(r"\{([a-z]+)(?::([1-9]))?\}")
_PLACES = frozenset({"entity", "year", "number"})
_TEXT = re.compile(r"[A-Za-z0-9 ./_-]*")
# CGST Rule 46 of India; elsewhere a number must fit into a payment reference.
_LONGEST = {"IN": 16}
_LONGEST_ELSEWHERE = 30

DEFAULT_INVOICE_NUMBER = "{entity}-{year}-{number:6}"
DEFAULT_CREDIT_NOTE_NUMBER = "{entity}-CN-{year}-{number:6}"


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How numbers of a series are written. Places: {entity}, {year}, {number}; {number:6} has at least six digits.

    With {year} counting begins again each year, by the issue date. Raises ValueError for a text that is no format.
    """

    text: str

    def __post_init__(self) -> None:
        names = [name for name, _ in _PLACE.findall(self.text)]
        if names.count("number") != 1:
            raise ValueError("must have the place {number} once, such as DE-{year}-{number:6}")
        if unknown := sorted(set(names) - _PLACES):
            raise ValueError(f"has the unknown place {{{unknown[0]}}}; use {{entity}}, {{year}} and {{number}}")
        if not _TEXT.fullmatch(_PLACE.sub("", self.text)):
            raise ValueError("may have letters A to Z, digits, blanks and . / _ - beside its places")

    def period(self, on: date) -> str:
        """Which counter a document of that day belongs to: the year, or nothing when counting never begins again."""
        return f"{on.year:04}" if "{year" in self.text else ""

    def number(self, *, entity: str, on: date, sequence: int) -> str:
        """The number of the document, such as DE-2026-000042."""
        values = {"entity": entity, "year": f"{on.year:04}", "number": str(sequence)}
        return _PLACE.sub(lambda place: values[place[1]].zfill(int(place[2] or 1)), self.text)


@dataclass(frozen=True, slots=True)
class LegalEntity:
    """One of our companies: its code in the deals, itself as a party, its zone for dates, its two number series.

    `is_due_from_issue`: payment terms count from the day of issue instead of the bill date.
    """

    code: str
    seller: Seller
    time_zone: str = "UTC"
    invoice_number: NumberFormat = NumberFormat(DEFAULT_INVOICE_NUMBER)
    credit_note_number: NumberFormat = NumberFormat(DEFAULT_CREDIT_NOTE_NUMBER)
    is_due_from_issue: bool = False

    def number_format(self, kind: DocumentKind) -> NumberFormat:
        """How documents of that kind are numbered."""
        return self.credit_note_number if kind is DocumentKind.CREDIT_NOTE else self.invoice_number

    def due_on(self, *, bill_on: date, issued_on: date, net_days: int) -> date:
        """When an invoice is due: net days from its bill date, or from its issue; never before it is issued."""
        first = issued_on if self.is_due_from_issue else bill_on
        return max(first + timedelta(days=net_days), issued_on)

    def today(self, now: datetime) -> date:
        """The day it is for this company: 00:30 on New Year's Day in Berlin is still last year in UTC."""
        return now.astimezone(ZoneInfo(self.time_zone)).date()


def plain_entity(*, code: str, country: str) -> LegalEntity:
    """A company of which nothing but code and country is known; review tells what its documents lack."""
    return LegalEntity(code, Seller(name=code, address=Address(country=country)))


def numbering_faults(*, entities: Iterable[LegalEntity]) -> tuple[str, ...]:
    """What is wrong with the formats taken together: two series that write the same number, or numbers too long."""
    day = date(2026, 1, 1)
    seen: dict[str, str] = {}
    found = []
    for entity in entities:
        for kind in DocumentKind:
            name = f"the {kind.replace('_', ' ')}s of {entity.code}"
            number = entity.number_format(kind).number(entity=entity.code, on=day, sequence=1)
            # Separators do not count in a payment reference, so they must not be all that differs.
            core = re.sub(r"[\s./_-]+", "", number).upper()
            if core in seen:
                found.append(f"{name} and {seen[core]} would have the same numbers ({number})")
            seen[core] = name
            most = _LONGEST.get(entity.seller.address.country, _LONGEST_ELSEWHERE)
            if len(number) > most:
                found.append(f"numbers of {name} are longer than {most} characters ({number})")
    return tuple(found)
