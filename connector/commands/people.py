"""Commands for who may come in: user add|list|role|disable|enable, token create|list|revoke."""

from __future__ import annotations

import click

from connector.commands.setting import GOOD, Setting, actor, settings_options, table
from connector.usecases import change_users, issue_tokens


@click.group()
def user() -> None:
    """Users of the pages."""


@user.command("add")
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["viewer", "finance", "approver", "admin"]), default="viewer", show_default=True
)
@click.password_option(help="Asked for when not given; never give it on a shared machine's command line.")
@settings_options
def add_user(setting: Setting, *, name: str, role: str, password: str) -> int:
    """Make a user."""
    parts = setting.migrated
    change_users.add_user(
        database=parts.database, clock=parts.clock, name=name, password=password, role=role, actor=actor()
    )
    setting.tell({"name": name, "role": role}, lines=[f"{name} may sign in as {role}."])
    return GOOD


@user.command("list")
@settings_options
def list_users(setting: Setting) -> int:
    """All users."""
    found = change_users.list_users(database=setting.migrated.database)
    rows = [(one.name, one.role or "none", "disabled" if one.is_disabled else "active") for one in found]
    answer = {"users": [{"name": name, "role": role, "state": state} for name, role, state in rows]}
    setting.tell(answer, lines=table(rows, heads=("name", "role", "state")))
    return GOOD


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(["viewer", "finance", "approver", "admin"]))
@settings_options
def change_role(setting: Setting, *, name: str, role: str) -> int:
    """Give a local user another role and end every open session."""
    parts = setting.migrated
    change_users.change_role(database=parts.database, clock=parts.clock, name=name, role=role, actor=actor())
    setting.tell({"name": name, "role": role}, lines=[f"{name} is {role} now; open sessions have ended."])
    return GOOD


@user.command("enable")
@click.argument("name")
@settings_options
def enable_user(setting: Setting, *, name: str) -> int:
    """Let a disabled user in again."""
    parts = setting.migrated
    change_users.enable_user(database=parts.database, clock=parts.clock, name=name, actor=actor())
    setting.tell({"name": name}, lines=[f"{name} may sign in again."])
    return GOOD


@user.command("disable")
@click.argument("name")
@settings_options
def disable_user(setting: Setting, *, name: str) -> int:
    """Lock a user out and end every open session."""
    parts = setting.migrated
    change_users.disable_user(database=parts.database, clock=parts.clock, name=name, actor=actor())
    setting.tell({"name": name}, lines=[f"{name} can no longer sign in; open sessions have ended."])
    return GOOD


@click.group()
def token() -> None:
    """Tokens for the API."""


@token.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help=f"{', '.join(issue_tokens.SCOPES)}; repeat for several.",
)
@click.option("--for", "person", default="", help="The user for whom it decides about invoices (scope finance).")
@settings_options
def create_token(setting: Setting, *, name: str, scopes: tuple[str, ...], person: str) -> int:
    """Make a token; it is shown once."""
    parts = setting.migrated
    made = issue_tokens.create_token(
        database=parts.database, clock=parts.clock, name=name, scopes=scopes, actor=actor(), person=person
    )
    if "finance" in scopes and not person:
        click.echo("It decides for nobody, so decisions with it are refused; --for USER names who decides.", err=True)
    setting.tell({"name": name, "scopes": scopes, "person": person, "token": made}, lines=[made])
    return GOOD


@token.command("list")
@settings_options
def list_tokens(setting: Setting) -> int:
    """All tokens, without the tokens themselves."""
    found = issue_tokens.list_tokens(database=setting.migrated.database)
    rows = [
        (
            one.name,
            " ".join(one.scopes),
            one.person,
            "revoked" if one.revoked_at else "active",
            one.last_used_at or "never",
        )
        for one in found
    ]
    answer = {
        "tokens": [dict(zip(("name", "scopes", "person", "state", "last_used"), row, strict=True)) for row in rows]
    }
    setting.tell(answer, lines=table(rows, heads=("name", "scopes", "decides for", "state", "last used")))
    return GOOD


@token.command("revoke")
@click.argument("name")
@settings_options
def revoke_token(setting: Setting, *, name: str) -> int:
    """Accept a token no more."""
    parts = setting.migrated
    issue_tokens.revoke_token(database=parts.database, clock=parts.clock, name=name, actor=actor())
    setting.tell({"name": name}, lines=[f"The token {name} is revoked."])
    return GOOD
