"""Add, list and disable local users. There is no default user: the first one is made on the command line."""

from __future__ import annotations

from connector.errors import Refused
from connector.ports import Clock
from connector.store import users
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
    if role not in ROLES:
        raise UserRefused(f"The role {role!r} is not known.", fix=f"Use one of: {', '.join(ROLES)}.")
    password_hash = hashed(password)
    with database.unit_of_work() as work:
        user_id = users.add_user(
            work=work, name=name, password_hash=password_hash, role=role, now=clock.now(), actor=actor
        )
        work.commit()
    return user_id


def disable_user(*, database: Database, clock: Clock, name: str, actor: str) -> None:
    """Lock a user out and end all open sessions. Raises NotFound."""
    with database.unit_of_work() as work:
        users.disable_user(work=work, name=name, now=clock.now(), actor=actor)
        work.commit()


def list_users(*, database: Database) -> tuple[User, ...]:
    """All users by name."""
    with database.reading() as connection:
        return users.list_users(connection=connection)
