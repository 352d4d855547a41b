"""The settings: one TOML file, checked whole before anything starts; secrets only from the environment or files.

All faults are reported at once, each with its place in the file. A key that we do not know is a fault, so that a typing
error cannot silently switch something off. Every key is explained in config.example.toml, which a test loads.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from connector.config_billing import BillingSettings, ReviewSettings
from connector.config_billing import Section as _Section
from connector.config_cash import CashSettings
from connector.config_database import DatabaseSettings
from connector.config_faults import faults_of, setting_fault
from connector.config_login import OidcSettings
from connector.config_mail import MailSettings
from connector.config_order_forms import DocusignSettings, OrderFormSettings
from connector.config_payments import AirwallexSection, PaymentsSettings
from connector.config_secrets import ORG_NAME, Secrets, org_prefix, read_secret, read_secrets
from connector.config_stigg import StiggSection
from connector.errors import Fault, Misconfigured

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# A week: anything longer is no interval of a clockwork, and endless ones are typing errors.
_WEEK = 604_800


class ConfigRefused(Misconfigured):
    """The configuration has faults."""

    code = "CONFIGURATION"

    def __init__(self, faults: list[Fault]) -> None:
        lines = "\n".join(f"  {_told(fault)}" for fault in faults)
        super().__init__(f"The configuration has {len(faults)} fault(s):\n{lines}", fix="Correct each of them.")
        self.faults = faults


def _told(fault: Fault) -> str:
    """One line for people; some faults begin with their place by themselves."""
    place = "" if not fault.field or fault.message.startswith(fault.field) else f"{fault.field}: "
    return f"{place}{fault.sentence()}"


class SalesforceSettings(_Section):
    """One org. `org_id` binds us to it: a refreshed sandbox has another one and is refused.

    `signed` and `mapping` are this org's own rules; without them the shared `[[signed]]` and `[mapping]` hold.
    `calls_per_day` is the most calls a day that we want to see in the org, by everybody; None leaves it to the org's
    own limit. Near it our searches wait. `client_cert_header` is where our proxy names the client certificate of a
    push; its value must be one of `client_cert_expected`.
    """

    name: str = Field(default="default", pattern=f"^{ORG_NAME}$")
    instance_url: str
    auth: Literal["client_credentials", "jwt"] = "client_credentials"
    client_id: str = Field(min_length=1)
    username: str = ""
    audience: str = ""
    org_id: str
    api_version: str = Field(default="63.0", pattern=r"^\d{2,3}\.0$")
    calls_per_day: int | None = Field(default=None, ge=100)
    client_cert_header: str = Field(default="", pattern=r"^[A-Za-z0-9-]{0,60}$")
    client_cert_expected: tuple[str, ...] = ()
    signed: tuple[dict[str, Any], ...] | None = None
    mapping: dict[str, Any] | None = None

    @field_validator("org_id")
    @classmethod
    def _an_org_id(cls, value: str) -> str:
        if len(value) in (15, 18) and value.startswith("00D") and value.isascii() and value.isalnum():
            return value
        raise ValueError("must be the org's id of 15 or 18 characters, 00D... (Setup, Company Information)")

    @field_validator("instance_url")
    @classmethod
    def _secure(cls, value: str) -> str:
        parts = _split(value)
        is_secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not is_secure or not parts.hostname:
            raise ValueError("must start with https:// (http:// only for a server on this machine)")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must be an address without user, password or query")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _has_user(self) -> SalesforceSettings:
        if self.auth == "jwt" and not self.username:
            raise ValueError("username is needed with auth = 'jwt'")
        if bool(self.client_cert_header) != any(self.client_cert_expected):
            raise ValueError("client_cert_header and client_cert_expected are given together or not at all")
        return self


def _refuse_doubles(kind: str, refs: Iterable[str]) -> None:
    """Raises ValueError: of two entries with one ref, one would silently win."""
    seen: set[str] = set()
    for ref in refs:
        if ref in seen:
            raise ValueError(f"names the {kind} {ref} twice")
        seen.add(ref)


class PlanEntitlementSettings(_Section):
    """One entitlement of a custom plan of the embedded platform."""

    ref: str = Field(min_length=1)
    kind: Literal["entitlement", "credit"] = "entitlement"
    name: str = ""
    variable: bool = False
    optional: bool = False
    value: int | Literal["unlimited"] | None = None
    cadence: Literal["month", "year"] | None = None
    feature: Literal["boolean", "limit", "metered"] = "limit"
    soft_limit: bool = False
    reset: Literal["hour", "day", "week", "month", "year"] | None = None
    resets_with_calendar: bool = False
    draws: str = ""
    draws_per_unit: Decimal = Field(default=Decimal(1), gt=0, max_digits=15)
    rollover: bool = False

    @model_validator(mode="after")
    def _has_value(self) -> PlanEntitlementSettings:
        if not self.variable and self.value is None:
            raise ValueError("give a value, or variable = true when every order brings its own")
        if self.rollover:
            raise ValueError("cannot roll over: monthly and yearly credits without rollover are what is offered")
        if self.kind == "credit" and (self.value == "unlimited" or (self.value is not None and self.value <= 0)):
            raise ValueError("needs an amount of credits above 0")
        if self.kind == "credit" and not self.variable and self.cadence is None:
            raise ValueError("needs cadence = 'month' or 'year'")
        return self


class PlanSettings(_Section):
    """One custom plan of the embedded platform: a template whose variable entitlements each order fills."""

    ref: str = Field(min_length=1)
    product: str = Field(min_length=1)
    name: str = ""
    published: bool = True
    add_ons: tuple[str, ...] | None = None
    entitlements: tuple[PlanEntitlementSettings, ...] = ()

    @model_validator(mode="after")
    def _each_entitlement_once(self) -> PlanSettings:
        _refuse_doubles("entitlement", (entitlement.ref for entitlement in self.entitlements))
        return self


class EntitlementSettings(_Section):
    """Where access is granted."""

    platform: Literal["embedded", "stigg"] = "embedded"
    plans: tuple[PlanSettings, ...] = ()

    @model_validator(mode="after")
    def _each_plan_once(self) -> EntitlementSettings:
        _refuse_doubles("plan", (plan.ref for plan in self.plans))
        return self


class UsageSettings(_Section):
    """Usage that is reported and billed: how late an event may come, and how long silence is no stop of reporting."""

    late_days: int = Field(default=35, ge=1, le=3660)
    silence_days: int = Field(default=7, ge=1, le=366)


class WritebackSettings(_Section):
    """Which Salesforce fields show our status; `fields` renames or switches off (empty text) single ones.

    `log_object` is our object there that keeps a row for each attempt, `invoice_object` the one with a row for each
    invoice; empty switches it off.
    """

    objects: tuple[str, ...] = ("Quote", "Opportunity", "Order")
    prefix: str = Field(default="Sync_", pattern=r"^[A-Za-z][A-Za-z0-9_]{0,30}$")
    fields: dict[str, str] = Field(default_factory=dict)
    batch: int = Field(default=200, ge=1, le=200)
    money: tuple[str, ...] = ()
    log_object: str = Field(default="", pattern=r"^([A-Za-z][A-Za-z0-9_]{0,79})?$")
    invoice_object: str = Field(default="", pattern=r"^([A-Za-z][A-Za-z0-9_]{0,79})?$")


class WebSettings(_Section):
    """The web server. `base_url` is how people reach it; links in Salesforce start with it."""

    base_url: str = "http://127.0.0.1:8900"
    host: str = "127.0.0.1"
    port: int = Field(default=8900, ge=1, le=65535)
    processes: int = Field(default=2, ge=1, le=64)
    threads: int = Field(default=8, ge=1, le=128)
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    login: Literal["local", "oidc"] = "local"
    oidc: OidcSettings | None = None
    session_hours: int = Field(default=12, ge=1, le=168)
    api_calls_per_minute: int = Field(default=1200, ge=0, le=1_000_000)
    pushes_per_minute: int = Field(default=30_000, ge=0, le=1_000_000)
    metrics: bool = True
    api_docs: bool = True
    largest_body: int = Field(default=2_000_000, ge=10_000, le=50_000_000)

    @property
    def is_secure(self) -> bool:
        """Whether cookies may travel over https only."""
        return self.base_url.startswith("https://")

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = _split(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("must be an address such as https://billing.example.com")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _has_provider(self) -> WebSettings:
        if self.login == "oidc" and self.oidc is None:
            raise ValueError('needs [web.oidc] with login = "oidc"')
        return self


class JobSettings(_Section):
    """How often the clockwork runs, in seconds, and how many deals a worker carries at once."""

    slots: int = Field(default=8, ge=1, le=64)
    write_back: float = Field(default=1, ge=0.1, le=_WEEK)
    wake: float = Field(default=2, ge=0.1, le=_WEEK)
    watchdog: float = Field(default=5, ge=0.5, le=_WEEK)
    sweep: float = Field(default=300, ge=1, le=_WEEK)
    sweep_overlap: float = Field(default=600, ge=0, le=_WEEK)
    unsynced: float = Field(default=3600, ge=5, le=_WEEK)
    unsynced_days: int = Field(default=90, ge=1, le=3660)
    count_calls: float = Field(default=60, ge=1, le=_WEEK)
    compare_intake: float = Field(default=86_400, ge=60, le=_WEEK)
    bill: float = Field(default=3600, ge=60, le=_WEEK)
    # A draft is judged this soon; a bulk approval that stopped goes on this soon.
    assess: float = Field(default=5, ge=0.1, le=_WEEK)
    deliver: float = Field(default=2, ge=0.1, le=_WEEK)
    render: float = Field(default=1, ge=0.1, le=_WEEK)
    # Below the ten minutes for which a file is claimed, or two processes would render it.
    render_limit: float = Field(default=120, ge=5, le=480)
    match: float = Field(default=10, ge=0.1, le=_WEEK)
    cash_status: float = Field(default=10, ge=0.1, le=_WEEK)
    remind: float = Field(default=3600, ge=60, le=_WEEK)
    payments: float = Field(default=2, ge=0.1, le=_WEEK)
    payment_links: float = Field(default=30, ge=0.5, le=_WEEK)
    payments_poll: float = Field(default=86_400, ge=60, le=_WEEK)
    payments_poll_days: int = Field(default=7, ge=1, le=90)
    scheduled_access: float = Field(default=60, ge=1, le=_WEEK)
    credits: float = Field(default=60, ge=1, le=_WEEK)
    usage: float = Field(default=3600, ge=60, le=_WEEK)
    compare_access: float = Field(default=86_400, ge=60, le=_WEEK)
    order_forms: float = Field(default=2, ge=0.1, le=_WEEK)
    retention: float = Field(default=3600, ge=60, le=_WEEK)
    retention_days: int = Field(default=30, ge=1, le=3660)
    silence: float = Field(default=15, ge=1, le=_WEEK)


class Config(_Section):
    """Everything that can be set."""

    database: DatabaseSettings = DatabaseSettings()
    salesforce: tuple[SalesforceSettings, ...] = Field(min_length=1)
    signed: tuple[dict[str, Any], ...] = ()
    mapping: dict[str, Any] = Field(default_factory=dict)
    entitlements: EntitlementSettings = EntitlementSettings()
    stigg: StiggSection = StiggSection()
    usage: UsageSettings = UsageSettings()
    writeback: WritebackSettings = WritebackSettings()
    billing: BillingSettings = BillingSettings()
    review: ReviewSettings = ReviewSettings()
    cash: CashSettings = CashSettings()
    payments: PaymentsSettings = PaymentsSettings()
    airwallex: AirwallexSection = AirwallexSection()
    mail: MailSettings = MailSettings()
    web: WebSettings = WebSettings()
    order_forms: OrderFormSettings = OrderFormSettings()
    docusign: DocusignSettings = DocusignSettings()
    jobs: JobSettings = JobSettings()
    secrets: Secrets = Field(default_factory=Secrets, exclude=True)

    @field_validator("salesforce", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, Mapping) else value


Judge = Callable[[Mapping[str, Any], Secrets], Iterable[Fault]]
"""Looks at the raw tables and the secrets, and names what else is wrong; it must not raise for any table."""


def load_config(*, path: Path, environment: Mapping[str, str] | None = None, judges: Sequence[Judge] = ()) -> Config:
    """The settings of that file with the secrets of the environment. Raises ConfigRefused with every fault.

    The file's own database URL gives way to COUNTERSIGN_DATABASE_URL.
    """
    source = os.environ if environment is None else environment
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _refused(str(path), "The file does not exist.", "Copy config.example.toml and edit it.") from error
    except OSError as error:
        raise _refused(str(path), f"The file cannot be read: {error.strerror}.", "Correct its permissions.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refused(str(path), f"The file is not valid TOML: {error}.", "Correct the place named.") from error
    return parse_config(raw=raw, environment=source, judges=judges)


def parse_config(*, raw: Mapping[str, Any], environment: Mapping[str, str], judges: Sequence[Judge] = ()) -> Config:
    """Settings from parsed TOML. Raises ConfigRefused with every fault, those of the judges included."""
    faults = _misplaced_secrets(raw)
    tables = _with_database_url({name: value for name, value in raw.items() if name != "secrets"}, environment, faults)
    config: Config | None = None
    try:
        config = Config.model_validate(tables)
    except ValidationError as error:
        faults += faults_of(error, raw=tables, model=Config)
    orgs = _org_tables(tables)
    faults += _doubled_orgs(orgs)
    secrets = read_secrets([org["name"] for org in orgs], environment, faults)
    for judge in judges:
        faults += judge(tables, secrets)
    if faults or config is None:
        raise ConfigRefused(faults)
    return config.model_copy(update={"secrets": secrets})


def _refused(field: str, message: str, fix: str) -> ConfigRefused:
    return ConfigRefused([setting_fault(field, message, fix)])


def _split(address: str) -> Any:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts


def _misplaced_secrets(raw: Mapping[str, Any]) -> list[Fault]:
    fix = "Use the environment or files, see config.example.toml."
    found = [setting_fault("secrets", "Secrets do not belong in this file.", fix)] if "secrets" in raw else []
    database = raw.get("database")
    url = database.get("url") if isinstance(database, Mapping) else None
    if isinstance(url, str) and _split(url).password:
        message = "A password does not belong in this file."
        found.append(setting_fault("database.url", message, "Set the whole URL as COUNTERSIGN_DATABASE_URL."))
    return found


def _with_database_url(
    tables: Mapping[str, Any], environment: Mapping[str, str], faults: list[Fault]
) -> Mapping[str, Any]:
    url = read_secret(environment, "DATABASE_URL", faults)
    database = tables.get("database", {})
    if not url or not isinstance(database, Mapping):
        return tables
    return {**tables, "database": {**database, "url": url}}


def _org_tables(tables: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tables of the orgs, each with a name, also when other things in them are wrong."""
    given = tables.get("salesforce", [])
    orgs = [given] if isinstance(given, Mapping) else given if isinstance(given, list) else []
    named = [{"name": "default", **org} for org in orgs if isinstance(org, Mapping)]
    return [org for org in named if isinstance(org["name"], str)]


def _doubled_orgs(orgs: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """Two orgs of one name share secrets, two of one id share records: both are mistakes."""
    faults: list[Fault] = []
    prefixes, ids = set[str](), set[str]()
    for number, org in enumerate(orgs, start=1):
        prefix, org_id = org_prefix(org["name"]), str(org.get("org_id", ""))[:15]
        if prefix in prefixes:
            fix = "Give each [[salesforce]] its own name; capitals, - and _ do not count."
            faults.append(setting_fault(f"salesforce[{number}].name", "Another org has this name.", fix))
        if org_id and org_id in ids:
            fix = "Name each org once."
            faults.append(setting_fault(f"salesforce[{number}].org_id", "Another entry has this org.", fix))
        prefixes.add(prefix)
        ids.add(org_id)
    return faults
