"""One rule of the mapping language: how a target is filled from fields, values, transforms, and whether that is sound.

    currency = "CurrencyIsoCode"
    payment_terms_days = { path = "Terms__c", or = ["Account.Terms__c"], values = { "Net 30" = 30 }, default = 30 }

Exists so that a rule is judged where it is written, against the one target it fills. It reads no record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mappings.targets import EMPTY, Target, normal_key
from mappings.transforms import TRANSFORMS

_PATH = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,5}", re.ASCII)
_OBJECT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)


def _checked_path(text: str) -> str:
    # SOQL follows at most five parents; the pattern also keeps anything but a path out of a query.
    if len(text) > 255 or not _PATH.fullmatch(text):
        raise ValueError("is not a field path such as Contract_Start__c or Account.Name")
    return text


def _checked_object(text: str) -> str:
    if not _OBJECT.fullmatch(text):
        raise ValueError("is not an API name of an object such as Quote or SBQQ__Quote__c")
    return text


def _checked_literal(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError("is a float; write decimal numbers in quotes, so that no digit is lost")  # noqa: TRY004
    if isinstance(value, datetime) or not isinstance(value, str | int | Decimal | date):
        raise ValueError("must be text, a whole number, true, false or a date")  # noqa: TRY004
    return value


FieldPath = Annotated[StrictStr, AfterValidator(_checked_path)]
ObjectName = Annotated[StrictStr, AfterValidator(_checked_object)]
Literal = Annotated[Any, AfterValidator(_checked_literal)]


class Table(BaseModel):
    """A table of the settings: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(Table):
    """How one target is filled. `values` are tried first, then the transform, if one is named or built in."""

    path: FieldPath | None = None
    otherwise: tuple[FieldPath, ...] = Field(default=(), alias="or")
    values: dict[StrictStr, Literal] | None = None
    transform: StrictStr | None = None
    default: Literal | None = None
    constant: Literal | None = None
    required: StrictBool | None = None
    may_be_absent: StrictBool = False

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"path": value}
        if not isinstance(value, Mapping | Rule):
            raise ValueError("must be a field path in quotes or a table { path = ... }")  # noqa: TRY004
        return value

    def paths(self) -> tuple[str, ...]:
        """The fields that are tried, in order."""
        return ((self.path,) if self.path else ()) + self.otherwise

    def faults_for(self, target: Target) -> list[str]:
        """What is wrong with this rule for this target, as sentences without the place."""
        faults = []
        if (self.path is None) == (self.constant is None):
            faults.append("needs either path or constant")
        if self.path is None and self.otherwise:
            faults.append("has 'or' without path")
        if self.constant is not None and (self.values is not None or self.transform or self.default is not None):
            faults.append("has a constant, so values, transform and default have no meaning")
        if target.is_required and (self.required is False or self.constant == EMPTY):
            faults.append("cannot be left out: no order can do without it")
        if self.required and self.default is not None:
            faults.append("is required and has a default; keep one of them")
        return faults + self._transform_faults(target) + self._literal_faults(target)

    def _transform_faults(self, target: Target) -> list[str]:
        if self.transform is None:
            no_way = not target.sort.transform and not target.known and not self.values and self.constant is None
            return ["needs values or transform"] if no_way else []
        usable = [name for name, transform in TRANSFORMS.items() if transform.output in target.sort.outputs]
        if self.transform in usable:
            return []
        return [f"has the transform '{self.transform}'; {_possible(usable)}"]

    def _literal_faults(self, target: Target) -> list[str]:
        literals = [("default", self.default), ("constant", self.constant)]
        literals += [(f"values.'{key}'", value) for key, value in (self.values or {}).items()]
        faults = [
            f"has {place} = {value!r}; it must be {target.sort.written}"
            for place, value in literals
            if value is not None and value != EMPTY and not is_literal(target, value)
        ]
        keys = [normal_key(key) for key in self.values or {}]
        if len(set(keys)) < len(keys):
            faults.append("has two values that differ only in case, spaces or hyphens")
        if self.values == {}:
            faults.append("has no values")
        return faults


def literal_of(target: Target, value: Any) -> Any:
    """A value written in the settings as the typed value of the target; known picklist words work too.

    Raises ValueError or TypeError when it is no literal of that target.
    """
    if isinstance(value, str):
        for word, meaning in target.known.items():
            if normal_key(word) == normal_key(value):
                return meaning
    typed = target.sort.literal(value)
    if isinstance(typed, int) and not isinstance(typed, bool):
        too_small = target.least is not None and typed < target.least
        if too_small or (target.most is not None and typed > target.most):
            raise ValueError("out of range")
    return typed


def is_literal(target: Target, value: Any) -> bool:
    """Whether the value can stand for this target in the settings."""
    try:
        literal_of(target, value)
    except (ValueError, TypeError):
        return False
    return True


def _possible(names: list[str]) -> str:
    if not names:
        return "this target is read by values alone"
    return "possible here: " + ", ".join(names)


class RuleTable(Table):
    """A table of rules by target; `prefix` is what its keys lack to be names of targets."""

    targets: ClassVar[Mapping[str, Target]] = {}
    prefix: ClassVar[str] = ""

    @model_validator(mode="before")
    @classmethod
    def _quoted_names(cls, value: Any) -> Any:
        """`"customer.ref" = ...` in quotes means the same as `customer.ref = ...` without."""
        if not isinstance(value, Mapping):
            return value
        result: dict[Any, Any] = {}
        for key, rule in value.items():
            first, _, rest = key.partition(".") if isinstance(key, str) else (key, "", "")
            if rest and first in cls.model_fields and isinstance(result.get(first, {}), Mapping):
                result[first] = {**result.get(first, {}), rest: rule}
            elif isinstance(rule, Mapping) and isinstance(result.get(key), Mapping):
                result[key] = {**result[key], **rule}
            else:
                result[key] = rule
        return result

    @field_validator("*", mode="after")
    @classmethod
    def _fits_its_target(cls, rule: Any, info: ValidationInfo) -> Any:
        target = cls.targets.get(f"{cls.prefix}{info.field_name}")
        if isinstance(rule, Rule) and target is not None and (faults := rule.faults_for(target)):
            raise ValueError("; ".join(faults))
        return rule

    def rules(self) -> dict[str, Rule]:
        """The rules by the target's full name."""
        found: dict[str, Rule] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Rule):
                found[f"{self.prefix}{name}"] = value
            elif isinstance(value, RuleTable):
                found |= value.rules()
        return found
