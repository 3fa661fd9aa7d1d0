"""``portus-scan convert``: reports that were written before, in other formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import CommandFault, ExitCode
from ..policy import PolicyChoices, policy_options
from ..terminal import say

if TYPE_CHECKING:
    from ..options import ReportingChoices

_HELP = """Write reports that were written before in other formats. Nothing is scanned.

Of the configuration only the sections severity:, gate: and suppressions: are read, and the options that go before them;
without any of these the report's own severities, marks and gate stay as they are.

REPORT is a JSON document or JSON Lines, as written with -o json or -o jsonl; - is stdin. Several are put together in
the order given; an image that is in several of them stays there as often.

\b
Examples:
  portus-scan convert report.json
  portus-scan convert report.json -o sarif=out.sarif -o html=site
  portus-scan convert monday.json tuesday.jsonl --min-severity high -o markdown
  portus-scan convert report.json --fail-on high --suppressions accepted.yml

\b
Exit codes, as those of the scans themselves:
  0    every image was scanned by every selected scanner, whatever they found; the gate passed
  1    the gate failed
  2    usage error, something that is no report, unwritable output
  3    some scanner did not end ok (and --allow does not allow it), or some image could not be resolved
  4    nothing scanned: no image resolved, no scanner enabled, or none ended ok
  130  interrupted
"""


@click.command("convert", help=_HELP, short_help="Write earlier reports in other formats.")
@click.argument("names", metavar="REPORT...", nargs=-1, required=True)
@options.config
@policy_options
@options.reporting
def command(
    *, names: tuple[str, ...], config: str | None, choices: ReportingChoices, policy_choices: PolicyChoices
) -> ExitCode:
    """Convert reports."""
    from ..delivery import STDIN, Reporting, join_documents, read_document

    if (*names, choices.baseline).count(STDIN) > 1:
        raise CommandFault("stdin (-) can be read once only")
    reporting = Reporting.prepare(choices, policy_choices, config)
    document = join_documents([read_document(name) for name in names])
    for error in document.errors:
        say(f"{error.reference}: {error.message}")
    return reporting.deliver(document, keep=False)
