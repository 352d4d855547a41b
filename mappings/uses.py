"""What the settings take for granted about the org: fields with what can be read from them, signed values, products.

Exists so that a mapping can be held against the org's description before the first deal. It compares nothing itself and
must not call anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from connector.domain.assumptions import CatalogueUse, FieldUse, SignedUse, StatusField
from connector.domain.status import PaymentWord, StatusWord
from connector.domain.terms import ProvisionKind
from mappings.config import MappingConfig
from mappings.plans import ObjectPlan, Reading, plan_object
from mappings.reading import can_read, read_word
from mappings.signed import SignedRule
from mappings.transforms import TRANSFORMS, Output

_NEVER = frozenset({"address", "location", "base64", "complexvalue", "json"})
_NUMBERS = frozenset({"double", "currency", "percent", "int", "long"})
_MOMENTS = frozenset({"date", "datetime", "time"})
_FLAGS = frozenset({"boolean"})
_IDS = frozenset({"reference", "id"})
# Types of Salesforce fields whose values no transform of that output can read.
_UNFIT: dict[Output, frozenset[str]] = {
    Output.TEXT: _FLAGS,
    Output.DATE: _FLAGS | _NUMBERS | _IDS,
    Output.NUMBER: _FLAGS | _MOMENTS | _IDS,
    Output.WHOLE: _FLAGS | _MOMENTS | _IDS,
    Output.FLAG: _NUMBERS | _MOMENTS | _IDS,
    Output.TIERS: _FLAGS | _NUMBERS | _MOMENTS | _IDS,
    Output.LIMIT: _FLAGS | _MOMENTS | _IDS,
}
_DAYS = frozenset({"date"})
_TEXT, _LONG_TEXT = frozenset({"string", "textarea", "url"}), frozenset({"string", "textarea"})
_STATUS_FORMS: dict[str, tuple[frozenset[str], int, tuple[str, ...]]] = {
    "Status": (frozenset({"picklist", "string"}), 20, tuple(word.value for word in StatusWord)),
    "Step": (_LONG_TEXT, 40, ()),
    "Steps": (_LONG_TEXT, 255, ()),
    "Error_Code": (_LONG_TEXT, 80, ()),
    "Error": (_LONG_TEXT, 4000, ()),
    "Attempts": (_NUMBERS, 0, ()),
    "Key": (_LONG_TEXT, 40, ()),
    "Order_Number": (_LONG_TEXT, 40, ()),
    "Contract_Number": (_LONG_TEXT, 40, ()),
    "Contract_Value": (_NUMBERS, 0, ()),
    "Link": (_TEXT, 200, ()),
    "Last_Attempt": (frozenset({"datetime"}), 0, ()),
    "Last_Success": (frozenset({"datetime"}), 0, ()),
    "Source_Hash": (_LONG_TEXT, 64, ()),
    "Payment_State": (frozenset({"picklist", "string"}), 20, tuple(word.value for word in PaymentWord)),
    "Open_Balance": (_NUMBERS, 0, ()),
    "Overdue_Balance": (_NUMBERS, 0, ()),
    "Last_Payment_On": (_DAYS, 0, ()),
    "Next_Invoice_On": (_DAYS, 0, ()),
    "Next_Invoice_Amount": (_NUMBERS, 0, ()),
    "Last_Invoice": (_LONG_TEXT, 80, ()),
    "Usage": (_LONG_TEXT, 255, ()),
}
_WORD = frozenset({"picklist", "string"})
# The fields of a row of our own objects.
LOG_FORMS = (
    StatusField("Key__c", _LONG_TEXT, 40),
    StatusField("Record_Id__c", _LONG_TEXT, 18),
    StatusField("Object__c", _LONG_TEXT, 40),
    StatusField("Account__c", _IDS),
    StatusField("Opportunity__c", _IDS),
    StatusField("Status__c", _WORD, 20, tuple(word.value for word in StatusWord)),
    StatusField("Error_Code__c", _LONG_TEXT, 80),
    StatusField("Error__c", _LONG_TEXT, 4000),
    StatusField("Owner__c", _LONG_TEXT, 80),
    StatusField("Order_Number__c", _LONG_TEXT, 40),
    StatusField("At__c", frozenset({"datetime"})),
    StatusField("Run__c", _LONG_TEXT, 120),
)
INVOICE_FORMS = (
    StatusField("Name", _LONG_TEXT, 40),
    StatusField("Key__c", _LONG_TEXT, 40),
    StatusField("Account__c", _IDS),
    StatusField("Kind__c", _LONG_TEXT, 20),
    StatusField("State__c", _LONG_TEXT, 20),
    StatusField("Issued_On__c", _DAYS),
    StatusField("Due_On__c", _DAYS),
    StatusField("Total__c", _NUMBERS),
    StatusField("Open__c", _NUMBERS),
    StatusField("Currency__c", _LONG_TEXT, 3),
    StatusField("Contract_Number__c", _LONG_TEXT, 40),
    StatusField("Link__c", _TEXT, 200),
)


def field_uses(config: MappingConfig) -> tuple[FieldUse, ...]:
    """How each field of each configured object and its lines is read. The settings must be free of faults."""
    found: list[FieldUse] = []
    for name in config.objects:
        plan = plan_object(config, name)
        found += _uses(plan.object, plan.header.values())
        if plan.line_object:
            found += _uses(plan.line_object, (*plan.line.values(), *plan.catalogue.values()))
    return tuple(found)


def catalogue_uses(config: MappingConfig) -> tuple[CatalogueUse, ...]:
    """Where products say that they are a plan, and of which ref; lines that lead to it by the same paths count once."""
    plans = (plan_object(config, name) for name in config.objects)
    uses = [use for plan in plans if plan.line_object and (use := _catalogue(plan)) is not None]
    return tuple({(use.type_path, use.ref_path): use for use in uses}.values())


def plan_refs(config: MappingConfig) -> dict[str, str]:
    """The plans that `[mapping.products]` names: ref -> place in the file."""
    products = {code: product.literals() for code, product in config.products.items()}
    return {
        values["provision_ref"]: f"mapping.products.{code}"
        for code, values in products.items()
        if values.get("provision_type") is ProvisionKind.PLAN and values.get("provision_ref")
    }


def signed_uses(rules: Sequence[SignedRule]) -> tuple[SignedUse, ...]:
    """What each rule needs of the org."""
    return tuple(
        SignedUse(
            object=rule.object,
            field=rule.field,
            values=tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in rule.values),
            also=tuple(path for path in rule.fields() if path != rule.field),
        )
        for rule in rules
    )


def status_forms(names: dict[str, str]) -> tuple[StatusField, ...]:
    """The form that each written field must have; `names` is our name -> field name."""
    return tuple(StatusField(field, *_STATUS_FORMS[name]) for name, field in names.items())


def _uses(object_name: str, readings: Iterable[Reading]) -> Iterable[FieldUse]:
    for reading in readings:
        for path in reading.paths:
            yield FieldUse(
                object=object_name,
                path=path,
                words=reading.target.words,
                unfit_types=_unfit_types(reading),
                reads=partial(can_read, reading=reading) if _is_choosy(reading) else None,
            )


def _unfit_types(reading: Reading) -> frozenset[str]:
    """A value map reads words, numbers and checkboxes whatever the transform is."""
    if reading.known:
        return _NEVER | _MOMENTS if reading.transform is None else _NEVER
    if reading.transform is TRANSFORMS["id18"]:
        return _NEVER | _FLAGS | _NUMBERS | _MOMENTS
    return _NEVER | (_UNFIT[reading.transform.output] if reading.transform else frozenset())


def _is_choosy(reading: Reading) -> bool:
    """Whether some picklist values would not be understood; plain text takes all of them."""
    return reading.transform is not TRANSFORMS["text"]


def _catalogue(plan: ObjectPlan) -> CatalogueUse | None:
    kind, ref = (plan.line.get(name) or plan.catalogue.get(name) for name in ("provision_type", "provision_ref"))
    if kind is None or ref is None or not kind.paths or not ref.paths:
        return None

    def is_plan(value: str) -> bool:
        return read_word(value, reading=kind) is ProvisionKind.PLAN

    return CatalogueUse(plan.line_object, kind.paths[0], ref.paths[0], is_plan)
