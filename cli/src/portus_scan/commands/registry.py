"""``portus-scan registry``: scan the images of a whole registry."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import CommandFault, ExitCode, settings_faults
from ..policy import CommandPolicy, PolicyChoices, WalkPolicy, policy_options
from ..terminal import safe, say

if TYPE_CHECKING:
    from portus_scanners import ReportDocument

    from ..walking.walk import Walk, WalkOrder

IMAGES_AT_ONCE = 16
_HUB_NAMES = {"docker.io", "index.docker.io", "registry-1.docker.io"}

_HELP = """Scan all images of a registry, or of a namespace in it, with every enabled scanner.

HOST is the registry as in an image's name, HOST/NAMESPACE what begins with team/ in it. One line an image is printed as
soon as it is scanned, and a summary at the end.

\b
Examples:
  portus-scan registry registry.example:5000 --config config.yml
  portus-scan registry registry.example:5000/team --results night.jsonl
  portus-scan registry registry.example:5000/team --resume night.jsonl
  portus-scan registry registry.example --include 'team/*' --exclude '*:*-debug' --max-tags 5
  portus-scan registry registry.example --repositories list.txt
  portus-scan convert night.jsonl -o html=site -o sarif=night.sarif

A pattern without a colon is one of repositories, one with a colon of repositories and tags; * stands for any text.

\b
Exit codes:
  0    every image was scanned by every selected scanner, whatever they found; the gate passed
  1    the gate failed for some image, or not all images were looked at; the summary says which rule and by what
  2    usage or configuration error, unwritable results
  3    some scanner did not end ok (and --allow does not allow it), some image could not be resolved,
       or not all repositories are known
  4    nothing scanned: no image there, no scanner enabled, or none ended ok
  130  interrupted; what is finished is written, and --resume goes on
"""


def _read_number(_context: click.Context, option: click.Parameter, value: int | None) -> int | None:
    if value is not None and value < 1:
        raise click.BadParameter(f"{value} is no number above 0")
    return value


@click.command("registry", help=_HELP, short_help="Scan a whole registry.")
@click.argument("place", metavar="HOST[/NAMESPACE]")
@options.config
@options.scanner
@click.option("--include", metavar="GLOB", multiple=True, help="Only these repositories or tags; may be repeated.")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Not these repositories or tags; may be repeated.")
@click.option(
    "--max-tags", metavar="N", type=int, callback=_read_number, help="So many tags of each repository, newest versions."
)
@click.option(
    "--repositories",
    metavar="FILE",
    help="Repositories, one a line (- for stdin), where the registry does not list its own.",
)
@click.option("--platform", metavar="OS/ARCH", help="Which image of a multi-platform index: linux/arm64.")
@click.option(
    "--concurrency",
    metavar="N",
    type=int,
    default=IMAGES_AT_ONCE,
    show_default=True,
    callback=_read_number,
    help="So many images at once; each scanner has its own limit as well.",
)
@click.option("--results", metavar="FILE", help="Write each finished image there, one line of JSON; a new file.")
@click.option(
    "--resume", metavar="FILE", help="Go on with such a file after an interruption: what is in it is finished."
)
@click.option(
    "--since-file",
    metavar="FILE",
    help="Scan only tags that are new or point to another image than FILE says; it is written anew at the end.",
)
@options.baseline
@policy_options
@click.pass_obj
def command(  # noqa: PLR0913 (one parameter an option)
    verbose: bool,
    *,
    place: str,
    config: str | None,
    scanners: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    max_tags: int | None,
    repositories: str | None,
    platform: str | None,
    concurrency: int,
    results: str | None,
    resume: str | None,
    since_file: str | None,
    baseline: str | None,
    policy_choices: PolicyChoices,
) -> ExitCode:
    """Scan a whole registry."""
    from ..delivery import read_document
    from ..options import parse_platform, read_settings

    if results and resume:
        raise CommandFault("--resume FILE goes on with FILE: leave --results out")
    if repositories is None and place.partition("/")[0].lower() in _HUB_NAMES:
        raise CommandFault("Docker Hub does not list its repositories: name them with --repositories FILE")
    policy = CommandPolicy.read(config, policy_choices, None if baseline is None else read_document(baseline))
    settings = read_settings(config, scanners, policy)
    wanted_platform = parse_platform(platform)
    if not settings.enabled:
        from ..installed import how_to_enable

        raise CommandFault(how_to_enable(), ExitCode.NOTHING)

    from ..walking.repositories import read_repositories
    from ..walking.selection import Selection
    from ..walking.walk import WalkOrder

    host, _, namespace = place.partition("/")
    order = WalkOrder(
        host=_checked(host),
        selection=Selection(namespace=namespace.strip("/"), include=include, exclude=exclude, max_tags=max_tags),
        named=None if repositories is None else read_repositories(repositories),
        settings=settings,
        platform=wanted_platform,
        concurrency=concurrency,
    )
    return _run(order, policy, results=results, resume=resume, since_file=since_file, verbose=verbose)


def _checked(host: str) -> str:
    from portus_scanners import InvalidReferenceError, Reference

    try:
        Reference(host, host, "any")
    except InvalidReferenceError as error:
        advice = "write the registry as in an image's name: registry.example:5000 or registry.example:5000/team"
        raise CommandFault(f"{host!r} is no registry: {advice}") from error
    return host


def _run(
    order: WalkOrder,
    policy: CommandPolicy,
    *,
    results: str | None,
    resume: str | None,
    since_file: str | None,
    verbose: bool,
) -> ExitCode:
    from ..walking.display import make_walk_display
    from ..walking.results import ResultsFile
    from ..walking.since import SinceFile
    from ..walking.walk import Walk

    with ExitStack() as closing:
        name = results or resume
        file = closing.enter_context(ResultsFile(Path(name), resume=resume is not None)) if name else None
        scanners = [section.name for section in order.settings.enabled]
        since = SinceFile(Path(since_file), scanners) if since_file else None
        display = make_walk_display(verbose=verbose)
        walk = Walk(order, display, WalkPolicy(policy), results=file, since=since)
        if resume is not None:
            walk.read_results()

        def conclude() -> ExitCode:
            closing.close()
            if since is not None:
                since.write(all_seen=not walk.interrupted and walk.listing_fault is None)
            return _conclude(walk, walk.sum_up())

        with settings_faults():
            return walk.run(conclude)


def _conclude(walk: Walk, policed: ReportDocument) -> ExitCode:
    """Print the summary, and return the exit code."""
    from ..formats import gate_lines, unused_rule_lines
    from ..terminal import write_stdout

    lines = list(walk.tally.lines())
    if policed.unused_rules:
        lines += map(safe, unused_rule_lines(policed.unused_rules))
    if policed.gate is not None:
        lines += gate_lines(policed.gate)
    write_stdout("".join(f"{line}\n" for line in lines))
    if walk.listing_fault is not None:
        say("not all repositories are known: the list ended with an error")
    return _judge(walk, passed=policed.gate is None or policed.gate.passed)


def _judge(walk: Walk, *, passed: bool) -> ExitCode:
    """Return the exit code; *passed*: of the gate, which also fails for an image that nobody has looked into."""
    tally = walk.tally
    if walk.interrupted:
        return ExitCode.INTERRUPTED
    if not tally.images and walk.listing_fault is None:
        if tally.unchanged:
            return ExitCode.OK
        say("no image of this registry is wanted: see --include, --exclude and the namespace")
    if not passed and tally.code is not ExitCode.NOTHING:
        return ExitCode.GATE
    return ExitCode.PARTIAL if tally.code is ExitCode.OK and walk.listing_fault is not None else tally.code
