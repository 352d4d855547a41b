"""Is this order sellable as it stands? Every commercial fault of one order at once, in words for who mends it.

Exists so that a sales rep corrects a deal once, not five times. Decides from the order alone: what depends on the
contract it changes is found in `contract_rules`, what depends on the platform's catalogue in `entitlements`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from connector.domain.money import CurrencyError, currency_places
from connector.domain.periods import add_months
from connector.domain.pricing import price, tier_faults
from connector.domain.terms import ChargeType, DealType, LineItem, Order, PriceModel, ProvisionKind
from connector.errors import Fault

_TIER_MODELS = (PriceModel.TIERED, PriceModel.VOLUME, PriceModel.STAIRSTEP)
_GRANTED = (ProvisionKind.ENTITLEMENT, ProvisionKind.CREDIT)
_NUMBERS = (
    "quantity",
    "prior_quantity",
    "unit_price",
    "discount_percent",
    "discount_amount",
    "package_size",
    "included_units",
    "minimum_amount",
    "prepaid_amount",
)
_REP, _REVOPS, _FINANCE = "sales rep", "RevOps", "finance"


def check_order(*, order: Order) -> tuple[Fault, ...]:
    """All commercial faults of the order, header first, then line by line; empty when it can be billed."""
    faults = [*_header_faults(order), *_deal_faults(order)]
    for item in order.line_items:
        faults.extend(_line_faults(item, order))
    faults.extend(_across_lines(order))
    record = order.source.record_id
    return tuple(Fault(f.code, f.message, f.fix, f.owner, record, f.field, f.value, f.line) for f in faults)


def _header_faults(order: Order) -> Iterator[Fault]:
    try:
        currency_places(order.currency)
    except CurrencyError:
        message = f"The currency {order.currency!r} is not an ISO 4217 code."
        yield _fault(
            "UNKNOWN_CURRENCY", message, "Enter a three-letter code such as EUR.", _REP, "currency", order.currency
        )
    if order.payment_terms_days < 0:
        message = f"The payment terms are {order.payment_terms_days} days."
        value = str(order.payment_terms_days)
        yield _fault(
            "PAYMENT_TERMS", message, "Choose payment terms of 0 days or more.", _REP, "payment_terms_days", value
        )
    if not order.legal_entity:
        message = "The order names no selling company."
        yield _fault(
            "LEGAL_ENTITY_MISSING", message, "Choose the legal entity that invoices.", _FINANCE, "legal_entity"
        )
    if order.signed_total is not None and not order.signed_total.is_finite():
        value = str(order.signed_total)
        yield _fault("NOT_A_NUMBER", "The signed total is no number.", "Enter a number.", _REP, "signed_total", value)
    if order.deal_type is DealType.CANCELLATION:
        return
    if order.ends_on <= order.starts_on:
        message = (
            f"The term ends on {order.ends_on} (first day without service), not after its start {order.starts_on}."
        )
        yield _fault("END_BEFORE_START", message, "Correct the start or the end.", _REP, "ends_on", str(order.ends_on))
    elif order.term_months is not None and add_months(order.starts_on, months=order.term_months) != order.ends_on:
        by_term = add_months(order.starts_on, months=order.term_months)
        months = order.term_months
        message = f"{months} months from {order.starts_on} are over on {by_term}, but the end says {order.ends_on}."
        yield _fault(
            "TERM_MISMATCH", message, "Correct the term or the end.", _REP, "term_months", str(order.term_months)
        )


def _deal_faults(order: Order) -> Iterator[Fault]:
    is_cancellation = order.deal_type is DealType.CANCELLATION
    if order.deal_type is DealType.NEW and order.amends_ref:
        message = f"The deal is New, yet it names record {order.amends_ref} as the contract it changes."
        fix = "Set the deal type to Upsell, Amendment or Renewal, or empty the reference."
        yield _fault("SECOND_INITIAL_ORDER", message, fix, _REP, "amends_ref", order.amends_ref)
    if order.deal_type is not DealType.NEW and not order.amends_ref:
        message = f"The deal is {_word(order)}, but names no signed record whose contract it changes."
        yield _fault("AMENDED_RECORD_MISSING", message, "Enter the id of the signed record.", _REP, "amends_ref")
    if is_cancellation and order.cancel_from is None:
        message = "The cancellation names no first day without service."
        yield _fault("CANCEL_DATE_MISSING", message, "Enter the first day without service.", _REP, "cancel_from")
    if is_cancellation and order.line_items:
        message = f"The cancellation has {len(order.line_items)} lines; it ends the whole contract and sells nothing."
        fix = "Remove the lines, or sign a downsell or an amendment instead."
        yield _fault("CANCELLATION_WITH_LINES", message, fix, _REP, "line_items", str(len(order.line_items)))
    if not is_cancellation and not order.line_items:
        yield _fault("NO_LINES", "The order has no line.", "Add what was sold.", _REP, "line_items")


def _line_faults(item: LineItem, order: Order) -> Iterator[Fault]:
    broken = _not_numbers(item)
    if broken:
        yield from broken
        return
    faults = [
        *_date_faults(item, order),
        *_quantity_faults(item, order),
        *_discount_faults(item),
        *_price_faults(item, order),
        *_usage_faults(item),
    ]
    # Only a line that can be priced can be compared with its amount off.
    yield from faults or _amount_off_faults(item)


def _not_numbers(item: LineItem) -> list[Fault]:
    named = [(name, getattr(item, name)) for name in _NUMBERS]
    named += [("tiers", number) for tier in item.tiers for number in (tier.up_to, tier.unit_price, tier.flat_price)]
    named += [("milestones", milestone.weight) for milestone in item.milestones]
    named.append(("provision", item.provision.value))
    return [
        _line_fault("NOT_A_NUMBER", item, f"{name} is no number", "Enter a number.", _REP, name, str(value))
        for name, value in named
        if value is not None and not value.is_finite()
    ]


def _date_faults(item: LineItem, order: Order) -> Iterator[Fault]:
    if item.ends_on <= item.starts_on:
        if (item.starts_on, item.ends_on) == (order.starts_on, order.ends_on):
            return  # The header says it once for all lines that follow it.
        what = f"it ends on {item.ends_on} (first day without service), not after its start {item.starts_on}"
        yield _line_fault(
            "END_BEFORE_START", item, what, "Correct the line's dates.", _REP, "ends_on", str(item.ends_on)
        )
        return
    if item.free_months < 0 or add_months(item.starts_on, months=max(0, item.free_months)) > item.ends_on:
        what = f"{item.free_months} months without charge do not fit between {item.starts_on} and {item.ends_on}"
        fix = "Enter fewer free months, or a later end."
        yield _line_fault("FREE_MONTHS", item, what, fix, _REP, "free_months", str(item.free_months))
    if item.alignment_day is not None and not 1 <= item.alignment_day <= 31:
        what = f"its billing day {item.alignment_day} is no day of a month"
        value = str(item.alignment_day)
        yield _line_fault("ALIGNMENT_DAY", item, what, "Enter a day from 1 to 31.", _FINANCE, "alignment_day", value)
    for name in ("price_period_months", "billing_period_months", "minimum_period_months", "discount_periods"):
        months = getattr(item, name)
        if months is not None and months < 1:
            what = f"the {name.replace('_', ' ')} is {months}"
            yield _line_fault("PERIOD", item, what, "Choose 1 or more.", _REP, name, str(months))


def _quantity_faults(item: LineItem, order: Order) -> Iterator[Fault]:
    for name, value in (("quantity", item.quantity), ("prior_quantity", item.prior_quantity)):
        if value is not None and value < 0:
            what = f"the {name.replace('_', ' ')} is {value}"
            fix = "Enter 0 or more; use a downsell or a cancellation to lower what was sold."
            yield _line_fault("NEGATIVE_QUANTITY", item, what, fix, _REP, name, str(value))
    if order.deal_type is DealType.DOWNSELL and item.prior_quantity is None and not item.is_total_priced:
        what = "a downsell must say the quantity before the change"
        yield _line_fault("PRIOR_QUANTITY_MISSING", item, what, "Enter the prior quantity.", _REP, "prior_quantity")
    granted = item.quantity if item.provision.value is None else item.provision.value
    is_counted = item.provision.kind in _GRANTED and not item.provision.is_unlimited
    if is_counted and granted != granted.to_integral_value():
        what = f"it grants {granted}, which is no whole number"
        fix = "Enter a whole number as quantity or entitlement value."
        yield _line_fault("FRACTIONAL_ENTITLEMENT", item, what, fix, _REP, "quantity", str(granted))


def _discount_faults(item: LineItem) -> Iterator[Fault]:
    percent, off = item.discount_percent, item.discount_amount
    if percent > 100:
        what = f"the discount of {percent} % is above 100 %"
        yield _line_fault("DISCOUNT_ABOVE_100", item, what, "Enter 0 to 100 %.", _REP, "discount_percent", str(percent))
    if percent < 0:
        what = f"the discount of {percent} % would raise the price"
        fix = "Enter 0 to 100 %, or a higher price."
        yield _line_fault("NEGATIVE_DISCOUNT", item, what, fix, _REP, "discount_percent", str(percent))
    if off < 0:
        what = f"the discount amount {off} would raise the price"
        fix = "Enter 0 or more, or a higher price."
        yield _line_fault("NEGATIVE_DISCOUNT", item, what, fix, _REP, "discount_amount", str(off))


def _amount_off_faults(item: LineItem) -> Iterator[Fault]:
    """An amount off that is more than what a full billing period costs would make a charge negative."""
    if (
        not item.discount_amount
        or item.is_total_priced
        or item.charge_type is ChargeType.USAGE
        or item.price_model is PriceModel.PERCENT_OF
    ):
        return
    amount = abs(
        price(item=item, quantity=item.quantity) - price(item=item, quantity=item.prior_quantity or Decimal(0))
    )
    if item.charge_type is ChargeType.RECURRING:
        months = item.billing_period_months or _months(item)
        amount = amount * months / item.price_period_months
    amount = amount * (100 - item.discount_percent) / 100
    if item.discount_amount > amount:
        off = str(item.discount_amount)
        what = f"the discount amount {off} is above the price of a billing period, {amount.normalize():f}"
        fix = "Enter a smaller amount; it is off each full billing period."
        yield _line_fault("DISCOUNT_ABOVE_PRICE", item, what, fix, _REP, "discount_amount", off)


def _months(item: LineItem) -> int:
    """The months that the line touches, the broken last one included."""
    return (item.ends_on.year - item.starts_on.year) * 12 + item.ends_on.month - item.starts_on.month + 1


def _price_faults(item: LineItem, order: Order) -> Iterator[Fault]:
    if item.price_model in _TIER_MODELS:
        where = _where(item)
        for fault in tier_faults(tiers=item.tiers, line=item.ref):
            message = f"{where}: {fault.message}"
            yield Fault(
                fault.code, message, fault.fix, fault.owner, field=fault.field, value=fault.value, line=fault.line
            )
    if item.price_model is PriceModel.STAIRSTEP and _has_only_unit_prices(item):
        what = "a stairstep price is a fee per tier, but the tiers only have a unit price"
        fix = "Enter flat_price in the tiers, or choose Volume or Tiered."
        yield _line_fault("TIERS_WITHOUT_FLAT_PRICE", item, what, fix, _REVOPS, "tiers")
    if item.price_model is PriceModel.PACKAGE and (item.package_size is None or item.package_size <= 0):
        size = "" if item.package_size is None else str(item.package_size)
        what = f"it is priced by package and the package size is {size or 'empty'}"
        fix = "Enter how many units a package has."
        yield _line_fault("PACKAGE_SIZE_MISSING", item, what, fix, _REVOPS, "package_size", size)
    if item.price_model is PriceModel.PERCENT_OF:
        yield from _percent_faults(item, order)
    yield from _milestone_faults(item)


def _milestone_faults(item: LineItem) -> Iterator[Fault]:
    if any(milestone.weight <= 0 for milestone in item.milestones):
        what = "a milestone has no share of the price"
        yield _line_fault("MILESTONE", item, what, "Give each milestone a share above 0.", _REP, "milestones")
    days = [milestone.due_on for milestone in item.milestones]
    for twice in sorted({one for one in days if days.count(one) > 1}):
        what = f"it has two milestones on {twice}"
        yield _line_fault("MILESTONE", item, what, "Put them on one row.", _REP, "milestones", str(twice))


def _percent_faults(item: LineItem, order: Order) -> Iterator[Fault]:
    other = next((line for line in order.line_items if line.ref == item.percent_of_ref), None)
    if other is None or other is item:
        what = f"it is a percentage of line {item.percent_of_ref or '(none)'}, which is not on this order"
        fix = "Name another line of the same order."
        yield _line_fault("PERCENT_OF_MISSING", item, what, fix, _REVOPS, "percent_of_ref", item.percent_of_ref)
    elif other.price_model is PriceModel.PERCENT_OF:
        what = f"it is a percentage of line {item.percent_of_ref}, which is a percentage itself"
        fix = "Name a line that has its own price."
        yield _line_fault("PERCENT_OF_PERCENT", item, what, fix, _REVOPS, "percent_of_ref", item.percent_of_ref)


def _usage_faults(item: LineItem) -> Iterator[Fault]:
    for name in ("included_units", "minimum_amount", "prepaid_amount"):
        value: Decimal = getattr(item, name)
        label = name.replace("_", " ")
        if value < 0:
            what = f"the {label} is {value}"
            yield _line_fault("NEGATIVE_USAGE_TERM", item, what, "Enter 0 or more.", _REP, name, str(value))
        elif value and item.charge_type is not ChargeType.USAGE:
            what = f"the {label} ({value}) only counts for usage, and this line is not billed by usage"
            fix = "Set the charge type to Usage, or empty the field."
            yield _line_fault("USAGE_TERM_WITHOUT_USAGE", item, what, fix, _REP, name, str(value))


def _across_lines(order: Order) -> Iterator[Fault]:
    seen: dict[str, LineItem] = {}
    for item in order.line_items:
        name = item.ref or str(item.position)
        if name in seen:
            what = f"its id {name} is on line {seen[name].position} as well"
            yield _line_fault("DUPLICATE_LINE", item, what, "Resync the record.", _REVOPS, "ref", name)
        seen[name] = item
    yield from _plan_faults(order)
    yield from _ramp_faults(order)


def _plan_faults(order: Order) -> Iterator[Fault]:
    plans = [item for item in order.line_items if _is_plan(item)]
    for index, item in enumerate(plans):
        for other in plans[:index]:
            if other.provision.ref == item.provision.ref and _overlap(other, item):
                what = f"it sells the plan {item.provision.ref} a second time beside line {other.position}"
                fix = "Keep one of the two lines."
                yield _line_fault("TWO_PLANS_OF_ONE_PRODUCT", item, what, fix, _REP, "provision", item.provision.ref)


def _ramp_faults(order: Order) -> Iterator[Fault]:
    ramps: dict[tuple[str, str], list[LineItem]] = {}
    for item in order.line_items:
        if item.ramp_key:
            ramps.setdefault((item.ramp_key, item.product_code), []).append(item)
    for steps in ramps.values():
        steps.sort(key=lambda item: (item.ramp_step or 0, item.starts_on))
        for before, after in pairwise(steps):
            if after.starts_on < before.ends_on:
                what = (
                    f"ramp step {after.ramp_step} starts on {after.starts_on}, before step {before.ramp_step} is over"
                )
                fix = f"Start it on {before.ends_on}, or correct the numbers of the steps."
                yield _line_fault("RAMP_OVERLAP", after, what, fix, _REP, "starts_on", str(after.starts_on))


def _has_only_unit_prices(item: LineItem) -> bool:
    return any(tier.unit_price for tier in item.tiers) and not any(tier.flat_price for tier in item.tiers)


def _is_plan(item: LineItem) -> bool:
    return item.provision.kind is ProvisionKind.PLAN and item.charge_type is ChargeType.RECURRING


def _overlap(one: LineItem, other: LineItem) -> bool:
    return one.starts_on < other.ends_on and other.starts_on < one.ends_on


def _word(order: Order) -> str:
    return order.deal_type.value.capitalize()


def _where(item: LineItem) -> str:
    return f"Line {item.position}, {item.product_name}"


def _line_fault(code: str, item: LineItem, what: str, fix: str, owner: str, field: str, value: str = "") -> Fault:
    message = f"{_where(item)}: {what}."
    return Fault(code=code, message=message, fix=fix, owner=owner, line=item.ref, field=field, value=value)


def _fault(code: str, message: str, fix: str, owner: str, field: str, value: str = "") -> Fault:
    return Fault(code=code, message=message, fix=fix, owner=owner, field=field, value=value)
