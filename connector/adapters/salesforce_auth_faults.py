"""Why Salesforce refused a login, in plain words, and what its administrator must do. A table and its reader.

Exists because the token endpoint's own words ("invalid_grant") name a dozen different causes. It must not see secrets.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.adapters.salesforce_codes import ADMIN, OPERATOR
from connector.errors import Misconfigured


class AuthenticationFailed(Misconfigured):
    """Salesforce refused our login; no work on this org goes on until it is mended."""

    code = "AUTHENTICATION_FAILED"
    owner = ADMIN
    fix = "Check the client id, the secret or key, the user and the app's policies."


@dataclass(frozen=True, slots=True)
class _Cause:
    """A refusal: the error word and a piece of its description (either may be empty = any), and what it means."""

    word: str
    piece: str
    says: str
    fix: str
    owner: str = ADMIN


_PRE_AUTHORISE = (
    'In the app\'s policies choose "Admin approved users are pre-authorized", and give the app to the integration user '
    "by its permission set."
)

# Read from the top; the first row whose word and piece are both found counts.
_CAUSES: tuple[_Cause, ...] = (
    _Cause("", "approved this consumer", "the user is not pre-authorised for the app.", _PRE_AUTHORISE),
    _Cause("", "not admin approved", "the user is not pre-authorised for the app.", _PRE_AUTHORISE),
    _Cause("invalid_app_access", "", "the user is not pre-authorised for the app.", _PRE_AUTHORISE),
    _Cause(
        "",
        "must be installed",
        "the app is not installed in this org.",
        "Create or install the External Client App in this org, then log in again.",
    ),
    _Cause(
        "",
        "audience",
        "the audience of the assertion is wrong: it must name the login host of this kind of org.",
        "Set salesforce.audience to https://login.salesforce.com, or to https://test.salesforce.com for a sandbox.",
        OPERATOR,
    ),
    _Cause(
        "",
        "expired",
        "the assertion had expired when it arrived: the clock of this host is wrong.",
        "Set this host's clock by NTP; the assertion lives three minutes.",
        OPERATOR,
    ),
    _Cause(
        "",
        "validity",
        "the assertion was not valid at this time: the clock of this host is wrong.",
        "Set this host's clock by NTP; the assertion lives three minutes.",
        OPERATOR,
    ),
    _Cause(
        "",
        "invalid assertion",
        "the signature of the assertion does not fit the app's certificate.",
        "Upload the certificate of salesforce.private_key to the app, or configure the key that belongs to it.",
    ),
    _Cause(
        "",
        "no client credentials user",
        "the app has no user to run as.",
        "In the app's policies enable the client credentials flow and choose the integration user as run-as user.",
    ),
    _Cause(
        "",
        "not supported on this domain",
        "this host gives no tokens of this kind.",
        "Set salesforce.instance_url to the org's My Domain address, https://NAME.my.salesforce.com.",
        OPERATOR,
    ),
    _Cause(
        "",
        "not enabled",
        "the app does not allow this kind of login.",
        "Enable the client credentials flow or the JWT bearer flow in the app's settings.",
    ),
    _Cause(
        "",
        "ip restricted",
        "this host's address is not allowed.",
        "Add this host's outgoing address to the login IP ranges of the integration user's profile or of the app.",
    ),
    _Cause("inactive_user", "", "the integration user is inactive.", "Activate the user in Salesforce."),
    _Cause("inactive_org", "", "the org is locked, closed or suspended.", "Ask Salesforce about the org's state."),
    _Cause(
        "invalid_client_id",
        "",
        "the client id is not known in this org.",
        "Copy the consumer key of the app into salesforce.client_id; a new app needs up to ten minutes to be known.",
    ),
    _Cause(
        "invalid_client",
        "",
        "the client id or the client secret is wrong.",
        "Copy the consumer key and the consumer secret of the app again.",
    ),
    _Cause(
        "unsupported_grant_type",
        "",
        "the app does not allow this kind of login.",
        "Enable the client credentials flow or the JWT bearer flow in the app's settings.",
    ),
    _Cause("unauthorized_client", "", "the app may not be used in this way.", _PRE_AUTHORISE),
    _Cause(
        "invalid_grant",
        "",
        "the user or the app was refused.",
        "Check the username (a sandbox adds a suffix to it), the app's certificate, and the user's login history.",
    ),
)
_NO_REASON = _Cause(
    "",
    "",
    "the token endpoint refused us without a known reason.",
    "Check salesforce.instance_url (the My Domain address) and the user's login history in Setup.",
)


def login_refusal(*, word: str, told: str, status: int, username: str, audience: str) -> AuthenticationFailed:
    """The refusal in plain words with its fix; `word` and `told` are the endpoint's error and its description."""
    lowered = told.lower()
    cause = next((row for row in _CAUSES if row.word in ("", word) and row.piece in lowered), _NO_REASON)
    who = f" as {username}" if username else ""
    sent = f" (audience {audience})" if cause.piece == "audience" and audience else ""
    return AuthenticationFailed(
        f"Could not log in to Salesforce{who}: {cause.says}{sent} The answer was {_known_word(word)}, status {status}.",
        owner=cause.owner,
        fix=cause.fix,
    )


def _known_word(word: str) -> str:
    """The endpoint's error word if it looks like one; foreign text is not repeated, it might echo what we sent."""
    return word if word and len(word) <= 40 and word.replace("_", "").isalnum() else "no error word"
