"""The settings: one TOML file, checked whole before anything starts; secrets only from the environment or files.

All faults are reported at once, each with its place in the file. A key that we do not know is a fault, so that a typing
error cannot silently switch something off. Every key is explained in config.example.toml, which a test loads.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from connector.errors import Fault, Misconfigured

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PREFIX = "COUNTERSIGN_"


class ConfigRefused(Misconfigured):
    """The configuration has faults."""

    code = "CONFIGURATION"

    def __init__(self, faults: list[Fault]) -> None:
        lines = "\n".join(f"  {fault.field}: {fault.message} {fault.fix}".rstrip() for fault in faults)
        super().__init__(f"The configuration has {len(faults)} fault(s):\n{lines}")
        self.faults = faults


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class DatabaseSettings(_Section):
    """Where everything is kept."""

    url: str = "sqlite:///var/countersign.db"


class SalesforceSettings(_Section):
    """One org. `org_id` binds us to it: a refreshed sandbox has another one and is refused."""

    name: str = "default"
    instance_url: str
    auth: Literal["client_credentials", "jwt"] = "client_credentials"
    client_id: str
    username: str = ""
    audience: str = ""
    org_id: str = Field(min_length=15, max_length=18, pattern=r"^00D[0-9A-Za-z]{12,15}$")
    api_version: str = Field(default="63.0", pattern=r"^\d{2,3}\.0$")
    calls_per_day: int | None = Field(default=None, ge=100)

    @field_validator("instance_url")
    @classmethod
    def _secure(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            return value.rstrip("/")
        raise ValueError("must start with https:// (http:// only for a server on this machine)")

    @model_validator(mode="after")
    def _has_user(self) -> SalesforceSettings:
        if self.auth == "jwt" and not self.username:
            raise ValueError("username is needed with auth = 'jwt'")
        return self


class PlanEntitlementSettings(_Section):
    """One entitlement of a custom plan of the embedded platform."""

    ref: str
    kind: Literal["entitlement", "credit"] = "entitlement"
    variable: bool = False
    optional: bool = False
    value: int | Literal["unlimited"] | None = None
    cadence: Literal["month", "year"] | None = None

    @model_validator(mode="after")
    def _has_value(self) -> PlanEntitlementSettings:
        if not self.variable and self.value is None:
            raise ValueError("give a value, or variable = true when every order brings its own")
        return self


class PlanSettings(_Section):
    """One custom plan of the embedded platform: a template whose variable entitlements each order fills."""

    ref: str
    product: str
    published: bool = True
    entitlements: tuple[PlanEntitlementSettings, ...] = ()


class EntitlementSettings(_Section):
    """Where access is granted."""

    platform: Literal["embedded"] = "embedded"
    plans: tuple[PlanSettings, ...] = ()


class WritebackSettings(_Section):
    """Which Salesforce fields show our status; `fields` renames or switches off (empty text) single ones."""

    objects: tuple[str, ...] = ("Quote", "Opportunity", "Order")
    prefix: str = Field(default="Sync_", pattern=r"^[A-Za-z][A-Za-z0-9_]{0,30}$")
    fields: dict[str, str] = Field(default_factory=dict)
    batch: int = Field(default=200, ge=1, le=200)


class WebSettings(_Section):
    """The web server. `base_url` is how people reach it; links in Salesforce start with it."""

    base_url: str = "http://127.0.0.1:8900"
    host: str = "127.0.0.1"
    port: int = Field(default=8900, ge=1, le=65535)
    processes: int = Field(default=2, ge=1, le=64)
    threads: int = Field(default=8, ge=1, le=128)
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    login: Literal["local"] = "local"
    session_hours: int = Field(default=12, ge=1, le=168)
    metrics: bool = True
    api_docs: bool = True
    largest_body: int = Field(default=2_000_000, ge=10_000, le=50_000_000)

    @property
    def is_secure(self) -> bool:
        """Whether cookies may travel over https only."""
        return self.base_url.startswith("https://")


class JobSettings(_Section):
    """How often the clockwork runs, in seconds, and how many deals a worker carries at once."""

    slots: int = Field(default=8, ge=1, le=64)
    write_back: float = Field(default=1, ge=0.1)
    wake: float = Field(default=2, ge=0.1)
    watchdog: float = Field(default=5, ge=0.5)
    sweep: float = Field(default=300, ge=1)
    sweep_overlap: float = Field(default=600, ge=0)
    unsynced: float = Field(default=3600, ge=5)
    unsynced_days: int = Field(default=90, ge=1)
    retention: float = Field(default=3600, ge=60)
    retention_days: int = Field(default=30, ge=1)
    silence: float = Field(default=15, ge=1)


class Secrets(BaseModel):
    """What must never stand in the settings file; read from COUNTERSIGN_* or the file that COUNTERSIGN_*_FILE names."""

    model_config = ConfigDict(frozen=True)

    session: SecretStr = SecretStr("")
    salesforce: dict[str, SalesforceSecrets] = Field(default_factory=dict)


class SalesforceSecrets(BaseModel):
    """One org's secrets. Push tokens and event secrets may be several (comma), so that they can be rotated."""

    model_config = ConfigDict(frozen=True)

    client_secret: SecretStr = SecretStr("")
    private_key: SecretStr = SecretStr("")
    push_tokens: tuple[SecretStr, ...] = ()
    event_secrets: tuple[SecretStr, ...] = ()


class Config(_Section):
    """Everything that can be set."""

    database: DatabaseSettings = DatabaseSettings()
    salesforce: tuple[SalesforceSettings, ...] = Field(min_length=1)
    signed: tuple[dict[str, Any], ...] = ()
    mapping: dict[str, Any] = Field(default_factory=dict)
    entitlements: EntitlementSettings = EntitlementSettings()
    writeback: WritebackSettings = WritebackSettings()
    web: WebSettings = WebSettings()
    jobs: JobSettings = JobSettings()
    secrets: Secrets = Field(default_factory=Secrets, exclude=True)

    @field_validator("salesforce", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _names_differ(self) -> Config:
        names = [org.name for org in self.salesforce]
        if len(set(names)) != len(names):
            raise ValueError("each [[salesforce]] needs its own name")
        return self


def load_config(*, path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """The settings of that file with the secrets of the environment. Raises ConfigRefused with every fault."""
    source = os.environ if environment is None else environment
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _refused(str(path), "The file does not exist.", "Copy config.example.toml and edit it.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refused(str(path), f"The file is not valid TOML: {error}.", "Correct the place named.") from error
    if "secrets" in raw:
        raise _refused(
            "secrets", "Secrets do not belong in this file.", "Use the environment, see config.example.toml."
        )
    return parse_config(raw=raw, environment=source)


def parse_config(*, raw: Mapping[str, Any], environment: Mapping[str, str]) -> Config:
    """Settings from parsed TOML. Raises ConfigRefused with every fault."""
    try:
        config = Config.model_validate(dict(raw))
    except ValidationError as error:
        raise ConfigRefused([_fault(item) for item in error.errors(include_url=False)]) from None
    return config.model_copy(update={"secrets": _secrets(config, environment)})


def _refused(field: str, message: str, fix: str) -> ConfigRefused:
    return ConfigRefused([Fault(code="CONFIGURATION", message=message, fix=fix, owner="operator", field=field)])


def _fault(item: Any) -> Fault:
    """One of pydantic's findings in our words; the value itself is left out, it may be a secret in the wrong place."""
    place = ".".join(str(part) for part in item["loc"]) or "the file"
    if item["type"] == "extra_forbidden":
        message, fix = (
            "This key is not known.",
            "Correct the spelling or remove it; config.example.toml lists every key.",
        )
    elif item["type"] == "missing":
        message, fix = "This key is needed and missing.", "Add it; config.example.toml explains it."
    else:
        message, fix = item["msg"].removeprefix("Value error, ").rstrip(".") + ".", ""
    return Fault(code="CONFIGURATION", message=message, fix=fix, owner="operator", field=place)


def _secrets(config: Config, environment: Mapping[str, str]) -> Secrets:
    return Secrets(
        session=SecretStr(_secret(environment, "SESSION_SECRET")),
        salesforce={org.name: _org_secrets(org.name, environment) for org in config.salesforce},
    )


def _org_secrets(name: str, environment: Mapping[str, str]) -> SalesforceSecrets:
    prefix = "SALESFORCE_" if name == "default" else f"SALESFORCE_{name.upper().replace('-', '_')}_"
    return SalesforceSecrets(
        client_secret=SecretStr(_secret(environment, prefix + "CLIENT_SECRET")),
        private_key=SecretStr(_secret(environment, prefix + "PRIVATE_KEY")),
        push_tokens=_several(_secret(environment, prefix + "PUSH_TOKENS")),
        event_secrets=_several(_secret(environment, prefix + "EVENT_SECRETS")),
    )


def _several(text: str) -> tuple[SecretStr, ...]:
    return tuple(SecretStr(part.strip()) for part in text.split(",") if part.strip())


def _secret(environment: Mapping[str, str], name: str) -> str:
    """The value of COUNTERSIGN_<name>, or the content of the file that COUNTERSIGN_<name>_FILE names."""
    if file := environment.get(f"{_PREFIX}{name}_FILE"):
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            message = f"The file cannot be read: {error.strerror}."
            raise _refused(f"{_PREFIX}{name}_FILE", message, "Correct the path or its permissions.") from error
    return environment.get(_PREFIX + name, "").strip()
