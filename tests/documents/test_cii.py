"""The XML of documents, checked by the schema and the official rules of EN 16931."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from facturx import get_xml_from_pdf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from pypdf import PdfReader

from connector.documents.cii import cii_xml
from connector.documents.cii_writing import UnfitForXml
from connector.documents.facturx import with_xml
from connector.documents.pdf import render_pdf
from connector.domain.documents import AccountingTax, DocumentState, DocumentView, Party, build_document
from connector.domain.money import Money
from connector.domain.periods import BillingPeriod
from connector.domain.tax import PriceBasis, Tax, TaxCategory, TaxRounding, tax_totals
from connector.domain.taxed_documents import TaxedDocument
from connector.domain.terms import Address
from tests.documents.making import (
    BUYER,
    ISSUED_ON,
    NOT_SUBJECT,
    REDUCED,
    REVERSE,
    SELLER,
    STANDARD,
    make_credit_note,
    make_document,
    make_draft,
    make_facts,
    make_long_document,
    make_row,
    make_taxed,
)
from tests.documents.validating import broken_rules

_NAMES = {
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
EXEMPT = Tax(Decimal(0), TaxCategory.EXEMPT, "Exempt under Section 4 No. 8 UStG")
EXPORT = Tax(Decimal(0), TaxCategory.EXPORT, exemption_code="VATEX-EU-G")
ZERO = Tax(Decimal(0), TaxCategory.ZERO)
JAPANESE = Party(
    "株式会社青空分析", Address("丸の内1-2-3", "千代田区", "東京都", "100-0005", "日本"), "C-9", "T1234567890123"
)


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def value(xml: bytes, path: str) -> list[str]:
    return [str(found.text) for found in etree.fromstring(xml).findall(f".//{path}", _NAMES)]


VALID: dict[str, Callable[[], DocumentView]] = {
    "plain": make_document,
    "credit note": make_credit_note,
    "mixed rates": lambda: make_document(make_row(), make_row(2, amount="200.20"), taxes=(STANDARD, REDUCED)),
    "thirty rows": lambda: make_long_document(30),
    "reverse charge": lambda: make_document(taxes=(REVERSE,)),
    "not subject": lambda: make_document(taxes=(NOT_SUBJECT,), buyer=JAPANESE),
    "exempt beside taxed": lambda: make_document(make_row(), make_row(2), taxes=(STANDARD, EXEMPT)),
    "export": lambda: make_document(taxes=(EXPORT,), buyer=JAPANESE),
    "zero rated": lambda: make_document(taxes=(ZERO,)),
    "a row that takes back": lambda: make_document(make_row(), make_row(2, amount="-333.33", quantity=Decimal(-17))),
    "a row of nothing": lambda: make_document(make_row(), make_row(2, amount="0.00", quantity=Decimal(0))),
    "dollars with tax in euros": lambda: make_document(
        currency="USD", accounting_tax=AccountingTax(euros("175.24"), Decimal("1.0842"), "ECB")
    ),
    "part paid": lambda: make_document(paid=euros("600.00")),
    "paid": lambda: make_document(paid=euros("1190.00")),
    "yen": lambda: make_document(make_row(amount="120001", currency="JPY"), currency="JPY", buyer=JAPANESE),
    "dinars with idle places": lambda: make_document(make_row(amount="100.000", currency="KWD"), currency="KWD"),
    "void": lambda: make_document(state=DocumentState.VOID),
    "payable at once": lambda: make_document(terms=0),
    "inclusive prices": lambda: build_document(
        taxed=make_taxed(make_row(amount="119.01"), make_row(2, amount="33.33"), basis=PriceBasis.INCLUSIVE),
        facts=make_facts(),
    ),
    "two mentions of one rate": lambda: make_document(
        make_row(), make_row(2), taxes=(EXEMPT, replace(EXEMPT, mention="Exempt otherwise"))
    ),
    "several orders": lambda: make_document(make_row(), make_row(2, order_ref="O-2", contract_ref="CT-2")),
    "no contact, no purchase order": lambda: make_document(
        po_number="", seller=replace(SELLER, email="", phone=""), buyer=replace(BUYER, email="", contact="", ref="")
    ),
    "everything empty that may be": lambda: make_document(
        seller=replace(SELLER, bank_accounts=(), registration="", tax_number=""), buyer=replace(BUYER, tax_id="")
    ),
    "credit note without tax": lambda: make_credit_note(reason=""),
}


@pytest.mark.parametrize("case", sorted(VALID))
def test_the_xml_breaks_no_rule(case: str) -> None:
    assert broken_rules(cii_xml(view=VALID[case]())) == []


def test_a_wrong_total_is_found_by_the_rules() -> None:
    xml = cii_xml(view=make_document()).replace(b"GrandTotalAmount>1190.00", b"GrandTotalAmount>1191.00")

    assert any("BR-CO-15" in rule for rule in broken_rules(xml))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(-99_999, 9_999_999), st.sampled_from([STANDARD, REDUCED, ZERO])), min_size=1, max_size=9
    ),
    st.sampled_from(list(PriceBasis)),
    st.sampled_from(["EUR", "JPY"]),
)
def test_any_amounts_add_up_as_the_rules_want(rows: list[tuple[int, Tax]], basis: PriceBasis, currency: str) -> None:
    unit = Decimal(1) if currency == "JPY" else Decimal("0.01")
    items = [
        make_row(number, amount=str(cents * unit), currency=currency) for number, (cents, _) in enumerate(rows, start=1)
    ]
    taxed = make_taxed(*items, taxes=tuple(tax for _, tax in rows), basis=basis, currency=currency)

    view = build_document(taxed=taxed, facts=make_facts())

    assert broken_rules(cii_xml(view=view)) == []


def test_the_discount_of_the_reference_keeps_its_totals() -> None:
    """Mixed 19 and 7 percent with ten percent off: 900 + 450, tax 171.00 + 31.50, gross 1552.50."""
    view = make_document(
        make_row(1, amount="1000.00"),
        make_row(2, amount="500.00"),
        make_row(3, amount="-100.00", description="Discount 10 %", quantity=Decimal(1)),
        make_row(4, amount="-50.00", description="Discount 10 %", quantity=Decimal(1)),
        taxes=(STANDARD, REDUCED, STANDARD, REDUCED),
    )
    xml = cii_xml(view=view)

    assert broken_rules(xml) == []
    assert value(xml, "ram:CalculatedAmount") == ["171.00", "31.50"]
    assert value(xml, "ram:GrandTotalAmount") == ["1552.50"]


def test_the_xml_says_what_the_page_says() -> None:
    view = make_document(make_row(), make_row(2, amount="200.20"), taxes=(STANDARD, REDUCED), paid=euros("100.00"))
    xml = cii_xml(view=view)

    assert value(xml, "rsm:ExchangedDocument/ram:ID") == ["DE-2026-000042"]
    assert value(xml, "ram:TypeCode")[0] == "380"
    assert value(xml, "ram:LineTotalAmount") == ["1000.00", "200.20", "1200.20"]
    assert value(xml, "ram:TaxTotalAmount") == ["204.01"]
    assert value(xml, "ram:DuePayableAmount") == ["1304.21"]
    assert value(xml, "ram:PaymentReference") == [view.payment.reference]
    assert value(xml, "ram:IBANID") == ["DE89370400440532013000"]
    assert value(xml, "ram:DueDateDateTime/udt:DateTimeString") == ["20261220"]
    assert value(xml, "ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID") == ["PO-4711/26"]
    assert value(xml, "ram:EndDateTime/udt:DateTimeString") == ["20261130"] * 3


def test_a_credit_note_is_381_with_positive_amounts_and_the_invoice_it_lowers() -> None:
    xml = cii_xml(view=make_credit_note())

    assert value(xml, "rsm:ExchangedDocument/ram:TypeCode") == ["381"]
    assert value(xml, "ram:GrandTotalAmount") == ["297.50"]
    assert value(xml, "ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == ["DE-2026-000042"]
    assert value(xml, "ram:IBANID") == []


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (make_row(quantity=Decimal(50), unit_price=Decimal(20)), ("20", [], "50")),
        (make_row(quantity=Decimal(50), unit_price=Decimal(240)), ("1000.00", ["50"], "50")),
        (make_row(quantity=Decimal("0.5"), unit_price=Decimal("7.123456")), ("1000.00", ["0.5"], "0.5")),
    ],
)
def test_price_and_quantity_make_the_amount_exactly(row: object, expected: tuple[str, list[str], str]) -> None:
    xml = cii_xml(view=make_document(row))  # type: ignore[arg-type]

    assert (
        value(xml, "ram:ChargeAmount")[0],
        value(xml, "ram:BasisQuantity"),
        value(xml, "ram:BilledQuantity")[0],
    ) == (expected)


def test_a_period_of_one_day_ends_on_the_day_it_starts() -> None:
    xml = cii_xml(view=make_document(make_row(period=BillingPeriod(date(2026, 11, 1), date(2026, 11, 2)))))

    assert set(value(xml, "ram:EndDateTime/udt:DateTimeString")) == {"20261101"}


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (lambda: make_document(state=DocumentState.DRAFT, number=None), "number"),
        (lambda: make_document(buyer=replace(BUYER, address=Address("x", "y"))), "country of the buyer"),
        (lambda: make_document(seller=replace(SELLER, address=Address(country="Atlantis"))), "country of the seller"),
        (lambda: make_document(taxes=(REVERSE,), buyer=replace(BUYER, tax_id="")), "reverse charge"),
        (lambda: make_document(taxes=(REVERSE,), buyer=replace(BUYER, tax_id="12345674")), "reverse charge"),
        (lambda: make_document(make_row(), make_row(2), taxes=(STANDARD, NOT_SUBJECT)), "not subject"),
        (lambda: make_document(make_row(amount="10.505", currency="KWD"), currency="KWD"), "two decimal places"),
        (
            lambda: make_document(seller=replace(SELLER, tax_id="", tax_number="", registration="")),
            "seller has no tax id",
        ),
    ],
)
def test_what_the_standard_cannot_carry_is_refused_with_its_reason(view: Callable[[], DocumentView], said: str) -> None:
    with pytest.raises(UnfitForXml, match=said) as refusal:
        cii_xml(view=view())

    assert refusal.value.fix


def test_tax_rounded_per_line_stays_within_the_rules() -> None:
    rows = [make_row(number, amount="33.33") for number in (1, 2, 3)]
    pairs = [(row.amount, STANDARD) for row in rows]
    totals = tax_totals(items=pairs, currency="EUR", rounding=TaxRounding.LINE)
    view = build_document(taxed=TaxedDocument(make_draft(*rows), (STANDARD,) * 3, totals), facts=make_facts())

    assert str(view.tax.amount) == "18.99"
    assert broken_rules(cii_xml(view=view)) == []


def test_the_pdf_holds_the_same_xml_for_readers_of_factur_x() -> None:
    view = make_document()
    xml, pdf = cii_xml(view=view), render_pdf(view=view, language="de")

    whole = with_xml(pdf=pdf, xml=xml, made_on=ISSUED_ON)

    assert get_xml_from_pdf(whole) == ("factur-x.xml", xml)
    assert PdfReader(io.BytesIO(whole)).pages[0].extract_text() == PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert with_xml(pdf=pdf, xml=xml, made_on=ISSUED_ON) == whole
    catalog = PdfReader(io.BytesIO(whole)).trailer["/Root"]
    assert catalog["/AF"][0].get_object()["/AFRelationship"] == "/Alternative"
    assert catalog["/Lang"] == "de"


def test_no_conformance_is_claimed_that_was_not_checked() -> None:
    view = make_document()
    whole = with_xml(pdf=render_pdf(view=view, language="en"), xml=cii_xml(view=view), made_on=ISSUED_ON)

    metadata = PdfReader(io.BytesIO(whole)).trailer["/Root"]["/Metadata"].get_data()
    assert b"EN 16931" in metadata
    assert b"pdfaid" not in metadata
