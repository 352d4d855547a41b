"""The settings of one object resolved into what is read and how: rules with their targets, ready to use.

Exists so that every order of precedence between built-in rules, shared rules and an object's own rules is decided once,
at start. It reads no record; faults of the settings are found before it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from mappings.builtin import OBJECTS, SHARED_HEADER, SHARED_LINE
from mappings.config import MappingConfig, ObjectMapping, zone_of
from mappings.rules import Rule, literal_of
from mappings.targets import EMPTY, HEADER, IS_PERSON, LINE, SKIPPED, UNFINISHED, Target, normal_key
from mappings.transforms import TRANSFORMS, Bounds, Transform


@dataclass(frozen=True, slots=True)
class Reading:
    """One rule made ready: fields in order, value map, transform; values are typed.

    `words_known` are the value map's keys as written, for messages. A constant needs no field.
    """

    target: Target
    paths: tuple[str, ...] = ()
    constant: Any = None
    default: Any = None
    known: Mapping[str, Any] = field(default_factory=dict)
    words_known: tuple[str, ...] = ()
    transform: Transform | None = None
    bounds: Bounds = field(default_factory=Bounds)
    is_required: bool = False
    may_be_absent: bool = False


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """How a person account is read, when the org has such accounts."""

    flag: Reading
    first_name: Reading
    last_name: Reading
    email: Reading

    def paths(self) -> tuple[str, ...]:
        """Every field of it."""
        return self.flag.paths + self.first_name.paths + self.last_name.paths + self.email.paths


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """How one kind of record becomes an order.

    `products` are typed line values by product code, `catalogue` reads the product's own fields; both come after the
    line's own rule and before its default.
    """

    object: str
    line_object: str
    line_parent: str
    line_order: tuple[str, ...]
    header: Mapping[str, Reading]
    line: Mapping[str, Reading]
    catalogue: Mapping[str, Reading]
    products: Mapping[str, Mapping[str, Any]]
    also_read: tuple[str, ...] = ()
    skip_lines: tuple[Reading, ...] = ()
    wait_while: tuple[Reading, ...] = ()
    person: PersonPlan | None = None

    def header_fields(self) -> tuple[str, ...]:
        """Every header field to select, sorted, each once."""
        needed, optional = _paths((*self.header.values(), *self.wait_while))
        return tuple(sorted({"Id", *needed, *optional, *self.also_read, *self._person_paths()}))

    def optional_header_fields(self) -> tuple[str, ...]:
        """Those of them that the org need not have, sorted."""
        needed, optional = _paths((*self.header.values(), *self.wait_while))
        return tuple(sorted((optional | self._person_paths()) - needed - set(self.also_read)))

    def line_fields(self) -> tuple[str, ...]:
        """Every line field to select, sorted, each once; none when there is no line object."""
        needed, optional = self._line_paths()
        return tuple(sorted({"Id", *needed, *optional})) if self.line_object else ()

    def optional_line_fields(self) -> tuple[str, ...]:
        """Those of them that the org need not have, sorted."""
        needed, optional = self._line_paths()
        return tuple(sorted(optional - needed)) if self.line_object else ()

    def _line_paths(self) -> tuple[set[str], set[str]]:
        return _paths((*self.line.values(), *self.catalogue.values(), *self.skip_lines))

    def _person_paths(self) -> set[str]:
        # Orgs without person accounts have none of these; they are read only where the flag is set.
        return set(self.person.paths()) if self.person else set()


def header_rules(config: MappingConfig, name: str) -> dict[str, Rule]:
    """The header rules of an object by target: its own over the shared ones over the built-in ones."""
    settings = config.objects[name]
    shared = config.defaults.header.rules() if settings.shared else {}
    return SHARED_HEADER.rules() | built_in(name).header.rules() | shared | settings.header.rules()


def line_rules(config: MappingConfig, name: str) -> dict[str, Rule]:
    """The line rules of an object by target, by the same precedence.

    A header currency that is a constant means an org of one currency, whose lines have no currency field either.
    """
    settings = config.objects[name]
    own = (config.defaults.line.rules() if settings.shared else {}) | settings.line.rules()
    rules = SHARED_LINE.rules() | built_in(name).line.rules() | own
    currency = header_rules(config, name).get("currency")
    if currency is not None and currency.constant is not None and "currency" not in own:
        del rules["currency"]
    return rules


def built_in(name: str) -> ObjectMapping:
    """The built-in settings of an object, empty for objects that have none."""
    return OBJECTS.get(name, ObjectMapping())


def plan_object(config: MappingConfig, name: str) -> ObjectPlan:
    """The plan of one configured object. The settings must be free of faults."""
    settings, own = config.objects[name], built_in(name)
    zone = zone_of(config.time_zone)
    header = {target: _reading(HEADER[target], rule, zone) for target, rule in header_rules(config, name).items()}
    catalogue = config.catalogue.rules() if settings.shared else {}
    return ObjectPlan(
        object=name,
        line_object=(own.lines if settings.lines is None else settings.lines) or "",
        line_parent=(own.parent if settings.parent is None else settings.parent) or "",
        line_order=(own.order_by if settings.order_by is None else settings.order_by) or (),
        header=header,
        line={target: _reading(LINE[target], rule, zone) for target, rule in line_rules(config, name).items()},
        catalogue={target: _reading(LINE[target], rule, zone) for target, rule in catalogue.items()},
        products={code: product.literals() for code, product in config.products.items()},
        also_read=own.also_read + settings.also_read,
        skip_lines=_flags(own.skip_lines if settings.skip_lines is None else settings.skip_lines, SKIPPED),
        wait_while=_flags(own.wait_while if settings.wait_while is None else settings.wait_while, UNFINISHED),
        person=_person_plan(header["customer.name"]) if config.person_accounts else None,
    )


def _flags(paths: tuple[str, ...] | None, target: Target) -> tuple[Reading, ...]:
    return tuple(Reading(target, (path,), transform=TRANSFORMS["boolean"]) for path in paths or ())


def _reading(target: Target, rule: Rule, zone: tzinfo) -> Reading:
    """A rule's own values replace the built-in value map; a named transform does without the built-in one."""
    spelled = rule.values if rule.values is not None else {} if rule.transform else target.known
    is_own = rule.values is not None
    known = {normal_key(word): _typed(target, value) if is_own else value for word, value in spelled.items()}
    name = rule.transform or ("" if rule.values is not None else target.sort.transform)
    default = _typed(target, rule.default)
    return Reading(
        target=target,
        paths=rule.paths(),
        constant=_typed(target, rule.constant),
        default=target.default if default is None else default,
        known=known,
        words_known=tuple(spelled),
        transform=TRANSFORMS[name] if name else None,
        bounds=_bounds(target, zone),
        is_required=target.is_required and rule.default is None if rule.required is None else rule.required,
        may_be_absent=rule.may_be_absent,
    )


def _typed(target: Target, value: Any) -> Any:
    """The literal as a value of the target; empty text means that nothing is given."""
    return None if value is None or value == EMPTY else literal_of(target, value)


def _bounds(target: Target, zone: tzinfo) -> Bounds:
    return Bounds(
        zone=zone,
        length=target.length,
        is_cut=not target.is_key,
        has_lines=target.has_lines,
        least=target.least,
        most=target.most,
    )


def _person_plan(name: Reading) -> PersonPlan:
    """Person account fields stand beside the account name that the settings read: `Account.` or `Opportunity.Account.`

    The flag may be absent: orgs without person accounts do not have it.
    """
    parent = name.paths[0].rpartition(".")[0] if name.paths else "Account"
    prefix = f"{parent}." if parent else ""

    def reading(target: Target, field_name: str, transform: str, *, may_be_absent: bool = False) -> Reading:
        bounds = Bounds(length=target.length, is_cut=True)
        return Reading(
            target, (prefix + field_name,), transform=TRANSFORMS[transform], bounds=bounds, may_be_absent=may_be_absent
        )

    return PersonPlan(
        reading(IS_PERSON, "IsPersonAccount", "boolean", may_be_absent=True),
        reading(HEADER["customer.name"], "FirstName", "text"),
        reading(HEADER["customer.name"], "LastName", "text"),
        reading(HEADER["customer.email"], "PersonEmail", "email"),
    )


def _paths(readings: Iterable[Reading]) -> tuple[set[str], set[str]]:
    """The fields that must be there, and those that may be absent."""
    needed: set[str] = set()
    optional: set[str] = set()
    for reading in readings:
        (optional if reading.may_be_absent else needed).update(reading.paths)
    return needed, optional
