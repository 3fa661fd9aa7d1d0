"""What holds for every format: nothing is lost, nothing unknown looks clean, hostile text stays text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import Phase, given, settings
from junitparser import JUnitXml
from portus_policy import GateResult, GateViolation, UnusedRule
from portus_scan import ReportJob
from portus_scanners import FixState, Outcome, ReportDocument, Severity, Verdict
from properties import at_most

from ..documents import UNRESOLVED, make_document, make_finding, make_report, make_run
from .hostile import HUGE, TEXTS, hostile_document
from .rendered import (
    REPORTERS,
    SEVERITY_COUNTS,
    any_document,
    count_gitlab,
    count_severities,
    csv_rows,
    cyclonedx_schema,
    gitlab_schema,
    gitlab_words,
    render,
    rendered_json,
    sarif_schema,
    strings_in,
    suppress,
)

pytestmark = pytest.mark.xdist_group("schemas")
JSON_FORMATS = ("cyclonedx", "gitlab", "sarif")
NOT_OK = [one for one in Outcome if one is not Outcome.OK]
every_format = pytest.mark.parametrize("name", sorted(REPORTERS))


def is_valid(name: str, text: str) -> bool:
    """Return whether a text is what its format asks for."""
    match name:
        case "cyclonedx":
            return cyclonedx_schema().validate_str(text) is None
        case "gitlab":
            return gitlab_schema().is_valid(json.loads(text))
        case "sarif":
            return sarif_schema().is_valid(json.loads(text))
        case "junit":
            return len(list(JUnitXml.fromstring(text.encode()))) > 0
        case "csv":
            return all(None not in row and None not in row.values() for row in csv_rows(text))
        case _:
            return text.startswith("# ")


@every_format
def test_description(name: str) -> None:
    """A list of formats has something to say of each, and each states the contract."""
    assert (1, True) == (REPORTERS[name].contract, bool(REPORTERS[name].description))


@given(document=any_document)
@settings(max_examples=at_most(25), phases=(Phase.generate,))  # to make such an example small takes minutes
def test_valid_and_whole(document: ReportDocument) -> None:
    """Each format is valid for its schema or reader, and has each vulnerability once with the severity shown."""
    texts = {name: render(name, document) for name in REPORTERS}
    valid = {name: (is_valid(name, text), text[-1:]) for name, text in texts.items()}
    counts = {name: count(texts[name]) for name, count in SEVERITY_COUNTS.items()}
    assert dict.fromkeys(REPORTERS, (True, "\n")) == valid
    assert dict.fromkeys(SEVERITY_COUNTS, count_severities(document)) == counts
    assert gitlab_words(count_severities(document)) == count_gitlab(texts["gitlab"])


@every_format
def test_same_again(name: str) -> None:
    """The same document gives the same text."""
    document = make_document(make_run("clair", Outcome.OK, make_finding()), errors=(UNRESOLVED,))
    assert render(name, document) == render(name, document)


@every_format
@pytest.mark.parametrize("outcome", NOT_OK, ids=lambda one: one.value)
def test_unfinished_scan_is_visible(name: str, outcome: Outcome) -> None:
    """A scan that found nothing and did not end ok names the scanner and its reason."""
    text = render(name, make_document(make_run("clair", outcome, error="the reason is 4711")))
    assert (True, True) == ("clair" in text, "the reason is 4711" in text)


@every_format
def test_unresolved_image_is_visible(name: str) -> None:
    """An image that could not be scanned is named with the reason."""
    text = render(name, ReportDocument(errors=(UNRESOLVED,)))
    assert (True, True) == (UNRESOLVED.reference in text, UNRESOLVED.message in text)


@every_format
@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(ReportDocument(), "no image was scanned", id="no-image"),
        pytest.param(ReportDocument(reports=(make_report(),)), "no scanner has looked", id="no-scanner"),
    ],
)
def test_nothing_is_not_clean(name: str, document: ReportDocument, words: str) -> None:
    """Without an image, or without a scanner, a document says that nobody has looked."""
    assert words in render(name, document)


@every_format
@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.VULNERABLE], ids=lambda one: one.value)
def test_verdict_that_the_runs_do_not_explain(name: str, verdict: Verdict) -> None:
    """A report that is not clean, though every run ended ok and nothing is listed, says that not all is known."""
    report = evolve(make_report(make_run("clair", Outcome.OK)), verdict=verdict)
    text = render(name, ReportDocument(reports=(report,)))
    assert f"the verdict is {verdict.value}, and the report does not say why" in text


@every_format
def test_suppressed_stays(name: str) -> None:
    """A suppressed vulnerability is there, with the rule, the reason, who decided and until when."""
    report = suppress(make_report(make_run("clair", Outcome.OK, make_finding("CVE-2016-6304"))))
    text = render(name, ReportDocument(reports=(report,)))
    wanted = ("CVE-2016-6304", "suppressions.yml:12", "the code is never called", "ann", "2027-01-31")
    assert [] == [one for one in wanted if one not in text.replace("\\\\", "")]


@every_format
def test_unused_rules(name: str) -> None:
    """A suppression that did not apply is named."""
    document = ReportDocument(
        reports=(make_report(make_run("clair", Outcome.OK)),),
        unused_rules=(UnusedRule(rule="suppressions.yml:7", expired=True, message="it ended on 2026-01-01"),),
    )
    text = render(name, document)
    assert (True, True) == ("suppressions.yml:7" in text, "it ended on 2026-01-01" in text)


@every_format
def test_gate_that_failed(name: str) -> None:
    """What did not hold is in each format, with the ids that count where there is a place."""
    violation = GateViolation(rule="fail_on", message="4711 are too many", vulnerabilities=("CVE-2016-6304",))
    document = evolve(
        make_document(make_run("clair", Outcome.OK)), gate=GateResult(passed=False, violations=(violation,))
    )
    text = render(name, document)
    assert (True, True) == ("fail_on" in text, "4711 are too many" in text)


@every_format
def test_notes(name: str) -> None:
    """What a reader must know in order to trust findings is there."""
    assert "4711 packages have no data" in render(name, with_note("4711 packages have no data"))


def with_note(note: str) -> ReportDocument:
    """Return a document of a scanner that ended ok and says something more."""
    run = make_run("clair", Outcome.OK)
    assert run.report is not None
    return make_document(evolve(run, report=evolve(run.report, notes=(note,))))


@every_format
def test_everything_about_a_vulnerability(name: str) -> None:
    """Who found it, who did not, who could not look, the fix; but for Markdown also aliases and labels."""
    finding = make_finding(severity_label="Urgent4711", fix_state=FixState.FIXED)
    report = make_report(make_run("finder", Outcome.OK, finding))
    found = evolve(
        report.vulnerabilities[0], aliases=("GHSA-aaaa-bbbb-cccc",), not_found_by=("looker",), not_looked_by=("blind",)
    )
    text = render(name, ReportDocument(reports=(evolve(report, vulnerabilities=(found,)),)))
    wanted = ["finder", "looker", "blind", "1.0.2i", "1.0.2h", "openssl"]
    wanted += [] if name == "markdown" else ["GHSA-aaaa-bbbb-cccc", "Urgent4711"]
    assert [] == [one for one in wanted if one not in text]


@every_format
@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_hostile_text(name: str, kind: str) -> None:
    """Hostile text anywhere leaves a text valid, and nothing in it is a control or turns text around."""
    text = render(name, hostile_document(TEXTS[kind]))
    seen = list(strings_in(json.loads(text))) if name in JSON_FORMATS else [text]
    strange = {char for one in seen for char in one if not char.isprintable() and char not in "\r\n"}
    assert (True, set()) == (is_valid(name, text), strange)


@every_format
def test_huge_text(name: str) -> None:
    """A megabyte in every place is cut: the text stays below a megabyte, and is valid."""
    text = render(name, hostile_document(HUGE))
    assert (True, True) == (is_valid(name, text), len(text) < 1_000_000)


@pytest.mark.parametrize("name", JSON_FORMATS)
@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_links_lead_to_the_web(name: str, kind: str) -> None:
    """What a program takes as a link is http or https."""
    links = list(links_in(rendered_json(name, hostile_document(TEXTS[kind]))))
    assert [] == [link for link in links if not link.startswith(("http://", "https://"))]
    assert any(link.startswith("https://example.org/") for link in links)


def links_in(value: Any, key: str = "") -> list[str]:
    """Return what stands under the names that formats have for links."""
    if isinstance(value, dict):
        return [link for name, inner in value.items() for link in links_in(inner, name)]
    if isinstance(value, list):
        return [link for inner in value for link in links_in(inner, key)]
    return [value] if key in {"url", "helpUri", "links"} else []


@pytest.mark.parametrize("name", sorted(set(REPORTERS) - {"markdown"}))
def test_severity_filter_is_for_people(name: str) -> None:
    """Formats for machines have everything, whatever people want to see."""
    document = make_document(make_run("clair", Outcome.OK, make_finding(severity=Severity.LOW)))
    job = ReportJob(document=document, min_severity=Severity.CRITICAL)
    assert render(name, document) == "".join(REPORTERS[name]().render(job))
