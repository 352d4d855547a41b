"""Sign a person in by the login provider: send them there, and let them in when they come back proved, with a role.

A sign-in that comes back must be one that this browser began here, minutes ago, and is good once; what the provider
says counts only then. Roles come from the provider at each sign-in. Who has none is refused in words, and what they
had open ends. Nothing is asked of the provider inside a transaction.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from connector.errors import Conflict, Refused
from connector.ports import Clock
from connector.ports_identity import Identity, IdentityProvider, IdentityRefused
from connector.store import identities, users
from connector.store.identities import StartedLogin
from connector.store.unit_of_work import Database, UnitOfWork
from connector.store.users import User
from connector.usecases.change_users import ROLES
from connector.usecases.sign_in import MOST_FAILED_PER_ADDRESS, TooManyAttempts, admit

# Long enough to find a phone for the second factor.
_MAY_TAKE = timedelta(minutes=10)
# A started one costs a row, so strangers cannot start endlessly many; an office shares one address.
MOST_STARTED_PER_ADDRESS = 200
_ACTOR = "login provider"
_TRIES = 3


class NotForYou(Refused):
    """You may not come in."""

    code = "NO_ROLE"
    http_status = 403
    owner = "caller"
    fix = "Ask an administrator."


@dataclass(frozen=True, slots=True)
class ProviderSignIn:
    """What signing in by a provider needs. `roles` maps the provider's groups to our roles."""

    database: Database
    clock: Clock
    provider: IdentityProvider
    roles: Mapping[str, str]


def begin_sign_in(*, needs: ProviderSignIn, address: str, following: str) -> tuple[str, str]:
    """Where to send the browser, and the state it must keep. Raises TooManyAttempts, Unavailable, Misconfigured."""
    now = needs.clock.now()
    with needs.database.reading() as connection:
        if identities.open_logins(connection=connection, address=address) >= MOST_STARTED_PER_ADDRESS:
            raise TooManyAttempts
    state, started = _new_secret(), StartedLogin(_new_secret(), _new_secret(), following)
    target = needs.provider.login_address(state=state, nonce=started.nonce, verifier=started.verifier)
    with needs.database.unit_of_work() as work:
        identities.forget_logins(work=work, before=now - _MAY_TAKE)
        identities.start_login(work=work, state=state, started=started, address=address, now=now)
        work.commit()
    return target, state


def finish_sign_in(
    *, needs: ProviderSignIn, state: str, kept_state: str, code: str, problem: str, address: str
) -> tuple[User, str]:
    """The user who came back, and the page that was asked for; `kept_state` is what the browser kept for us.

    `problem` is the provider's own word for a refusal. Raises IdentityRefused, NotForYou, TooManyAttempts, Unavailable,
    Misconfigured.
    """
    name = f"at the provider {address}"
    attempt_id = admit(
        database=needs.database, clock=needs.clock, name=name, address=address, most_by_name=MOST_FAILED_PER_ADDRESS
    )
    started = _take(needs, state, kept_state)
    if problem:
        raise IdentityRefused(f"The login provider let nobody in ({_plain(problem)}).")
    proved = needs.provider.identity(code=code, nonce=started.nonce, verifier=started.verifier)
    user = _let_in(needs, proved)
    with needs.database.unit_of_work() as work:
        users.mark_attempt_good(work=work, attempt_id=attempt_id, name=name)
        users.note_login(work=work, user_id=user.id, now=needs.clock.now())
        work.commit()
    return user, started.following


def highest_role(*, groups: frozenset[str], roles: Mapping[str, str]) -> str:
    """The highest of our roles that these groups give; empty for none."""
    given = {roles[group] for group in groups if group in roles}
    return next((role for role in reversed(ROLES) if role in given), "")


def _take(needs: ProviderSignIn, state: str, kept_state: str) -> StartedLogin:
    """The sign-in that this browser began; a state that another browser brings stays good for its owner."""
    if not state or not kept_state or not hmac.compare_digest(state.encode(), kept_state.encode()):
        raise IdentityRefused("This sign-in was not begun in this browser, or another one was begun since.")
    with needs.database.unit_of_work() as work:
        started = identities.take_login(work=work, state=state, since=needs.clock.now() - _MAY_TAKE)
        work.commit()
    if started is None:
        raise IdentityRefused("This sign-in has been used already, or was begun more than ten minutes ago.")
    return started


def _let_in(needs: ProviderSignIn, proved: Identity) -> User:
    """The user of that person, made at first sight. Raises NotForYou."""
    role = highest_role(groups=proved.groups, roles=needs.roles)
    for tried in range(_TRIES):
        try:
            with needs.database.unit_of_work() as work:
                user, refusal = _judge(work, needs, proved, role)
                work.commit()
            break
        except Conflict:
            # Two windows, both for the first time: the other one made the user.
            if tried == _TRIES - 1:
                raise
    if refusal:
        raise refusal
    assert user is not None
    return user


def _judge(
    work: UnitOfWork, needs: ProviderSignIn, proved: Identity, role: str
) -> tuple[User | None, NotForYou | None]:
    """The user with the role of today, or why not; a lost role is written down, which ends what was open."""
    now = needs.clock.now()
    user = identities.load_person(connection=work.connection, issuer=proved.issuer, subject=proved.subject)
    if user is None and not role:
        return None, _no_role(proved)
    if user is None:
        return identities.add_person(
            work=work,
            issuer=proved.issuer,
            subject=proved.subject,
            name=proved.name,
            email=proved.email,
            role=role,
            now=now,
            actor=_ACTOR,
        ), None
    identities.note_person(work=work, user_id=user.id, name=proved.name, email=proved.email, now=now)
    if user.role != role:
        users.save_role(work=work, user=user, role=role, now=now, actor=_ACTOR)
        user = users.load_user(connection=work.connection, user_id=user.id)
    assert user is not None
    if user.is_disabled:
        return None, NotForYou(f"The user {user.name} is disabled here.", code="DISABLED")
    return (user, None) if role else (None, _no_role(proved))


def _no_role(proved: Identity) -> NotForYou:
    return NotForYou(
        f"The login provider knows you as {_plain(proved.name)}, but none of your groups has a role here.",
        fix="Ask an administrator to put you into one of the groups that [web.oidc] roles names.",
    )


def _plain(text: str) -> str:
    """A short text of others, without what cannot be seen."""
    return "".join(character for character in text if character.isprintable())[:120]


def _new_secret() -> str:
    """256 random bits, in letters that PKCE and addresses allow."""
    return secrets.token_urlsafe(32)
