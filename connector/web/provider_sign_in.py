"""Sign in by the login provider: the way there and the way back, both of them links that any browser follows."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, request, session
from werkzeug.wrappers import Response

from connector.errors import ConnectorError, Misconfigured, Refused, Retryable
from connector.logs import log
from connector.problems import status_of
from connector.services import current_services
from connector.usecases.sign_in_by_provider import ProviderSignIn, begin_sign_in, finish_sign_in
from connector.web.sessions import form_again, open_session, safe_next

provider_sign_in = Blueprint("provider_sign_in", __name__)
_STATE = "login_state"


@provider_sign_in.get("/login/provider")
def leave_for_provider() -> Response:
    """Send the browser to the provider; it keeps the state, so that nobody else's answer fits."""
    target, state = begin_sign_in(
        needs=_needs(), address=request.remote_addr or "", following=request.args.get("next", "")
    )
    session.clear()
    session[_STATE] = state
    return redirect(target)


@provider_sign_in.get("/login/callback")
def come_back() -> Response:
    """Who came back, with a fresh session; or the sign-in page with the reason."""
    kept_state = str(session.pop(_STATE, ""))
    user, following = finish_sign_in(
        needs=_needs(),
        state=request.args.get("state", ""),
        kept_state=kept_state,
        code=request.args.get("code", ""),
        problem=request.args.get("error", ""),
        address=request.remote_addr or "",
    )
    open_session(user)
    return redirect(safe_next(following))


def _needs() -> ProviderSignIn:
    """What the use case needs; there is no such page while people sign in with passwords."""
    services = current_services()
    if services.identity is None:
        abort(404, description="People sign in by name and password here.")
    oidc = services.config.web.oidc
    assert oidc is not None
    return ProviderSignIn(services.database, services.clock, services.identity, oidc.roles)


def _refused(error: ConnectorError) -> Response:
    """The sign-in page with the reason, from where the next try begins."""
    log.info("sign_in_refused", code=error.code)
    return form_again(status_of(error), f"{error} {error.fix}".strip())


for _kind in (Refused, Retryable, Misconfigured):
    provider_sign_in.register_error_handler(_kind, _refused)
