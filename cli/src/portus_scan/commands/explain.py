"""``portus-scan explain``: why a report shows a vulnerability as it does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import CommandFault, ExitCode

if TYPE_CHECKING:
    from portus_scanners import ReportDocument

_MOST_NAMED = 20

_HELP = """Say why a report shows a vulnerability as it does.

ID is any name of it: CVE-2016-6304, an alias (GHSA-..., RHSA-...), what a scanner calls it. REPORT was written with
-o json or -o jsonl; - is stdin. For each image and package: the severity that is shown and why, what each scanner says,
who looked in vain, who could not look, how the findings were matched, fixes, and the rule that suppresses it.

\b
Examples:
  portus-scan explain CVE-2016-6304 report.json
  portus-scan explain --prefer trivy --prefer clair CVE-2016-6304 report.json
  portus-scan image -o json app:1.0 | portus-scan explain --format json RHSA-2016:1940 -

\b
Exit codes:
  0  explained
  2  it is not in the report (which proves nothing where a scanner did not end ok), or REPORT can't be read
"""


@click.command("explain", help=_HELP, short_help="Say why a report shows a vulnerability as it does.")
@click.argument("name", metavar="ID")
@click.argument("report", metavar="REPORT")
@click.option(
    "--prefer",
    metavar="SCANNER",
    multiple=True,
    help="Judge anew: show this scanner's severity where it has one; may be given several times, the first goes first.",
)
@options.list_format
def command(*, name: str, report: str, prefer: tuple[str, ...], format_name: str) -> ExitCode:
    """Explain a vulnerability."""
    from ..delivery import read_document
    from ..explanation import find_explained, render_explained
    from ..terminal import write_stdout

    document = read_document(report)
    _check_scanners(document, prefer)
    explained = find_explained(document, name, prefer)
    if not explained:
        raise CommandFault(list(_absent(document, name)))
    if format_name == "json":
        value = {"schema_version": 1, "name": name, "vulnerabilities": [one.to_document() for one in explained]}
        text = json.dumps(value, indent=2) + "\n"
    else:
        text = render_explained(explained)
    return ExitCode.OK if write_stdout(text) else ExitCode.USAGE


def _check_scanners(document: ReportDocument, prefer: tuple[str, ...]) -> None:
    """Refuse a preferred scanner that is none of the report: it would be passed over without a word."""
    known = sorted({run.scanner for report in document.reports for run in report.results})
    strangers = [scanner for scanner in prefer if scanner not in known]
    if strangers:
        names = ", ".join(known[:_MOST_NAMED]) or "none"
        raise CommandFault(f"--prefer: {', '.join(strangers)}: no scanner of the report; its scanners: {names}")


def _absent(document: ReportDocument, name: str) -> list[str]:
    """Say that a name is not in the document, what is like it, and who could not have found it."""
    from ..explanation import doubtful_runs, nearest_names

    nearest = nearest_names(document, name)
    hint = f"; did you mean {', '.join(nearest)}?" if nearest else ""
    lines = [f"{name} is not in the report{hint}"]
    doubts = [
        f"{reference}: {run.scanner}: {run.outcome.value.replace('_', ' ')}: {run.error}"
        for reference, run in doubtful_runs(document)
    ]
    doubts += [f"{error.reference}: not scanned: {error.message}" for error in document.errors]
    doubts += [f"{one.image.reference.text}: no scanner was asked" for one in document.reports if not one.results]
    if doubts or not document.reports:
        lines.append("that proves nothing: not everybody has looked")
        lines += doubts[:_MOST_NAMED]
        lines += [f"and {len(doubts) - _MOST_NAMED} more"] if len(doubts) > _MOST_NAMED else []
    return lines
