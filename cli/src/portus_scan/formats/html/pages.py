"""The document as a static site: which files it has, and each page out of its template.

The policy of a page allows the style and script that this module puts into it, known by their hashes, and nothing else:
nothing outside the page is requested.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from portus_policy import GateViolation
from portus_scanners import ImageReport

from ...reporter import FolderReporter, ReportFile, ReportJob
from ..words import count
from . import rows
from .painter import make_environment, read_template
from .severities import TallyEachOnce
from .site import INDEX, ImageGroup, ImagePage, RepositoryPage, Site, StandingWord, arrange, pages_of

if TYPE_CHECKING:
    from jinja2 import Environment

_PIECES = 1000
"""Pieces of a page that are put together at a time."""


class HtmlReporter(FolderReporter, contract=1):
    """Writes ``index.html``, ``repositories/*.html`` and ``images/*.html``.

    Every page is complete by itself: it has its style and script, and loads nothing. The same job gives the same bytes;
    times are those of the document, in UTC. Rows below the job's severity are left out, and unless all are asked for
    also the lowest of more than 10,000 on one page; the page says how many. Counts and verdicts are of everything.
    """

    description = "a static site: overview, repositories, images"

    def render(self, job: ReportJob) -> Iterator[ReportFile]:
        """Yield the pages of each repository's images and its own, and last the overview, which leads to them."""
        changes = rows.compare(job)
        violations: dict[str, list[GateViolation]] = defaultdict(list)
        for one in job.document.gate.violations if job.document.gate else ():
            violations[one.reference].append(one)
        repositories, groups = [], arrange(job.document)
        for group in groups:
            once = TallyEachOnce()
            for image in group.images:
                report = job.document.reports[image.place]
                once.add(report.vulnerabilities)
                about = violations.get(image.reference, ())
                yield ReportFile(path=image.path, content=_image_page(image, report, group, changes, about, job))
            repositories.append(group.page(once.tally()))
            yield ReportFile(path=group.path, content=_repository_page(repositories[-1], changes, job))
        yield ReportFile(path=INDEX, content=_index_page(Site.of(job.document, repositories, groups), changes))


def _index_page(site: Site, changes: rows.Changes | None) -> Iterable[bytes]:
    words = sum((repository.words for repository in site.repositories), Counter[StandingWord]())
    return paint(
        "index.html",
        root="",
        site=site,
        document=site.document,
        images=f"{count(words.total(), 'image')} in {count(len(site.repositories), 'repository', 'repositories')}",
        numbers=[(word, words[word]) for word in StandingWord],
        changes=changes,
    )


def _repository_page(page: RepositoryPage, changes: rows.Changes | None, job: ReportJob) -> Iterable[bytes]:
    return paint("repository.html", root="../", page=page, document=job.document, changes=changes)


def _image_page(
    page: ImagePage,
    report: ImageReport,
    repository: ImageGroup,
    changes: rows.Changes | None,
    about: Sequence[GateViolation],
    job: ReportJob,
) -> Iterable[bytes]:
    return paint(
        "image.html",
        root="../",
        page=page,
        report=report,
        repository=repository,
        document=job.document,
        rows=rows.make_rows(report.vulnerabilities, job),
        lowest=job.min_severity,
        most_rows=rows.MOST_ROWS,
        ages=[rows.age_words(run, job) for run in report.results],
        violations=_violations_of(page, repository, about),
        change=changes.of(page) if changes else None,
        compared=changes is not None,
    )


def _violations_of(page: ImagePage, repository: ImageGroup, about: Sequence[GateViolation]) -> list[GateViolation]:
    """Return those violations that are about this image; *about* has those that name its reference."""
    called = repository.called(page.reference) if about else ()
    return [one for one in about if any(other.place == page.place for other in pages_of(one, called))]


def paint(template: str, **values: object) -> Iterator[bytes]:
    """Yield a page in UTF-8, in pieces: that of a repository of 20,000 images has 14 MB.

    Args:
        template: The name of a file in ``templates/``.
        values: What the template shows.
    """
    pieces = _environment().get_template(template).stream(values)
    pieces.enable_buffering(_PIECES)
    begun, space = False, ""
    for piece in pieces:
        text = space + piece if begun else piece.lstrip()
        written = text.rstrip()
        yield written.encode()
        begun, space = begun or bool(written), text[len(written) :]
    yield b"\n"


@cache
def _environment() -> Environment:
    from markupsafe import Markup

    environment = make_environment()
    style, script = read_template("site.css"), read_template("site.js")
    environment.globals.update(
        style=Markup(style),  # noqa: S704 (our own files)
        script=Markup(script),  # noqa: S704
        content_policy=content_policy(style, script),
    )
    return environment


def content_policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy of a page that has this style and this script, and no other."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
