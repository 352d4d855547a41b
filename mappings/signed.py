"""What "signed" means: which field of which object with which values, as settings, as a test of a record, as SOQL.

Exists so that the test of one record and the sweep over all records follow the same rule. It reads records that were
fetched already and writes the condition of a query; it must not run it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StrictStr, ValidationError, model_validator

from connector.errors import Fault
from connector.ports import Record, RecordSelection, Sale
from mappings.faults import REVOPS, MappingMisconfigured, MappingRefused, label, named_field
from mappings.reading import ABSENT, Place, RowReader
from mappings.rules import FieldPath, ObjectName, Table
from mappings.settings_faults import faults_of_error, setting_fault
from mappings.text import quoted, shown
from mappings.transforms import Bounds, Unreadable, read_id18

_SYNCED_ID = "Opportunity.SyncedQuoteId"
_OPPORTUNITY = "OpportunityId"
_ESCAPES = {
    "\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f",
}  # fmt: skip


def _checked_where(text: str) -> str:
    if any(ord(character) < 32 and character not in "\t\n\r" for character in text):
        raise ValueError("has control characters")
    return text.strip()


class SignedRule(Table):
    """One table of `[[signed]]`: a record counts as signed when `field` has one of `values` and `where` holds.

    `where` is SOQL and is trusted. A signed record becomes one order, whatever comes later; with `fire` "every" each
    later message of a fulfilled one also compares access granted with access sold. With `synced_only` a quote does not
    count while its opportunity is synced with another such quote.
    `record_field` names the field with the signed record's id when the object only reports signatures. `sale_field`
    names the opportunity, or quote, of which only one signed record becomes an order, of whatever object it is.
    """

    object: ObjectName
    field: FieldPath
    values: tuple[StrictBool | StrictInt | StrictStr, ...] = Field(min_length=1)
    where: Annotated[StrictStr, AfterValidator(_checked_where)] = ""
    fire: Literal["once", "every"] = "once"
    record_field: FieldPath | None = None
    synced_only: StrictBool = False
    sale_field: FieldPath | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> SignedRule:
        if len({isinstance(value, bool) for value in self.values}) > 1:
            raise ValueError("mixes true or false with other values")
        if self.synced_only and self.object != "Quote":
            raise ValueError("has synced_only, which only quotes of opportunities know")
        if self.synced_only and self.sale_field is not None:
            raise ValueError("has sale_field, which synced_only sets to the opportunity by itself")
        return self

    def fields(self) -> tuple[str, ...]:
        """The fields that the rule needs of a record."""
        return (self.field,) if self.record_field is None else (self.field, self.record_field)

    def optional_fields(self) -> tuple[str, ...]:
        """Further fields that an org without quote syncing, or a record without that parent, does not have."""
        if self.synced_only:
            return (_OPPORTUNITY, _SYNCED_ID, self.synced_field())
        return () if self.sale_field is None else (self.sale_field,)

    def synced_field(self) -> str:
        """The same field of the quote that the opportunity is synced with."""
        return f"Opportunity.SyncedQuote.{self.field}"


DEFAULT_SIGNED = (
    SignedRule(object="Quote", field="Status", values=("Accepted",), synced_only=True),
    SignedRule(
        object="Opportunity", field="IsWon", values=(True,), where="Id NOT IN (SELECT OpportunityId FROM Quote)"
    ),
)


def read_signed_rules(raw: Sequence[Any] | None) -> tuple[SignedRule, ...]:
    """The rules of `[[signed]]`; the default ones when there are none. Raises MappingMisconfigured with all faults."""
    if not raw:
        return DEFAULT_SIGNED
    rules: list[SignedRule] = []
    faults: list[Fault] = []
    for number, table in enumerate(raw, start=1):
        try:
            rules.append(SignedRule.model_validate(table))
        except ValidationError as error:
            faults += faults_of_error(error, model=SignedRule, section=f"signed[{number}]")
    faults += _two_conditions(rules)
    if faults:
        raise MappingMisconfigured(faults)
    return tuple(rules)


def is_signed(record: Record, rule: SignedRule) -> tuple[bool, str]:
    """Whether the record counts as signed by this rule, and why or why not in one sentence.

    Compares without case, as SOQL does. Raises MappingMisconfigured when the field is not in the answer, because "not
    signed" would then be a guess.
    """
    found = _reader(record).raw(rule.field)
    if found is ABSENT:
        raise MappingMisconfigured([_field_unreadable(rule)])
    words = label(rule.field)
    if not any(_equals(found, value) for value in rule.values):
        wanted = " or ".join(shown(value) for value in rule.values)
        return False, f"{words} is {'empty' if found is None else shown(found)}, not {wanted}."
    if rule.where and not record.meets_where:
        return (
            False,
            f"{words} is {shown(found)}, but the record does not meet the condition {quoted(rule.where, limit=200)}.",
        )
    if other := _synced_instead(record, rule):
        return False, f"{words} is {shown(found)}, but the opportunity is synced with another signed quote, {other}."
    return True, f"{words} is {shown(found)}."


def is_signed_by_any(record: Record, rules: Sequence[SignedRule]) -> tuple[bool, str]:
    """Whether one of the rules for the record's object holds, with its reason; else all reasons why none does."""
    reasons = []
    for rule in rules:
        if rule.object == record.ref.object:
            is_met, reason = is_signed(record, rule)
            if is_met:
                return True, reason
            reasons.append(reason)
    return False, " ".join(reasons) or f"No [[signed]] rule names {record.ref.object}."


def sale_of(record: Record, rules: Sequence[SignedRule]) -> Sale:
    """The opportunity of which only one signed record becomes an order, and whether people chose this one by syncing.

    None of both when no rule of the record's object has `synced_only` or `sale_field`, or the field is empty.
    """
    own = (rule for rule in rules if rule.object == record.ref.object)
    paths = (_OPPORTUNITY if rule.synced_only else rule.sale_field for rule in own)
    path = next((path for path in paths if path), None)
    found = _reader(record).raw(path) if path else None
    if not isinstance(found, str) or not found:
        return Sale("", is_chosen=False)
    synced = _reader(record).raw(_SYNCED_ID)
    return Sale(found[:15], is_chosen=isinstance(synced, str) and _same_record(synced, record.ref.record_id))


def signed_record_id(record: Record, rule: SignedRule) -> str:
    """The id (18) of the record that was signed: the record itself, or the one its `record_field` points to.

    Raises MappingRefused when the pointer is empty or no id.
    """
    if rule.record_field is None:
        return record.ref.record_id
    found = _reader(record).raw(rule.record_field)
    try:
        return read_id18(found, Bounds())
    except Unreadable as error:
        raise MappingRefused([_no_pointer(record, rule, found)]) from error


def signed_condition(rule: SignedRule) -> str:
    """The rule as a SOQL condition, values quoted: `Status IN ('Accepted', 'Signed') AND (...)`."""
    values = [_soql_value(value) for value in rule.values]
    test = f"{rule.field} = {values[0]}" if len(values) == 1 else f"{rule.field} IN ({', '.join(values)})"
    return f"{test} AND ({rule.where})" if rule.where else test


def signed_selection(rule: SignedRule) -> RecordSelection:
    """What to read of an object that only reports signatures and has no mapping of its own."""
    fields = tuple(sorted({"Id", *rule.fields(), *rule.optional_fields()}))
    return RecordSelection(rule.object, fields, where=rule.where, optional_fields=rule.optional_fields())


def soql_text(text: str) -> str:
    """The text as a SOQL string in single quotes. Raises ValueError for control characters that SOQL cannot write."""
    for character in text:
        if ord(character) < 32 and character not in _ESCAPES:
            raise ValueError("SOQL cannot hold this control character")
    return "'" + "".join(_ESCAPES.get(character, character) for character in text) + "'"


def _soql_value(value: bool | int | str) -> str:
    if isinstance(value, str) and value.strip().lower() not in ("true", "false"):
        return soql_text(value)
    return str(value).strip().lower()


def _equals(found: object, wanted: bool | int | str) -> bool:
    if isinstance(found, bool) or isinstance(wanted, bool):
        return str(found).strip().lower() == str(wanted).strip().lower()
    if isinstance(wanted, int):
        return isinstance(found, int | Decimal) and found == wanted
    return isinstance(found, str) and found.strip().casefold() == wanted.strip().casefold()


def _synced_instead(record: Record, rule: SignedRule) -> str:
    """The signed quote that the opportunity is synced with in place of this one; empty when this one counts.

    When the state of the other quote was not answered, being synced is enough: two orders would be worse than none.
    """
    reader = _reader(record)
    synced = reader.raw(_SYNCED_ID) if rule.synced_only else None
    if not isinstance(synced, str) or _same_record(synced, record.ref.record_id):
        return ""
    state = reader.raw(rule.synced_field())
    is_signed_too = state is ABSENT or any(_equals(state, value) for value in rule.values)
    return shown(synced) if is_signed_too else ""


def _same_record(one: str, other: str) -> bool:
    return one[:15] == other[:15]


def _reader(record: Record) -> RowReader:
    return RowReader(record.fields, Place(label(record.ref.object), record.ref.record_id), [])


def _two_conditions(rules: Sequence[SignedRule]) -> list[Fault]:
    """A record is fetched with one condition, so the rules of one object share it."""
    wheres: dict[str, str] = {}
    faults = []
    for rule in rules:
        if rule.where and wheres.setdefault(rule.object, rule.where) != rule.where:
            faults.append(
                setting_fault(
                    "signed", f"has two different where conditions for {rule.object}",
                    fix="Write one condition with AND and OR.", value=rule.where,
                )
            )  # fmt: skip
    return faults


def where_of(rules: Sequence[SignedRule], *, object_name: str) -> str:
    """The condition that an object's records are fetched with; empty when its rules have none."""
    return next((rule.where for rule in rules if rule.object == object_name and rule.where), "")


def _field_unreadable(rule: SignedRule) -> Fault:
    return Fault(
        code="FIELD_NOT_READABLE", owner=REVOPS, field=rule.field,
        message=f"{named_field(rule.field)} of {rule.object} says whether a record is signed, "
        "but was not in Salesforce's answer.",
        fix="Give the integration user read access to it (field-level security), or correct [[signed]].",
    )  # fmt: skip


def _no_pointer(record: Record, rule: SignedRule, found: Any) -> Fault:
    path = rule.record_field or ""
    return Fault(
        code="NO_SIGNED_RECORD", owner=REVOPS, record=record.ref.record_id, field=path,
        message=f"The {label(rule.object).lower()} reports a signature, but {named_field(path)} names no record.",
        fix=f"Fill in {label(path)} with the id of the record that was signed.",
        value="" if found is ABSENT or isinstance(found, Mapping) else shown(found),
    )  # fmt: skip
