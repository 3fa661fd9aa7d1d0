"""``portus-scan help`` and ``completion``: what the program says of itself."""

from __future__ import annotations

import click

from .. import __version__
from ..exits import ExitCode
from ..mistakes import meant_command
from ..terminal import COMPLETION, PROGRAM, write_stdout

_HELP_HELP = """Show the help of the program or of one sub-command.

\b
Examples:
  portus-scan help
  portus-scan help image
  portus-scan help policy import
  portus-scan help --man > portus-scan.1

\b
Exit codes:
  0  shown
  2  there is no such sub-command
"""


@click.command("help", help=_HELP_HELP, short_help="Show the help of a sub-command, or the man page.")
@click.argument("names", metavar="[SUB-COMMAND]...", nargs=-1)
@click.option("--man", is_flag=True, help="Print the man page of the whole program (roff).")
@click.pass_context
def help(context: click.Context, *, names: tuple[str, ...], man: bool) -> ExitCode:
    """Show help."""
    root = context.find_root()
    if man:
        from ..manual import manual

        return _print("".join(f"{line}\n" for line in manual(root, __version__)))
    shown = root
    for name in names:
        group = shown.command
        found = group.get_command(shown, name) if isinstance(group, click.Group) else None
        if found is None:
            known = group.list_commands(shown) if isinstance(group, click.Group) else []
            raise click.UsageError(f"there is no sub-command {name!r}{meant_command(name, known)}", root)
        shown = click.Context(found, parent=shown, info_name=name)
    return _print(f"{shown.get_help()}\n")


def _print(text: str) -> ExitCode:
    return ExitCode.OK if write_stdout(text) else ExitCode.USAGE


_COMPLETION_HELP = """Print what makes a shell complete sub-commands, options and their values.

\b
Examples:
  portus-scan completion bash > ~/.local/share/bash-completion/completions/portus-scan
  portus-scan completion zsh > ~/.zfunc/_portus-scan
  portus-scan completion fish > ~/.config/fish/completions/portus-scan.fish

\b
Exit codes:
  0  printed
  2  usage error
"""


@click.command("completion", help=_COMPLETION_HELP, short_help="Print the completion of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> ExitCode:
    """Print a completion."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click has no completion for {shell}", context)
    # source() would start bash to ask for its version; the script is the same for all that have completions
    made = found(context.find_root().command, {}, PROGRAM, COMPLETION)
    return _print(made.source_template % made.source_vars() + "\n")
