"""Documents put through formats, and what is read back from the text."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve
from hypothesis import strategies as st
from junitparser import Failure, JUnitXml, Skipped
from portus_policy import Suppressed
from portus_scan import ReportJob, TextReporter
from portus_scan.formats.csv import CsvReporter
from portus_scan.formats.cyclonedx import CycloneDxReporter
from portus_scan.formats.cyclonedx.vulnerabilities import NOT_COMPLETE as DOUBT_ID
from portus_scan.formats.gitlab import GitLabReporter
from portus_scan.formats.junit import JUnitReporter
from portus_scan.formats.markdown import MarkdownReporter
from portus_scan.formats.sarif import SarifReporter
from portus_scan.formats.sarif.rules import NOT_COMPLETE
from portus_scanners import ImageReport, ReportDocument

from ...core.strategies import documents

if TYPE_CHECKING:
    from cyclonedx.validation.json import JsonStrictValidator
    from jsonschema.protocols import Validator

REPORTERS: Mapping[str, type[TextReporter]] = {
    "csv": CsvReporter,
    "cyclonedx": CycloneDxReporter,
    "gitlab": GitLabReporter,
    "junit": JUnitReporter,
    "markdown": MarkdownReporter,
    "sarif": SarifReporter,
}
_SCHEMAS = Path(__file__).parents[1] / "data"
RULE = Suppressed(
    rule="suppressions.yml:12", reason="not affected: the code is never called", by="ann", until=date(2027, 1, 31)
)


def render(name: str, document: ReportDocument, **job: Any) -> str:
    """Return what a format makes of a document."""
    return "".join(REPORTERS[name]().render(ReportJob(document=document, **job)))


def rendered_json(name: str, document: ReportDocument) -> dict[str, Any]:
    """Return it as a program reads it."""
    return json.loads(render(name, document))


def suppress(report: ImageReport, rule: Suppressed = RULE) -> ImageReport:
    """Return a report whose first vulnerability is suppressed."""
    first, *others = report.vulnerabilities
    return evolve(report, vulnerabilities=(evolve(first, suppressed=rule), *others))


def _suppress_some(document: ReportDocument, rule: Suppressed | None) -> ReportDocument:
    some = [suppress(one, rule) if rule and one.vulnerabilities else one for one in document.reports]
    return evolve(document, reports=tuple(some))


_words = st.text(min_size=1, max_size=20)
_rules = st.builds(Suppressed, rule=_words, reason=_words, by=st.text(max_size=5), until=st.none() | st.dates())
any_document = st.builds(_suppress_some, documents, st.none() | _rules)
"""Arbitrary documents, in some of which something is suppressed."""


# jsonschema takes two seconds to import: the tests that need it are of one group, "schemas"


@cache
def sarif_schema() -> Validator:
    """Return what checks a SARIF log."""
    from jsonschema import Draft4Validator

    return Draft4Validator(json.loads((_SCHEMAS / "sarif-2.1.0-rtm.5.json").read_bytes()))


@cache
def gitlab_schema() -> Validator:
    """Return what checks GitLab's report, as far as it is written here."""
    from jsonschema import Draft7Validator

    return Draft7Validator(json.loads((_SCHEMAS / "gitlab-container-scanning.json").read_bytes()))


@cache
def cyclonedx_schema() -> JsonStrictValidator:
    """Return what checks CycloneDX 1.6."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6)


def sarif_results(log: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results that are vulnerabilities."""
    return [one for run in log["runs"] for one in run["results"] if one["ruleId"] != NOT_COMPLETE]


def cyclonedx_entries(bom: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries that are vulnerabilities."""
    return [one for one in bom.get("vulnerabilities", ()) if one["id"] != DOUBT_ID]


def properties_of(thing: dict[str, Any]) -> dict[str, list[str]]:
    """Return the properties of something in CycloneDX, by name without the namespace."""
    found: dict[str, list[str]] = {}
    for one in thing.get("properties", ()):
        found.setdefault(one["name"].removeprefix("portus-scanners:"), []).append(one["value"])
    return found


def csv_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a table."""
    return list(csv.DictReader(StringIO(text, newline="")))


def _count_sarif(text: str) -> Counter[str]:
    return Counter(one["properties"]["severity"] for one in sarif_results(json.loads(text)))


def _count_cyclonedx(text: str) -> Counter[str]:
    entries = cyclonedx_entries(json.loads(text))
    return Counter(properties_of(one)["severity"][0] for one in entries)


def _count_csv(text: str) -> Counter[str]:
    return Counter(row["severity"] for row in csv_rows(text) if row["record"] == "vulnerability")


def _count_junit(text: str) -> Counter[str]:
    cases = [case for suite in JUnitXml.fromstring(text.encode()) for case in suite if suite.name != "suppressions"]
    found = [result for case in cases for result in case.result]
    failed = [one.type for one in found if isinstance(one, Failure) and one.type != "gate"]
    skipped = [one.text.split("severity: ")[1].split(",")[0] for one in found if isinstance(one, Skipped)]
    return Counter([*failed, *skipped])


SEVERITY_COUNTS: Mapping[str, Callable[[str], Counter[str]]] = {
    "csv": _count_csv,
    "cyclonedx": _count_cyclonedx,
    "junit": _count_junit,
    "sarif": _count_sarif,
}


def count_severities(document: ReportDocument) -> Counter[str]:
    """Return how many vulnerabilities of each severity a document has."""
    return Counter(one.severity.value for report in document.reports for one in report.vulnerabilities)


def count_gitlab(text: str) -> Counter[str]:
    """Return how many vulnerabilities GitLab's report has of each of its severities."""
    return Counter(one["severity"] for one in json.loads(text)["vulnerabilities"])


def gitlab_words(counts: Counter[str]) -> Counter[str]:
    """Return counts of our severities in GitLab's: it has no negligible, and nothing above critical."""
    words = {"negligible": "Info", "defcon1": "Critical"}
    found: Counter[str] = Counter()
    for severity, number in counts.items():
        found[words.get(severity, severity.title())] += number
    return found


def strings_in(value: Any) -> Iterator[str]:
    """Give every text of a JSON value, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)
