"""The formats that this distribution registers: each is found, loads, and writes."""

from __future__ import annotations

from typing import Any

import pytest
from portus_scan import FolderReporter, ReportJob, discover_reporters
from portus_scanners import Outcome

from ..documents import UNRESOLVED, make_document, make_finding, make_run

SHIPPED = {one.name: one for one in discover_reporters() if one.distribution == "portus-scan"}
FORMATS = ("csv", "cyclonedx", "gitlab", "html", "json", "jsonl", "junit", "markdown", "sarif", "table")
DOCUMENT = make_document(make_run("clair", Outcome.OK, make_finding()), errors=(UNRESOLVED,))


def test_all_are_registered() -> None:
    """These are the formats, and no other."""
    assert FORMATS == tuple(SHIPPED)


@pytest.mark.parametrize("name", FORMATS)
def test_it_loads_and_writes(name: str) -> None:
    """The entry point names a class that says what it is, and what it writes names what was found and what failed."""
    loaded: Any = SHIPPED[name].load()
    pieces = list(loaded().render(ReportJob(document=DOCUMENT)))
    text = "".join(b"".join(one.pieces()).decode() if issubclass(loaded, FolderReporter) else one for one in pieces)
    assert (True, True, True) == (bool(loaded.description), "CVE-2016-6304" in text, UNRESOLVED.message in text)
