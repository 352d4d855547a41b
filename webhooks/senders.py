"""Who sends: the org whose push token or event secret a request knows.

Exists so that one org's secret can never speak for another org. It must not say in an answer or a log what a secret
is, nor which orgs there are.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime

from connector.errors import Refused
from connector.ports import Org
from connector.services import Services
from webhooks.signatures import SignatureRefused, SignedHeaders, verify


class UnknownToken(Refused):
    """The address holds no token that we know."""

    code = "UNKNOWN_TOKEN"
    owner = "Salesforce administrator"
    fix = "Copy the endpoint address with the present token into the outbound message."
    http_status = 401


class WrongOrg(Refused):
    """The message names another org than the one whose secret was used."""

    code = "WRONG_ORG"
    owner = "Salesforce administrator"
    fix = "Send each org's messages with that org's own token or secret; a refreshed sandbox has a new org id."
    http_status = 403


class CertificateRefused(Refused):
    """The sender's client certificate is missing or not the expected one."""

    code = "CLIENT_CERTIFICATE"
    owner = "operator"
    fix = "Have the proxy ask for the certificate and name it in the header of [salesforce] client_cert_header."
    http_status = 403


def org_of_token(*, services: Services, token: str) -> Org:
    """The org that has this push token. Raises UnknownToken. Every token is compared, in constant time each."""
    given = token.encode()
    fitting = [
        org
        for org in services.orgs.values()
        for secret in services.config.secrets.salesforce[org.name].push_tokens
        if hmac.compare_digest(secret.get_secret_value().encode(), given)
    ]
    if not fitting:
        raise UnknownToken
    return fitting[0]


def check_certificate(*, services: Services, org: Org, header: Callable[[str, str], str]) -> None:
    """Where the settings ask for it, the sender's client certificate must be the expected one, as our proxy names it.

    Raises CertificateRefused, also when no proxy is trusted: then anybody could have sent the header.
    """
    settings = next(one for one in services.config.salesforce if one.name == org.name)
    if not settings.client_cert_header:
        return
    given = _same_certificate(header(settings.client_cert_header, ""))
    is_expected = any(
        hmac.compare_digest(given.encode(), _same_certificate(expected).encode())
        for expected in settings.client_cert_expected
    )
    if not given or not is_expected or not services.config.web.trusted_proxies:
        raise CertificateRefused


def admit_push(*, services: Services, org: Org) -> None:
    """Count one delivery of the org. Raises TooManyCalls; the sender keeps what was not acknowledged."""
    services.limits.admit(kind="push", caller=org.org_id, per_minute=services.config.web.pushes_per_minute)


def _same_certificate(text: str) -> str:
    """One spelling: a fingerprint without colons in small letters; a subject as it is."""
    plain = text.strip().replace(":", "").casefold()
    return plain if plain and all(letter in "0123456789abcdef" for letter in plain) else text.strip()


def org_of_signature(*, services: Services, body: bytes, headers: SignedHeaders, now: datetime) -> Org:
    """The org whose event secret signed the body. Raises SignatureRefused and Misconfigured, see `verify`."""
    known = [
        (org, secret.get_secret_value())
        for org in services.orgs.values()
        for secret in services.config.secrets.salesforce[org.name].event_secrets
    ]
    if not known:
        raise SignatureRefused("No event secret is set, so no signed event can be accepted.")
    return known[verify(body=body, headers=headers, secrets=[secret for _, secret in known], now=now)][0]


def check_org(*, org: Org, named: str) -> None:
    """Refuse a message that names another org (18 characters). Raises WrongOrg."""
    if named != org.org_id:
        raise WrongOrg(f"The message names the org {named}, which is not the org of the secret that was used.")


def ignored_because(*, org: Org, object_name: str) -> str:
    """Why nobody will look at a record of this object, or empty text when somebody will."""
    is_known = object_name in org.mappings or object_name in org.pointers
    return "" if is_known else f"The object {object_name} is not configured for this org."
