"""Everything we take for granted outside, proved one by one: what `countersign check` and the health page show.

Exists so that a wrong permission, a refreshed sandbox or a clock that runs ahead is found before the first deal, with
the step that mends it. Never writes to Salesforce and never puts a secret into a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from urllib.parse import urlsplit

from connector.domain.assumptions import Assumptions, CatalogueUse, Finding, FindingState, SignedUse, StatusField
from connector.errors import ConnectorError, Unavailable
from connector.ports import Clock, EntitlementPlatform, Org, Organization, ProvesItself, RecordSelection
from connector.ports_payments import PaymentProvider
from connector.store import probe
from connector.store.unit_of_work import Database
from connector.usecases.call_budget import call_budget
from connector.usecases.check_payments import AREA as PAYMENTS
from connector.usecases.check_payments import check_payments
from connector.usecases.check_records import (
    Describer,
    check_rows,
    check_selection,
    check_signed,
    check_status_fields,
)

GOOD, BAD, UNKNOWN = FindingState.GOOD, FindingState.BAD, FindingState.UNKNOWN
# A signed request may be five minutes old, a login assertion lives three: two minutes leave room for the journey.
MOST_SKEW = timedelta(seconds=120)

_OPERATOR, _REVOPS = "operator", "RevOps"
_DATABASE, _SETTINGS, _PLATFORM = "database", "settings", "entitlements"
_MOST_PRODUCTS = 2000
_RECENTLY = timedelta(days=30)
_AT_ONCE = 200
_ACCOUNT = "Account"

Check = Callable[[], Iterable[Finding]]
Progress = Callable[[int, int, str], None]


def check_assumptions(
    *,
    orgs: Mapping[str, Org],
    platform: EntitlementPlatform,
    database: Database,
    clock: Clock,
    assumed: Assumptions,
    payments: PaymentProvider | None = None,
    signing: Mapping[str, object] = MappingProxyType({}),
    on_progress: Progress = lambda _done, _all, _area: None,
) -> tuple[Finding, ...]:
    """How every assumption stands, in the order to mend them. `on_progress` hears (done, all, what is next).

    Raises nothing that is anticipated: what fails is a finding.
    """
    checks: list[tuple[str, Check]] = [
        (_DATABASE, lambda: _check_database(database, clock)),
        (_SETTINGS, lambda: _check_settings(assumed)),
        (_SETTINGS, lambda: _check_mail(assumed)),
        (_PLATFORM, lambda: platform.prove() if isinstance(platform, ProvesItself) else ()),
        (_PLATFORM, lambda: _check_plans(platform, assumed.plan_refs)),
    ]
    if payments is not None:
        checks.append((PAYMENTS, _payments_check(payments, assumed)))
    for name, provider in signing.items():
        if isinstance(provider, ProvesItself):
            checks.append((name, provider.prove))
    for org in orgs.values():
        checks += _org_checks(org, clock, platform, assumed.for_org(org.org_id))
    return _run(checks, on_progress)


def check_mapping(
    *,
    orgs: Mapping[str, Org],
    platform: EntitlementPlatform,
    assumed: Assumptions,
    on_progress: Progress = lambda _done, _all, _area: None,
) -> tuple[Finding, ...]:
    """The part of it that concerns `[mapping]` and `[[signed]]`: fields, values, products, in every org."""
    checks: list[tuple[str, Check]] = [(_PLATFORM, lambda: _check_plans(platform, assumed.plan_refs))]
    for org in orgs.values():
        described = Describer(org.gateway, _area(org))
        checks += _record_checks(org, described, platform, assumed.for_org(org.org_id))
    return _run(checks, on_progress)


def _payments_check(provider: PaymentProvider, assumed: Assumptions) -> Check:
    return lambda: check_payments(
        provider=provider, currencies=assumed.payment_currencies, is_live=assumed.is_money_real
    )


def _run(checks: Sequence[tuple[str, Check]], on_progress: Progress) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for at, (area, check) in enumerate(checks):
        on_progress(at, len(checks), area)
        try:
            found += check()
        except ConnectorError as error:
            found.append(Finding(area, BAD, str(error), error.fix, error.owner))
    on_progress(len(checks), len(checks), "")
    return tuple(dict.fromkeys(found))


# Ourselves.


def _check_database(database: Database, clock: Clock) -> Iterator[Finding]:
    found = probe.revisions(database=database)
    if found is None:
        fix = "Check that it runs, and [database] url or COUNTERSIGN_DATABASE_URL."
        yield Finding(_DATABASE, BAD, "The database does not answer.", fix, _OPERATOR)
        return
    revision, needed = found
    if revision != needed:
        message = f"The database is at revision {revision or 'none'}, this release needs {needed}."
        yield Finding(_DATABASE, BAD, message, "Run `countersign migrate`.", _OPERATOR)
        return
    yield Finding(_DATABASE, GOOD, f"The database answers and is at revision {revision}.")
    if probe.keeps_what_is_written(database=database, now=clock.now()):
        yield Finding(_DATABASE, GOOD, "What is written can be read back.")
        return
    fix = "Check the rights of the database user, and that the disk is neither full nor read-only."
    yield Finding(_DATABASE, BAD, "What is written cannot be read back.", fix, _OPERATOR)


def _check_settings(assumed: Assumptions) -> Iterator[Finding]:
    for variable, problem in assumed.secrets.items():
        if problem:
            fix = f"Set {variable} (or {variable}_FILE); config.example.toml says how to make one."
            yield Finding(_SETTINGS, BAD, f"{variable}: {problem}", fix, _OPERATOR)
        else:
            yield Finding(_SETTINGS, GOOD, f"{variable} is set and long enough.")
    parts = urlsplit(assumed.base_url)
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        message = f"[web] base_url is {assumed.base_url}: people would sign in without encryption."
        yield Finding(_SETTINGS, BAD, message, "Put it behind a proxy with TLS and write https://.", _OPERATOR)


def _check_mail(assumed: Assumptions) -> Iterator[Finding]:
    if assumed.mail_folder:
        message = f"Mail goes into the folder {assumed.mail_folder}: no customer gets any."
        yield Finding(_SETTINGS, UNKNOWN, message, 'For real mail write transport = "smtp" in [mail].', _OPERATOR)


def _check_plans(platform: EntitlementPlatform, plan_refs: Mapping[str, str]) -> Iterator[Finding]:
    for ref, place in plan_refs.items():
        yield _plan_finding(platform, ref, place)


def _plan_finding(platform: EntitlementPlatform, ref: str, named_by: str) -> Finding:
    try:
        plan = platform.fetch_plan(plan_ref=ref)
    except Unavailable as error:
        message = f"{named_by} gives the plan {ref}; whether the entitlement platform has it is unknown: {error}"
        return Finding(_PLATFORM, BAD, message, "Create and publish the plan, or make the platform reachable.", _REVOPS)
    if plan is not None and plan.is_published:
        return Finding(_PLATFORM, GOOD, f"{named_by} gives the plan {ref}, which is known.")
    what = "does not know" if plan is None else "has not published"
    message = f"{named_by} gives the plan {ref}, which the entitlement platform {what}."
    return Finding(_PLATFORM, BAD, message, "Create and publish the plan, or correct its id.", _REVOPS)


# One org.


def _area(org: Org) -> str:
    return f"salesforce {org.name}"


def _org_checks(org: Org, clock: Clock, platform: EntitlementPlatform, assumed: Assumptions) -> list[tuple[str, Check]]:
    """The checks of one org; when we cannot log in, nothing else of it can be looked at."""
    area, describer = _area(org), Describer(org.gateway, _area(org))
    login: list[Organization] = []

    def logged_in(check: Check) -> Check:
        return lambda: check() if login else ()

    first: list[tuple[str, Check]] = [
        (area, lambda: _check_login(org, login)),
        (area, logged_in(lambda: _check_clock(org, clock))),
        (area, logged_in(lambda: _check_usage(org))),
    ]
    return first + [(name, logged_in(check)) for name, check in _record_checks(org, describer, platform, assumed)]


def _check_login(org: Org, login: list[Organization]) -> Iterator[Finding]:
    area = _area(org)
    try:
        found = org.gateway.organization()
    except ConnectorError as error:
        yield Finding(area, BAD, str(error), error.fix, error.owner)
        yield Finding(
            area, UNKNOWN, "Nothing else of this org could be looked at.", "Mend the login first.", error.owner
        )
        return
    login.append(found)
    kind = "a sandbox" if found.is_sandbox else "a production org"
    yield Finding(area, GOOD, f"We are logged in to {found.name!r}, {kind}.")
    if found.org_id == org.org_id:
        yield Finding(area, GOOD, f"Its id is {found.org_id}, as configured.")
        return
    message = f"Its id is {found.org_id}, not {org.org_id} as configured; a refreshed sandbox has a new id."
    fix = "Check instance_url and org_id in [salesforce]; never point a copy at a ledger of production."
    yield Finding(area, BAD, message, fix, _OPERATOR)


def _check_clock(org: Org, clock: Clock) -> Iterator[Finding]:
    ahead = clock.now() - org.gateway.server_now()
    seconds = round(ahead.total_seconds())
    if abs(ahead) <= MOST_SKEW:
        yield Finding(_area(org), GOOD, f"Our clock and Salesforce's differ by {abs(seconds)} s.")
        return
    word = "ahead of" if seconds > 0 else "behind"
    message = f"Our clock is {abs(seconds)} s {word} Salesforce's; logins and signed pushes would be refused."
    yield Finding(_area(org), BAD, message, "Set this host's clock by NTP.", _OPERATOR)


def _check_usage(org: Org) -> Iterator[Finding]:
    area, budget = _area(org), call_budget(org)
    if not budget.most:
        yield Finding(area, UNKNOWN, "Salesforce did not tell the limit of API calls.", "Look in Setup.", _OPERATOR)
        return
    said = f"{budget.used:,} of {budget.most:,} API calls of the last 24 hours are used ({budget.percent} %)"
    if budget.may_search:
        yield Finding(area, GOOD, f"{said}.")
        return
    held = "sweeps wait" if budget.may_ask else "only write-backs and pushes go on"
    fix = (
        "Find what uses the calls (Setup > Company Information, API usage), or raise calls_per_day or the org's limit."
    )
    yield Finding(area, BAD, f"{said}; {held}.", fix, "salesforce_admin")


def _record_checks(
    org: Org, describer: Describer, platform: EntitlementPlatform, assumed: Assumptions
) -> list[tuple[str, Check]]:
    area, faulty = _area(org), set[str]()
    checks: list[tuple[str, Check]] = []
    for mapping in org.mappings.values():
        reading = _selection_check(describer, mapping.selection, assumed)
        checks.append((f"{area}: {mapping.object}", _noting(faulty, mapping.object, reading)))
        if mapping.object not in assumed.status_fields:
            checks.append((f"{area}: {mapping.object}", partial(_shows_nothing, area, mapping.object)))
    for name in assumed.status_fields:
        # What is shown on an object that nobody sells by, such as the account, is shown all the same.
        if name in org.mappings or name == _ACCOUNT:
            checks.append((f"{area}: {name}", _status_check(describer, name, assumed)))
    checks += [(f"{area}: {name}", _rows_check(describer, name, fields)) for name, fields in assumed.rows.items()]
    for use in assumed.signed:
        checks.append((f"{area}: {use.object}", _noting(faulty, use.object, _signed_check(describer, use))))
    for mapping in org.mappings.values():
        checks.append((f"{area}: {mapping.object}", _query_check(org, describer, mapping.selection, faulty)))
    checks += [(f"{area}: products", _catalogue_check(org, describer, platform, use)) for use in assumed.catalogues]
    # Objects that could not be described speak last: every check above adds to them.
    checks.append((area, lambda: tuple(describer.findings)))
    return checks


def _shows_nothing(area: str, name: str) -> Iterable[Finding]:
    message = f"Records of {name} become orders, but none shows its status: {name} is not in [writeback] objects."
    yield Finding(area, UNKNOWN, message, "Add it there, or leave it out on purpose.", _REVOPS)


def _rows_check(describer: Describer, name: str, fields: Sequence[StatusField]) -> Check:
    return lambda: check_rows(describer=describer, object_name=name, fields=fields)


def _noting(faulty: set[str], name: str, check: Check) -> Check:
    """The check, which notes its object as faulty when it finds something bad."""

    def noted() -> Iterable[Finding]:
        found = tuple(check())
        if any(finding.state is BAD for finding in found):
            faulty.add(name)
        return found

    return noted


def _selection_check(describer: Describer, selection: RecordSelection, assumed: Assumptions) -> Check:
    return lambda: check_selection(describer=describer, selection=selection, uses=assumed.fields)


def _status_check(describer: Describer, object_name: str, assumed: Assumptions) -> Check:
    fields = assumed.status_fields[object_name]
    return lambda: check_status_fields(describer=describer, object_name=object_name, fields=fields)


def _signed_check(describer: Describer, use: SignedUse) -> Check:
    return lambda: check_signed(describer=describer, use=use)


def _catalogue_check(org: Org, describer: Describer, platform: EntitlementPlatform, use: CatalogueUse) -> Check:
    return lambda: _check_catalogue(org, describer, platform, use)


def _query_check(org: Org, describer: Describer, selection: RecordSelection, faulty: set[str]) -> Check:
    """Ask the sweep's question and read one record, as it is done for real; no use where a field is known to lack."""
    name = selection.object
    condition = org.conditions.get(name, "")

    def asked() -> Iterator[Finding]:
        if not condition or name in faulty or describer.describe(name) is None:
            return
        since = org.gateway.server_now() - _RECENTLY
        stamps = org.gateway.fetch_signed(object_name=name, condition=condition, since=since, until=None, limit=1)
        records = org.gateway.fetch(selection=selection, record_ids=[stamp.record_id for stamp in stamps])
        read = "one was read" if records else f"there is none of the last {_RECENTLY.days} days"
        yield Finding(_area(org), GOOD, f"Signed records of {name} can be searched for; {read}.")

    return asked


# The products in Salesforce, and the plans they name.


def _check_catalogue(
    org: Org, describer: Describer, platform: EntitlementPlatform, use: CatalogueUse
) -> Iterator[Finding]:
    """Whether every plan that an active product names is known to the platform."""
    place = _product_fields(describer, use)
    if place is None:
        return
    product, type_field, ref_field = place
    active = "IsActive = true AND " if _has_active_flag(describer, product) else ""
    stamps = org.gateway.fetch_signed(
        object_name=product, condition=f"{active}{ref_field} != null", since=None, until=None, limit=_MOST_PRODUCTS
    )
    refs: dict[str, str] = {}
    for start in range(0, len(stamps), _AT_ONCE):
        chosen = [stamp.record_id for stamp in stamps[start : start + _AT_ONCE]]
        selection = RecordSelection(object=product, fields=("Name", type_field, ref_field))
        for record in org.gateway.fetch(selection=selection, record_ids=chosen):
            if use.is_plan(str(record.fields.get(type_field) or "")):
                refs.setdefault(str(record.fields.get(ref_field)).strip(), f"The product {record.fields.get('Name')!r}")
    yield from (_plan_finding(platform, ref, named_by) for ref, named_by in refs.items())
    if len(stamps) == _MOST_PRODUCTS:
        message = f"Only the {_MOST_PRODUCTS:,} products that were not changed for longest were looked at."
        yield Finding(_area(org), UNKNOWN, message, "Deactivate products that are no longer sold.", _REVOPS)


def _product_fields(describer: Describer, use: CatalogueUse) -> tuple[str, str, str] | None:
    """(object, type field, ref field) of the products; None when they are not both on one visible parent."""
    parent, _, type_field = use.type_path.rpartition(".")
    other, _, ref_field = use.ref_path.rpartition(".")
    found = [describer.follow(use.line_object, path) for path in (use.type_path, use.ref_path)]
    if not parent or parent != other or any(hit.field is None for hit in found):
        return None
    return found[0].object, type_field, ref_field


def _has_active_flag(describer: Describer, product: str) -> bool:
    described = describer.describe(product)
    return described is not None and "IsActive" in described.fields
