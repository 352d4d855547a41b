"""The deals of the demo, as data: who buys what, how it is signed, and where it must end.

Every customer is invented. Each deal states its contract value with the sum in a comment, so that it can be checked
by hand. Dates hang on the first day of the term, given by the seed, so the story is always about this month.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

FULFILLED, BLOCKED = "FULFILLED", "BLOCKED"


def month_later(first: date, months: int) -> date:
    """The same day so many months on, clamped to the end of the month."""
    month = first.month - 1 + months
    year, month = first.year + month // 12, month % 12 + 1
    return date(year, month, min(first.day, monthrange(year, month)[1]))


@dataclass(frozen=True)
class Term:
    """A number of whole months from `start`; `end` is the last day of service."""

    start: date
    months: int

    @property
    def end(self) -> date:
        """The inclusive last day, as Salesforce writes it."""
        return month_later(self.start, self.months) - timedelta(days=1)

    def year(self, number: int) -> dict[str, date]:
        """The line dates of contract year 1, 2, ..."""
        return {
            "Line_Start__c": month_later(self.start, 12 * (number - 1)),
            "Line_End__c": month_later(self.start, 12 * number) - timedelta(days=1),
        }


@dataclass(frozen=True)
class Deal:
    """One deal. `deliveries`: how often its push arrives (0: it is lost). `expected_code` is a prefix."""

    key: str
    title: str
    shows: str
    account: dict[str, Any]
    contact: dict[str, Any]
    lines: list[dict[str, Any]]
    header: dict[str, Any]
    object_name: str = "Quote"
    expected: str = FULFILLED
    expected_code: str = ""
    deliveries: int = 1
    contract_value: str = ""
    extra_products: list[dict[str, Any]] = field(default_factory=list)


def deals(first: date) -> list[Deal]:
    """All deals, their terms starting on `first`."""
    return [build(first) for build in _BUILDERS]


def _header(term: Term, value: str, **changes: Any) -> dict[str, Any]:
    return {
        "Contract_Start__c": term.start,
        "Contract_End__c": term.end,
        "Term_Months__c": term.months,
        "Billing_Frequency__c": "Annual",
        "Billing_Timing__c": "In Advance",
        "Payment_Terms__c": "Net 30",
        "Deal_Type__c": "New",
        "Legal_Entity__c": "US",
        "Total_Contract_Value__c": value,
        "CurrencyIsoCode": "USD",
    } | changes


def _line(product: str, quantity: str, price: str, **changes: Any) -> dict[str, Any]:
    base = {"product": product, "Quantity": quantity, "UnitPrice": price}
    return base | {"Charge_Type__c": "Recurring", "Price_Model__c": "Per Unit", "Price_Period__c": "Year"} | changes


def _us(name: str, street: str, city: str, state: str, code: str, email: str) -> dict[str, Any]:
    return {
        "Name": name,
        "BillingStreet": street,
        "BillingCity": city,
        "BillingState": state,
        "BillingPostalCode": code,
        "BillingCountry": "United States",
        "BillingCountryCode": "US",
        "Billing_Email__c": email,
        "CurrencyIsoCode": "USD",
    }


def _person(first: str, last: str, email: str) -> dict[str, Any]:
    return {"FirstName": first, "LastName": last, "Email": email}


def _platform_with_credits(first: date) -> Deal:
    # 1 x 12,000 + 50 x 240 + 10,000 x 0.60 = 12,000 + 12,000 + 6,000 = 30,000
    return Deal(
        key="platform",
        title="Brightwater Logistics: platform, 50 seats, monthly credits",
        shows="An annual plan with negotiated seats and AI credits that are granted every month.",
        account=_us(
            "Brightwater Logistics, Inc.", "418 Harbor Street", "Portland", "OR", "97209", "ap@brightwater.example"
        ),
        contact=_person("Denise", "Okafor", "denise.okafor@brightwater.example"),
        header=_header(Term(first, 12), "30000.00", PO_Number__c="BW-40117"),
        lines=[
            _line("PLATFORM", "1", "12000.00"),
            _line("SEAT", "50", "240.00"),
            _line("CREDIT-AI", "10000", "0.60", Credit_Cadence__c="Month"),
        ],
        contract_value="30000.00",
    )


def _opportunity_only(first: date) -> Deal:
    # 1 x 3,600 + 25 x 120 = 3,600 + 3,000 = 6,600, billed in four quarters of 900 + 750
    return Deal(
        key="opportunity",
        title="Marigold & Finch: team plan, no quote",
        shows="A deal without any quote: the won opportunity itself is what was signed.",
        account=_us("Marigold & Finch LLC", "77 Peachtree Walk", "Atlanta", "GA", "30303", "books@marigold.example"),
        contact=_person("Tomás", "Herrera", "tomas@marigold.example"),
        object_name="Opportunity",
        header=_header(Term(first, 12), "6600.00", Billing_Frequency__c="Quarterly"),
        lines=[_line("TEAM", "1", "3600.00"), _line("SEAT", "25", "120.00")],
        contract_value="6600.00",
    )


def _enterprise_ramp(first: date) -> Deal:
    # Plan: 36,000 less 10 % = 32,400 a year, 3 years = 97,200.
    # Seats: 100 x 300 + 150 x 300 + 200 x 300 = 30,000 + 45,000 + 60,000 = 135,000.
    # 97,200 + 135,000 = 232,200; usage is billed on top and adds nothing to the contract value.
    term = Term(first, 36)
    tiers = (
        '[{"up_to": "1000000", "unit_price": "0.002", "flat_price": "0"}, '
        '{"up_to": null, "unit_price": "0.0015", "flat_price": "0"}]'
    )
    ramp = [
        _line("SEAT", count, "300.00", Ramp_Key__c="seats", Ramp_Step__c=step, **term.year(step))
        for step, count in ((1, "100"), (2, "150"), (3, "200"))
    ]
    return Deal(
        key="ramp",
        title="Société Générique d'Énergie: three years with a ramp and usage",
        shows="Three years, seats that grow each year, a discount, and API calls by tier with a monthly minimum.",
        account={
            "Name": "Société Générique d'Énergie S.A.",
            "BillingStreet": "12 rue des Tanneurs",
            "BillingCity": "Lyon",
            "BillingPostalCode": "69002",
            "BillingCountry": "France",
            "BillingCountryCode": "FR",
            "Tax_Id__c": "FR40303265045",
            "Billing_Email__c": "comptabilite@sge.example",
            "CurrencyIsoCode": "USD",
        },
        contact=_person("Éloïse", "Bérenger", "eloise.berenger@sge.example"),
        header=_header(term, "232200.00", Payment_Terms__c="Net 60", PO_Number__c="4500018822"),
        lines=[
            _line("ENT", "1", "36000.00", Discount="10"),
            *ramp,
            _line(
                "API",
                "1",
                "0.00",
                Charge_Type__c="Usage",
                Price_Model__c="Tiered",
                Price_Period__c="Month",
                Price_Tiers__c=tiers,
                Included_Units__c="100000",
                Minimum_Amount__c="250.00",
                Billing_Frequency__c="Monthly",
                Billing_Timing__c="In Arrears",
                Entitlement_Value__c="Unlimited",
            ),
        ],
        contract_value="232200.00",
    )


def _wrong_total(first: date) -> Deal:
    # 1 x 9,000 + 500 x 2.40 = 9,000 + 1,200 = 10,200; the header says 10,020
    return Deal(
        key="wrong-total",
        title="Copperline Analytics: total typed wrong",
        shows="Two digits are swapped in the contract value: nothing is set up until it is right.",
        account=_us("Copperline Analytics", "2900 Mill Road", "Denver", "CO", "80205", "finance@copperline.example"),
        contact=_person("Priya", "Raghunathan", "priya@copperline.example"),
        header=_header(Term(first, 12), "10020.00"),
        lines=[_line("ANALYTICS", "1", "9000.00"), _line("STORAGE", "500", "2.40")],
        expected=BLOCKED,
        expected_code="TOTAL",
        contract_value="10200.00",
    )


def _missing_value(first: date) -> Deal:
    # 1 x 18,000 + 40 x 300 = 18,000 + 12,000 = 30,000
    return Deal(
        key="missing-entitlement",
        title="Nørrebro Cargo: enterprise plan without API calls",
        shows="The plan needs a negotiated number of API calls and no line gives one.",
        account={
            "Name": "Nørrebro Cargo ApS",
            "BillingStreet": "Blågårdsgade 14",
            "BillingCity": "København",
            "BillingPostalCode": "2200",
            "BillingCountry": "Denmark",
            "BillingCountryCode": "DK",
            "Tax_Id__c": "DK31415926",
            "Billing_Email__c": "faktura@norrebro-cargo.example",
            "CurrencyIsoCode": "USD",
        },
        contact=_person("Søren", "Østergård", "soren@norrebro-cargo.example"),
        header=_header(Term(first, 12), "30000.00"),
        lines=[_line("ENT", "1", "18000.00"), _line("SEAT", "40", "300.00")],
        expected=BLOCKED,
        expected_code="MISSING_ENTITLEMENT",
        contract_value="30000.00",
    )


def _five_deliveries(first: date) -> Deal:
    # 1 x 4,800 + 5,000 x 0.48 = 4,800 + 2,400 = 7,200, billed in two halves of 2,400 + 1,200
    return Deal(
        key="five-times",
        title="Tallgrass Media: the same message five times",
        shows="Salesforce delivers at least once; this message arrives five times and makes one order.",
        account=_us("Tallgrass Media Group", "9 Prairie Avenue", "Omaha", "NE", "68102", "ap@tallgrass.example"),
        contact=_person("Walt", "Nakamura-Reyes", "walt@tallgrass.example"),
        header=_header(Term(first, 12), "7200.00", Billing_Frequency__c="Semiannual"),
        lines=[
            _line("CREDPLAN", "1", "4800.00"),
            _line("CREDIT-AI", "5000", "0.48", Credit_Cadence__c="Month"),
        ],
        deliveries=5,
        contract_value="7200.00",
    )


def _lost_push(first: date) -> Deal:
    # Two years: 2 x (1 x 3,600 + 20 x 120 + 1 x 1,500) = 2 x 7,500 = 15,000
    return Deal(
        key="lost",
        title="Quillon Robotics: the message that never came",
        shows="The push is lost on the way; the sweep finds the signed quote by itself.",
        account=_us("Quillon Robotics Corp.", "1600 Assembly Way", "Ann Arbor", "MI", "48104", "ap@quillon.example"),
        contact=_person("Hannah", "Weiß", "hannah.weiss@quillon.example"),
        header=_header(Term(first, 24), "15000.00", Payment_Terms__c="Net 45"),
        lines=[_line("TEAM", "1", "3600.00"), _line("SEAT", "20", "120.00"), _line("PRIO", "1", "1500.00")],
        deliveries=0,
        contract_value="15000.00",
    )


def _german_monthly(first: date) -> Deal:
    # 12 x (1 x 900 + 30 x 18) + 2,500 once = 12 x 1,440 + 2,500 = 17,280 + 2,500 = 19,780
    monthly = {"Price_Period__c": "Month"}
    return Deal(
        key="german",
        title="Müller & Söhne Maschinenbau: euros, monthly in arrears",
        shows="A German customer of the German company: euros, VAT, monthly at the end, onboarding once.",
        account={
            "Name": "Müller & Söhne Maschinenbau GmbH & Co. KG",
            "BillingStreet": "Königstraße 27",
            "BillingCity": "Stuttgart",
            "BillingPostalCode": "70173",
            "BillingCountry": "Germany",
            "BillingCountryCode": "DE",
            "Tax_Id__c": "DE136695976",
            "Billing_Email__c": "rechnung@mueller-soehne.example",
            "CurrencyIsoCode": "EUR",
        },
        contact=_person("Jörg", "Müller", "joerg.mueller@mueller-soehne.example"),
        header=_header(
            Term(first, 12),
            "19780.00",
            CurrencyIsoCode="EUR",
            Legal_Entity__c="DE",
            Billing_Frequency__c="Monthly",
            Billing_Timing__c="In Arrears",
            PO_Number__c="MS-2291/B",
        ),
        lines=[
            _line("PLATFORM", "1", "900.00", **monthly),
            _line("SEAT", "30", "18.00", **monthly),
            _line("ONBOARD", "1", "2500.00", Charge_Type__c="One-Time", Billing_Timing__c="In Advance"),
        ],
        contract_value="19780.00",
    )


def _unknown_product(first: date) -> Deal:
    # 1 x 12,000 + 10 x 240 + 1 x 800 = 12,000 + 2,400 + 800 = 15,200
    return Deal(
        key="unknown-product",
        title="Bluestem Clinics: a product nobody mapped",
        shows="One product has no type yet: the order waits and names the product code.",
        account=_us("Bluestem Clinics", "310 Sunflower Lane", "Topeka", "KS", "66603", "billing@bluestem.example"),
        contact=_person("Lucille", "Abernathy", "lucille@bluestem.example"),
        header=_header(Term(first, 12), "15200.00"),
        lines=[
            _line("PLATFORM", "1", "12000.00"),
            _line("SEAT", "10", "240.00"),
            _line("HIPAA-PACK", "1", "800.00"),
        ],
        expected=BLOCKED,
        expected_code="UNKNOWN_PRODUCT",
        contract_value="15200.00",
        extra_products=[{"Name": "HIPAA Compliance Pack", "ProductCode": "HIPAA-PACK", "Family": "Services"}],
    )


def _japanese_order(first: date) -> Deal:
    # 1 x 480,000 + 20 x 24,000 + 1 x 120,000 = 480,000 + 480,000 + 120,000 = 1,080,000 yen
    term = Term(first, 12)
    return Deal(
        key="order",
        title="株式会社さくら物流: an order in yen",
        shows="A Salesforce order instead of a quote, in yen, sold by the Japanese company, with two plans.",
        account={
            "Name": "株式会社さくら物流",
            "BillingStreet": "丸の内1-9-2",
            "BillingCity": "千代田区",
            "BillingState": "東京都",
            "BillingPostalCode": "100-0005",
            "BillingCountry": "Japan",
            "BillingCountryCode": "JP",
            "Billing_Email__c": "keiri@sakura-butsuryu.example",
            "CurrencyIsoCode": "JPY",
        },
        contact=_person("健太", "佐藤", "kenta.sato@sakura-butsuryu.example"),
        object_name="Order",
        header=_header(term, "1080000", CurrencyIsoCode="JPY", Legal_Entity__c="JP")
        | {"EffectiveDate": term.start, "EndDate": term.end, "PoNumber": "SB-00312"},
        lines=[
            _line("TEAM", "1", "480000"),
            _line("SEAT", "20", "24000"),
            _line("SUPPORT", "1", "120000"),
        ],
        contract_value="1080000.00",
    )


_BUILDERS = (
    _platform_with_credits,
    _opportunity_only,
    _enterprise_ramp,
    _wrong_total,
    _missing_value,
    _five_deliveries,
    _lost_push,
    _german_monthly,
    _unknown_product,
    _japanese_order,
)
