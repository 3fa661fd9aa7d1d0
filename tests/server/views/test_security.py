"""The words for what is known of an image: never passed where it is not known."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from portus_scan_server.answers import AnswerDoubt
from portus_scan_server.views import Activity, Answer, SecurityState
from portus_scan_server.views.security import security_of
from portus_scan_server.views.verdicts import judge
from portus_scanners import Severity, Verdict

QUEUED, RUNNING = Activity.QUEUED, Activity.RUNNING


def summary(verdict: str = "clean", doubts: dict[str, list[str]] | None = None, **more: Any) -> Any:
    """Return a row of `summaries`."""
    counts: dict[str, int] = dict.fromkeys((one.value for one in Severity), 0)
    columns = {
        "fixable": 0,
        "suppressed": 0,
        "gate": "",
        "oldest_database": None,
        "checked_at": None,
        "verdict": verdict,
        "doubts": json.dumps(doubts or {}),
        "violations": "[]",
        **counts,
        **more,
    }
    columns["total"] = sum(columns[name] for name in counts)
    return SimpleNamespace(**columns)


FOUND = summary("vulnerable", critical=2, low=35)


@pytest.mark.parametrize(
    ("row", "more", "words"),
    [
        (None, {}, "Unknown"),
        (None, {"activity": QUEUED}, "Pending"),
        (None, {"activity": RUNNING, "failed": True}, "In progress"),
        (None, {"failed": True}, "Failed"),
        (summary(), {"is_current": True}, "Passed"),
        (summary(), {}, "Outdated"),
        (summary(), {"activity": QUEUED}, "Outdated"),
        (FOUND, {"is_current": True}, "2 Critical - 37 total"),
        (FOUND, {"is_current": True, "activity": RUNNING}, "2 Critical - 37 total"),
        (FOUND, {}, "Outdated: 2 Critical - 37 total"),
        (summary("vulnerable", unknown=1, negligible=3), {"is_current": True}, "1 Unknown - 4 total"),
        (summary("unknown", {"clair": ["not_scanned"]}), {"is_current": True}, "Unknown"),
        (summary("unknown", {"clair": ["not_scanned"]}), {"is_current": True, "activity": RUNNING}, "In progress"),
        (summary("unknown", {"clair": ["no_answer"]}), {"is_current": True}, "Failed"),
        (summary("unknown", {"clair": ["no_answer", "unsupported"]}), {"is_current": True}, "Unsupported"),
        (summary("unknown", {"clair": ["incomplete"]}), {"is_current": True}, "Incomplete"),
        (summary("unknown", {"clair": ["outdated"]}), {"is_current": True}, "Outdated"),
        (summary("unknown", {"clair": ["end_of_life"]}), {"is_current": True}, "Unknown"),
        (summary("unknown", {"a": ["unsupported", "no_answer"], "b": ["no_answer"]}), {"is_current": True}, "Failed"),
        (summary("clean", {"clair": ["last_failed"]}), {"is_current": True}, "Passed"),
        (summary("unknown"), {"is_current": True}, "Unknown"),
        (summary(gate="fail", violations='["max_database_age: old"]'), {"is_current": True}, "Outdated"),
        (summary(gate="fail", violations='["required: x"]'), {"is_current": True}, "Unknown"),
    ],
)
def test_the_words(row: Any, more: dict[str, Any], words: str) -> None:
    """Portus' words for what is known, others for what is not."""
    assert words == security_of(row, **more).words


def test_passed_is_what_is_clean_now_and_nothing_else() -> None:
    """Of all summaries that there can be, only one that is current, clean, without a doubt and a failed gate passes."""
    for verdict in Verdict:
        for doubt in (None, *AnswerDoubt):
            for gate in ("", "pass", "fail"):
                for is_current in (False, True):
                    for activity in (None, QUEUED, RUNNING):
                        doubts = {"clair": [doubt.value]} if doubt else {}
                        row = summary(verdict.value, doubts, gate=gate, high=int(verdict is Verdict.VULNERABLE))
                        shown = security_of(row, is_current=is_current, activity=activity)
                        harmless = doubt in {None, AnswerDoubt.LAST_FAILED}
                        passes = verdict is Verdict.CLEAN and is_current and harmless and gate != "fail"
                        assert passes == (shown.state is SecurityState.PASSED)
                        assert is_current or shown.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("row", "is_current", "answer"),
    [
        (None, False, Answer.UNKNOWN),
        (summary(), True, Answer.PASS),
        (summary(), False, Answer.UNKNOWN),
        (FOUND, True, Answer.FAIL),
        (FOUND, False, Answer.UNKNOWN),
        (summary("vulnerable", {"clair": ["no_answer"]}, high=1), True, Answer.FAIL),
        (summary("unknown", {"clair": ["no_answer"]}), True, Answer.UNKNOWN),
        (summary("unknown", {"clair": ["end_of_life"]}), True, Answer.UNKNOWN),
        (summary("vulnerable", gate="pass", low=1), True, Answer.PASS),
        (summary("vulnerable", gate="fail", violations='["fail_on: 1 high"]', high=1), True, Answer.FAIL),
        (summary("unknown", gate="fail", violations='["outcomes: clair"]'), True, Answer.UNKNOWN),
        (summary("unknown", {"clair": ["no_answer", "unsupported"]}, gate="pass"), True, Answer.PASS),
        (summary("unknown", {"clair": ["no_answer"]}, gate="pass"), True, Answer.UNKNOWN),
        (summary("unknown", {"clair": ["not_scanned"]}, gate="pass"), True, Answer.UNKNOWN),
        (summary("vulnerable", {"clair": ["outdated"]}, gate="pass", low=1), True, Answer.UNKNOWN),
        (summary("clean", {"clair": ["last_failed"]}, gate="pass"), True, Answer.PASS),
    ],
)
def test_the_verdict(row: Any, is_current: bool, answer: Answer) -> None:
    """What is not known is never a pass, what fails by what is known fails whatever else is not."""
    assert answer is judge(security_of(row, is_current=is_current))
