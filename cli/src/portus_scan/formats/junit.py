"""JUnit XML: for CI systems that show tests (Jenkins, GitLab, Azure DevOps, CircleCI).

Each image is a suite: a test for each scanner run, which is an error unless the run ended `ok`, and a failed test for
each vulnerability; a suppressed one is skipped. The gate is a suite as well, where a policy was given.

Source: the form that Jenkins' JUnit plugin reads (``testsuites``, ``testsuite``, ``testcase``), within the schema of
Jenkins' xUnit plugin, ``junit-10.xsd``; an official schema does not exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from attrs import define, evolve, field, frozen
from portus_policy import GateResult, UnusedRule
from portus_scanners import ImageReport, Outcome, ReportDocument, ScannerRun, UnresolvedImage, Vulnerability

from ..reporter import ReportJob, TextReporter
from ..terminal import message, name
from .doubts import (
    END_OF_LIFE,
    NO_IMAGE,
    UNRESOLVED,
    Doubt,
    doubt_of,
    doubts_of,
    notes_of,
    report_notes,
    scanner_name,
    verdict_of,
)
from .foreign import joined, paragraphs, safe_cut, web_links
from .provenance import PROGRAM, seconds_form, span_of
from .words import fix_words, image_words, package_words, rating_words, suppression_words, who_words

FAILURE, ERROR, SKIPPED = "failure", "error", "skipped"
_LONGEST_BODY = 20_000
_MOST_IDS = 100


@frozen(kw_only=True)
class Case:
    """One test. Its strings are safe, but not yet escaped."""

    group: str
    name: str
    result: str = ""
    """`FAILURE`, `ERROR` or `SKIPPED`; empty for a test that passed."""
    kind: str = ""
    summary: str = ""
    body: str = ""
    seconds: float = 0.0


@frozen(kw_only=True)
class Suite:
    """The tests of one image, or of the gate."""

    name: str
    cases: tuple[Case, ...]
    timestamp: str = ""
    properties: tuple[tuple[str, str], ...] = ()


@define
class CaseCounts:
    """How many tests there are, how many have each result, and how long they took."""

    tests: int = 0
    seconds: float = 0.0
    results: Counter[str] = field(factory=Counter)

    def add(self, cases: Iterable[Case]) -> CaseCounts:
        """Count some tests."""
        for case in cases:
            self.tests += 1
            self.seconds += case.seconds
            self.results[case.result] += 1
        return self


class JUnitReporter(TextReporter, contract=1):
    """The document as test results."""

    description = "JUnit XML, for the test pages of CI systems"

    def render(self, job: ReportJob) -> Iterator[str]:
        """Yield the XML document, a test at a time; the images are gone through twice, since its totals come first."""
        total = CaseCounts()
        for suite in _suites(job.document):
            total.add(suite.cases)
        yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {_attributes(PROGRAM, total)}>\n'
        for suite in _each_named_once(_suites(job.document)):
            yield from _suite_xml(suite)
        yield "</testsuites>\n"


def _suites(document: ReportDocument) -> Iterator[Suite]:
    yield from map(_image_suite, document.reports)
    yield from map(_unresolved_suite, document.errors)
    if not document.reports and not document.errors:
        yield Suite(name="images", cases=(_error("images", "scan", NO_IMAGE.outcome, NO_IMAGE.sentence),))
    if document.gate is not None:
        yield Suite(name="gate", cases=tuple(_told_apart(_gate_cases(document.gate))))
    if document.unused_rules:
        yield Suite(name="suppressions", cases=tuple(_told_apart(map(_unused_case, document.unused_rules))))


def _each_named_once(suites: Iterable[Suite]) -> Iterator[Suite]:
    """Yield the suites, those of one name numbered with their tests: an image may be there from several reports."""
    seen: Counter[str] = Counter()
    for suite in suites:
        seen[suite.name] += 1
        name = f"{suite.name} #{seen[suite.name]}" if seen[suite.name] > 1 else suite.name
        yield evolve(suite, name=name, cases=tuple(evolve(case, group=name) for case in suite.cases))


def _image_suite(report: ImageReport) -> Suite:
    about, span = image_words(report.image), span_of(report.results)
    cases = [_run_case(about, run) for run in report.results]
    cases += [_error(about, _title(one), one.outcome, one.sentence) for one in doubts_of(report) if not one.is_of_run]
    cases += [_vulnerability_case(about, one) for one in report.vulnerabilities]
    cases += [Case(group=about, name="notes", body=note) for note in report_notes(report)]
    return Suite(
        name=about,
        cases=tuple(_told_apart(cases)),
        timestamp=seconds_form(span[0]) if span else "",
        properties=(("digest", name(report.image.digest)), ("verdict", verdict_of(report).value)),
    )


def _title(doubt: Doubt) -> str:
    """Return the name of the test that says what no run's own test does."""
    return f"support of the distribution, scanner {doubt.scanner}" if doubt.outcome == END_OF_LIFE else "scanners"


def _told_apart(cases: Iterable[Case]) -> Iterator[Case]:
    """Yield the tests, those of one name numbered: CI systems show only the first of them."""
    seen: Counter[str] = Counter()
    for case in cases:
        seen[case.name] += 1
        yield evolve(case, name=f"{case.name} #{seen[case.name]}") if seen[case.name] > 1 else case


def _unresolved_suite(error: UnresolvedImage) -> Suite:
    about = name(error.reference)
    return Suite(name=about, cases=(_error(about, "resolve", UNRESOLVED, doubt_of(error).sentence),))


def _run_case(about: str, run: ScannerRun) -> Case:
    title, notes = f"scanner {scanner_name(run)}", "\n".join(notes_of(run))
    if run.outcome is Outcome.OK:
        return Case(group=about, name=title, body=notes, seconds=run.elapsed)
    why = message(run.error or "") or run.outcome.value
    body = "\n".join(filter(None, [why, notes, "The image may have vulnerabilities that are not named here."]))
    return Case(
        group=about,
        name=title,
        result=ERROR,
        kind=run.outcome.value,
        summary=f"{run.outcome.value.replace('_', ' ')}: {why}",
        body=body,
        seconds=run.elapsed,
    )


def _vulnerability_case(about: str, found: Vulnerability) -> Case:
    title = f"{name(found.id)} in {package_words(found.package)}"
    summary = f"{found.severity.value}: {fix_words(found)}; {who_words(found)}"
    if found.suppressed:
        words = suppression_words(found.suppressed)
        return Case(group=about, name=title, result=SKIPPED, kind="suppressed", summary=words, body=_details(found))
    kind = found.severity.value
    return Case(group=about, name=title, result=FAILURE, kind=kind, summary=summary, body=_details(found))


def _details(found: Vulnerability) -> str:
    facts = [
        message(found.title),
        f"severity: {found.severity.value}, highest: {found.highest.value}",
        f"also known as: {joined(found.aliases)}" if found.aliases else "",
        f"packages: {', '.join(map(package_words, found.packages))}" if found.packages else "",
        f"package URLs: {joined(found.purls)}" if found.purls else "",
        fix_words(found),
        who_words(found),
        *map(rating_words, found.ratings),
        f"files: {joined(found.paths)}" if found.paths else "",
        f"layers: {joined(found.layers)}" if found.layers else "",
        *web_links(found.links),
        paragraphs(found.description),
    ]
    return safe_cut("\n".join(filter(None, facts)), _LONGEST_BODY)


def _gate_cases(gate: GateResult) -> Iterator[Case]:
    """Yield a failed test for each violation; a gate that has passed is one test that has passed."""
    for one in gate.violations:
        about = name(one.reference) or "all images"
        body = "\n".join([message(one.message), *map(name, one.vulnerabilities[:_MOST_IDS])])
        words = message(one.message)
        title = f"{name(one.rule)}: {about}"
        yield Case(group="gate", name=title, result=FAILURE, kind="gate", summary=words, body=body)
    rules = "\n".join(map(message, gate.rules))
    if gate.passed:
        yield Case(group="gate", name="passed", body=rules)
    elif not gate.violations:
        yield Case(group="gate", name="failed", result=FAILURE, kind="gate", summary="it did not pass", body=rules)


def _unused_case(rule: UnusedRule) -> Case:
    kind = "expired" if rule.expired else "unused"
    title = name(rule.rule)
    return Case(group="suppressions", name=title, result=SKIPPED, kind=kind, summary=message(rule.message))


def _error(group: str, title: str, kind: str, sentence: str) -> Case:
    return Case(group=group, name=title, result=ERROR, kind=kind, summary=sentence, body=sentence)


def _suite_xml(suite: Suite) -> Iterator[str]:
    counts = CaseCounts().add(suite.cases)
    stamp = f" timestamp={quoteattr(suite.timestamp)}" if suite.timestamp else ""
    yield f'  <testsuite {_attributes(suite.name, counts)} skipped="{counts.results[SKIPPED]}"{stamp}>\n'
    if suite.properties:
        yield "    <properties>\n"
        for key, value in suite.properties:
            yield f"      <property name={quoteattr(key)} value={quoteattr(value)}/>\n"
        yield "    </properties>\n"
    yield from map(_case_xml, suite.cases)
    yield "  </testsuite>\n"


def _attributes(name: str, counts: CaseCounts) -> str:
    """Return the attributes that the root may have as well; Jenkins' schema has no ``skipped`` there."""
    numbers = {"tests": counts.tests, "failures": counts.results[FAILURE], "errors": counts.results[ERROR]}
    written = " ".join(f'{key}="{number}"' for key, number in numbers.items())
    return f'name={quoteattr(name)} {written} time="{counts.seconds:.3f}"'


def _case_xml(case: Case) -> str:
    head = f'    <testcase classname={quoteattr(case.group)} name={quoteattr(case.name)} time="{case.seconds:.3f}"'
    if case.result:
        facts = f"type={quoteattr(case.kind)} message={quoteattr(case.summary)}"
        return f"{head}>\n      <{case.result} {facts}>{escape(case.body)}</{case.result}>\n    </testcase>\n"
    if case.body:
        return f"{head}>\n      <system-out>{escape(case.body)}</system-out>\n    </testcase>\n"
    return f"{head}/>\n"
