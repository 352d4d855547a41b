"""Holds what the settings say about Salesforce objects and fields against the org's own description of them.

Exists so that a misspelt or hidden field is found before the first deal, with the click path that mends it. Reads
descriptions only; it must not read or write a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from connector.domain.assumptions import FieldUse as Use
from connector.domain.assumptions import Finding, FindingState, SignedUse, StatusField
from connector.errors import ConnectorError, Retryable
from connector.ports import FieldDescription, ObjectDescription, RecordSelection, SalesforceGateway

ADMIN, REVOPS, OPERATOR = "salesforce_admin", "RevOps", "operator"

_PERMISSIONS = "Setup > Permission Sets > the integration user's permission set > Object Settings"
_CURRENCY = "CurrencyIsoCode"
_SHOWN_VALUES = 12


@dataclass
class Describer:
    """Descriptions of one org, each asked once; an object that cannot be described is one finding."""

    gateway: SalesforceGateway
    area: str
    findings: list[Finding] = field(default_factory=list)
    _known: dict[str, ObjectDescription | None] = field(default_factory=dict)

    def describe(self, name: str) -> ObjectDescription | None:
        """The object, or None after a finding said why not."""
        if name not in self._known:
            try:
                self._known[name] = self.gateway.describe(object_name=name)
            except ConnectorError as error:
                self._known[name] = None
                self.findings.append(_not_described(self.area, name, error))
        return self._known[name]

    def follow(self, object_name: str, path: str) -> Found:
        """Walk a path through its parents to the field. A parent of several kinds has every field that one has."""
        names = path.split(".")
        found = [self.describe(object_name)]
        for at, name in enumerate(names):
            objects = [described for described in found if described is not None]
            if not objects:
                return Found(is_known=False)
            fields = [hit for described in objects if (hit := _field(described, name, is_parent=at < len(names) - 1))]
            if not fields:
                return Found(missing_in=objects[0].name, missing=name, is_parent=at < len(names) - 1)
            if at == len(names) - 1:
                return Found(field=fields[0], object=objects[0].name)
            found = [self.describe(target) for hit in fields for target in hit.reference_to]
        return Found(is_known=False)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a path led: to `field` of `object`, to nothing (`missing` of `missing_in`), or it is not known."""

    field: FieldDescription | None = None
    object: str = ""
    missing_in: str = ""
    missing: str = ""
    is_parent: bool = False
    is_known: bool = True


def check_selection(*, describer: Describer, selection: RecordSelection, uses: Sequence[Use]) -> tuple[Finding, ...]:
    """Every field that is read of one kind of record and its lines: is it there, of a type that can be read?"""
    parts = [(selection.object, selection.fields, selection.optional_fields)]
    if selection.line_object:
        # A term of the order may end in a direction.
        order = (term.partition(" ")[0] for term in selection.line_order)
        line_fields = (selection.line_parent_field, *selection.line_fields, *order)
        parts.append((selection.line_object, line_fields, selection.optional_line_fields))
    found: list[Finding] = []
    for name, paths, optional in parts:
        if describer.describe(name) is not None:
            found += _check_paths(describer, name, tuple(dict.fromkeys(paths)), frozenset(optional), uses)
    return tuple(found)


def check_signed(*, describer: Describer, use: SignedUse) -> tuple[Finding, ...]:
    """Whether a `[[signed]]` rule can ever be met: its field is there and has the values."""
    area = describer.area
    found = [_missing(area, use.object, path, hit) for path in use.also if (hit := _lost(describer, use.object, path))]
    hit = describer.follow(use.object, use.field)
    if hit.field is None:
        return (*found, _missing(area, use.object, use.field, hit)) if hit.is_known else tuple(found)
    absent = _values_without_a_chance(hit.field, use.values)
    named = f"{use.object}.{use.field}"
    if absent:
        known = ("true", "false") if hit.field.type == "boolean" else hit.field.picklist_values
        message = f"{named} never has the value {_listed(absent)}: it has {_listed(known)}."
        found.append(Finding(area, FindingState.BAD, message, "Correct `values` of [[signed]].", REVOPS))
    elif not found:
        found.append(Finding(area, FindingState.GOOD, f"{named} can become {_listed(use.values, joint='or')}."))
    return tuple(found)


def check_status_fields(
    *, describer: Describer, object_name: str, fields: Sequence[StatusField]
) -> tuple[Finding, ...]:
    """Every field that we write on an object: is it there, may we edit it, does what we write fit?"""
    described = describer.describe(object_name)
    if described is None:
        return ()
    bad = [finding for status in fields for finding in _check_status_field(describer.area, described, status)]
    if not described.is_updateable:
        fix = f"{_PERMISSIONS} > {object_name} > Object Permissions > Edit."
        bad.insert(0, Finding(describer.area, FindingState.BAD, f"We may not edit {object_name}.", fix, ADMIN))
    if bad:
        return tuple(bad)
    return (
        Finding(
            describer.area,
            FindingState.GOOD,
            f"All {len(fields)} status fields of {object_name} can be written.",
        ),
    )


def check_rows(*, describer: Describer, object_name: str, fields: Sequence[StatusField]) -> tuple[Finding, ...]:
    """Whether we may make rows of an object of ours and set every field of them."""
    described = describer.describe(object_name)
    found = check_status_fields(describer=describer, object_name=object_name, fields=fields)
    if described is None or described.is_createable:
        return found
    fix = f"{_PERMISSIONS} > {object_name} > Object Permissions > Create."
    bad = Finding(describer.area, FindingState.BAD, f"We may not create {object_name}.", fix, ADMIN)
    return (bad, *(one for one in found if one.state is FindingState.BAD))


def read_path(object_name: str, name: str) -> str:
    """The click path that lets the integration user read a field."""
    return f"{_PERMISSIONS} > {object_name} > Field Permissions > {name} > Read Access."


def _check_paths(
    describer: Describer, name: str, paths: Sequence[str], optional: frozenset[str], uses: Sequence[Use]
) -> Iterable[Finding]:
    area, found = describer.area, list[Finding]()
    told: set[tuple[str, str]] = set()
    for path in paths:
        hit = describer.follow(name, path)
        if hit.field is not None:
            found += [
                one
                for use in uses
                if (use.object, use.path) == (name, path)
                for one in _check_use(area, use, hit.field)
            ]
        elif hit.is_known and path not in optional and (hit.missing_in, hit.missing) not in told:
            told.add((hit.missing_in, hit.missing))
            found.append(_missing(area, name, path, hit))
    if not any(finding.state is FindingState.BAD for finding in found):
        found.insert(
            0, Finding(area, FindingState.GOOD, f"All {len(paths)} fields that are read of {name} are visible.")
        )
    return found


def _check_use(area: str, use: Use, described: FieldDescription) -> Iterable[Finding]:
    named = f"{use.object}.{use.path}"
    if described.type in use.unfit_types:
        message = f"{named} has the type {described.type}, which cannot be read as {use.words}."
        yield Finding(area, FindingState.BAD, message, "Name another field or another transform in [mapping].", REVOPS)
    elif described.type in ("picklist", "combobox") and use.reads is not None:
        unread = tuple(value for value in described.picklist_values if not use.reads(value))
        if unread and len(unread) == len(described.picklist_values):
            message = f"No value of {named} can be read as {use.words}: {_listed(unread)}."
            yield Finding(area, FindingState.BAD, message, "Say in `values` of the rule what they mean.", REVOPS)
        elif unread:
            message = (
                f"A deal with {named} = {_listed(unread, joint='or')} would be blocked: not readable as {use.words}."
            )
            fix = "Add these values to `values` of the rule, or make sure that no deal has them."
            yield Finding(area, FindingState.UNKNOWN, message, fix, REVOPS)


def _check_status_field(area: str, described: ObjectDescription, status: StatusField) -> Iterable[Finding]:
    hit, named = _field(described, status.name), f"{described.name}.{status.name}"
    if hit is None:
        message = f"{named}, which shows our status, does not exist or is hidden from the integration user."
        fix = f"Deploy the Countersign package, then: {_edit_path(described.name, status.name)}"
        yield Finding(area, FindingState.BAD, message, fix, ADMIN)
        return
    if not hit.is_updateable:
        fix = _edit_path(described.name, status.name)
        yield Finding(area, FindingState.BAD, f"{named} is visible, but we may not edit it.", fix, ADMIN)
    if hit.type not in status.types:
        kinds = " or ".join(sorted(status.types))
        fix = "Deploy the field as the Countersign package has it, or name another field in [writeback]."
        yield Finding(area, FindingState.BAD, f"{named} has the type {hit.type}, not {kinds}.", fix, ADMIN)
    elif status.length and hit.type != "picklist" and hit.length < status.length:
        message = f"{named} holds {hit.length} characters, {status.length} are needed."
        yield Finding(area, FindingState.BAD, message, f"Make the field at least {status.length} long.", ADMIN)
    absent = _values_without_a_chance(hit, status.words) if hit.type == "picklist" else ()
    if absent:
        message = f"The picklist {named} lacks {_listed(absent)}."
        yield Finding(area, FindingState.BAD, message, "Add the values to the picklist and its record types.", ADMIN)


def _lost(describer: Describer, object_name: str, path: str) -> Found | None:
    hit = describer.follow(object_name, path)
    return hit if hit.field is None and hit.is_known else None


def _missing(area: str, object_name: str, path: str, hit: Found) -> Finding:
    named = f"{hit.missing_in}.{hit.missing}"
    way = "" if (hit.missing_in, hit.missing) == (object_name, path) else f", on the way {object_name}.{path},"
    if hit.missing == _CURRENCY:
        message = f"{named}{way} does not exist: the org has one currency, or the field is hidden."
        fix = 'For one currency write currency = { constant = "USD" } in [mapping.defaults.header].'
        return Finding(area, FindingState.BAD, message, fix, REVOPS)
    kind = "relationship" if hit.is_parent else "field"
    message = f"The {kind} {named}{way} is misspelt in the settings, or hidden from the integration user."
    looked_for = f"the lookup field of {hit.missing}" if hit.is_parent else hit.missing
    fix = f"Check the spelling. If it is right: {read_path(hit.missing_in, looked_for)}"
    return Finding(area, FindingState.BAD, message, fix, ADMIN)


def _not_described(area: str, name: str, error: ConnectorError) -> Finding:
    if isinstance(error, Retryable):
        message = f"{name} could not be looked at: {error}"
        return Finding(area, FindingState.BAD, message, "Check again in some minutes.", OPERATOR)
    if error.code in ("INVALID_TYPE", "NOT_FOUND"):
        message = f"The object {name} is misspelt in the settings, or hidden from the integration user."
        fix = f"Check the API name. If it is right: {_PERMISSIONS} > {name} > Object Permissions > Read, View All."
        return Finding(area, FindingState.BAD, message, fix, ADMIN)
    return Finding(area, FindingState.BAD, str(error), error.fix, error.owner)


def _field(described: ObjectDescription, name: str, *, is_parent: bool = False) -> FieldDescription | None:
    """The field by its API name, or the lookup behind a step to a parent; Salesforce does not mind capitals."""
    wanted = name.casefold()
    return next(
        (
            one
            for one in described.fields.values()
            if (one.relationship_name if is_parent else one.name).casefold() == wanted
        ),
        None,
    )


def _values_without_a_chance(described: FieldDescription, values: Sequence[str]) -> tuple[str, ...]:
    """Those values that a record can never have, by the field's description; free text can have any."""
    if described.type == "boolean":
        known = {"true", "false"}
    elif described.type in ("picklist", "multipicklist"):
        known = {value.casefold() for value in described.picklist_values}
    else:
        return ()
    return tuple(value for value in values if value.casefold() not in known)


def _edit_path(object_name: str, name: str) -> str:
    return f"{_PERMISSIONS} > {object_name} > Field Permissions > {name} > Edit Access."


def _listed(values: Sequence[str], *, joint: str = "and") -> str:
    shown = [f'"{value}"' for value in values[:_SHOWN_VALUES]]
    if len(values) > _SHOWN_VALUES:
        shown.append(f"{len(values) - _SHOWN_VALUES} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joint} {shown[-1]}" if shown else "nothing"
