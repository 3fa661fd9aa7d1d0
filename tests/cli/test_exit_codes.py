"""From a document to an exit code."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from portus_scan.exits import ExitCode, judge_document, judge_health
from portus_scanners import Outcome, ReportDocument, ScannerHealth

from .documents import UNRESOLVED, make_document, make_finding, make_report, make_run

OUTCOMES = st.lists(st.sampled_from(Outcome), max_size=4)


def test_all_ok_is_0() -> None:
    """Everything scanned is 0, whatever was found."""
    document = make_document(make_run("one", Outcome.OK), make_run("two", Outcome.OK, make_finding()))
    assert ExitCode.OK == judge_document(document)


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
def test_one_not_ok_is_3(outcome: Outcome) -> None:
    """One scanner that did not end ok beside one that did is 3."""
    assert ExitCode.PARTIAL == judge_document(make_document(make_run("one", Outcome.OK), make_run("two", outcome)))


def test_unresolved_beside_scanned_is_3() -> None:
    """One image that could not be resolved beside one that was scanned is 3."""
    assert ExitCode.PARTIAL == judge_document(make_document(make_run("one", Outcome.OK), errors=(UNRESOLVED,)))


def test_incomplete_counts_as_scanned() -> None:
    """An incomplete scan alone is 3 and not 4."""
    assert ExitCode.PARTIAL == judge_document(make_document(make_run("one", Outcome.INCOMPLETE)))


@pytest.mark.parametrize(
    "document",
    [
        ReportDocument(),
        ReportDocument(errors=(UNRESOLVED,)),
        make_document(),
        make_document(make_run("one", Outcome.FAILED)),
        make_document(make_run("one", Outcome.UNSUPPORTED), errors=(UNRESOLVED,)),
        make_document(make_run("one", Outcome.TIMED_OUT, make_finding())),
    ],
)
def test_nothing_scanned_is_4(document: ReportDocument) -> None:
    """No image resolved, no scanner asked, or none that ended ok or incomplete is 4."""
    assert ExitCode.NOTHING == judge_document(document)


@given(st.lists(OUTCOMES, max_size=3), st.booleans())
def test_0_means_that_everything_ended_ok(images: list[list[Outcome]], unresolved: bool) -> None:
    """The code is 0 only when there is an image, all are resolved, and all their runs (some) ended ok."""
    reports = [make_report(*(make_run(str(i), outcome) for i, outcome in enumerate(runs))) for runs in images]
    code = judge_document(ReportDocument(reports=tuple(reports), errors=(UNRESOLVED,) if unresolved else ()))
    all_ok = bool(images) and not unresolved and all(runs and set(runs) == {Outcome.OK} for runs in images)
    assert all_ok == (code is ExitCode.OK)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([True, True], ExitCode.OK),
        ([True, None], ExitCode.OK),
        ([None], ExitCode.OK),
        ([True, False], ExitCode.PARTIAL),
        ([None, False], ExitCode.PARTIAL),
        ([False, False], ExitCode.NOTHING),
        ([], ExitCode.NOTHING),
    ],
)
def test_health(states: list[bool | None], code: ExitCode) -> None:
    """Some unhealthy is 3, all of them or no scanner 4; one that can't tell counts as healthy."""
    found = tuple(
        ScannerHealth(scanner=str(number), healthy=healthy, message="", elapsed=0.0)
        for number, healthy in enumerate(states)
    )
    assert code == judge_health(found)
