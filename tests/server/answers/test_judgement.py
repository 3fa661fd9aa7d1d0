"""The verdict over stored answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, strategies as st
from portus_scan_server.answers import AnswerDoubt, MadeWith, ScannerAnswers, StoredRun, judge_answers
from portus_scanners import EndOfLife, Finding, Outcome, ScannerReport, ScannerRun, Verdict
from portus_scanners.merge import judge

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CLEAN, VULNERABLE, UNKNOWN = Verdict.CLEAN, Verdict.VULNERABLE, Verdict.UNKNOWN
IDS = count(1)


def stored(
    outcome: str = "ok", *, found: int = 0, days: float = 0, database: int | None = 1, eol: bool = False
) -> StoredRun:
    """A run that was last checked that many days ago, with data of that day of the month."""
    kind = Outcome(outcome)
    has_report = kind in {Outcome.OK, Outcome.INCOMPLETE} or found
    report = ScannerReport(
        findings=[Finding(id=f"CVE-{n}") for n in range(found)],
        complete=kind is Outcome.OK,
        end_of_life=EndOfLife(source="acme") if eol else None,
    )
    error = None if kind is Outcome.OK else "why"
    run = ScannerRun(scanner="a", plugin="a", outcome=kind, error=error, report=report if has_report else None)
    updated = None if database is None else datetime(2026, 11, database, tzinfo=UTC)
    at = NOW - timedelta(days=days)
    made_with = MadeWith(database_updated=updated)
    return StoredRun(
        id=next(IDS), run=run, made_with=made_with, times=1, first_at=at, checked_at=at, set_id=1, total=found
    )


OK, FOUND, OLD, OLD_FOUND, FAILED = stored(), stored(found=1), stored(days=8), stored(found=1, days=8), stored("failed")
INCOMPLETE, UNSUPPORTED, ENDED, PARTIAL = (
    stored("incomplete"),
    stored("unsupported"),
    stored(eol=True),
    stored("timed_out", found=1),
)
D = AnswerDoubt
CASES = [  # answer, said, last -> verdict, doubts
    (OK, OK, OK, CLEAN, ()),
    (FOUND, FOUND, FOUND, VULNERABLE, ()),
    (None, None, None, UNKNOWN, (D.NOT_SCANNED,)),
    (None, None, FAILED, UNKNOWN, (D.NO_ANSWER,)),
    (OLD, OLD, OLD, UNKNOWN, (D.OUTDATED,)),
    (OLD_FOUND, OLD_FOUND, OLD_FOUND, VULNERABLE, (D.OUTDATED,)),
    (OLD, OLD, FAILED, UNKNOWN, (D.OUTDATED, D.LAST_FAILED)),
    (OK, OK, FAILED, CLEAN, (D.LAST_FAILED,)),
    (FOUND, FOUND, FAILED, VULNERABLE, (D.LAST_FAILED,)),
    (OK, INCOMPLETE, INCOMPLETE, UNKNOWN, (D.INCOMPLETE,)),
    (OK, UNSUPPORTED, UNSUPPORTED, UNKNOWN, (D.UNSUPPORTED,)),
    (OK, UNSUPPORTED, FAILED, UNKNOWN, (D.UNSUPPORTED, D.LAST_FAILED)),
    (OK, PARTIAL, PARTIAL, VULNERABLE, (D.INCOMPLETE,)),
    (None, INCOMPLETE, INCOMPLETE, UNKNOWN, (D.NO_ANSWER, D.INCOMPLETE)),
    (None, UNSUPPORTED, UNSUPPORTED, UNKNOWN, (D.NO_ANSWER, D.UNSUPPORTED)),
    (ENDED, ENDED, ENDED, UNKNOWN, (D.END_OF_LIFE,)),
]


@pytest.mark.parametrize(("answer", "said", "last", "verdict", "doubts"), CASES)
def test_one_scanner(
    answer: StoredRun, said: StoredRun, last: StoredRun, verdict: Verdict, doubts: tuple[AnswerDoubt, ...]
) -> None:
    """Each combination of answer, what was said since, and last try has its verdict and its doubts."""
    one = {"a": ScannerAnswers(scanner="a", answer=answer, said=said, last=last)}
    found = judge_answers(["a"], one, now=NOW)
    assert (verdict, {"a": doubts} if doubts else {}) == (found.verdict, found.doubts)


def answers(**runs: StoredRun) -> dict[str, ScannerAnswers]:
    """Answers that are all that their scanners have said."""
    return {name: ScannerAnswers(scanner=name, answer=one, said=one, last=one) for name, one in runs.items()}


def test_only_the_scanners_that_are_enabled_now_count() -> None:
    """What a disabled scanner found does not count; one that was enabled lately, or none at all, makes it unknown."""
    known = answers(a=OK, b=FOUND)
    verdicts = [judge_answers(names, known, now=NOW).verdict for names in (["a"], ["a", "b"], ["a", "c"], [])]
    assert [CLEAN, VULNERABLE, UNKNOWN, UNKNOWN] == verdicts


def test_the_dates_of_a_verdict() -> None:
    """The oldest data, the oldest check, and when the first answer is outdated; a date that is missing is not known."""
    found = judge_answers(["a", "b"], answers(a=stored(days=2, database=9), b=stored(days=5, database=12)), now=NOW)
    assert datetime(2026, 11, 9, tzinfo=UTC) == found.oldest_database
    assert (NOW - timedelta(days=5), NOW + timedelta(days=2)) == (found.checked_at, found.holds_until)
    unknown = judge_answers(["a", "b"], answers(a=OK, b=stored(database=None)), now=NOW)
    assert (None, NOW) == (unknown.oldest_database, unknown.checked_at)
    assert judge_answers(["a", "b"], answers(a=OK), now=NOW).checked_at is None
    old = judge_answers(["a"], answers(a=stored(days=3)), now=NOW, max_age=timedelta(days=2))
    assert (UNKNOWN, None) == (old.verdict, old.holds_until)


runs_stored = st.none() | st.builds(
    stored, st.sampled_from([one.value for one in Outcome]), found=st.integers(0, 1), days=st.integers(0, 9)
)


@given(st.dictionaries(st.sampled_from("abc"), st.tuples(runs_stored, runs_stored, runs_stored)))
def test_clean_is_only_what_every_scanner_calls_clean(found: dict[str, tuple[StoredRun | None, ...]]) -> None:
    """Whatever is stored, clean means: each scanner's answer is young, found nothing, and nothing was said since."""
    known = {
        name: ScannerAnswers(
            scanner=name,
            answer=answer if answer and answer.run.outcome is Outcome.OK else None,
            said=said,
            last=last or said or answer,
        )
        for name, (answer, said, last) in found.items()
    }
    result = judge_answers(["a", "b"], known, now=NOW)
    assert judge(result.runs) is result.verdict
    if result.verdict is Verdict.CLEAN:
        for name in ("a", "b"):
            answer, said = known[name].answer, known[name].said
            assert answer is not None
            assert answer.checked_at >= NOW - timedelta(days=7)
            for one in filter(None, (answer, said)):
                assert (Outcome.OK, 0) == (one.run.outcome, one.total)


def test_an_answer_is_outdated_from_the_moment_on_until_which_it_holds() -> None:
    """At that very moment it does not count any longer: a summary of then would hold for ever."""
    answers = {"a": ScannerAnswers(scanner="a", answer=OK, said=OK, last=OK)}
    fresh = judge_answers(["a"], answers, now=NOW)
    assert fresh.holds_until is not None
    then = judge_answers(["a"], answers, now=fresh.holds_until)
    assert (CLEAN, UNKNOWN, None) == (fresh.verdict, then.verdict, then.holds_until)
