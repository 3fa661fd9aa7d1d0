"""The document as a static site: an overview, a page for each repository, a page for each image.

`site.py` says which pages there are and `places.py` where they lie, `standing.py` and `tally.py` what they say of an
image, `rows.py` and `changes.py` what they list; `painting.py` fills the templates, `foreign.py` makes foreign text
harmless.
"""

from __future__ import annotations

from collections.abc import Iterator

from portus_policy import GateViolation

from ...reporter import FolderReporter, ReportFile, ReportJob
from ..words import count
from .changes import Changes, compare
from .places import INDEX
from .site import ImagePage, RepositoryPage, Site, arrange, pages_of

__all__ = ["HtmlReporter"]


class HtmlReporter(FolderReporter, contract=1):
    """Writes ``index.html``, ``repositories/*.html`` and ``images/*.html``.

    Every page is complete by itself: style and script are in it, and nothing is loaded from anywhere. The same job
    gives the same bytes; times are those of the document, in UTC. Rows below the job's severity are left out, of more
    than 10,000 on one page the lowest too unless all are asked for, and the page says how many; counts and verdicts are
    of everything.
    """

    description = "a static site: overview, repositories, images"

    def render(self, job: ReportJob) -> Iterator[ReportFile]:
        """Return the overview, then the other pages one after the other."""
        site = arrange(job.document)
        changes = compare(job)
        yield ReportFile(path=INDEX, content=_index(site, changes))
        for repository in site.repositories:
            yield ReportFile(path=repository.path, content=_repository(repository, changes, job))
            for image in repository.images:
                yield ReportFile(path=image.path, content=_image(image, repository, changes, job))


def _index(site: Site, changes: Changes | None) -> bytes:
    from .painting import paint
    from .standing import Word

    images = [image for repository in site.repositories for image in repository.images]
    return paint(
        "index.html",
        root="",
        site=site,
        document=site.document,
        images=f"{count(len(images), 'image')} in {count(len(site.repositories), 'repository', 'repositories')}",
        numbers=[(word, sum(image.standing.word is word for image in images)) for word in Word],
        changes=changes,
    )


def _repository(page: RepositoryPage, changes: Changes | None, job: ReportJob) -> bytes:
    from .painting import paint

    return paint("repository.html", root="../", page=page, document=job.document, changes=changes)


def _image(page: ImagePage, repository: RepositoryPage, changes: Changes | None, job: ReportJob) -> bytes:
    from .painting import paint
    from .rows import MOST_ROWS, age_words, make_rows
    from .standing import outcome_kind

    return paint(
        "image.html",
        root="../",
        page=page,
        repository=repository,
        document=job.document,
        rows=make_rows(page.report.vulnerabilities, job),
        lowest=job.min_severity,
        most_rows=MOST_ROWS,
        ages=[age_words(run, job) for run in page.report.results],
        outcome_kind=outcome_kind,
        violations=_violations_of(page, repository, job),
        change=changes.of(page) if changes else None,
        compared=changes is not None,
    )


def _violations_of(page: ImagePage, repository: RepositoryPage, job: ReportJob) -> list[GateViolation]:
    """Return the rules of the gate that do not hold for this image."""
    reference = page.report.image.reference.text
    called = [one for one in repository.images if one.report.image.reference.text == reference]
    violations = job.document.gate.violations if job.document.gate else ()
    about = (one for one in violations if one.reference == reference)
    return [one for one in about if any(other is page for other in pages_of(one, called))]
