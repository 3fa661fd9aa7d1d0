"""The gate: what each rule lets pass and what not."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from attrs import evolve
from portus_policy import CountedSeverity, GatePolicy, GateResult, Suppressed, Treatment, check_gate
from portus_scanners import (
    EndOfLife,
    Finding,
    FixState,
    Outcome,
    Package,
    Platform,
    ReportDocument,
    ScannerReport,
    ScannerRun,
    Severity,
    SeverityPolicy,
    make_image_report,
)

from ..judged import APP, IDS, NOW, UNRESOLVED, document, finding, image, report, run

HIGH, CRITICAL, LOW, UNKNOWN = Severity.HIGH, Severity.CRITICAL, Severity.LOW, Severity.UNKNOWN
ALLOWED = {outcome: Treatment.ALLOW for outcome in Outcome if outcome not in {Outcome.OK, Outcome.CANCELLED}}
OTHERS = [outcome for outcome in Outcome if outcome is not Outcome.OK]


def said(result: GateResult) -> list[str]:
    """Return the violations as lines."""
    return [f"{one.reference}: {one.rule}: {one.message}" for one in result.violations]


def check(found: ReportDocument, baseline: ReportDocument | None = None, **policy: object) -> list[str]:
    """Return what does not hold."""
    result = check_gate(found, GatePolicy(**policy), baseline=baseline, now=NOW)
    assert result.passed == (not result.violations)
    return said(result)


def test_a_severity_allows_none_of_it_or_above() -> None:
    """One severity fails on every vulnerability of it or above, and on none below."""
    found = document(run("a", finding(IDS[0], CRITICAL), finding(IDS[1], HIGH), finding(IDS[2], LOW)))
    line = f"{APP}: fail_on: 2 vulnerabilities of severity high or above, 0 are allowed"
    assert [line] == check(found, fail_on=HIGH)
    assert [] == check(found, fail_on=Severity.DEFCON1)


def test_ids_of_what_counts() -> None:
    """A violation names what counts towards the limits that do not hold, highest severity first."""
    found = document(run("a", finding(IDS[0], LOW), finding(IDS[1], HIGH), finding(IDS[2], CRITICAL)))
    (violation,) = check_gate(found, GatePolicy(fail_on={HIGH: 1, CRITICAL: 1}), now=NOW).violations
    assert (IDS[2], IDS[1]) == violation.vulnerabilities


def test_budgets_are_cumulative() -> None:
    """A limit counts what is above it as well; each limit that does not hold is named."""
    found = document(run("a", finding(IDS[0], CRITICAL), finding(IDS[1], HIGH)))
    words = "1 vulnerability of severity critical or above, 0 are allowed"
    assert [f"{APP}: fail_on: {words}"] == check(found, fail_on={CRITICAL: 0, HIGH: 2})
    more = "2 vulnerabilities of severity high or above, 1 is allowed"
    assert [f"{APP}: fail_on: {words}; {more}"] == check(found, fail_on={CRITICAL: 0, HIGH: 1})
    assert [] == check(found, fail_on={CRITICAL: 1, HIGH: 2})


def test_budgets_are_for_each_image() -> None:
    """Two images with one vulnerability each hold a limit of one."""
    other = report(run("a", finding(IDS[1])), of=image("registry.example/other:1"))
    found = ReportDocument(reports=(report(run("a", finding())), other))
    assert [] == check(found, fail_on={HIGH: 1})


def test_two_scanners_count_once() -> None:
    """What two scanners find counts once, with the higher severity."""
    found = document(run("a", finding(IDS[0], HIGH)), run("b", finding(IDS[0], LOW)))
    assert [] == check(found, fail_on={HIGH: 1})
    assert 1 == len(check(found, fail_on={HIGH: 0}))


def test_unknown_severity_is_the_lowest() -> None:
    """A vulnerability of unknown severity counts for a limit of unknown, and for no other."""
    found = document(run("a", finding(IDS[0], UNKNOWN)))
    assert [] == check(found, fail_on=Severity.NEGLIGIBLE)
    assert 1 == len(check(found, fail_on=UNKNOWN))


def test_shown_severity() -> None:
    """The highest severity counts, whatever is shown, but where the policy says otherwise."""
    runs = (run("a", finding(IDS[0], LOW)), run("b", finding(IDS[0], HIGH)))
    shown = make_image_report(image(), runs, severity=SeverityPolicy(prefer=("a",)))
    found = ReportDocument(reports=(shown,))
    assert LOW is shown.vulnerabilities[0].severity
    assert 1 == len(check(found, fail_on=HIGH))
    assert [] == check(found, fail_on=HIGH, severity=CountedSeverity.SHOWN)


def test_suppressed_ones_do_not_count() -> None:
    """A suppressed vulnerability does not count."""
    plain = report(run("a", finding()))
    (vulnerability,) = plain.vulnerabilities
    mark = Suppressed(rule="s.yml:1", reason="not reachable", until=date(2026, 1, 1))
    marked = evolve(plain, vulnerabilities=(evolve(vulnerability, suppressed=mark),))
    assert [] == check(ReportDocument(reports=(marked,)), fail_on=UNKNOWN)


@pytest.mark.parametrize(
    ("more", "counts"),
    [({}, False), ({"fixed_by": ("2.0",)}, True), ({"fix_state": FixState.FIXED}, True)],
    ids=["none", "version", "state"],
)
def test_only_fixable(more: dict[str, object], counts: bool) -> None:
    """Only those with a fix count: a version, or the word of a scanner."""
    found = document(run("a", finding(**more)))
    line = f"{APP}: fail_on: 1 fixable vulnerability of severity high or above, 0 are allowed"
    assert ([line] if counts else []) == check(found, fail_on=HIGH, only_fixable=True)


def test_min_agreement() -> None:
    """What fewer scanners found than have to agree does not count."""
    found = document(run("a", finding(IDS[0]), finding(IDS[1])), run("b", finding(IDS[0])))
    words = "1 vulnerability of severity high or above, 0 are allowed (found by 2 scanners, as far as can be told)"
    assert [f"{APP}: fail_on: {words}"] == check(found, fail_on=HIGH, min_agreement=2)


@pytest.mark.parametrize("outcome", OTHERS)
def test_who_could_not_look_does_not_disagree(outcome: Outcome) -> None:
    """A scanner that did not end ok is taken to agree: its silence says nothing, even where its outcome is allowed."""
    found = document(run("a", finding()), run("b", outcome=outcome))
    lines = check(found, fail_on=HIGH, min_agreement=2, outcomes=ALLOWED)
    assert "1 vulnerability" in lines[-1]


def test_agreement_of_more_than_were_asked() -> None:
    """Where fewer scanners were asked than have to agree nothing could count: that fails."""
    lines = check(document(run("a", finding())), fail_on=HIGH, min_agreement=2)
    assert [f"{APP}: min_agreement: 2 scanners have to agree, but only 1 was asked"] == lines


@pytest.mark.parametrize("outcome", OTHERS)
def test_an_outcome_fails_unless_allowed(outcome: Outcome) -> None:
    """Every outcome but ok fails by default; each but cancelled can be allowed, beside one that is ok."""
    found = document(run("a"), run("b", outcome=outcome))
    line = f"{APP}: outcomes: b ended {outcome.value}"
    assert [line] == check(found)
    assert ([line] if outcome is Outcome.CANCELLED else []) == check(found, outcomes=ALLOWED)


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.FAILED])
@pytest.mark.parametrize("found", [(), (finding(IDS[0], LOW),)], ids=["nothing", "something"])
def test_an_ended_support(found: tuple[Finding, ...], outcome: Outcome) -> None:
    """An image whose distribution is no longer supported fails, whatever was found, unless that is allowed."""
    complete, error = outcome is Outcome.OK, None if outcome is Outcome.OK else "why"
    says = ScannerReport(findings=found, complete=complete, end_of_life=EndOfLife(source="T\n1", distribution="d 8"))
    ended = document(run("a"), ScannerRun(scanner="b", plugin="p", outcome=outcome, error=error, report=says))
    assert [f"{APP}: end_of_life: b: the support of d 8 has ended, says T 1"] == check(ended, outcomes=ALLOWED)
    assert [] == check(ended, outcomes=ALLOWED, end_of_life=Treatment.ALLOW)


def test_an_ended_support_that_is_allowed_lifts_no_other_rule() -> None:
    """Allowing the end of a support leaves every other rule in force, and the rules say which are."""
    says = ScannerReport(findings=(finding(),), end_of_life=EndOfLife(source="T"))
    ended = document(ScannerRun(scanner="a", plugin="p", outcome=Outcome.OK, report=says), run("b", outcome=OTHERS[0]))
    lines = check(ended, fail_on=HIGH, end_of_life=Treatment.ALLOW)
    assert ["outcomes", "fail_on"] == [line.split(": ")[1] for line in lines]
    for policy in (GatePolicy(), GatePolicy(end_of_life=Treatment.ALLOW)):
        rules = [rule.partition(":")[0] for rule in check_gate(ended, policy, now=NOW).rules]
        assert (policy.end_of_life is Treatment.FAIL) == ("end_of_life" in rules)


@pytest.mark.parametrize("outcome", OTHERS)
def test_an_image_that_no_scanner_has_looked_into(outcome: Outcome) -> None:
    """Allowed outcomes let no image pass that no scanner has seen; one that no scanner supports may be allowed."""
    passes = outcome in {Outcome.INCOMPLETE, Outcome.UNSUPPORTED}
    assert passes == (not check(document(run("a", outcome=outcome)), outcomes=ALLOWED))
    mixed = check(document(run("a", outcome=Outcome.UNSUPPORTED), run("b", outcome=Outcome.FAILED)), outcomes=ALLOWED)
    assert [f"{APP}: scanned: no scanner has looked into it"] == mixed


def test_nothing_passes_that_was_not_scanned() -> None:
    """No image, an image without a scanner, and one that could not be resolved fail, whatever is allowed."""
    assert [": scanned: there is no image in this report"] == check(ReportDocument(), outcomes=ALLOWED)
    assert [f"{APP}: scanned: no scanner was asked about it"] == check(document(), outcomes=ALLOWED)
    unresolved = evolve(document(run("a")), errors=(UNRESOLVED,))
    line = "registry.example/gone:1: scanned: it was not scanned: there is no such tag"
    assert [line] == check(unresolved, outcomes=ALLOWED)


def test_required() -> None:
    """A required scanner has to end ok: neither an allowed outcome nor its absence excuses it."""
    found = document(run("a"), run("b", outcome=Outcome.PENDING))
    line = f"{APP}: required: b ended pending, and has to end ok, c was not asked, and has to end ok"
    assert [line] == check(found, required=("a", "b", "c", "b"), outcomes=ALLOWED)


def test_min_scanners() -> None:
    """So many different scanners have to end ok."""
    found = document(run("a"), run("b", outcome=Outcome.INCOMPLETE))
    line = f"{APP}: min_scanners: 1 scanner ended ok, at least 2 have to"
    assert [line] == check(found, min_scanners=2, outcomes=ALLOWED)
    assert [] == check(found, min_scanners=1, outcomes=ALLOWED)


@pytest.mark.parametrize(
    ("updated", "fault"),
    [
        (NOW - timedelta(days=7), ""),
        (NOW - timedelta(days=7, seconds=1), "a has vulnerability data that is 7.1 days old"),
        ((NOW - timedelta(days=9)).replace(tzinfo=None), "a has vulnerability data that is 9 days old"),
        (NOW + timedelta(days=1), ""),
        (NOW + timedelta(days=2), "a does not say how old its vulnerability data is"),
        (None, "a does not say how old its vulnerability data is"),
    ],
    ids=["at the limit", "beyond", "no zone", "clocks differ", "future", "unknown"],
)
def test_max_database_age(updated: datetime | None, fault: str) -> None:
    """Data that is too old fails, and data of an age that is not known or can't be."""
    found = document(run("a", updated=updated), run("b", updated=NOW))
    lines = [f"{APP}: max_database_age: {fault}; at most 7 days are allowed"] if fault else []
    assert lines == check(found, max_database_age=7)


def test_unknown_age_can_be_allowed() -> None:
    """Where an unknown age is allowed, one that is known and too old still fails."""
    allowing = {"max_database_age": 1, "unknown_database_age": Treatment.ALLOW}
    assert [] == check(document(run("a")), **allowing)
    assert 1 == len(check(document(run("a"), run("b", updated=NOW - timedelta(days=2))), **allowing))


def test_new_only() -> None:
    """What the baseline has for this image does not count, in whatever version; other images' know nothing of it."""
    upgraded = Package("package-1", "1.1", "debian:13")
    found = document(run("a", finding(IDS[0], package=upgraded), finding(IDS[1])))
    line = f"{APP}: fail_on: 1 new vulnerability of severity high or above, 0 are allowed"
    assert [line] == check(found, document(run("b", finding(IDS[0]))), fail_on=HIGH, new_only=True)
    other = ReportDocument(reports=(report(run("a", finding(IDS[0]), finding(IDS[1])), of=image("other:1")),))
    assert "2 new vulnerabilities" in check(found, other, fail_on=HIGH, new_only=True)[0]


def test_new_only_by_another_name() -> None:
    """A vulnerability that the baseline has by one of its other names is not new."""
    found = document(run("a", finding(IDS[0])))
    (vulnerability,) = found.reports[0].vulnerabilities
    named = evolve(vulnerability, id="GHSA-aaaa-bbbb-cccc", aliases=(IDS[0],))
    before = ReportDocument(reports=(evolve(found.reports[0], vulnerabilities=(named,)),))
    assert [] == check(found, before, fail_on=HIGH, new_only=True)


def test_new_only_among_digests_of_one_name() -> None:
    """Of several images of one name the baseline's is the one of equal digest; without one, all have to know it."""
    pinned = {digest: f"registry.example/app@sha256:{digest * 64}" for digest in "abc"}
    of = {digest: image(text, digest) for digest, text in pinned.items()}
    runs = run("a", finding(IDS[0])), run("a", finding(IDS[0]), finding(IDS[1]))
    before = ReportDocument(reports=(report(runs[0], of=of["a"]), report(runs[1], of=of["b"])))
    new = [
        violation.vulnerabilities
        for digest in pinned
        for violation in check_gate(
            ReportDocument(reports=(report(runs[1], of=of[digest]),)),
            GatePolicy(fail_on=HIGH, new_only=True),
            baseline=before,
            now=NOW,
        ).violations
    ]
    assert [(IDS[1],), (IDS[1],)] == new


def test_a_baseline_is_not_looked_at_without_new_only() -> None:
    """What was there before counts, unless the policy says otherwise."""
    found = document(run("a", finding(IDS[0])))
    line = f"{APP}: fail_on: 1 vulnerability of severity high or above, 0 are allowed"
    assert [line] == check(found, document(run("b", finding(IDS[0]))), fail_on=HIGH)


def test_new_only_needs_a_baseline() -> None:
    """Without an earlier report it is unknown what is new: that is an error, and the gate does not pass."""
    with pytest.raises(ValueError, match="give one as the baseline"):
        check_gate(document(run("a")), GatePolicy(fail_on=HIGH, new_only=True), now=NOW)


def test_the_time_has_a_zone() -> None:
    """A time without a zone is rejected."""
    with pytest.raises(ValueError, match="time zone"):
        check_gate(document(run("a")), GatePolicy(), now=datetime(2026, 1, 1))


def test_platforms_are_told_apart() -> None:
    """Where several images have one reference, the message says which is meant."""
    arm = report(run("a", outcome=Outcome.FAILED), of=image(platform=Platform("linux", "arm64")))
    none = report(run("a", outcome=Outcome.FAILED), of=image(platform=None))
    lines = check(ReportDocument(reports=(arm, none)), outcomes=ALLOWED)
    words = "no scanner has looked into it"
    assert [f"{APP}: scanned: linux/arm64: {words}", f"{APP}: scanned: no platform: {words}"] == lines


def test_rules_in_words() -> None:
    """The result says which rules were in force; hostile names are made harmless."""
    policy = GatePolicy(
        fail_on={HIGH: 5, CRITICAL: 0},
        only_fixable=True,
        min_agreement=2,
        new_only=True,
        severity=CountedSeverity.SHOWN,
        outcomes={Outcome.PENDING: Treatment.ALLOW, Outcome.FAILED: Treatment.FAIL},
        required=("clair\x1b[2J",),
        min_scanners=1,
        max_database_age=1,
        unknown_database_age=Treatment.ALLOW,
    )
    assert (
        "scanned: every image is resolved, and some scanner looks into it",
        "outcomes: every scanner ends ok, or pending",
        "fail_on: at most 0 of critical or above, at most 5 of high or above in an image",
        "only_fixable: only vulnerabilities with a fix count",
        "min_agreement: only vulnerabilities that 2 scanners found, or may have, count",
        "new_only: only vulnerabilities that the baseline does not have count",
        "severity: the severity shown counts, not the highest one",
        "required: clair [2J end ok on every image",
        "min_scanners: at least 1 end ok on every image",
        "max_database_age: every scanner's data is at most 1 day old; unknown is allowed",
        "end_of_life: no scanner says that the support of a distribution has ended",
    ) == check_gate(document(run("a")), policy, baseline=document(), now=NOW).rules


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"fail_on": {HIGH: -1}}, "fail_on is a severity"),
        ({"fail_on": {HIGH: True}}, "fail_on is a severity"),
        ({"fail_on": {"high": 1}}, "fail_on is a severity"),
        ({"outcomes": {Outcome.CANCELLED: Treatment.ALLOW}}, "cancelled, which always fails"),
        ({"outcomes": {Outcome.OK: Treatment.FAIL}}, "can't have ok"),
        ({"outcomes": {Outcome.FAILED: "allow"}}, "fail or allow"),
        ({"only_fixable": True, "new_only": True}, "add it, or leave out only_fixable and new_only"),
        ({"min_agreement": 2}, "leave out min_agreement"),
        ({"fail_on": HIGH, "min_agreement": 0}, "min_agreement"),
        ({"min_scanners": -1}, "min_scanners"),
        ({"max_database_age": 0}, "max_database_age"),
    ],
)
def test_policies_that_make_no_sense(wrong: dict[str, object], words: str) -> None:
    """A policy that can't be meant is rejected, so that no rule is passed over."""
    with pytest.raises(ValueError, match=words):
        GatePolicy(**wrong)
