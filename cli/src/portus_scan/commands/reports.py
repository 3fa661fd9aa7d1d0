"""What is made of reports that were written before: ``portus-scan convert``, ``diff`` and ``explain``."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import CommandFault, ExitCode

if TYPE_CHECKING:
    from portus_policy import DocumentDiff
    from portus_scanners import ReportDocument

    from ..options import PolicyChoices, ReportingChoices

_MOST_NAMED = 20

_CONVERT_HELP = """Write earlier reports in other formats. Nothing is scanned.

Of the configuration only the sections severity:, gate: and suppressions: are read, and the options that go before them;
without any of these the report's own severities, marks and gate stay as they are.

REPORT is a JSON document or JSON Lines, as written with -o json or -o jsonl; - is stdin. Several are joined in the
order given; an image that is in several of them appears once for each.

\b
Examples:
  portus-scan convert report.json
  portus-scan convert report.json -o sarif=out.sarif -o html=site
  portus-scan convert monday.json tuesday.jsonl --min-severity high -o markdown
  portus-scan convert report.json --fail-on high --suppressions accepted.yml

\b
Exit codes, the same as those of a scan:
  0    every image was scanned by every selected scanner, whatever they found; the gate passed
  1    the gate failed
  2    usage error, REPORT is not a report, unwritable output
  3    some scanner did not end ok (and --allow does not allow it), or some image could not be resolved
  4    nothing scanned: no image resolved, no scanner enabled, or none ended ok
  130  interrupted
"""


@click.command("convert", help=_CONVERT_HELP, short_help="Write earlier reports in other formats.")
@click.argument("names", metavar="REPORT...", nargs=-1, required=True)
@options.config
@options.policy
@options.reporting
def convert(
    *, names: tuple[str, ...], config: str | None, choices: ReportingChoices, policy_choices: PolicyChoices
) -> ExitCode:
    """Convert reports."""
    from ..delivery import STDIN, Reporting, join_documents, read_document

    if (*names, choices.baseline).count(STDIN) > 1:
        raise CommandFault("stdin (-) can be read only once")
    reporting = Reporting.prepare(choices, policy_choices, config)
    document = join_documents([read_document(name) for name in names])
    reporting.say_unresolved(document)
    return reporting.deliver(document, keep=False)


_DIFF_HELP = """Compare two reports: what appeared, what vanished, what has another severity or a fix now.

OLD and NEW are reports that were written as JSON; - is stdin. Images are matched by reference and platform, whatever
their digests. A vulnerability that only one scanner reports is not comparable unless that scanner ended ok both times:
whether it appeared or vanished is not known.

\b
Examples:
  portus-scan diff monday.json tuesday.json
  portus-scan diff --exit-code --format json monday.json tuesday.json

\b
Exit codes:
  0    compared; with --exit-code, only when nothing appeared and everything could be compared
  1    with --exit-code: some vulnerability appeared
  2    usage error, OLD or NEW is not a report, or the answer could not be written
  3    with --exit-code: nothing appeared, but something could not be compared
  130  interrupted
"""


@click.command("diff", help=_DIFF_HELP, short_help="Compare two reports.")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@options.list_format
@click.option("--exit-code", "with_code", is_flag=True, help="Exit with 1 or 3 if something appeared, or may have.")
def diff(*, old: str, new: str, format_name: str, with_code: bool) -> ExitCode:
    """Compare reports."""
    from portus_policy import compare_documents, diff_pieces

    from ..delivery import STDIN, read_document
    from ..formats import render_diff
    from ..terminal import write_stdout

    if old == new == STDIN:
        raise CommandFault("stdin (-) can be read only once: give the name of a file for OLD or NEW")
    found = compare_documents(read_document(old), read_document(new))
    if not write_stdout(diff_pieces(found) if format_name == "json" else render_diff(found)):
        return ExitCode.USAGE
    return _judge_diff(found) if with_code else ExitCode.OK


def _judge_diff(found: DocumentDiff) -> ExitCode:
    if any(image.appeared for image in found.images):
        return ExitCode.GATE
    lone = (found.only_old, found.only_new, found.unresolved_old, found.unresolved_new)
    doubtful = any(lone) or not found.images or any(image.not_comparable for image in found.images)
    return ExitCode.PARTIAL if doubtful else ExitCode.OK


_EXPLAIN_HELP = """Say why a report shows a vulnerability as it does.

ID is any name of the vulnerability: CVE-2016-6304, an alias (GHSA-..., RHSA-...), what a scanner calls it; PACKAGE the
name of a package, for all of its vulnerabilities. REPORT was written with -o json or -o jsonl; - is stdin. For each
image and package: the severity that is shown and why, what each scanner says, which scanners found nothing and which
could not look, how the findings were matched, fixes, and the rule that suppresses it.

\b
Examples:
  portus-scan explain CVE-2016-6304 report.json
  portus-scan explain openssl report.json
  portus-scan explain --prefer trivy --prefer clair CVE-2016-6304 report.json
  portus-scan image -o json app:1.0 | portus-scan explain --format json RHSA-2016:1940 -

\b
Exit codes:
  0  explained
  2  ID is not in the report (which proves nothing if a scanner did not end ok), or REPORT can't be read
"""


@click.command("explain", help=_EXPLAIN_HELP, short_help="Say why a report shows a vulnerability as it does.")
@click.argument("name", metavar="ID|PACKAGE")
@click.argument("report", metavar="REPORT")
@click.option(
    "--prefer",
    metavar="SCANNER",
    multiple=True,
    help="Judge anew: show this scanner's severity if it has one; may be given several times, in the order of trust.",
)
@options.list_format
def explain(*, name: str, report: str, prefer: tuple[str, ...], format_name: str) -> ExitCode:
    """Explain a vulnerability."""
    from ..delivery import read_document
    from ..explanation import dump_explained, find_explained, render_explained
    from ..terminal import write_stdout

    if _is_swapped(name, report):
        raise CommandFault(f"there is no file {report!r}, but one {name!r}: the file comes last")
    document = read_document(report)
    _check_preferred(document, prefer)
    explained = find_explained(document, name, prefer)
    if (first := next(explained, None)) is None:
        raise CommandFault(_absent(document, name))
    found = chain([first], explained)
    pieces = dump_explained(found, name) if format_name == "json" else render_explained(found)
    return ExitCode.OK if write_stdout(pieces) else ExitCode.USAGE


def _is_swapped(name: str, report: str) -> bool:
    """Return whether the file was given first."""
    try:
        return report != "-" and not Path(report).exists() and Path(name).is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _check_preferred(document: ReportDocument, prefer: tuple[str, ...]) -> None:
    """Reject a preferred scanner that is not in the report: it would be ignored without a word."""
    if not prefer:
        return
    known = sorted({run.scanner for report in document.reports for run in report.results})
    strangers = [scanner for scanner in prefer if scanner not in known]
    if strangers:
        names = ", ".join(known[:_MOST_NAMED]) or "none"
        raise CommandFault(f"--prefer: {', '.join(strangers)}: not a scanner of the report; its scanners: {names}")


def _absent(document: ReportDocument, name: str) -> list[str]:
    """Say that a name is not in the document, what is like it, and who could not have found it."""
    from ..explanation import doubtful_runs, nearest_names

    nearest = nearest_names(document, name)
    hint = f"; did you mean {', '.join(nearest)}?" if nearest else ""
    lines = [f"{name} is not in the report{hint}"]
    doubts = [": ".join(parts) for parts in doubtful_runs(document)]
    doubts += [f"{error.reference}: not scanned: {error.message}" for error in document.errors]
    doubts += [f"{one.image.reference.text}: no scanner was asked" for one in document.reports if not one.results]
    if doubts or not document.reports:
        lines.append("that proves nothing: not everything is known of the images")
        lines += doubts[:_MOST_NAMED]
        lines += [f"and {len(doubts) - _MOST_NAMED} more"] if len(doubts) > _MOST_NAMED else []
    return lines
