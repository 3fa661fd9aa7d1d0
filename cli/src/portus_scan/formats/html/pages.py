"""The document as a static site: which files it has, and each page out of its template.

Only this module knows Jinja, which is imported when the first page is made. The policy of a page allows the style and
script that this module puts into it, known by their hashes, and nothing else: nothing outside the page is requested.
"""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from portus_policy import GateViolation
from portus_scanners import ImageReport

from ...reporter import FolderReporter, ReportFile, ReportJob
from ..words import count
from . import markup, rows
from .severities import TallyEachOnce, draw_bar, draw_chart, rank_of
from .site import INDEX, ImageGroup, ImagePage, RepositoryPage, Site, StandingWord, arrange, outcome_kind, pages_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_MOST_CHANGES = 200
_MOST_BINARIES = 4
_MOST_VIOLATING = 6


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
        repositories = []
        for group in arrange(job.document):
            once = TallyEachOnce()
            for image in group.images:
                report = job.document.reports[image.place]
                once.add(report.vulnerabilities)
                about = violations.get(image.reference, ())
                yield ReportFile(path=image.path, content=_image_page(image, report, group, changes, about, job))
            repositories.append(group.page(once.tally()))
            yield ReportFile(path=group.path, content=_repository_page(repositories[-1], changes, job))
        yield ReportFile(path=INDEX, content=_index_page(Site.of(job.document, repositories), changes))


def _index_page(site: Site, changes: rows.Changes | None) -> bytes:
    images = [image for repository in site.repositories for image in repository.images]
    return paint(
        "index.html",
        root="",
        site=site,
        document=site.document,
        images=f"{count(len(images), 'image')} in {count(len(site.repositories), 'repository', 'repositories')}",
        numbers=[(word, sum(image.standing.word is word for image in images)) for word in StandingWord],
        changes=changes,
    )


def _repository_page(page: RepositoryPage, changes: rows.Changes | None, job: ReportJob) -> bytes:
    return paint("repository.html", root="../", page=page, document=job.document, changes=changes)


def _image_page(
    page: ImagePage,
    report: ImageReport,
    repository: ImageGroup,
    changes: rows.Changes | None,
    about: Sequence[GateViolation],
    job: ReportJob,
) -> bytes:
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
        outcome_kind=outcome_kind,
        violations=_violations_of(page, repository, about),
        change=changes.of(page) if changes else None,
        compared=changes is not None,
    )


def _violations_of(page: ImagePage, repository: ImageGroup, about: Sequence[GateViolation]) -> list[GateViolation]:
    """Return those violations that are about this image; *about* has those that name its reference."""
    called = repository.called(page.reference) if about else ()
    return [one for one in about if any(other is page for other in pages_of(one, called))]


def paint(template: str, **values: object) -> bytes:
    """Return a page in UTF-8.

    Args:
        template: The name of a file in ``templates/``.
        values: What the template shows.
    """
    return (_environment().get_template(template).render(values).strip() + "\n").encode()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(read_template),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=markup.guard,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_filters())
    environment.globals.update(_globals())
    return environment


def _filters() -> dict[str, Callable[..., object]]:
    """Return the filters by which templates show what is in a document."""
    return {
        "name": markup.isolate,
        "message": lambda text: markup.isolate(text, markup.LONGEST_MESSAGE),
        "lines": markup.visible_lines,
        "teaser": markup.teaser,
        "visible": markup.visible,
        "few": markup.few,
        "violating": lambda names: markup.few(names, _to_row, most=_MOST_VIOLATING),
        "binaries": lambda names: markup.few(names, most=_MOST_BINARIES),
        "packages": lambda packages: markup.few(map(rows.package_words, packages)),
        "links": lambda texts: markup.few(texts, markup.link),
        "when": markup.when,
        "rank": rank_of,
    }


def _to_row(name: str) -> Markup:
    """Return an id as a link to its row, on the page of an image."""
    from markupsafe import Markup

    return Markup('<a href="#{}">{}</a>').format(rows.anchor_of(name), markup.isolate(name))


def _globals() -> dict[str, object]:
    """Return what every page has, and the functions and limits of templates."""
    from markupsafe import Markup

    style, script = read_template("site.css"), read_template("site.js")
    return {
        "style": Markup(style),  # noqa: S704 (our own files)
        "script": Markup(script),  # noqa: S704
        "content_policy": content_policy(style, script),
        "chart": draw_chart,
        "bar": draw_bar,
        "most": markup.MOST_VALUES,
        "most_changes": _MOST_CHANGES,
    }


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


@cache
def read_template(name: str) -> str:
    """Return a file of ``templates/``; line ends are always LF, since hashes depend on them."""
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8").replace("\r\n", "\n")
