"""``portus-scan policy import``: the rules of another program, as ours."""

from __future__ import annotations

from pathlib import Path

import click

from ..exits import CommandFault, ExitCode
from ..terminal import say

_IMPORT_HELP = """Write the rules of another program's file as suppressions of ours.

FILE is .trivyignore or .trivyignore.yaml, .grype.yaml (ignore:), an allow list of Klar, clair-scanner or claircli, or a
CSAF or CycloneDX document (VEX, JSON). OpenVEX is read as it is: --suppressions FILE.

No rule is wider than what it is made of. What a rule can't express is left out and named on stderr, and in the comments
of the new file.

\b
Examples:
  portus-scan policy import .trivyignore -o suppressions.yml
  portus-scan policy import vendor.vex.json > vendor.yml
  portus-scan convert report.json --suppressions suppressions.yml

\b
Exit codes:
  0  every rule was imported
  2  usage error, FILE is none of these, the output exists or can't be written
  3  something was left out; the rest was imported
"""


_POLICY_HELP = """Import rules of other programs: what is suppressed.

\b
Examples:
  portus-scan policy import .trivyignore -o suppressions.yml

\b
Exit codes:
  those of its sub-commands
"""


@click.group("policy", help=_POLICY_HELP, short_help="Import rules of other programs.")
def policy() -> None:
    """Import rules."""


@policy.command("import", help=_IMPORT_HELP, short_help="Write another program's rules as suppressions.")
@click.argument("name", metavar="FILE")
@click.option("-o", "--output", metavar="PATH", help="A new file, which must not exist. Default: stdout.")
def import_rules(*, name: str, output: str | None) -> ExitCode:
    """Import rules."""
    from portus_policy import import_suppressions

    from ..terminal import write_stdout

    imported = import_suppressions(name)
    if output is not None:
        _write_new(output, imported.to_yaml())
    elif not write_stdout(imported.to_yaml()):
        return ExitCode.USAGE
    for line in imported.left_out:
        say(f"left out: {line}")
    say(f"{name}, {imported.source}: {len(imported.rules)} imported, {len(imported.left_out)} left out")
    return ExitCode.PARTIAL if imported.left_out else ExitCode.OK


def _write_new(output: str, text: str) -> None:
    """Write a file that does not exist yet.

    Raises:
        CommandFault: It exists, or can't be written.
    """
    try:
        with Path(output).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise CommandFault(f"{output!r} exists, and is not overwritten: name another file with -o") from error
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else error
        raise CommandFault(f"can't write {output!r}: {words}; name another file with -o") from error
