"""Elements of the Cross Industry Invoice: names, dates and amounts as it writes them.

Exists so that `cii` reads as the order of the document, and so that no text enters the XML uncleaned.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from lxml import etree

from connector.documents.plain_text import one_line
from connector.domain.money import Money
from connector.errors import Refused

_NAMES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}
_CENT = Decimal("0.01")
_PLACES = -2


class UnfitForXml(Refused):
    """A document says something that EN 16931 cannot carry, or lacks what it asks for."""

    code = "XML_NOT_POSSIBLE"
    owner = "finance"
    fix = "Complete the customer's and the legal entity's data, or send the PDF alone."


def root() -> etree._Element:
    """The empty document."""
    return etree.Element(_tag("rsm:CrossIndustryInvoice"), nsmap=_NAMES)


def add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    """A child by its prefixed name, with cleaned text."""
    element = etree.SubElement(parent, _tag(name), attributes)
    if text is not None:
        element.text = plain(text)
    return element


def add_amount(parent: etree._Element, name: str, money: Money, **attributes: str) -> None:
    """An amount with at most two places. Raises UnfitForXml when it has more."""
    amount = money.amount
    if amount != amount.quantize(_CENT):
        raise UnfitForXml(
            f"{money} has more than two decimal places, and EN 16931 allows two.", fix="Send the PDF alone."
        )
    places = amount.as_tuple().exponent
    is_longer = isinstance(places, int) and places < _PLACES
    add(parent, name, f"{amount.quantize(_CENT) if is_longer else amount:f}", **attributes)


def add_date(parent: etree._Element, day: date) -> None:
    """A day, as format 102 writes it."""
    add(parent, "udt:DateTimeString", day.strftime("%Y%m%d"), format="102")


def plain(text: str) -> str:
    """Text on one line, without anything that XML cannot hold."""
    return one_line(text)


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMES[prefix]}}}{local}"
