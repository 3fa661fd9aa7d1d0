"""``portus-scan diff``: what has changed from one report to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import CommandFault, ExitCode

if TYPE_CHECKING:
    from portus_policy import DocumentDiff

_HELP = """Compare two reports: what appeared, what vanished, what has another severity or a fix now.

OLD and NEW are reports that were written as JSON; - is stdin. Images are matched by reference and platform, whatever
their digests. What only a scanner knows that did not end ok both times is said to be not comparable: nobody can say
whether it came or went.

\b
Examples:
  portus-scan diff monday.json tuesday.json
  portus-scan diff --exit-code --format json monday.json tuesday.json

\b
Exit codes:
  0    compared; with --exit-code, only when nothing appeared and all could be compared
  1    with --exit-code: some vulnerability appeared
  2    usage error, something that is no report, or the answer could not be written
  3    with --exit-code: nothing appeared, but something could not be compared
  130  interrupted
"""


@click.command("diff", help=_HELP, short_help="Compare two reports.")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@options.list_format
@click.option("--exit-code", "with_code", is_flag=True, help="Exit with 1 or 3 where something appeared, or may have.")
def command(*, old: str, new: str, format_name: str, with_code: bool) -> ExitCode:
    """Compare reports."""
    from portus_policy import compare_documents, dump_diff

    from ..delivery import STDIN, read_document
    from ..formats import render_diff
    from ..terminal import write_stdout

    if old == new == STDIN:
        raise CommandFault("stdin (-) can be read once only: give the name of a file for OLD or NEW")
    diff = compare_documents(read_document(old), read_document(new))
    text = dump_diff(diff) if format_name == "json" else render_diff(diff)
    if not write_stdout(text):
        return ExitCode.USAGE
    return _judge(diff) if with_code else ExitCode.OK


def _judge(diff: DocumentDiff) -> ExitCode:
    if any(image.appeared for image in diff.images):
        return ExitCode.GATE
    lone = (diff.only_old, diff.only_new, diff.unresolved_old, diff.unresolved_new)
    doubtful = any(lone) or not diff.images or any(image.not_comparable for image in diff.images)
    return ExitCode.PARTIAL if doubtful else ExitCode.OK
