"""Add, list and disable users, and give them roles. There is none by default: the first is made by command."""

from __future__ import annotations

from connector.errors import Refused
from connector.ports import Clock
from connector.store import identities, users
from connector.store.unit_of_work import Database
from connector.store.users import User
from connector.usecases.sign_in import LONGEST_PASSWORD, hashed

# From least to most: each role may do what the ones before it may.
ROLES = ("viewer", "finance", "approver", "admin")
SHORTEST_PASSWORD = 12


class UserRefused(Refused):
    """That user cannot be made."""

    code = "USER_REFUSED"
    owner = "operator"
    fix = "Correct the value and try again."


def add_user(*, database: Database, clock: Clock, name: str, password: str, role: str, actor: str) -> int:
    """Make a user; answers the id. Raises UserRefused for name, password or role, UserExists for a taken name."""
    if not users.same_name(name):
        raise UserRefused("The name is empty.")
    if len(name) > users.LONGEST_NAME:
        raise UserRefused(f"The name has more than {users.LONGEST_NAME} characters.")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UserRefused(f"The password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    _refuse_unknown_role(role)
    password_hash = hashed(password)
    with database.unit_of_work() as work:
        user_id = users.add_user(
            work=work, name=name, password_hash=password_hash, role=role, now=clock.now(), actor=actor
        )
        work.commit()
    return user_id


def change_role(*, database: Database, clock: Clock, name: str, role: str, actor: str) -> None:
    """Give a local user another role and end all open sessions.

    Raises NotFound, UserRefused for a role that is none and for people of the login provider, whose roles come from it.
    """
    _refuse_unknown_role(role)
    with database.unit_of_work() as work:
        user = users.load_named(work=work, name=name)
        if identities.is_person_of_provider(connection=work.connection, user_id=user.id):
            raise UserRefused(
                f"{user.name} signs in by the login provider, which gives the role.",
                fix="Change the groups there, or [web.oidc] roles; it counts from the next sign-in. To end open "
                "sessions at once, disable the user.",
            )
        users.save_role(work=work, user=user, role=role, now=clock.now(), actor=actor)
        work.commit()


def disable_user(*, database: Database, clock: Clock, name: str, actor: str) -> None:
    """Lock a user out and end all open sessions. Raises NotFound."""
    with database.unit_of_work() as work:
        users.disable_user(work=work, name=name, now=clock.now(), actor=actor)
        work.commit()


def enable_user(*, database: Database, clock: Clock, name: str, actor: str) -> None:
    """Let a disabled user in again; old sessions stay ended. Raises NotFound."""
    with database.unit_of_work() as work:
        users.enable_user(work=work, name=name, now=clock.now(), actor=actor)
        work.commit()


def list_users(*, database: Database) -> tuple[User, ...]:
    """All users by name."""
    with database.reading() as connection:
        return users.list_users(connection=connection)


def _refuse_unknown_role(role: str) -> None:
    if role not in ROLES:
        raise UserRefused(f"The role {role!r} is not known.", fix=f"Use one of: {', '.join(ROLES)}.")
