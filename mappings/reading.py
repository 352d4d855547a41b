"""Reading one row of a record by the rules of a plan; what cannot be read becomes a fault that a person understands.

Exists so that absent, empty and zero stay three things: a field that the answer does not contain is a missing
permission, an empty one may have a default, and neither is ever taken for 0. It must not know what a value means for
the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from connector.errors import Fault
from mappings.faults import OPERATOR, REVOPS, SALES_REP, label, named_field
from mappings.numbers import NotANumber, OutOfRange, exact_number
from mappings.plans import Reading
from mappings.targets import Target, normal_key
from mappings.text import cleaned, quoted, shown
from mappings.transforms import Unreadable

# No picklist value is longer; cleaning a longer text to look it up would be work for nothing.
_LONGEST_WORD = 1000

_HIDDEN = "FIELD_NOT_READABLE"
_ONE_CURRENCY = (
    "Give the integration user read access to it (field-level security). "
    'If the org has one currency, set currency = { constant = "USD" } in [mapping.defaults.header].'
)


class _Absent:
    """The type of ABSENT."""


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is: words for a message ("The quote", "Line 2 (SEAT)"), record id, line number as text."""

    words: str
    record: str
    line: str = ""
    object: str = ""


@dataclass(slots=True)
class RowReader:
    """Reads values of one row; collects its faults in `faults` and remembers the targets that had one in `faulty`."""

    row: Mapping[str, Any]
    place: Place
    faults: list[Fault]
    faulty: set[str] = field(default_factory=set)

    def value(self, reading: Reading | None) -> Any:
        """The typed value before any default, or None when it is empty or could not be read (which is a fault)."""
        if reading is None:
            return None
        if reading.constant is not None:
            return reading.constant
        for path in reading.paths:
            raw = self._raw(path, reading)
            if raw is not ABSENT and not _is_empty(raw):
                return self._typed(raw, path, reading)
        return None

    def value_or_default(self, reading: Reading) -> Any:
        """The typed value, else the rule's default; a required value that is empty is a fault."""
        found = self.value(reading)
        if found is not None or reading.target.name in self.faulty:
            return found
        if reading.default is None and reading.is_required:
            self.missing(reading.target, reading.paths)
        return reading.default

    def raw(self, path: str) -> Any:
        """What the row holds at a path: a value, None, or ABSENT when the answer does not contain the field."""
        found: Any = self.row
        for name in path.split("."):
            if found is None:
                return None
            if not isinstance(found, Mapping):
                return ABSENT
            found = _member(found, name)
            if found is ABSENT:
                return ABSENT
        return found

    def missing(self, target: Target, paths: tuple[str, ...], *, code: str = "") -> None:
        """Report that a value is needed and its fields are empty; the code is MISSING_... when none is given."""
        code = code or f"MISSING_{target.code}"
        if not paths:
            self.report(
                target, code=code, message=f"{self.place.words} has no {target.words}: no field is set up for it.",
                fix=f"Add a rule for {target.name} to the mapping.", owner=REVOPS,
            )  # fmt: skip
            return
        fields = f"{_listed([named_field(path) for path in paths], 'and')} {'is' if len(paths) == 1 else 'are'}"
        self.report(
            target, code=code, message=f"{self.place.words} has no {target.words}: {fields} empty.",
            fix=f"Fill in {_listed([label(path) for path in paths], 'or')}.", path=paths[0],
        )  # fmt: skip

    def report(
        self, target: Target, *, code: str, message: str, fix: str, owner: str = "", path: str = "", value: object = ""
    ) -> None:
        """Add a fault of this row about a target."""
        self.faulty.add(target.name)
        self.faults.append(
            Fault(
                code=code, message=message, fix=fix, owner=owner or target.owner, record=self.place.record,
                field=path, value=shown(value), line=self.place.line,
            )
        )  # fmt: skip

    def _raw(self, path: str, reading: Reading) -> Any:
        found = self.raw(path)
        if found is ABSENT and not reading.may_be_absent:
            self.unreadable(reading.target, path)
        return found

    def unreadable(self, target: Target, path: str) -> None:
        """Report that Salesforce did not answer a field, which means that our user may not see it.

        Told once for a parent of which nothing was answered, and once for all lines.
        """
        self.faulty.add(target.name)
        hidden = self._hidden_part(path)
        if any(f.code == _HIDDEN and f.field == hidden and bool(f.line) is bool(self.place.line) for f in self.faults):
            return
        known = f"so the {target.words} is not known" if hidden == path else "so nothing of it is known"
        self.report(
            target, code=_HIDDEN, path=hidden, owner=REVOPS,
            message=f"{self.place.words}: {named_field(hidden)} was not in Salesforce's answer, {known}.",
            fix=_ONE_CURRENCY if target.name == "currency" else
            f"Give the integration user read access to {hidden} (field-level security), "
            "or take the field out of the mapping if the org does not have it.",
        )  # fmt: skip

    def _hidden_part(self, path: str) -> str:
        """The shortest part of the path that is not in the answer."""
        names = path.split(".")
        parts = [".".join(names[: count + 1]) for count in range(len(names))]
        return next((part for part in parts if self.raw(part) is ABSENT), path)

    def _typed(self, raw: Any, path: str, reading: Reading) -> Any:
        target = reading.target
        try:
            return _mapped(raw, reading)
        except Unreadable as error:
            change = f"Change {label(path)}"
            self.report(
                target, code=error.code, path=path, value=raw, owner=error.owner,
                message=f"{self.place.words}: {named_field(path)} is {quoted(raw)}, {error.why}.",
                fix=f"{change}: {error.fix[0].lower()}{error.fix[1:]}" if error.fix else f"{change}.",
            )  # fmt: skip
            return None


def read_word(value: str, *, reading: Reading) -> Any:
    """The typed value that a word would be read as, None when it would be a fault; to judge picklists beforehand."""
    try:
        return _mapped(value, reading)
    except Unreadable:
        return None


def can_read(value: str, *, reading: Reading) -> bool:
    """Whether a word would be read without a fault; a word of the value map that means "empty" is one."""
    try:
        _mapped(value, reading)
    except Unreadable:
        return False
    return True


def _mapped(raw: Any, reading: Reading) -> Any:
    if isinstance(raw, Mapping | list | tuple):
        raise Unreadable("NOT_A_VALUE", "not a single value", fix="The mapping must name a field.", owner=REVOPS)
    if isinstance(raw, float):
        # A float is an adapter's mistake, whatever the target is.
        raise Unreadable(
            "NOT_EXACT", "which was read as a float, so its digits are not certain",
            fix="The Salesforce adapter must read numbers as Decimal.", owner=OPERATOR,
        )  # fmt: skip
    if reading.known:
        word = normal_key(_word(raw))
        if word in reading.known:
            return reading.known[word]
    if reading.transform is not None:
        return reading.transform.read(raw, reading.bounds)
    choices = ", ".join(reading.words_known)
    ask = "" if reading.target.owner != SALES_REP else ", or ask RevOps to add the value to the mapping"
    raise Unreadable("UNKNOWN_VALUE", f"which is none of: {choices}", fix=f"Choose one of these{ask}.")


def _word(raw: object) -> str:
    """A raw scalar as the word that a value map would hold."""
    if isinstance(raw, str):
        return raw[:_LONGEST_WORD]
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | Decimal):
        try:
            return format(exact_number(raw), "f")
        except (NotANumber, OutOfRange):
            return ""
    return shown(raw)


def _member(parent: Mapping[str, Any], name: str) -> Any:
    """The field by name; Salesforce answers in its own spelling of capitals, whatever the query had."""
    if name in parent:
        return parent[name]
    folded = name.casefold()
    return next((value for key, value in parent.items() if isinstance(key, str) and key.casefold() == folded), ABSENT)


def _is_empty(raw: object) -> bool:
    return raw is None or (isinstance(raw, str) and not cleaned(raw[:_LONGEST_WORD]) and not cleaned(raw))


def _listed(words: list[str], joint: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"
