"""The sub-command ``notify`` of ``portus-scan``: whether news arrive, and which have not."""

from __future__ import annotations

from pathlib import Path

import click

from .commands import data_option, database_option, write_in_database

_HELP = """News of the service: send a test, list what has not arrived, send it again.

\b
Examples:
  portus-scan notify test --config config.yml
  portus-scan notify test --config config.yml team
  portus-scan notify list
  portus-scan notify again

\b
Exit codes:
  0  it was done; of `test`: everybody has got it
  1  of `test`: somebody has not
  2  usage or configuration error, there is no such database, or it can't be used
"""


@click.group("notify", help=_HELP, short_help="News of the service: send a test, list what has not arrived.")
def notify() -> None:
    """News of the service."""


@notify.command("test")
@click.option("--config", metavar="FILE", required=True, help="The configuration (YAML).")
@click.argument("names", nargs=-1)
def send_test(*, config: str, names: tuple[str, ...]) -> int:
    """Send a test to everybody in the section notifications:, or to NAMES; the service need not run."""
    import asyncio
    import os

    from portus_scanners.settings import read_yaml

    from .news import NotToldError, open_channels, read_notifications, tell_test

    notifications = read_notifications(read_yaml(Path(config)), os.environ)
    unknown = [name for name in names if name not in notifications.settings.channels]
    if unknown or not notifications.settings.channels:
        what = f"no {unknown[0]} in" if unknown else "nobody in"
        raise click.UsageError(f"there is {what} the section notifications: of {config}")

    async def run() -> bool:
        everybody = True
        async with open_channels(notifications, names or None) as channels:
            for name, channel in channels.items():
                try:
                    await channel.tell(tell_test())
                except NotToldError as error:
                    click.echo(f"{name}: not told: {error}")
                    everybody = False
                else:
                    click.echo(f"{name}: told")
        return everybody

    return 0 if asyncio.run(run()) else 1


@notify.command("list")
@data_option
@database_option
def list_undelivered(*, data: Path, database: str) -> None:
    """List the messages that are dead or have not arrived yet: id, to whom, what, how often it was sent, why not."""
    from .news import list_deliveries as run

    for row in write_in_database(data, database, run):
        error = f": {row.error}" if row.error else ""
        click.echo(f"{row.message}  {row.channel}  {row.kind}  {row.state}, sent {row.tries} times{error}")


@notify.command("again")
@data_option
@database_option
def send_dead_again(*, data: Path, database: str) -> None:
    """Let the dead messages be sent again; with the ids that they have."""
    from .news import send_again as run

    click.echo(f"{write_in_database(data, database, run)} messages are sent again")
