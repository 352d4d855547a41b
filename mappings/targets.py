"""Everything of an order that a record can fill: names, types, words for people, built-in value maps and defaults.

Exists so that adding a target is one row, and settings, reading and messages agree on it. It reads no record and no
settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from connector.domain.terms import BillingTiming, Cadence, ChargeType, DealType, PriceModel, ProvisionKind
from mappings.faults import REVOPS, SALES_REP
from mappings.numbers import NotANumber, NotExact, OutOfRange, exact_number
from mappings.text import cleaned
from mappings.tiers import UnreadableTiers, parse_tiers
from mappings.transforms import Output, Special

EMPTY = ""

Literal = Callable[[object], Any]


@dataclass(frozen=True, slots=True)
class Sort:
    """A type of target: the transform of a rule that names none (empty: only a value map), how literals are written."""

    outputs: tuple[Output, ...]
    transform: str
    literal: Literal
    written: str


@dataclass(frozen=True, slots=True)
class Target:
    """One thing a rule can fill. `words` name it in messages, `code` ends its fault codes, `known` is its value map.

    `default` is the typed value of an empty field, None when there is none. `is_key` text longer than `length` is
    refused, other text is cut.
    """

    name: str
    sort: Sort
    words: str
    code: str
    owner: str = SALES_REP
    is_required: bool = False
    default: Any = None
    known: Mapping[str, Any] = field(default_factory=dict)
    length: int = 255
    is_key: bool = False
    has_lines: bool = False
    least: int | None = None
    most: int | None = None


def normal_key(value: str) -> str:
    """A picklist value for comparing, without case, spaces, hyphens and underscores: `One-Time` equals `one_time`."""
    folded = cleaned(value).casefold()
    return folded.replace(" ", "").replace("-", "").replace("_", "") or folded


def _text_literal(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text in quotes")
    return cleaned(value)


def _number_literal(value: object) -> Decimal:
    try:
        return exact_number(value)
    except (NotANumber, NotExact, OutOfRange) as error:
        raise ValueError("a whole number, or a decimal number in quotes") from error


def _whole_literal(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**9:
        raise ValueError("a whole number")
    return value


def _months_literal(value: object) -> int | Special:
    if value == Special.UPFRONT.value:
        return Special.UPFRONT
    months = _whole_literal(value)
    if not 1 <= months <= 1200:
        raise ValueError("a number of months from 1, or upfront")
    return months


def _price_months_literal(value: object) -> int:
    months = _months_literal(value)
    if isinstance(months, Special):
        raise TypeError("a number of months from 1")
    return months


def _flag_literal(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false without quotes")
    return value


def _date_literal(value: object) -> date:
    if isinstance(value, str):
        return date.fromisoformat(value)
    # A TOML date-time arrives as datetime, which is a date too, but names an instant.
    if type(value) is not date:
        raise ValueError("a date such as 2026-01-31")
    return value


def _limit_literal(value: object) -> Decimal | Special:
    return Special.UNLIMITED if value == Special.UNLIMITED.value else _number_literal(value)


def _tiers_literal(value: object) -> Any:
    if not isinstance(value, str):
        raise TypeError("a JSON list of tiers in quotes")
    try:
        return parse_tiers(value)
    except UnreadableTiers as error:
        raise ValueError(str(error)) from error


def _choice(enum: type[StrEnum]) -> Sort:
    """A closed set of words: only a value map reads it; literals are the domain's own words."""

    def literal(value: object) -> Any:
        if not isinstance(value, str):
            raise TypeError("one of the words")
        return enum(value)

    return Sort((), "", literal, "one of " + ", ".join(member.value for member in enum))


TEXT = Sort((Output.TEXT,), "text", _text_literal, "text in quotes")
EMAIL = Sort((Output.TEXT,), "email", _text_literal, "a mail address in quotes")
ID = Sort((Output.TEXT,), "id18", _text_literal, "an id in quotes")
CURRENCY = Sort((Output.TEXT,), "currency", _text_literal, "a currency code in quotes")
DATE = Sort((Output.DATE,), "date", _date_literal, "a date such as 2026-01-31")
LAST_DAY = Sort((Output.DATE,), "date_inclusive_end", _date_literal, "a date, the first day without service")
NUMBER = Sort(
    (Output.NUMBER, Output.WHOLE), "decimal", _number_literal, "a whole number, or a decimal number in quotes"
)
PERCENT = Sort((Output.NUMBER, Output.WHOLE), "percent", _number_literal, "a percentage from 0 to 100")
WHOLE = Sort((Output.WHOLE,), "integer", _whole_literal, "a whole number")
DAYS = Sort((Output.WHOLE,), "net_days", _whole_literal, "a number of days")
FLAG = Sort((Output.FLAG,), "boolean", _flag_literal, "true or false without quotes")
TIERS = Sort((Output.TIERS,), "json_tiers", _tiers_literal, "a JSON list of tiers in quotes")
LIMIT = Sort(
    (Output.LIMIT, Output.NUMBER, Output.WHOLE), "unlimited_or_number", _limit_literal, 'a number, or "unlimited"'
)
BILLING_MONTHS = Sort((Output.WHOLE,), "", _months_literal, 'a number of months, or "upfront"')
PRICE_MONTHS = Sort((Output.WHOLE,), "", _price_months_literal, "a number of months")


def _words_of(enum: type[StrEnum], **more: Any) -> dict[str, Any]:
    return {member.value.replace("_", " ").title(): member for member in enum} | {
        name.replace("_", " "): value for name, value in more.items()
    }


# The spellings of standard Salesforce picklists; a customer's own values go into the rule's `values`.
BILLING_FREQUENCIES = {
    "Monthly": 1, "Quarterly": 3, "Semiannual": 6, "Annual": 12, "Yearly": 12, "Upfront": Special.UPFRONT,
}  # fmt: skip
PRICE_PERIODS = {
    "Month": 1, "Quarter": 3, "Half-Year": 6, "Year": 12, "Monthly": 1, "Quarterly": 3, "Semiannual": 6, "Annual": 12,
}  # fmt: skip
TIMINGS = {
    "In Advance": BillingTiming.IN_ADVANCE, "In Arrears": BillingTiming.IN_ARREARS,
    "Advance": BillingTiming.IN_ADVANCE, "Arrears": BillingTiming.IN_ARREARS,
}  # fmt: skip
CADENCES = {"Month": Cadence.MONTH, "Year": Cadence.YEAR, "Monthly": Cadence.MONTH, "Yearly": Cadence.YEAR,
            "Annual": Cadence.YEAR}  # fmt: skip
PROVISION_TYPES = {
    "Plan": ProvisionKind.PLAN, "Add-on": ProvisionKind.ADD_ON, "Entitlement": ProvisionKind.ENTITLEMENT,
    "Credit entitlement": ProvisionKind.CREDIT, "Credit": ProvisionKind.CREDIT,
    "None": ProvisionKind.NOTHING, "Nothing": ProvisionKind.NOTHING,
}  # fmt: skip


def _table(*targets: Target) -> Mapping[str, Target]:
    return {target.name: target for target in targets}


HEADER: Mapping[str, Target] = _table(
    Target("customer.ref", ID, "customer", "CUSTOMER", is_required=True),
    Target("customer.name", TEXT, "customer name", "CUSTOMER_NAME", is_required=True),
    Target("customer.email", EMAIL, "billing mail address", "EMAIL", length=254),
    Target("customer.tax_id", TEXT, "tax number", "TAX_ID", length=40, is_key=True),
    Target("customer.billing_address.street", TEXT, "street", "STREET", has_lines=True),
    Target("customer.billing_address.city", TEXT, "city", "CITY", length=80),
    Target("customer.billing_address.state", TEXT, "state", "STATE", length=80),
    Target("customer.billing_address.postal_code", TEXT, "postal code", "POSTAL_CODE", length=40),
    Target("customer.billing_address.country", TEXT, "country", "COUNTRY", length=80),
    Target("name", TEXT, "name", "NAME", is_required=True),
    Target("currency", CURRENCY, "currency", "CURRENCY", is_required=True),
    Target("starts_on", DATE, "start date", "START_DATE"),
    Target("ends_on", LAST_DAY, "end date", "END_DATE"),
    Target("term_months", WHOLE, "term in months", "TERM", least=1, most=12_000),
    Target("billing_period_months", BILLING_MONTHS, "billing frequency", "BILLING_FREQUENCY", known=BILLING_FREQUENCIES,
           least=1, most=1200),
    Target("billing_timing", _choice(BillingTiming), "billing timing", "BILLING_TIMING", known=TIMINGS,
           default=BillingTiming.IN_ADVANCE),
    Target("payment_terms_days", DAYS, "payment terms", "PAYMENT_TERMS", is_required=True, least=0, most=3660),
    Target("po_number", TEXT, "PO number", "PO_NUMBER", length=80, is_key=True),
    Target("deal_type", _choice(DealType), "deal type", "DEAL_TYPE", is_required=True, known=_words_of(DealType)),
    Target("legal_entity", TEXT, "legal entity", "LEGAL_ENTITY", is_required=True, length=40, is_key=True),
    Target("signed_total", NUMBER, "total contract value", "SIGNED_TOTAL"),
    Target("amends_ref", ID, "id of the amended record", "AMENDED_RECORD"),
    Target("cancel_from", DATE, "first day without service", "CANCEL_DATE"),
    Target("is_unused_credited", FLAG, "credit for unused days", "UNUSED_CREDIT", default=False),
    Target("signed_on", DATE, "date of signature", "SIGNATURE_DATE"),
)  # fmt: skip

LINE: Mapping[str, Target] = _table(
    Target("product_code", TEXT, "product code", "PRODUCT_CODE", owner=REVOPS, is_required=True, is_key=True),
    Target("product_name", TEXT, "product name", "PRODUCT_NAME", owner=REVOPS, is_required=True),
    Target("description", TEXT, "description", "DESCRIPTION", length=1000, has_lines=True),
    Target("position", WHOLE, "line number", "POSITION", most=10**9),
    Target("currency", CURRENCY, "currency", "CURRENCY"),
    Target("quantity", NUMBER, "quantity", "QUANTITY", is_required=True),
    Target("prior_quantity", NUMBER, "quantity before the change", "PRIOR_QUANTITY"),
    Target("unit_price", NUMBER, "unit price", "PRICE"),
    Target("unit_price_exact", NUMBER, "exact unit price", "EXACT_PRICE"),
    Target("line_total", NUMBER, "total of the line", "LINE_TOTAL"),
    Target("discount_percent", PERCENT, "discount", "DISCOUNT", default=Decimal(0)),
    Target("discount_amount", NUMBER, "discount amount", "DISCOUNT_AMOUNT", default=Decimal(0)),
    Target("charge_type", _choice(ChargeType), "charge type", "CHARGE_TYPE", known=_words_of(ChargeType),
           default=ChargeType.RECURRING),
    Target("price_model", _choice(PriceModel), "price model", "PRICE_MODEL", known=_words_of(PriceModel),
           default=PriceModel.PER_UNIT),
    Target("price_period_months", PRICE_MONTHS, "price period", "PRICE_PERIOD", known=PRICE_PERIODS, default=12,
           least=1, most=1200),
    Target("minimum_period_months", WHOLE, "period of the minimum amount", "MINIMUM_PERIOD", least=1, most=1200),
    Target("tiers", TIERS, "price tiers", "PRICE_TIERS", default=()),
    Target("package_size", NUMBER, "package size", "PACKAGE_SIZE"),
    Target("included_units", NUMBER, "included units", "INCLUDED_UNITS", default=Decimal(0)),
    Target("minimum_amount", NUMBER, "minimum amount", "MINIMUM_AMOUNT", default=Decimal(0)),
    Target("starts_on", DATE, "start date of the line", "START_DATE"),
    Target("ends_on", LAST_DAY, "end date of the line", "END_DATE"),
    Target("billing_period_months", BILLING_MONTHS, "billing frequency", "BILLING_FREQUENCY", known=BILLING_FREQUENCIES,
           least=1, most=1200),
    Target("billing_timing", _choice(BillingTiming), "billing timing", "BILLING_TIMING", known=TIMINGS),
    Target("free_months", WHOLE, "free months", "FREE_MONTHS", default=0, least=0, most=1200),
    Target("is_separate_invoice", FLAG, "separate invoice", "SEPARATE_INVOICE", default=False),
    Target("ramp_key", TEXT, "ramp key", "RAMP_KEY", length=80, is_key=True),
    Target("ramp_step", WHOLE, "ramp step", "RAMP_STEP", least=1, most=10_000),
    Target("provision_type", _choice(ProvisionKind), "product type", "PRODUCT_TYPE", owner=REVOPS,
           known=PROVISION_TYPES),
    Target("provision_ref", TEXT, "platform id of the product", "PRODUCT_ID", owner=REVOPS, is_key=True),
    Target("provision_value", LIMIT, "entitlement value", "ENTITLEMENT_VALUE"),
    Target("credit_cadence", _choice(Cadence), "credit cadence", "CREDIT_CADENCE", known=CADENCES),
    Target("credit_rollover", FLAG, "rollover of credits", "CREDIT_ROLLOVER", default=False),
    Target("legal_entity", TEXT, "legal entity", "LEGAL_ENTITY", length=40, is_key=True),
    Target("payer_ref", ID, "id of the paying account", "PAYER"),
    Target("payment_terms_days", DAYS, "payment terms", "PAYMENT_TERMS", least=0, most=3660),
    Target("tax_code", TEXT, "tax code", "TAX_CODE", owner=REVOPS, length=80, is_key=True),
    Target("discount_periods", WHOLE, "billing periods with discount", "DISCOUNT_PERIODS", least=0, most=1200),
    Target("alignment_day", WHOLE, "billing day of the month", "ALIGNMENT_DAY", least=1, most=31),
    Target("percent_of_ref", ID, "line that the percentage counts on", "PERCENT_OF"),
    Target("prepaid_amount", NUMBER, "prepaid amount", "PREPAID_AMOUNT", default=Decimal(0)),
)  # fmt: skip

# Read beside the targets above, never by a rule of the settings.
IS_PERSON = Target("is_person_account", FLAG, "kind of account", "ACCOUNT_KIND", owner=REVOPS)
SKIPPED = Target("skip_lines", FLAG, "mark of lines that are not bought", "SKIP_MARK", owner=REVOPS)
UNFINISHED = Target("wait_while", FLAG, "mark of an unfinished record", "WAIT_MARK", owner=REVOPS)
LINE_ID = Target("ref", ID, "id", "LINE_ID", owner=REVOPS, is_required=True)
