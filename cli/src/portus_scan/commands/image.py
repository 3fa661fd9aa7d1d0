"""``portus-scan image``: scan images and print one document."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import ExitCode
from ..references import hint_at_file, parse_references, unscanned
from ..terminal import say, stderr_is_live

if TYPE_CHECKING:
    from collections.abc import Callable

    from portus_scanners import ImageReference, ReportDocument

    from ..delivery import Reporting
    from ..options import PolicyChoices, ReportingChoices
    from ..scanning import SilentDisplay

NO_SCANNER = "scanners"
"""The step of an image for which no scanner is enabled; stderr says so once for all images."""

ALL = "all"
"""The platform that stands for all platforms of an index."""

_HELP = """Scan images with every enabled scanner at once.

REF is an image reference: alpine:3.19, registry.example:5000/team/app:1.0, or with a digest,
app@sha256:...; several are scanned at once, four at a time, and reported in the order given.
A local image is oci:DIR[:TAG], oci-archive:FILE[:TAG] or docker-archive:FILE[:NAME:TAG].

\b
Examples:
  portus-scan image registry.example:5000/team/app:1.0
  portus-scan image --config config.yml --scanner clair alpine:3.19 app:1.0
  portus-scan image -o table -o json=report.json --timeout 600 app:1.0
  portus-scan image --platform all app:1.0
  portus-scan image --fail-on critical=0,high=5 --only-fixable app:1.0
  docker save app:1.0 -o app.tar; portus-scan image docker-archive:app.tar

The gate decides between 0 and 1. There is one if the section gate: of the configuration or an option asks something of
the reports: --fail-on and the options after it. Then every scanner has to end ok, except as --allow says.

\b
Exit codes:
  0    every image was scanned by every selected scanner, whatever they found; the gate passed
  1    the gate failed; the table, or else stderr, says which rule, for which image, and by what
  2    usage or configuration error, malformed reference, unwritable output
  3    some scanner did not end ok (and --allow does not allow it), or some image could not be resolved
  4    nothing scanned: no image resolved, no scanner enabled, or none ended ok
  130  interrupted; what was found until then is printed

Every output is written on 0, 1, 3, 4 and 130.

\b
Environment:
  PORTUS_SECURITY_<SCANNER>_<SETTING>  a setting of a scanner; overrides --config
  DOCKER_CONFIG                        the folder of Docker's config.json, for credentials
  NO_COLOR, FORCE_COLOR, COLUMNS       no colour, colour in a pipe too; the width of the table
"""


@click.command("image", help=_HELP, short_help="Scan images.")
@click.argument("references", metavar="REF...", nargs=-1, required=True)
@options.config
@options.scanner
@click.option(
    "--platform", metavar="OS/ARCH", help="Which image of a multi-platform index: linux/arm64; all for all of them."
)
@click.option(
    "--serve-address",
    metavar="HOST[:PORT]",
    default="127.0.0.1",
    show_default=True,
    help="Where scanners that pull get the layers of a local image: an address of this machine that they can reach.",
)
@options.reporting
@click.option(
    "--timeout",
    metavar="SECONDS",
    callback=options.read_seconds,
    help="Seconds for all images together; unfinished scans are reported as such.",
)
@options.policy
@click.pass_obj
def image(  # noqa: PLR0913 (one parameter an option)
    verbose: bool,
    *,
    references: tuple[str, ...],
    config: str | None,
    scanners: tuple[str, ...],
    platform: str | None,
    serve_address: str,
    choices: ReportingChoices,
    timeout: float | None,
    policy_choices: PolicyChoices,
) -> ExitCode:
    """Scan images."""
    from ..delivery import Reporting
    from ..options import parse_platform, read_settings

    parsed = parse_references(references)
    wanted_platform = None if platform == ALL else parse_platform(platform)
    reporting = Reporting.prepare(choices, policy_choices, config)
    settings = read_settings(config, scanners, reporting.policy)
    if not settings.enabled:
        return reporting.deliver(_nothing_enabled(parsed))

    from ..scanning import ScanOrder, run_scans

    order = ScanOrder(
        references=parsed,
        settings=settings,
        platform=wanted_platform,
        all_platforms=platform == ALL,
        serve_address=serve_address,
        timeout=timeout,
    )
    return run_scans(order, make_display(len(parsed), verbose=verbose), lambda found: _deliver(found, reporting))


def make_display(total: int, *, verbose: bool, watch: Callable[[], bool] = stderr_is_live) -> SilentDisplay:
    """Return the display for this command: live only on a terminal that can move its cursor, and without a log.

    Args:
        total: How many images there are.
        verbose: Whether the log goes to stderr too.
        watch: Whether stderr is such a terminal.
    """
    if verbose or not watch():
        from ..scanning import SilentDisplay

        return SilentDisplay()
    from ..progress import LiveDisplay

    return LiveDisplay(total, sys.stderr)


def _deliver(document: ReportDocument, reporting: Reporting) -> ExitCode:
    """Say which images could not be scanned, and write the outputs."""
    reporting.say_unresolved(document, hint_at_file)
    return reporting.deliver(document)


def _nothing_enabled(references: tuple[ImageReference, ...]) -> ReportDocument:
    """Say that no scanner is enabled and how to enable one; no registry is asked for anything."""
    from ..installed import how_to_enable

    say(how_to_enable())
    return unscanned(references, NO_SCANNER, "no scanner is enabled")
