"""What the merge says of its vulnerabilities is in every format."""

from __future__ import annotations

import pytest
from attrs import evolve
from portus_scanners import Outcome, ReportDocument

from ..documents import make_document, make_finding, make_run
from .test_end_of_life import NAMES, render

NOTE = "4,000 vulnerabilities have more aliases than can be listed"


@pytest.mark.parametrize("name", NAMES)
def test_the_notes_of_a_report_are_in_every_format(name: str) -> None:
    """A reader learns what the vulnerabilities leave out, and nothing that a terminal acts on."""
    plain = make_document(make_run("clair", Outcome.OK, make_finding()))
    noted = ReportDocument(reports=tuple(evolve(one, notes=(f"{NOTE}\x1b[31m",)) for one in plain.reports))
    assert (True, False) == (NOTE in render(name, noted), NOTE in render(name, plain))
    assert "\x1b" not in render(name, noted)
