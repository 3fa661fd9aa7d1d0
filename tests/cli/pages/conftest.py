"""Pages in a real browser, one for all tests of a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import define
from portus_scan import ReportJob
from portus_scan.formats.html import HtmlReporter
from portus_scanners import ReportDocument
from standins.chromium import Open, browser, chromium, open_page

from .attacks import hostile_document
from .documents import usual_document

__all__ = ["Open", "browser", "chromium", "open_page"]


@define
class Site:
    """A site that was written to a folder."""

    folder: Path
    paths: list[str]

    def url(self, start: str) -> str:
        """Return the address of the first page whose path begins so."""
        return next(self.folder / path for path in self.paths if path.startswith(start)).as_uri()


def write_site(folder: Path, document: ReportDocument, **job: Any) -> Site:
    """Write the files of a document."""
    files = list(HtmlReporter().render(ReportJob(document=document, **job)))
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(file.pieces()))
    return Site(folder, [file.path for file in files])


@pytest.fixture(scope="session")
def usual_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site of `usual_document`."""
    return write_site(tmp_path_factory.mktemp("usual"), usual_document())


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site of `hostile_document`."""
    return write_site(tmp_path_factory.mktemp("hostile"), hostile_document())
