"""The mapping language: what a RevOps engineer may write in the `[mapping]` section, checked completely before use.

    [mapping]                 time_zone, person_accounts
    [mapping.defaults.header] rules that all objects share        [mapping.defaults.line]
    [mapping.objects.Quote]   lines, parent, order_by, also_read, shared, skip_lines, wait_while; own .header and .line
    [mapping.catalogue]       where products say what they are    [mapping.products.CODE]  or the table says it

A rule is a field path in quotes, or a table: path, or, values, transform, default, constant, required, may_be_absent.
There are no expressions: what cannot be said here is a wish for a new transform. This module reads no record.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StrictBool, StrictStr, ValidationInfo, field_validator

from mappings.rules import FieldPath, Literal, ObjectName, Rule, RuleTable, Table, is_literal, literal_of
from mappings.targets import HEADER, LINE


def zone_of(name: str) -> tzinfo:
    """The time zone of that name; UTC needs no time zone database on the machine."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _checked_zone(name: str) -> str:
    try:
        zone_of(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError("is no time zone such as UTC or Europe/Berlin") from error
    return name


class AddressRules(RuleTable):
    """`customer.billing_address.*`"""

    targets = HEADER
    prefix = "customer.billing_address."
    street: Rule | None = None
    city: Rule | None = None
    state: Rule | None = None
    postal_code: Rule | None = None
    country: Rule | None = None


class CustomerRules(RuleTable):
    """`customer.*`"""

    targets = HEADER
    prefix = "customer."
    ref: Rule | None = None
    name: Rule | None = None
    email: Rule | None = None
    tax_id: Rule | None = None
    billing_address: AddressRules = AddressRules()


class HeaderRules(RuleTable):
    """The targets of an order itself."""

    targets = HEADER
    customer: CustomerRules = CustomerRules()
    name: Rule | None = None
    currency: Rule | None = None
    starts_on: Rule | None = None
    ends_on: Rule | None = None
    term_months: Rule | None = None
    billing_period_months: Rule | None = None
    billing_timing: Rule | None = None
    payment_terms_days: Rule | None = None
    po_number: Rule | None = None
    deal_type: Rule | None = None
    legal_entity: Rule | None = None
    signed_total: Rule | None = None
    amends_ref: Rule | None = None
    cancel_from: Rule | None = None
    is_unused_credited: Rule | None = None
    signed_on: Rule | None = None


class LineRules(RuleTable):
    """The targets of a line item."""

    targets = LINE
    product_code: Rule | None = None
    product_name: Rule | None = None
    description: Rule | None = None
    position: Rule | None = None
    currency: Rule | None = None
    quantity: Rule | None = None
    prior_quantity: Rule | None = None
    unit_price: Rule | None = None
    unit_price_exact: Rule | None = None
    line_total: Rule | None = None
    discount_percent: Rule | None = None
    discount_amount: Rule | None = None
    charge_type: Rule | None = None
    price_model: Rule | None = None
    price_period_months: Rule | None = None
    tiers: Rule | None = None
    package_size: Rule | None = None
    included_units: Rule | None = None
    minimum_amount: Rule | None = None
    starts_on: Rule | None = None
    ends_on: Rule | None = None
    billing_period_months: Rule | None = None
    billing_timing: Rule | None = None
    free_months: Rule | None = None
    is_separate_invoice: Rule | None = None
    ramp_key: Rule | None = None
    ramp_step: Rule | None = None
    provision_type: Rule | None = None
    provision_ref: Rule | None = None
    provision_value: Rule | None = None
    credit_cadence: Rule | None = None
    credit_rollover: Rule | None = None
    legal_entity: Rule | None = None
    payer_ref: Rule | None = None
    payment_terms_days: Rule | None = None
    tax_code: Rule | None = None
    discount_periods: Rule | None = None
    alignment_day: Rule | None = None
    percent_of_ref: Rule | None = None
    prepaid_amount: Rule | None = None
    minimum_period_months: Rule | None = None


class SharedRules(Table):
    """`[mapping.defaults]`"""

    header: HeaderRules = HeaderRules()
    line: LineRules = LineRules()


class Product(Table):
    """`[mapping.products.CODE]`: what a product is, for orgs whose products do not say it themselves.

    `kind` and `ref` say what it gives; the other keys are targets of a line, used when the line's own field is empty.
    """

    kind: Literal | None = None
    ref: StrictStr | None = None
    charge_type: Literal | None = None
    price_model: Literal | None = None
    price_period_months: Literal | None = None
    tiers: Literal | None = None
    package_size: Literal | None = None
    included_units: Literal | None = None
    minimum_amount: Literal | None = None
    billing_period_months: Literal | None = None
    billing_timing: Literal | None = None
    free_months: Literal | None = None
    is_separate_invoice: Literal | None = None
    provision_value: Literal | None = None
    credit_cadence: Literal | None = None
    credit_rollover: Literal | None = None
    tax_code: Literal | None = None

    @field_validator("*", mode="after")
    @classmethod
    def _fits_its_target(cls, value: Any, info: ValidationInfo) -> Any:
        target = LINE[target_of_product_key(info.field_name or "")]
        if value is not None and not is_literal(target, value):
            raise ValueError(f"is {value!r}; it must be {target.sort.written}")
        return value

    def literals(self) -> dict[str, Any]:
        """The typed values by the line target's name."""
        given = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {
            target_of_product_key(name): literal_of(LINE[target_of_product_key(name)], value)
            for name, value in given
            if value is not None
        }


def target_of_product_key(key: str) -> str:
    """The line target that a key of `[mapping.products.CODE]` fills."""
    return {"kind": "provision_type", "ref": "provision_ref"}.get(key, key)


class Catalogue(Table):
    """`[mapping.catalogue]`: the fields in which products say what they are; `fields` are rules for any line target."""

    type_field: FieldPath | None = None
    id_field: FieldPath | None = None
    types: dict[StrictStr, Literal] | None = None
    fields: LineRules = LineRules()

    @field_validator("types", mode="after")
    @classmethod
    def _are_kinds(cls, types: dict[str, Any] | None) -> dict[str, Any] | None:
        faults = Rule(path="x", values=types).faults_for(LINE["provision_type"]) if types is not None else []
        if faults:
            raise ValueError("; ".join(faults))
        return types

    def rules(self) -> dict[str, Rule]:
        """The rules that read a product's own fields, by line target."""
        found = self.fields.rules()
        if self.type_field:
            found["provision_type"] = Rule(path=self.type_field, values=self.types)
        if self.id_field:
            found["provision_ref"] = Rule(path=self.id_field)
        return found


class ObjectMapping(Table):
    """`[mapping.objects.NAME]`: one kind of signed record.

    Quote, Opportunity, Order and SBQQ__Quote__c need no lines, parent and order_by: theirs are built in. `shared` false
    leaves out [mapping.defaults] and [mapping.catalogue]. A line with one of the checkboxes `skip_lines` is not bought;
    a record with one of `wait_while` is not finished and is read again later.
    """

    lines: ObjectName | None = None
    parent: FieldPath | None = None
    order_by: tuple[FieldPath, ...] | None = None
    also_read: tuple[FieldPath, ...] = ()
    shared: StrictBool = True
    skip_lines: tuple[FieldPath, ...] | None = None
    wait_while: tuple[FieldPath, ...] | None = None
    header: HeaderRules = HeaderRules()
    line: LineRules = LineRules()


class MappingConfig(Table):
    """The `[mapping]` section."""

    time_zone: Annotated[StrictStr, AfterValidator(_checked_zone)] = "UTC"
    person_accounts: StrictBool = False
    defaults: SharedRules = SharedRules()
    catalogue: Catalogue = Catalogue()
    products: dict[StrictStr, Product] = Field(default_factory=dict)
    objects: dict[ObjectName, ObjectMapping] = Field(min_length=1)
