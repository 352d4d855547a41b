"""The secrets: read from COUNTERSIGN_* or from the file that COUNTERSIGN_*_FILE names, and judged by their form.

Exists so that one module knows every secret by name. A secret leaves it only as SecretStr; no fault, problem or text
repeats a part of one.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connector.config_faults import setting_fault
from connector.errors import Fault

ORG_NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,39}"

_PREFIX = "COUNTERSIGN_"
_ORG_SECRETS = ("CLIENT_SECRET", "PRIVATE_KEY", "PUSH_TOKENS", "EVENT_SECRETS")
_LEAST_CHARACTERS = 32
# Standard Webhooks asks for 24 to 64 bytes.
_LEAST_EVENT_BYTES = 24


class Secrets(BaseModel):
    """What must never stand in the settings file; read from COUNTERSIGN_* or the file that COUNTERSIGN_*_FILE names."""

    model_config = ConfigDict(frozen=True)

    session: SecretStr = SecretStr("")
    mail_password: SecretStr = SecretStr("")
    oidc_client: SecretStr = SecretStr("")
    airwallex: AirwallexSecrets = Field(default_factory=lambda: AirwallexSecrets())
    stigg: StiggSecrets = Field(default_factory=lambda: StiggSecrets())
    signing: SigningSecrets = Field(default_factory=lambda: SigningSecrets())
    salesforce: dict[str, SalesforceSecrets] = Field(default_factory=dict)


class AirwallexSecrets(BaseModel):
    """The secrets of the Airwallex account. Webhook secrets may be several (comma), so that they can be rotated."""

    model_config = ConfigDict(frozen=True)

    api_key: SecretStr = SecretStr("")
    webhook_secrets: tuple[SecretStr, ...] = ()


class StiggSecrets(BaseModel):
    """The secrets of one Stigg environment. Webhook secrets may be several (comma), so that they can be rotated."""

    model_config = ConfigDict(frozen=True)

    api_key: SecretStr = SecretStr("")
    webhook_secrets: tuple[SecretStr, ...] = ()


class SigningSecrets(BaseModel):
    """What e-signature providers share with us. Each may be several (comma), so that they can be rotated.

    Adobe Acrobat Sign signs nothing; it names the client id of its application, which only it and we should know.
    """

    model_config = ConfigDict(frozen=True)

    docusign_keys: tuple[SecretStr, ...] = ()
    docusign_private_key: SecretStr = SecretStr("")
    pandadoc_keys: tuple[SecretStr, ...] = ()
    dropbox_sign_keys: tuple[SecretStr, ...] = ()
    adobe_sign_clients: tuple[SecretStr, ...] = ()


class SalesforceSecrets(BaseModel):
    """One org's secrets. Push tokens and event secrets may be several (comma), so that they can be rotated."""

    model_config = ConfigDict(frozen=True)

    client_secret: SecretStr = SecretStr("")
    private_key: SecretStr = SecretStr("")
    push_tokens: tuple[SecretStr, ...] = ()
    event_secrets: tuple[SecretStr, ...] = ()


def org_variable(name: str, secret: str) -> str:
    """The environment variable that holds an org's secret, such as COUNTERSIGN_SALESFORCE_EU_CLIENT_SECRET."""
    return _PREFIX + org_prefix(name) + secret


def org_prefix(name: str) -> str:
    """What the variables of an org begin with; the org named default has no name in them."""
    return "SALESFORCE_" if name == "default" else f"SALESFORCE_{name.upper().replace('-', '_')}_"


def read_secrets(names: Sequence[str], environment: Mapping[str, str], faults: list[Fault]) -> Secrets:
    """The secrets of the product and of the named orgs; what is wrong with their variables goes into `faults`."""
    faults += _unknown_variables(names, environment)
    return Secrets(
        session=SecretStr(read_secret(environment, "SESSION_SECRET", faults)),
        mail_password=SecretStr(read_secret(environment, "MAIL_PASSWORD", faults)),
        oidc_client=SecretStr(read_secret(environment, "OIDC_CLIENT_SECRET", faults)),
        airwallex=AirwallexSecrets(
            api_key=SecretStr(read_secret(environment, "AIRWALLEX_API_KEY", faults)),
            webhook_secrets=_several(read_secret(environment, "AIRWALLEX_WEBHOOK_SECRETS", faults)),
        ),
        stigg=StiggSecrets(
            api_key=SecretStr(read_secret(environment, "STIGG_API_KEY", faults)),
            webhook_secrets=_several(read_secret(environment, "STIGG_WEBHOOK_SECRETS", faults)),
        ),
        signing=SigningSecrets(
            docusign_keys=_several(read_secret(environment, "DOCUSIGN_HMAC_KEYS", faults)),
            docusign_private_key=SecretStr(read_secret(environment, "DOCUSIGN_PRIVATE_KEY", faults)),
            pandadoc_keys=_several(read_secret(environment, "PANDADOC_KEYS", faults)),
            dropbox_sign_keys=_several(read_secret(environment, "DROPBOX_SIGN_API_KEYS", faults)),
            adobe_sign_clients=_several(read_secret(environment, "ADOBE_SIGN_CLIENT_IDS", faults)),
        ),
        salesforce={name: _org_secrets(org_prefix(name), environment, faults) for name in dict.fromkeys(names)},
    )


def secret_problems(secrets: Secrets) -> dict[str, str]:
    """Each secret that the receivers and the pages need, by its variable: what is wrong with it, empty for nothing."""
    session = secrets.session.get_secret_value()
    found = {f"{_PREFIX}SESSION_SECRET": _too_short("The secret", len(session)) if session else "It is not set."}
    for name, org in secrets.salesforce.items():
        tokens, events = org_variable(name, "PUSH_TOKENS"), org_variable(name, "EVENT_SECRETS")
        if not org.push_tokens and not org.event_secrets:
            found[tokens] = f"Neither it nor {events} is set, so no push is accepted and only the sweep finds deals."
            continue
        if org.push_tokens:
            lengths = (len(token.get_secret_value()) for token in org.push_tokens)
            found[tokens] = _first(_too_short(_nth("Token", at), length) for at, length in enumerate(lengths, start=1))
        if org.event_secrets:
            found[events] = _first(_event_problem(at, one) for at, one in enumerate(org.event_secrets, start=1))
    return found


def _too_short(what: str, length: int) -> str:
    if length >= _LEAST_CHARACTERS:
        return ""
    return f"{what} has {length} characters; at least {_LEAST_CHARACTERS} are needed so that nobody guesses it."


def _nth(what: str, number: int) -> str:
    return f"{what} {number}"


def _event_problem(number: int, secret: SecretStr) -> str:
    try:
        key = base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return f"{_nth('Secret', number)} is not base64."
    if len(key) >= _LEAST_EVENT_BYTES:
        return ""
    return f"{_nth('Secret', number)} has {len(key)} bytes; at least {_LEAST_EVENT_BYTES} are needed."


def _first(problems: Iterable[str]) -> str:
    return next((problem for problem in problems if problem), "")


def _unknown_variables(names: Sequence[str], environment: Mapping[str, str]) -> Iterable[Fault]:
    """Secrets of orgs that nobody would read; nothing is said while the names themselves are in doubt."""
    if not names or not all(re.fullmatch(ORG_NAME, name) for name in names):
        return
    known = {org_variable(name, secret) + end for name in names for secret in _ORG_SECRETS for end in ("", "_FILE")}
    for variable in sorted(set(environment) - known):
        if variable.startswith(f"{_PREFIX}SALESFORCE_"):
            yield setting_fault(variable, "No org has a secret of this name.", _fix_of(variable, known))


def _fix_of(variable: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(variable, sorted(known), n=1)
    return f"Did you mean {near[0]}?" if near else "Correct its spelling or remove it."


def _org_secrets(prefix: str, environment: Mapping[str, str], faults: list[Fault]) -> SalesforceSecrets:
    found = {secret: read_secret(environment, prefix + secret, faults) for secret in _ORG_SECRETS}
    return SalesforceSecrets(
        client_secret=SecretStr(found["CLIENT_SECRET"]),
        private_key=SecretStr(found["PRIVATE_KEY"]),
        push_tokens=_several(found["PUSH_TOKENS"]),
        event_secrets=_several(found["EVENT_SECRETS"]),
    )


def _several(text: str) -> tuple[SecretStr, ...]:
    return tuple(SecretStr(part.strip()) for part in text.split(",") if part.strip())


def read_secret(environment: Mapping[str, str], name: str, faults: list[Fault]) -> str:
    """The value of COUNTERSIGN_<name>, or the content of the file that COUNTERSIGN_<name>_FILE names."""
    value, file = environment.get(_PREFIX + name, "").strip(), environment.get(f"{_PREFIX}{name}_FILE", "")
    if not file:
        return value
    place = f"{_PREFIX}{name}_FILE"
    if value:
        faults.append(setting_fault(place, f"{_PREFIX}{name} is set as well.", "Set one of the two."))
        return value
    try:
        found = Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        message = f"The file cannot be read: {error.strerror}."
        faults.append(setting_fault(place, message, "Correct the path or its permissions."))
        return ""
    except UnicodeDecodeError:
        faults.append(setting_fault(place, "The file is not text.", "Name the file that holds the secret as text."))
        return ""
    if not found:
        faults.append(setting_fault(place, "The file is empty.", "Write the secret into it."))
    return found
