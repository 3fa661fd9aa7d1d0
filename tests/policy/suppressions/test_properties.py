"""What holds for all documents and rules."""

from __future__ import annotations

from datetime import date, timedelta

from attrs import evolve
from core.strategies import packages
from hypothesis import given, strategies as st
from policy.suppressions.documents import image, local_image
from portus_policy import GateResult, Suppressed, Suppression, UnusedRule, apply_suppressions
from portus_scanners import ImageReport, ReportDocument, Severity, UnresolvedImage, Verdict, Vulnerability

TODAY = date(2026, 6, 15)
ids = st.lists(st.sampled_from(["CVE-2016-6304", "CVE-2016-7052", "TEMP-1", "GHSA-aaaa-bbbb-cccc"]), max_size=2)
rules = st.builds(
    Suppression,
    rule=st.sampled_from(["a:1", "a:2", "b:1"]),
    reason=st.just("because"),
    ids=ids.map(tuple),
    package=st.sampled_from(["openssl", "lib*", "?ib*", "glibc"]),
    image=st.sampled_from(["", "", "alpine", "r.example:5000/**", "oci:*"]),
    scanner=st.sampled_from(["", "", "", "clair", "trivy"]),
    versions=st.sampled_from(["", "", "<2.0", ">=1.0, <3"]),
    until=st.none() | st.integers(-2, 2).map(lambda days: TODAY + timedelta(days)),
    by=st.sampled_from(["", "alice"]),
)
vulnerabilities = st.builds(
    Vulnerability,
    id=st.sampled_from(["CVE-2016-6304", "TEMP-1", "RHSA-1"]),
    aliases=st.sampled_from([(), ("CVE-2016-6304",), ("CVE-2016-6304", "CVE-2016-7052")]),
    severity=st.just(Severity.LOW),
    package=packages,
    packages=st.lists(packages, max_size=2).map(tuple),
    scanners=st.sampled_from([("clair",), ("clair", "trivy")]),
    suppressed=st.none() | st.just(Suppressed(rule="old:1", reason="before")),
)
reports = st.builds(
    ImageReport,
    image=st.sampled_from([image("alpine"), image("r.example:5000/a/b:1"), local_image("oci:a", "/a")]),
    verdict=st.just(Verdict.VULNERABLE),
    vulnerabilities=st.lists(vulnerabilities, max_size=4).map(tuple),
)
documents = st.builds(
    ReportDocument,
    reports=st.lists(reports, max_size=2).map(tuple),
    errors=st.just((UnresolvedImage(reference="a", step="connect", message="b"),)),
    unused_rules=st.just((UnusedRule(rule="old:1", expired=True, message="before"),)),
    gate=st.none() | st.just(GateResult(passed=False)),
)
rule_lists = st.lists(rules, max_size=5)


def _apply(document: ReportDocument, made: list[Suppression]) -> ReportDocument:
    return apply_suppressions(document, made, today=TODAY)


def _suppressed(document: ReportDocument) -> list[bool]:
    return [one.suppressed is not None for report in document.reports for one in report.vulnerabilities]


def _bare(document: ReportDocument) -> ReportDocument:
    reports = (
        evolve(report, vulnerabilities=tuple(evolve(one, suppressed=None) for one in report.vulnerabilities))
        for report in document.reports
    )
    return evolve(document, reports=tuple(reports), unused_rules=())


@given(documents, rule_lists)
def test_nothing_else_is_changed_and_twice_is_once(document: ReportDocument, made: list[Suppression]) -> None:
    """Only marks and unused rules change, and a second time nothing does."""
    marked = _apply(document, made)
    assert _bare(document) == _bare(marked)
    assert marked == _apply(marked, made)


@given(documents, rule_lists, rules, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_more_rules_suppress_more(
    document: ReportDocument, made: list[Suppression], another: Suppression, random: object
) -> None:
    """Shuffled rules suppress the same, and another rule takes no mark away."""
    before = _suppressed(_apply(document, made))
    shuffled = random.sample(made, len(made))  # type: ignore[attr-defined]
    assert before == _suppressed(_apply(document, shuffled))
    after = _suppressed(_apply(document, [another, *made]))
    assert [] == [number for number, (was, now) in enumerate(zip(before, after, strict=True)) if was and not now]


@given(documents, rule_lists)
def test_every_rule_is_used_unused_or_expired(document: ReportDocument, made: list[Suppression]) -> None:
    """A rule that is not listed suppresses something by itself; one that is listed suppresses nothing."""
    expected = []
    for rule in made:
        alone = _apply(document, [rule])
        expired = rule.until is not None and rule.until < TODAY
        assert any(_suppressed(alone)) != bool(alone.unused_rules)
        expected += [(rule.rule, expired)] if alone.unused_rules else []
    assert expected == [(one.rule, one.expired) for one in _apply(document, made).unused_rules]


def test_thousands_of_rules_and_vulnerabilities() -> None:
    """A rule is compared with the vulnerabilities that it may fit, not with all: the mark is that of its own rule."""
    from policy.suppressions.documents import document, rule, vulnerability

    found = [vulnerability(f"CVE-{number}", f"p{number}") for number in range(1000)]
    made = [rule(rule=f"r:{number}", ids=(f"CVE-{number}",)) for number in range(1000)]
    marked = _apply(document(*found), made)
    marks = [one.suppressed.rule for one in marked.reports[0].vulnerabilities if one.suppressed]
    assert [one.rule for one in made] == marks
