"""``portus-scan registry``: scan the images of a whole registry."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import options
from ..exits import CommandFault, ExitCode
from ..policy import CommandPolicy, WalkPolicy
from ..references import check_host
from ..terminal import PROGRAM, say

if TYPE_CHECKING:
    from ..options import PolicyChoices
    from ..walking import Walk, WalkOrder

IMAGES_AT_ONCE = 16
PATIENCE = 600
"""Seconds that a walk waits for a backend, all its outages together."""
LONGEST_WAIT = 7 * 24 * 3600
_HUB_NAMES = {"docker.io", "index.docker.io", "registry-1.docker.io"}

_HELP = """Scan all images of a registry, or of a namespace in it, with every enabled scanner.

HOST is the registry as in an image's name; HOST/NAMESPACE selects the repositories whose names begin with NAMESPACE/. A
line for each image is printed as soon as it is scanned, and a summary at the end. Images wait for a backend that is
away; other scanners go on.

\b
Examples:
  portus-scan registry registry.example:5000 --config config.yml
  portus-scan registry registry.example:5000/team --results night.jsonl
  portus-scan registry registry.example:5000/team --resume night.jsonl
  portus-scan registry registry.example:5000/team --retry-failed night.jsonl
  portus-scan registry registry.example --include 'team/*' --exclude '*:*-debug' --max-tags 5
  portus-scan registry registry.example --repositories list.txt
  portus-scan convert night.jsonl -o html=site -o sarif=night.sarif

A pattern without a colon matches repositories, one with a colon repositories and tags; * stands for any characters.

\b
Exit codes:
  0    every image was scanned by every selected scanner, whatever they found; the gate passed
  1    the gate failed for some image, or not all images were looked at; the summary says which rule and by what
  2    usage or configuration error, unwritable results
  3    some scanner did not end ok (and --allow does not allow it), some image could not be resolved,
       or was left out since a backend was away, or not all repositories are known
  4    nothing scanned: no image there, no scanner enabled, or none ended ok
  130  interrupted; what is finished is written, and --resume goes on
"""


def _read_number(_context: click.Context, _option: click.Parameter, value: int | None) -> int | None:
    if value is not None and value < 1:
        raise click.BadParameter(f"{value} is not a number above 0")
    return value


def _read_seconds(_context: click.Context, _option: click.Parameter, value: float) -> float:
    if not 0 <= value <= LONGEST_WAIT:
        raise click.BadParameter(f"{value:g} is not a number of seconds from 0 to {LONGEST_WAIT:,}")
    return value


@click.command("registry", help=_HELP, short_help="Scan a whole registry.")
@click.argument("place", metavar="HOST[/NAMESPACE]")
@options.config
@options.scanner
@click.option("--include", metavar="GLOB", multiple=True, help="Only these repositories or tags; may be repeated.")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Not these repositories or tags; may be repeated.")
@click.option(
    "--max-tags",
    metavar="N",
    type=int,
    callback=_read_number,
    help="At most N tags of each repository: the newest versions.",
)
@click.option(
    "--repositories",
    metavar="FILE",
    help="Scan the repositories that FILE names, one a line (- for stdin): for a registry that does not list its own.",
)
@click.option("--platform", metavar="OS/ARCH", help="Which image of a multi-platform index: linux/arm64.")
@click.option(
    "--concurrency",
    metavar="N",
    type=int,
    default=IMAGES_AT_ONCE,
    show_default=True,
    callback=_read_number,
    help="How many images at once; each scanner has its own limit as well.",
)
@click.option(
    "--max-wait",
    metavar="SECONDS",
    type=float,
    default=PATIENCE,
    show_default=True,
    callback=_read_seconds,
    help="How long the whole walk waits for a backend that is away; then its images are left out.",
)
@click.option("--results", metavar="FILE", help="Write each finished image to FILE, a new one, as a line of JSON.")
@click.option(
    "--resume",
    metavar="FILE",
    help="Go on with the file of an earlier scan: only what is missing in it, or may end better now, is scanned.",
)
@click.option(
    "--retry-failed",
    metavar="FILE",
    help="Scan again what is in the file of an earlier scan and may end better now; the registry is not listed.",
)
@click.option(
    "--since-file",
    metavar="FILE",
    help="Scan only tags that are new or point to another image than FILE says; FILE is written anew at the end.",
)
@options.baseline
@options.policy
@click.pass_obj
def registry(  # noqa: PLR0913 (one parameter an option)
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
    max_wait: float,
    results: str | None,
    resume: str | None,
    retry_failed: str | None,
    since_file: str | None,
    baseline: str | None,
    policy_choices: PolicyChoices,
) -> ExitCode:
    """Scan a whole registry."""
    from ..delivery import read_document
    from ..options import parse_platform, read_settings

    if len([one for one in (results, resume, retry_failed) if one]) > 1:
        raise CommandFault("--resume FILE and --retry-failed FILE go on with FILE: give one alone, leave --results out")
    if repositories is None and place.partition("/")[0].lower() in _HUB_NAMES:
        raise CommandFault("Docker Hub does not list its repositories: name them with --repositories FILE")
    if regex := next((one for one in (*include, *exclude) if set(one) & set("^$")), None):
        raise CommandFault(f"{regex!r} is not a pattern: * stands for any characters, as in 'team/*' or 'team/app:1.*'")
    policy = CommandPolicy.read(config, policy_choices, None if baseline is None else read_document(baseline))
    settings = read_settings(config, scanners, policy)
    wanted_platform = parse_platform(platform)
    if not settings.enabled:
        from ..installed import how_to_enable

        raise CommandFault(how_to_enable(), ExitCode.NOTHING)

    from portus_images import hide_account

    from ..walking import Selection, WalkOrder, read_repositories

    host, _, namespace = (place, "", "") if "://" in place else place.partition("/")
    if ":" in namespace or "@" in namespace:
        raise CommandFault(f"{hide_account(place)!r} is an image: {PROGRAM} image {hide_account(place)}")
    order = WalkOrder(
        host=check_host(host),
        selection=Selection(namespace=namespace.strip("/"), include=include, exclude=exclude, max_tags=max_tags),
        named=None if repositories is None else read_repositories(repositories),
        settings=settings,
        platform=wanted_platform,
        concurrency=concurrency,
        patience=max_wait,
        only_retry=bool(retry_failed),
    )
    return _run(order, policy, results=results, resume=resume or retry_failed, since_file=since_file, verbose=verbose)


def _run(
    order: WalkOrder,
    policy: CommandPolicy,
    *,
    results: str | None,
    resume: str | None,
    since_file: str | None,
    verbose: bool,
) -> ExitCode:
    from portus_images import own_platform

    from ..walking import ResultsFile, SinceFile, Walk, make_walk_display

    with ExitStack() as closing:
        name = results or resume
        file = closing.enter_context(ResultsFile(Path(name), resume=resume is not None)) if name else None
        scanners = [section.name for section in order.settings.enabled]
        wanted = str(order.platform or own_platform())
        since = SinceFile(Path(since_file), scanners, wanted) if since_file else None
        walk = Walk(order, make_walk_display(verbose=verbose), WalkPolicy(policy), results=file, since=since)
        if resume is not None:
            walk.read_results()

        def conclude() -> ExitCode:
            closing.close()
            if since is not None:
                since.write(all_seen=not walk.interrupted and walk.listing_fault is None)
            return _conclude(walk)

        return walk.run(conclude)


def _conclude(walk: Walk) -> ExitCode:
    """Print the summary, and return the exit code."""
    from ..terminal import write_stdout
    from ..walking import summary_lines

    policed, listed = walk.sum_up(), walk.listing_fault is None
    write_stdout("".join(f"{line}\n" for line in summary_lines(walk.tally, policed)))
    if not listed:
        say("not all repositories are known: the list ended with an error")
    if walk.interrupted:
        return ExitCode.INTERRUPTED
    if listed and not walk.tally.found_any:
        say("no image of this registry is wanted: see --include, --exclude and the namespace")
    return walk.tally.judge(listed=listed, passed=policed.gate is None or policed.gate.passed)
