"""What the sandbox org looks like: objects, fields, types, and which of them the integration user may see.

Reads the text of `schema_table.py` once per sandbox. Records, queries and describe all ask here, so a field that is
hidden is hidden everywhere at the same time, as with field-level security. No record is kept here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from connector.sandbox.schema_packages import PACKAGES
from connector.sandbox.schema_table import OBJECTS, SYSTEM

# Table type -> type name in describe.
API_TYPES = {
    "Id": "id",
    "Text": "string",
    "LongText": "textarea",
    "Url": "url",
    "Email": "email",
    "Phone": "phone",
    "Picklist": "picklist",
    "Restricted": "picklist",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Int": "int",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Lookup": "reference",
    "AutoNumber": "string",
}
LENGTHS = {"Email": 80, "Phone": 40, "Id": 18, "Lookup": 18, "Picklist": 255, "Restricted": 255, "AutoNumber": 30}
NUMBERS = ("double", "currency", "percent", "int")
_LINE = re.compile(r"^(\w+)\s+(\w+)(?:\(([^)]*)\))?\s*(.*)$")


@dataclass(frozen=True)
class Field:
    """One field as describe tells it. `relationship` is the name of the parent path (`Account` of `AccountId`)."""

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    values: tuple[str, ...] = ()
    restricted: bool = False
    refers_to: str = ""
    relationship: str = ""
    child_relationship: str = ""
    required: bool = False
    createable: bool = True
    updateable: bool = True
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    is_name: bool = False
    auto_number: int = 0
    feature: str = ""
    default: str = ""

    @property
    def is_number(self) -> bool:
        """Whether values are kept as Decimal (or int)."""
        return self.type in NUMBERS

    @property
    def is_custom(self) -> bool:
        """Whether a customer added the field."""
        return self.name.endswith("__c")

    @property
    def is_filterable(self) -> bool:
        """Long text areas cannot be used in WHERE or ORDER BY."""
        return not (self.type == "textarea" and self.length > 255)


@dataclass(frozen=True)
class ObjectType:
    """One object with its fields by exact name, and look-ups that ignore case as Salesforce does."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: dict[str, Field]
    by_lower: dict[str, Field] = field(repr=False)
    parents: dict[str, Field] = field(repr=False)


def split_label(name: str) -> str:
    """`Sync_Error_Code__c` -> `Sync Error Code`; `BillingStreet` -> `Billing Street`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", re.sub(r"__[cr]$", "", name).replace("__", " ").replace("_", " "))
    return words.removesuffix(" Id") + " ID" if words.endswith(" Id") else words


def parse_field(text: str) -> Field:
    """One line of the table. Raises ValueError when it cannot be read."""
    match = _LINE.match(text.strip())
    if match is None or match[2] not in API_TYPES:
        raise ValueError(f"schema table: cannot read {text!r}")
    name, kind, inside, flags = match[1], match[2], match[3] or "", match[4]
    words = flags.split()
    made = Field(
        name=name,
        type=API_TYPES[kind],
        label=split_label(name),
        length=LENGTHS.get(kind, 0),
        restricted=kind == "Restricted",
        required="required" in words,
        createable=not ({"readonly"} & set(words)) and kind not in ("AutoNumber", "Id"),
        updateable=not ({"readonly", "createonly"} & set(words)) and kind not in ("AutoNumber", "Id"),
        external_id="external" in words,
        unique="unique" in words,
        case_sensitive="case" in words,
        is_name="namefield" in words,
        feature=next((word for word in words if word in ("multicurrency", "person")), ""),
        default=next((word.removeprefix("default=") for word in words if word.startswith("default=")), ""),
    )
    return _with_details(made, kind, inside)


def _with_details(made: Field, kind: str, inside: str) -> Field:
    if kind in ("Text", "LongText", "Url"):
        return replace(made, length=int(inside))
    if kind in ("Picklist", "Restricted"):
        return replace(made, values=tuple(value.strip() for value in inside.split(",")))
    if kind in ("Number", "Currency", "Percent"):
        precision, scale = (int(part) for part in inside.split(","))
        return replace(made, precision=precision, scale=scale)
    if kind == "Int":
        return replace(made, precision=9)
    if kind == "AutoNumber":
        return replace(made, auto_number=int(inside))
    if kind == "Lookup":
        parent, _, children = inside.partition(".")
        stem = made.name.removesuffix("__c") + "__r" if made.name.endswith("__c") else made.name.removesuffix("Id")
        return replace(made, refers_to=parent, relationship=stem, child_relationship=children)
    return made


def parse_object(name: str, prefix: str, plural: str, texts: Iterable[str]) -> ObjectType:
    """An object from its texts; the system fields come first. Raises ValueError for a doubled field."""
    fields: dict[str, Field] = {}
    for text in (SYSTEM, *texts):
        for line in filter(None, (row.strip() for row in text.splitlines())):
            parsed = parse_field(line)
            if parsed.name in fields:
                raise ValueError(f"schema table: {name}.{parsed.name} stands twice")
            fields[parsed.name] = parsed
    return ObjectType(
        name=name,
        prefix=prefix,
        label=split_label(name),
        plural=plural,
        fields=fields,
        by_lower={key.lower(): value for key, value in fields.items()},
        parents={value.relationship.lower(): value for value in fields.values() if value.relationship},
    )


class Schema:
    """All objects of one sandbox, and what is hidden or read-only for the integration user."""

    def __init__(
        self, *, multicurrency: bool = True, person_accounts: bool = True, packages: Iterable[str] = ()
    ) -> None:
        self.objects: dict[str, ObjectType] = {}
        self.version = 0
        self._seen: tuple[int, datetime] | None = None
        self._lower: dict[str, ObjectType] = {}
        self._prefixes: dict[str, ObjectType] = {}
        self._hidden: set[tuple[str, str]] = set()
        self._frozen: set[tuple[str, str]] = set()
        self._features = {"multicurrency": multicurrency, "person": person_accounts}
        objects = dict(OBJECTS)
        for package in packages:
            if package not in PACKAGES:
                raise ValueError(f"unknown package {package!r}; known: {', '.join(PACKAGES)}")
            added, extended = PACKAGES[package]
            objects |= added
            for name, text in extended.items():
                prefix, plural, texts = objects[name]
                objects[name] = (prefix, plural, (*texts, text))
        for name, (prefix, plural, texts) in objects.items():
            self.add(name, prefix, plural, texts)

    def add(self, name: str, prefix: str, plural: str, texts: Iterable[str]) -> None:
        """Add an object (for instance of a package) from table text."""
        made = parse_object(name, prefix, plural, texts)
        self.objects[name] = self._lower[name.lower()] = self._prefixes[prefix] = made
        self.version += 1

    def changed_at(self, now: datetime) -> datetime:
        """When the schema last changed; a change since the last question is dated `now`."""
        if self._seen is None or self._seen[0] != self.version:
            self._seen = (self.version, now)
        return self._seen[1]

    def switch(self, feature: str, *, on: bool) -> None:
        """Turn `multicurrency` or `person` on or off for the whole org."""
        if feature not in self._features:
            raise ValueError(f"unknown feature {feature!r}; known: {', '.join(self._features)}")
        self._features[feature] = on
        self.version += 1

    def hide(self, object_name: str, *fields: str) -> None:
        """Take fields, or without fields the whole object, from the integration user's sight."""
        self._hidden |= {(object_name, name) for name in self._known(object_name, fields) or ("",)}
        self.version += 1

    def show(self, object_name: str, *fields: str) -> None:
        """Undo `hide`."""
        self._hidden -= {(object_name, name) for name in self._known(object_name, fields) or ("",)}
        self.version += 1

    def freeze(self, object_name: str, *fields: str) -> None:
        """Make fields, or without fields the whole object, readable but not editable for the integration user."""
        self._frozen |= {(object_name, name) for name in self._known(object_name, fields) or ("",)}
        self.version += 1

    def _known(self, object_name: str, fields: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in fields if name not in self.objects[object_name].fields]
        if unknown:
            raise ValueError(f"{object_name} has no field {', '.join(unknown)}")
        return fields

    def object(self, name: str) -> ObjectType | None:
        """The object as the integration user sees it, by any case of its name."""
        found = self._lower.get(name.lower())
        return None if found is None or (found.name, "") in self._hidden else found

    def by_id(self, record_id: str) -> ObjectType | None:
        """The object whose prefix the id carries, hidden or not."""
        return self._prefixes.get(record_id[:3])

    def is_visible(self, kind: ObjectType, wanted: Field) -> bool:
        """Whether the integration user may read the field, and whether the org has it at all."""
        if wanted.feature and not self._features[wanted.feature]:
            return False
        return (kind.name, wanted.name) not in self._hidden

    def field(self, kind: ObjectType, name: str) -> Field | None:
        """The field as the integration user sees it, by any case of its name."""
        found = kind.by_lower.get(name.lower())
        return found if found is not None and self.is_visible(kind, found) else None

    def fields(self, kind: ObjectType) -> list[Field]:
        """The readable fields in table order."""
        return [item for item in kind.fields.values() if self.is_visible(kind, item)]

    def may_edit(self, kind: ObjectType, wanted: Field, *, create: bool) -> bool:
        """Whether the integration user may set the field on create or on update."""
        allowed = wanted.createable if create else wanted.updateable
        return allowed and (kind.name, wanted.name) not in self._frozen and self.may_change(kind)

    def may_change(self, kind: ObjectType) -> bool:
        """Whether the integration user may make and change records of the object at all."""
        return (kind.name, "") not in self._frozen

    def parent(self, kind: ObjectType, relationship: str) -> Field | None:
        """The lookup field behind a parent path step such as `Account`."""
        found = kind.parents.get(relationship.lower())
        return found if found is not None and self.is_visible(kind, found) else None

    def children(self, kind: ObjectType) -> list[tuple[ObjectType, Field]]:
        """Child objects with the lookup that points here and names a child relationship."""
        return [
            (child, item)
            for child in self.objects.values()
            for item in child.fields.values()
            if item.refers_to == kind.name and item.child_relationship and self.object(child.name) is not None
        ]
