"""The sub-commands ``token`` and ``session``: what programs and people come to the service with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .commands import data_option, database_option, write_in_database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_SCOPES = ("read", "scan", "admin")
_MOST_DAYS = 3_650
_HELP_ON_TOKENS = """Tokens of programs: `Authorization: Bearer psk_...` opens the service's API and pages.

A token is good for the repositories and the time that are said here, from now on; the service need not run.

\b
Examples:
  portus-scan token create ci --scope read --repository 'team/*' --days 90
  portus-scan token create deploy --scope read --scope scan --repository '*' --days never
  portus-scan token list
  portus-scan token revoke ci

\b
Exit codes:
  0  it was done
  2  usage error, there is no such database or token, or the database can't be used
"""
_HELP_ON_SESSIONS = """People who have signed in to the service (access: sign_on:).

\b
Examples:
  portus-scan session list
  portus-scan session end alice

\b
Exit codes:
  0  it was done
  2  usage error, there is no such database or session, or the database can't be used
"""


class _Days(click.ParamType):  # type: ignore[type-arg]
    name = "days"

    def convert(self, value: object, _param: click.Parameter | None, _ctx: click.Context | None) -> float | None:
        if value == "never":
            return None
        try:
            days = float(str(value))
        except ValueError:
            days = 0.0
        if not 0 < days <= _MOST_DAYS:
            self.fail(f"write a number of days, {_MOST_DAYS} at most, or never")
        return days


@click.group("token", help=_HELP_ON_TOKENS, short_help="Tokens of programs for the service: make, list, revoke.")
def token() -> None:
    """Tokens of programs."""


@token.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(_SCOPES), default=("read",), show_default=True)
@click.option(
    "--repository",
    "repositories",
    metavar="PATTERN",
    multiple=True,
    help="team/app, team/*, registry.example:5000/*, or * for all; may be repeated.",
)
@click.option("--days", type=_Days(), default="365", show_default=True, help="How long it is good; or never.")
@data_option
@database_option
def create_token(
    *, name: str, scopes: tuple[str, ...], repositories: tuple[str, ...], days: float | None, data: Path, database: str
) -> None:
    """Make a token NAME and print it: it is not to be had again."""
    from .access import Scope, TokenError, create_token as run

    async def make(db: AsyncConnection) -> str:
        wanted = [Scope(word) for word in scopes]
        return await run(db, name, scopes=wanted, repositories=repositories, days=days)

    try:
        made = write_in_database(data, database, make)
    except TokenError as error:
        raise click.UsageError(str(error)) from error
    click.echo(made)


@token.command("list")
@data_option
@database_option
def list_tokens(*, data: Path, database: str) -> None:
    """List tokens: name, scopes, repositories, and until when they are good."""
    from .access import list_tokens as run

    for one in write_in_database(data, database, run):
        until = "for ever" if one.expires_at is None else f"until {one.expires_at:%Y-%m-%d %H:%M} UTC"
        scopes = ",".join(scope.value for scope in one.scopes)
        ended = "no longer" if one.is_expired else "good"
        click.echo(f"{one.name}  {scopes}  {' '.join(one.repositories) or '-'}  {ended}, {until}")


@token.command("revoke")
@click.argument("name")
@data_option
@database_option
def revoke_token(*, name: str, data: Path, database: str) -> None:
    """Make the token NAME good for nothing, at once."""
    from .access import revoke_token as run

    if not write_in_database(data, database, lambda db: run(db, name)):
        raise click.ClickException(f"there is no token {name}")


@click.group("session", help=_HELP_ON_SESSIONS, short_help="People who are signed in to the service: list, end.")
def session() -> None:
    """Sessions of people."""


@session.command("list")
@data_option
@database_option
def list_sessions(*, data: Path, database: str) -> None:
    """List sessions: who, and until when they are good."""
    from .sign_on import list_sessions as run

    for one in write_in_database(data, database, run):
        click.echo(f"{one.name}  until {one.expires_at:%Y-%m-%d %H:%M} UTC")


@session.command("end")
@click.argument("name")
@data_option
@database_option
def end_sessions(*, data: Path, database: str, name: str) -> None:
    """End all sessions of the person NAME, at once."""
    from .sign_on import end_sessions_of as run

    if not (ended := write_in_database(data, database, lambda db: run(db, name))):
        raise click.ClickException(f"{name} has no session")
    click.echo(f"{ended} ended")
