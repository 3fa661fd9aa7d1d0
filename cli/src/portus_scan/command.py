"""The command and its sub-commands, each imported when it is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from . import __version__
from .exits import ExitCode, PastClick, report
from .terminal import COMPLETION, PROGRAM, say, set_up_logging

_SUB_COMMANDS = {
    "image": "image",
    "registry": "registry",
    "convert": "reports",
    "diff": "reports",
    "explain": "reports",
    "policy": "policy_import",
    "formats": "listing",
    "scanners": "listing",
    "health": "health",
    "doctor": "health",
    "new-plugin": "new_plugin",
    "help": "guidance",
    "completion": "guidance",
}
"""The module of ``commands/`` that each is in, in the order of the help text."""
_GROUP = "portus.commands"
"""The entry points of sub-commands that other distributions of ours bring: those of the service."""
_OF_SERVER = ("serve", "worker", "db", "token", "session", "notify")
"""Such sub-commands, for whoever has not installed what brings them."""

_HELP = """Scan container images with every enabled vulnerability scanner, and print one answer.

\b
  portus-scan image registry.example:5000/team/app:1.0 -o table -o json=report.json
  portus-scan registry registry.example:5000/team --results night.jsonl
  portus-scan convert night.jsonl -o html=site
  portus-scan diff monday.json tuesday.json
  portus-scan explain CVE-2016-6304 report.json
  portus-scan scanners
  portus-scan health --config config.yml
  portus-scan doctor --config config.yml
  portus-scan policy import .trivyignore -o suppressions.yml
  portus-scan new-plugin acme

A scanner is enabled by its server, in a file given with --config or in the environment:

\b
  security:
    clair:
      server: "http://clair.example:6060"

\b
  PORTUS_SECURITY_CLAIR_SERVER=http://clair.example:6060

A scan that failed, is unfinished or could not read the image is never shown as "no vulnerabilities".
"""


def _log_from_here(context: click.Context, _option: click.Parameter, value: bool) -> None:
    """Do for ``-v`` behind a sub-command what is done for one before it."""
    if value:
        context.obj = True
        set_up_logging(verbose=True)


_VERBOSE_HELP = "Write the log to stderr, with tracebacks, instead of live progress."
_VERBOSE = click.Option(
    ["-v", "--verbose"], is_flag=True, expose_value=False, callback=_log_from_here, help=_VERBOSE_HELP
)
"""What each sub-command takes as well."""


class LazyGroup(click.Group):
    """Imports a sub-command when it is asked for, and ends every fault in one line without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the sub-commands, in the order of the help text."""
        return [*_SUB_COMMANDS, *_brought()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a sub-command; None where there is none of that name."""
        if (home := _SUB_COMMANDS.get(cmd_name)) is not None:
            found = getattr(import_module(f"{__package__}.commands.{home}"), cmd_name.replace("-", "_"))
        elif (point := _brought().get(cmd_name)) is not None:
            found = point.load()
        else:
            return None
        if not isinstance(found, click.Command):
            return None
        inner = found.commands.values() if isinstance(found, click.Group) else ()
        for one in (found, *inner):
            if _VERBOSE not in one.params:
                one.params.append(_VERBOSE)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the sub-command; for one that there is not, say what was meant."""
        word = args[0]
        if ctx.resilient_parsing or self.get_command(ctx, word) is not None:
            return super().resolve_command(ctx, args)
        if word in _OF_SERVER:
            raise click.UsageError(f"{word} is the service's; try: pip install 'portus-scan[server]'", ctx)
        from .mistakes import meant_command

        raise click.UsageError(f"there is no sub-command {word!r}{meant_command(word, self.list_commands(ctx))}", ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what goes before the sub-command; for an option of a sub-command, say that it goes after it."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            for word in given:
                found = self.get_command(ctx, word)
                option = next((param for param in found.params if name in param.opts), None) if found else None
                if option is not None:
                    value = f" {option.make_metavar(ctx)}".rstrip() if not getattr(option, "is_flag", False) else ""
                    raise click.UsageError(f"{name} goes after {word}: {PROGRAM} {word} {name}{value}", ctx) from error
            raise

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the arguments, and print a help text; a fault of the machine gets past click."""
        try:
            return super().make_context(*args, **extra)
        except (OSError, EOFError) as error:
            raise PastClick from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command; a fault of the machine gets past click."""
        try:
            return super().invoke(ctx)
        except (OSError, EOFError) as error:
            raise PastClick from error

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command and exit, as `click.Command.main` does; what a sub-command returns is the exit code."""
        run: Callable[..., Any] = super().main
        if not extra.pop("standalone_mode", True):
            return run(*args, standalone_mode=False, **extra)
        if asked := os.environ.get(COMPLETION):  # click would answer with an exit of its own
            from click.shell_completion import shell_complete

            sys.exit(_guarded(lambda: shell_complete(self, {}, PROGRAM, COMPLETION, asked)))
        sys.exit(_guarded(lambda: run(*args, standalone_mode=False, **extra)))


def _brought() -> dict[str, Any]:
    """Return the entry points of sub-commands that are installed beside this distribution, by name.

    Only asked for a help text, or a word that is not a sub-command of ours: it reads the metadata of all that is
    installed.
    """
    from importlib_metadata import entry_points

    return {point.name: point for point in sorted(entry_points(group=_GROUP)) if point.name not in _SUB_COMMANDS}


def _guarded(run: Callable[[], Any]) -> int:
    """Return the exit code; stderr has said every fault."""
    try:
        code = int(run() or ExitCode.OK)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 (the end of the program, whatever it is)
        return report(error)
    return code


@click.group(
    PROGRAM,
    cls=LazyGroup,
    help=_HELP,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("-v", "--verbose", is_flag=True, help=_VERBOSE_HELP)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def command(context: click.Context, *, verbose: bool) -> None:
    """Scan container images."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(int(ExitCode.USAGE))
    set_up_logging(verbose=verbose)
    context.obj = verbose
    if any(name.upper().startswith("PORTUS_") and not name.startswith("PORTUS_SECURITY_") for name in os.environ):
        from .mistakes import misspelt_variables

        for line in misspelt_variables(os.environ):
            say(line)
