"""Seller and buyer in the Cross Industry Invoice: names, addresses, and which of their ids goes where.

Exists because the standard is strict about ids: a VAT id begins with a country, and a document that is not subject to
VAT must have none. A national number goes where such numbers belong.
"""

from __future__ import annotations

from lxml import etree

from connector.documents.cii_writing import UnfitForXml, add, plain
from connector.domain.countries import EU_MEMBERS, country_code
from connector.domain.documents import DocumentView, Party, Seller
from connector.domain.tax import TaxCategory
from connector.domain.terms import Address

# Greece writes EL, Northern Ireland XI; the others outside the Union also begin with their country.
_VAT_PREFIXES = EU_MEMBERS | {"EL", "XI", "GB", "CH", "NO", "IS", "LI", "TR", "RS", "UA"}
_EMAIL = "EM"


def check_parties(view: DocumentView) -> None:
    """Raises UnfitForXml when a country is unknown, the seller has no number, or a reverse charge lacks a VAT id."""
    for role, address in (("seller", view.seller.address), ("buyer", view.buyer.address)):
        if not country_code(address.country):
            raise UnfitForXml(
                f"{view.number}: the country of the {role} is {address.country!r}, and EN 16931 needs one.",
                fix=f"Complete the country of the {role}, as a name or an ISO code.",
            )
    if not (plain(view.seller.tax_id) or plain(view.seller.tax_number) or plain(view.seller.registration)):
        raise UnfitForXml(f"{view.number}: the seller has no tax id.", fix="Set the tax id of the legal entity.")
    is_reversed = any(row.tax.category is TaxCategory.REVERSE_CHARGE for row in view.tax_rows)
    if is_reversed and not (_is_vat_id(view.seller.tax_id) and _is_vat_id(view.buyer.tax_id)):
        raise UnfitForXml(
            f"{view.number} is a reverse charge, and one of the VAT ids is missing or has no country: "
            f"seller {view.seller.tax_id!r}, buyer {view.buyer.tax_id!r}.",
            fix="Complete the VAT id of the customer or of the legal entity.",
        )


def add_seller(agreement: etree._Element, seller: Seller, *, is_untaxed: bool) -> None:
    """The seller; without its VAT id where nothing is subject to VAT."""
    party = add(agreement, "ram:SellerTradeParty")
    if is_untaxed and plain(seller.tax_id):
        add(party, "ram:ID", seller.tax_id)
    add(party, "ram:Name", seller.name)
    if plain(seller.registration):
        add(add(party, "ram:SpecifiedLegalOrganization"), "ram:ID", seller.registration)
    _add_contact(party, seller)
    _add_address(party, seller.address)
    _add_email(party, seller.email)
    if not is_untaxed and plain(seller.tax_id):
        _add_tax_id(party, seller.tax_id, "VA" if _is_vat_id(seller.tax_id) else "FC")
    if plain(seller.tax_number):
        _add_tax_id(party, seller.tax_number, "FC")


def add_buyer(agreement: etree._Element, buyer: Party, *, is_untaxed: bool) -> None:
    """The buyer; an id that is no VAT id stands as a registration."""
    party = add(agreement, "ram:BuyerTradeParty")
    if plain(buyer.ref):
        add(party, "ram:ID", buyer.ref)
    add(party, "ram:Name", buyer.name)
    is_vat_id = _is_vat_id(buyer.tax_id)
    if plain(buyer.tax_id) and (is_untaxed or not is_vat_id):
        add(add(party, "ram:SpecifiedLegalOrganization"), "ram:ID", buyer.tax_id)
    if plain(buyer.contact):
        add(add(party, "ram:DefinedTradeContact"), "ram:PersonName", buyer.contact)
    _add_address(party, buyer.address)
    _add_email(party, buyer.email)
    if is_vat_id and not is_untaxed:
        _add_tax_id(party, buyer.tax_id, "VA")


def add_recipient(delivery: etree._Element, buyer: Party) -> None:
    """Who is served; the schema wants this part of the document, and a rule wants nothing empty."""
    party = add(delivery, "ram:ShipToTradeParty")
    add(party, "ram:Name", buyer.name)
    _add_address(party, buyer.address)


def _add_contact(party: etree._Element, seller: Seller) -> None:
    if not (plain(seller.contact) or plain(seller.phone) or plain(seller.email)):
        return
    contact = add(party, "ram:DefinedTradeContact")
    add(contact, "ram:PersonName", plain(seller.contact) or seller.name)
    if plain(seller.phone):
        add(add(contact, "ram:TelephoneUniversalCommunication"), "ram:CompleteNumber", seller.phone)
    if plain(seller.email):
        add(add(contact, "ram:EmailURIUniversalCommunication"), "ram:URIID", seller.email)


def _add_address(party: etree._Element, address: Address) -> None:
    element = add(party, "ram:PostalTradeAddress")
    lines = [line for line in address.street.splitlines() if plain(line)]
    lines = [*lines[:2], " ".join(lines[2:])] if len(lines) > 2 else lines
    found = [
        ("ram:PostcodeCode", address.postal_code),
        *zip(("ram:LineOne", "ram:LineTwo", "ram:LineThree"), lines, strict=False),
        ("ram:CityName", address.city),
        ("ram:CountryID", country_code(address.country)),
        ("ram:CountrySubDivisionName", address.state),
    ]
    for name, value in found:
        if plain(value):
            add(element, name, value)


def _add_email(party: etree._Element, email: str) -> None:
    if plain(email):
        add(add(party, "ram:URIUniversalCommunication"), "ram:URIID", email, schemeID=_EMAIL)


def _add_tax_id(party: etree._Element, number: str, scheme: str) -> None:
    text = "".join(plain(number).split()) if scheme == "VA" else number
    add(add(party, "ram:SpecifiedTaxRegistration"), "ram:ID", text, schemeID=scheme)


def _is_vat_id(number: str) -> bool:
    text = "".join(plain(number).split()).upper()
    return text[:2] in _VAT_PREFIXES and len(text) > 2
