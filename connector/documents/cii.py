"""The machine's reading of a document: EN 16931 as a UN/CEFACT Cross Industry Invoice, an invoice or a credit note.

Exists because a public or European buyer books from this file and not from the picture. Made from the same value as
page and PDF, so that they cannot differ. What the standard cannot carry is refused with the field that stands in
the way; nothing is bent to fit. It must not ask anybody and not read files.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from lxml import etree

from connector.documents.cii_parties import add_buyer, add_recipient, add_seller, check_parties
from connector.documents.cii_writing import UnfitForXml, add, add_amount, add_date, plain, root
from connector.documents.formats import long_day_text
from connector.documents.texts import Texts, texts_of
from connector.domain.documents import BankAccount, DocumentLine, DocumentView
from connector.domain.money import Money, total
from connector.domain.periods import BillingPeriod
from connector.domain.tax import RateTotal, Tax, TaxCategory

PROFILE = "urn:cen.eu:en16931:2017"
_INVOICE, _CREDIT_NOTE = "380", "381"
_SEPA_TRANSFER, _TRANSFER = "58", "30"
# These need a reason; the others must not have one.
_WITH_REASON = {
    TaxCategory.REVERSE_CHARGE: "Reverse charge",
    TaxCategory.EXEMPT: "Exempt from tax",
    TaxCategory.EXPORT: "Export outside the EU",
    TaxCategory.NOT_SUBJECT: "Not subject to VAT",
}


def cii_xml(*, view: DocumentView, language: str = "en") -> bytes:
    """The document as UTF-8 XML; `language` is for its few sentences.

    Raises UnfitForXml when it is not issued, a country or a tax id is missing, amounts have more than two places, or
    untaxed rows stand beside taxed ones.
    """
    _check(view)
    texts = texts_of(language)
    document = root()
    context = add(document, "rsm:ExchangedDocumentContext")
    add(add(context, "ram:GuidelineSpecifiedDocumentContextParameter"), "ram:ID", PROFILE)
    _add_header(document, view)
    transaction = add(document, "rsm:SupplyChainTradeTransaction")
    for line in view.lines:
        _add_line(transaction, line, view)
    _add_agreement(transaction, view)
    add_recipient(add(transaction, "ram:ApplicableHeaderTradeDelivery"), view.buyer)
    _add_settlement(transaction, view, texts)
    return bytes(etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _check(view: DocumentView) -> None:
    if not view.is_issued:
        raise UnfitForXml("A document without a number has no XML.", fix="Issue it first.")
    categories = {row.tax.category for row in view.tax_rows}
    if TaxCategory.NOT_SUBJECT in categories and len(categories) > 1:
        raise UnfitForXml(
            f"{view.number} has rows that are not subject to VAT beside others; EN 16931 has no such invoice.",
            fix="Bill them on separate documents.",
        )
    check_parties(view)


def _add_header(document: etree._Element, view: DocumentView) -> None:
    header = add(document, "rsm:ExchangedDocument")
    add(header, "ram:ID", view.number or "")
    add(header, "ram:TypeCode", _CREDIT_NOTE if view.is_credit_note else _INVOICE)
    add_date(add(header, "ram:IssueDateTime"), view.issued_on)
    for text in (view.reason, view.memo, *view.mentions):
        if plain(text):
            add(add(header, "ram:IncludedNote"), "ram:Content", text)


def _add_line(transaction: etree._Element, line: DocumentLine, view: DocumentView) -> None:
    element = add(transaction, "ram:IncludedSupplyChainTradeLineItem")
    document = add(element, "ram:AssociatedDocumentLineDocument")
    add(document, "ram:LineID", str(line.position))
    if plain(line.note):
        add(add(document, "ram:IncludedNote"), "ram:Content", line.note)
    product = add(element, "ram:SpecifiedTradeProduct")
    if plain(line.product_code):
        add(product, "ram:SellerAssignedID", line.product_code)
    add(product, "ram:Name", plain(line.description) or plain(line.product_code) or str(line.position))
    quantity, price, basis = _price(line)
    net_price = add(add(element, "ram:SpecifiedLineTradeAgreement"), "ram:NetPriceProductTradePrice")
    add(net_price, "ram:ChargeAmount", f"{price:f}")
    if basis != 1:
        add(net_price, "ram:BasisQuantity", f"{basis:f}", unitCode=line.unit)
    add(add(element, "ram:SpecifiedLineTradeDelivery"), "ram:BilledQuantity", f"{quantity:f}", unitCode=line.unit)
    settlement = add(element, "ram:SpecifiedLineTradeSettlement")
    _add_line_tax(settlement, line.tax)
    if line.period is not None:
        _add_period(settlement, line.period)
    sums = add(settlement, "ram:SpecifiedTradeSettlementLineMonetarySummation")
    add_amount(sums, "ram:LineTotalAmount", line.net)
    if line.order_ref and len(view.order_refs) > 1:
        reference = add(settlement, "ram:AdditionalReferencedDocument")
        add(reference, "ram:IssuerAssignedID", line.order_ref)
        add(reference, "ram:TypeCode", "130")


def _price(line: DocumentLine) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity, price and the quantity that the price is for, so that they make exactly the net amount of the row.

    A price per unit where that is the whole truth; otherwise (a month of a yearly price, tiers, discounts) the amount
    as the price of the whole quantity. A price is never negative: the quantity is.
    """
    quantity = abs(line.quantity) or Decimal(1)
    sign = Decimal(-1) if line.net.amount < 0 else Decimal(1)
    amount = abs(line.net.amount)
    if line.unit_price >= 0 and quantity * line.unit_price == amount:
        return sign * quantity, line.unit_price, Decimal(1)
    return sign * quantity, amount, quantity


def _add_line_tax(settlement: etree._Element, tax: Tax) -> None:
    element = add(settlement, "ram:ApplicableTradeTax")
    add(element, "ram:TypeCode", "VAT")
    add(element, "ram:CategoryCode", tax.category.value)
    _add_rate(element, tax)


def _add_rate(element: etree._Element, tax: Tax) -> None:
    """What is not subject to tax has no rate, not even zero."""
    if tax.category is not TaxCategory.NOT_SUBJECT:
        add(element, "ram:RateApplicablePercent", f"{tax.rate.normalize():f}")


def _add_period(parent: etree._Element, period: BillingPeriod) -> None:
    element = add(parent, "ram:BillingSpecifiedPeriod")
    add_date(add(element, "ram:StartDateTime"), period.start)
    add_date(add(element, "ram:EndDateTime"), period.last_day)


def _add_agreement(transaction: etree._Element, view: DocumentView) -> None:
    agreement = add(transaction, "ram:ApplicableHeaderTradeAgreement")
    if plain(view.buyer.reference):
        add(agreement, "ram:BuyerReference", view.buyer.reference)
    is_untaxed = any(row.tax.category is TaxCategory.NOT_SUBJECT for row in view.tax_rows)
    add_seller(agreement, view.seller, is_untaxed=is_untaxed)
    add_buyer(agreement, view.buyer, is_untaxed=is_untaxed)
    references = (
        ("ram:SellerOrderReferencedDocument", view.order_refs),
        ("ram:BuyerOrderReferencedDocument", (view.po_number,) if plain(view.po_number) else ()),
        ("ram:ContractReferencedDocument", view.contract_refs),
    )
    for name, values in references:
        # The standard has one of each; several stand with their rows.
        if len(values) == 1:
            add(add(agreement, name), "ram:IssuerAssignedID", values[0])


def _add_settlement(transaction: etree._Element, view: DocumentView, texts: Texts) -> None:
    settlement = add(transaction, "ram:ApplicableHeaderTradeSettlement")
    if view.payment.reference:
        add(settlement, "ram:PaymentReference", view.payment.reference)
    if view.accounting_tax is not None:
        add(settlement, "ram:TaxCurrencyCode", view.accounting_tax.amount.currency)
    add(settlement, "ram:InvoiceCurrencyCode", view.currency)
    for account in view.payment.accounts:
        _add_account(settlement, account, view.currency)
    for row in _merged(view.tax_rows):
        _add_tax(settlement, row)
    if view.service is not None:
        _add_period(settlement, view.service)
    _add_terms(settlement, view, texts)
    _add_sums(settlement, view)
    for lowered in view.lowers:
        reference = add(settlement, "ram:InvoiceReferencedDocument")
        add(reference, "ram:IssuerAssignedID", lowered.number)
        _add_formatted_date(reference, lowered.issued_on)


def _add_formatted_date(parent: etree._Element, day: date) -> None:
    element = add(parent, "ram:FormattedIssueDateTime")
    add(element, "qdt:DateTimeString", day.strftime("%Y%m%d"), format="102")


def _add_account(settlement: etree._Element, account: BankAccount, currency: str) -> None:
    iban, number = "".join(account.iban.split()), plain(account.account_number)
    if not iban and not number:
        return
    means = add(settlement, "ram:SpecifiedTradeSettlementPaymentMeans")
    add(means, "ram:TypeCode", _SEPA_TRANSFER if iban and currency == "EUR" else _TRANSFER)
    target = add(means, "ram:PayeePartyCreditorFinancialAccount")
    if iban:
        add(target, "ram:IBANID", iban)
    if plain(account.holder):
        add(target, "ram:AccountName", account.holder)
    if not iban:
        add(target, "ram:ProprietaryID", number)
    if plain(account.bic):
        add(add(means, "ram:PayeeSpecifiedCreditorFinancialInstitution"), "ram:BICID", account.bic)


def _merged(rows: tuple[RateTotal, ...]) -> list[RateTotal]:
    """One row per category and rate, as the standard counts them; ours may differ in their mention alone."""
    keys = list(dict.fromkeys((row.tax.category, row.tax.rate) for row in rows))
    merged = []
    for key in keys:
        same = [row for row in rows if (row.tax.category, row.tax.rate) == key]
        currency = same[0].net.currency
        net = total((row.net for row in same), currency=currency)
        merged.append(RateTotal(same[0].tax, net, total((row.amount for row in same), currency=currency)))
    return merged


def _add_tax(settlement: etree._Element, row: RateTotal) -> None:
    element = add(settlement, "ram:ApplicableTradeTax")
    add_amount(element, "ram:CalculatedAmount", row.amount)
    add(element, "ram:TypeCode", "VAT")
    reason = _WITH_REASON.get(row.tax.category)
    if reason is not None:
        add(element, "ram:ExemptionReason", row.tax.mention or reason)
    add_amount(element, "ram:BasisAmount", row.net)
    add(element, "ram:CategoryCode", row.tax.category.value)
    if reason is not None and row.tax.exemption_code:
        add(element, "ram:ExemptionReasonCode", row.tax.exemption_code)
    _add_rate(element, row.tax)


def _add_terms(settlement: etree._Element, view: DocumentView, texts: Texts) -> None:
    terms = add(settlement, "ram:SpecifiedTradePaymentTerms")
    if view.is_credit_note:
        add(terms, "ram:Description", texts.sentence["credit"])
        return
    name = "terms" if view.payment_terms_days > 0 else "terms_at_once"
    sentence = texts.sentence[name].format(days=view.payment_terms_days, date=long_day_text(view.due_on, texts))
    add(terms, "ram:Description", sentence)
    add_date(add(terms, "ram:DueDateDateTime"), view.due_on)


def _add_sums(settlement: etree._Element, view: DocumentView) -> None:
    sums = add(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    add_amount(sums, "ram:LineTotalAmount", total((line.net for line in view.lines), currency=view.currency))
    add_amount(sums, "ram:TaxBasisTotalAmount", view.net)
    add_amount(sums, "ram:TaxTotalAmount", view.tax, currencyID=view.currency)
    if view.accounting_tax is not None:
        owed: Money = view.accounting_tax.amount
        add_amount(sums, "ram:TaxTotalAmount", owed, currencyID=owed.currency)
    add_amount(sums, "ram:GrandTotalAmount", view.gross)
    if view.paid:
        add_amount(sums, "ram:TotalPrepaidAmount", view.paid)
    add_amount(sums, "ram:DuePayableAmount", view.amount_due)
