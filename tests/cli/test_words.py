"""Verdicts in words."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, strategies as st
from portus_policy import UnusedRule
from portus_scan.formats.words import count, severity_counts, unused_rule_lines, verdict_words
from portus_scanners import Outcome, Severity, Verdict

from .documents import make_finding, make_report, make_run

RUNS = st.lists(st.tuples(st.sampled_from(Outcome), st.booleans()), max_size=4)


@given(RUNS)
def test_clean_is_said_of_a_clean_image_only(runs: list[tuple[Outcome, bool]]) -> None:
    """The words begin with the verdict, and "clean" stands in them only when it is the verdict."""
    report = make_report(
        *(make_run(str(i), outcome, *[make_finding()][:found]) for i, (outcome, found) in enumerate(runs))
    )
    words = verdict_words(report)
    assert (True, report.verdict is Verdict.CLEAN) == (words.startswith(report.verdict.value), "clean" in words)


def test_unknown_says_why() -> None:
    """An unknown verdict counts what happened to the scanners."""
    report = make_report(make_run("one", Outcome.OK), make_run("two", Outcome.FAILED))
    assert "unknown: 1 of 2 scanners failed" == verdict_words(report)


def test_several_reasons() -> None:
    """Different ends are counted each by itself."""
    runs = [make_run("a", Outcome.FAILED), make_run("b", Outcome.TIMED_OUT), make_run("c", Outcome.UNSUPPORTED)]
    expected = "unknown: 1 of 3 scanners can't read it, 1 timed out, 1 failed"
    assert expected == verdict_words(make_report(*runs))


def test_nobody_asked() -> None:
    """Without any scanner the verdict is unknown, and the words say that nobody has looked."""
    assert "unknown: no scanner has looked" == verdict_words(make_report())


def test_vulnerable_with_doubt() -> None:
    """What was found is counted, and that there may be more is said."""
    report = make_report(make_run("one", Outcome.OK, make_finding()), make_run("two", Outcome.PENDING))
    expected = "vulnerable: 1 vulnerability (1 high); there may be more: 1 of 2 scanners still working"
    assert expected == verdict_words(report)


def test_severities_are_counted_highest_first() -> None:
    """Each severity that occurs is counted, the highest first."""
    severities = [Severity.LOW, Severity.DEFCON1, Severity.LOW]
    report = make_report(
        make_run("one", Outcome.OK, *(make_finding(f"CVE-{i}", severity) for i, severity in enumerate(severities)))
    )
    assert "3 vulnerabilities (1 defcon1, 2 low)" == severity_counts(report.vulnerabilities)


def test_plural() -> None:
    """One is singular, none and many are plural."""
    assert ["0 layers", "1 layer", "2 layers"] == [count(number, "layer") for number in range(3)]


@given(RUNS, st.sampled_from(Verdict))
def test_verdict_alone_is_not_believed(runs: list[tuple[Outcome, bool]], verdict: Verdict) -> None:
    """A document may come from anywhere: whatever verdict it states, "clean" is said only where the runs allow it."""
    honest = make_report(
        *(make_run(str(i), outcome, *[make_finding()][:found]) for i, (outcome, found) in enumerate(runs))
    )
    words = verdict_words(evolve(honest, verdict=verdict))
    assert ("clean" in words) == (honest.verdict is verdict is Verdict.CLEAN)


def test_a_thousand_suppressions_that_did_not_apply_are_enough() -> None:
    """A vendor's document has many more statements than an image has use for: the rest are counted."""
    rules = [
        UnusedRule(rule=f"app.vex.json {number}", expired=False, message="fits nothing") for number in range(1_002)
    ]
    first, *lines, last = unused_rule_lines(rules)
    assert ("1002 suppressions did not apply:", 1_000) == (first, len(lines))
    assert "and 2 more: the JSON has them all" == last
