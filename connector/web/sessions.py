"""Sign in, sign out, and the guard of every page: who is asking, and may they?

A session is a signed cookie with the user's id and session epoch; both are compared with the user's row on every
request, so that disabling a user or signing out ends what was open. Nothing about business belongs here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from connector.services import current_services
from connector.usecases.change_users import ROLES
from connector.usecases.sign_in import SignInRefused, TooManyAttempts, known_user, sign_in, sign_out
from connector.web.links import salesforce_url

sign_in_pages = Blueprint("sign_in", __name__)


class SignedIn(Protocol):
    """What a session needs to know of a user."""

    @property
    def id(self) -> int:
        """The user's row."""

    @property
    def session_epoch(self) -> int:
        """Sessions of another epoch are over."""


P = ParamSpec("P")
R = TypeVar("R")
# Whoever may press Resync or replay a message.
MAY_ACT = "finance"


def require_login() -> AnyResponse | None:
    """Before each page of a guarded blueprint: let a known user through, send everybody else to sign in."""
    user = _session_user()
    if user is None:
        session.clear()
        here = request.full_path.rstrip("?") if request.method == "GET" else ""
        return redirect(url_for("sign_in.show", next=here or None))
    g.user = user
    return None


def needs_role(role: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only users of that role or a higher one through; others get a 403 page that names the role."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not has_role(role):
                abort(403, description=f"This needs the role {role}; you are signed in as {g.user.role}.")
            return view(*args, **kwargs)

        return guarded

    return decorate


def has_role(role: str) -> bool:
    """Whether the signed-in user has that role or a higher one."""
    user = g.get("user")
    return user is not None and user.role in ROLES and ROLES.index(user.role) >= ROLES.index(role)


def page_context() -> dict[str, Any]:
    """What every template may use."""
    return {
        "user": g.get("user"),
        "may_act": has_role(MAY_ACT),
        "now": current_services().clock.now(),
        "section": request.blueprint or "",
        "salesforce_url": salesforce_url,
    }


@sign_in_pages.get("/login")
def show() -> AnyResponse | str:
    """The form; somebody who is signed in already goes on."""
    if _session_user() is not None:
        return redirect(safe_next(request.args.get("next", "")))
    return _page("", "", request.args.get("next", ""))


@sign_in_pages.post("/login")
def submit() -> AnyResponse:
    """Check name and password; start a fresh session or say no without saying why."""
    services = current_services()
    name, following = request.form.get("name", ""), request.form.get("next", "")
    if services.identity is not None:
        abort(403, description="People sign in by the login provider here; passwords of local users do not count.")
    try:
        user = sign_in(
            database=services.database,
            clock=services.clock,
            name=name,
            password=request.form.get("password", ""),
            address=request.remote_addr or "",
        )
    except SignInRefused as error:
        return form_again(401, f"{error} {error.fix}", name, following)
    except TooManyAttempts as error:
        return form_again(429, f"{error} {error.fix}", name, following)
    open_session(user)
    return redirect(safe_next(following))


@sign_in_pages.post("/logout")
def leave() -> AnyResponse:
    """End the user's sessions, here and everywhere."""
    user = _session_user()
    if user is not None:
        sign_out(database=current_services().database, user_id=user.id)
    session.clear()
    return redirect(url_for("sign_in.show"))


def open_session(user: SignedIn) -> None:
    """A fresh session for that user: nothing of what the browser brought lives on in it."""
    services = current_services()
    session.clear()
    session.permanent = True
    session["user"], session["epoch"] = user.id, user.session_epoch
    session["since"], session["by"] = services.clock.now().isoformat(), services.config.web.login


def form_again(status: int, error: str, name: str = "", following: str = "") -> Response:
    """The sign-in page with what went wrong."""
    answer = Response(_page(error, name[:120], following), status=status)
    if status == 429:
        answer.headers["Retry-After"] = "900"
    return answer


def _page(error: str, name: str, following: str) -> str:
    is_by_provider = current_services().identity is not None
    return render_template("login.html", error=error, name=name, next=following, is_by_provider=is_by_provider)


def _session_user() -> Any:
    """The user of this request's session, or None when there is none, it is too old, or it was ended."""
    services = current_services()
    user_id, epoch, since = session.get("user"), session.get("epoch"), session.get("since")
    if not isinstance(user_id, int) or not isinstance(epoch, int) or not isinstance(since, str):
        return None
    # The cookie is signed, so this is an instant that we wrote.
    age = services.clock.now() - datetime.fromisoformat(since)
    # A session that was opened by a way that is closed now ends with it.
    is_over = session.get("by") != services.config.web.login
    if is_over or age >= timedelta(hours=services.config.web.session_hours):
        return None
    return known_user(database=services.database, user_id=user_id, session_epoch=epoch)


def safe_next(target: str) -> str:
    """The page asked for when it is one of ours, else the first page: nobody is sent to a foreign site."""
    parts = urlsplit(target) if _is_plain(target) else None
    is_ours = parts is not None and not parts.scheme and not parts.netloc and _is_page(parts.path)
    return target if is_ours else url_for("orders.index")


def _is_page(path: str) -> bool:
    return (path == "/review" or path.startswith("/review/")) and ".." not in path


def _is_plain(target: str) -> bool:
    """A path as browsers read it: one leading slash, no backslash, nothing that a browser would drop silently."""
    return target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
