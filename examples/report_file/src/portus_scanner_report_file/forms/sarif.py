"""SARIF 2.1.0, as Trivy, Grype and others write vulnerabilities.

SARIF has no members for packages. Trivy writes them as lines of the message, Grype as lines of the rule's help.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen
from attrs.validators import min_len
from portus_scanners import Cvss, Finding, InvalidReportError, Package, ScannerReport, Severity
from portus_scanners.backends import read_time, structure_answer, unique_findings, web_links

from ..subject import Reading, Subject

WHAT = "the SARIF report"
_LEVELS = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    "none": Severity.NEGLIGIBLE,
}
_NO_FINDINGS = {"pass", "notApplicable"}
_KNOWN_ID = re.compile(r"(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3})(?=-|$)", re.ASCII)
_LINE = re.compile(r"^(Package|Installed Version|Version|Fixed Version|Fix Version|Severity):[ \t]*(.*)$", re.MULTILINE)


@frozen
class Message:
    """A message, as plain text."""

    text: str = ""


@frozen
class Configuration:
    """The defaults of a rule."""

    level: str | None = None


@frozen
class Rule:
    """The vulnerability that several results share."""

    id: str = field(validator=min_len(1))
    shortDescription: Message = field(factory=Message)
    fullDescription: Message = field(factory=Message)
    help: Message = field(factory=Message)
    helpUri: str | None = None
    defaultConfiguration: Configuration = field(factory=Configuration)
    properties: Any = None


@frozen
class Result:
    """One finding."""

    message: Message
    ruleId: str | None = None
    ruleIndex: int | None = None
    level: str | None = None
    kind: str | None = None
    suppressions: tuple[Any, ...] | None = None
    properties: Any = None


@frozen
class Driver:
    """The program that scanned."""

    name: str
    version: str | None = None
    rules: tuple[Rule, ...] = ()


@frozen
class Tool:
    """The tool that scanned."""

    driver: Driver


@frozen
class Invocation:
    """How the program ended."""

    executionSuccessful: bool = True
    endTimeUtc: str | None = None


@frozen
class Run:
    """What one program found. ``results`` is null if it could not find out, and empty if there is nothing."""

    tool: Tool
    results: tuple[Result, ...]
    invocations: tuple[Invocation, ...] = ()
    properties: Any = None


@frozen
class Log:
    """The document."""

    version: str
    runs: tuple[Run, ...] = field(validator=min_len(1))


def read(document: Any) -> Reading:
    """Return what a SARIF log says: one finding for each vulnerability and package.

    Raises:
        InvalidReportError: The document is not SARIF 2.1.0, or a result has no rule.
    """
    log = structure_answer(document, Log, WHAT)
    if log.version != "2.1.0":
        raise InvalidReportError(WHAT, faults=["$.version: only 2.1.0 is known"])
    findings = [finding for number, run in enumerate(log.runs) for finding in _findings(run, number)]
    failed = any(not one.executionSuccessful for run in log.runs for one in run.invocations)
    tools = dict.fromkeys(f"{run.tool.driver.name} {run.tool.driver.version or ''}".strip() for run in log.runs)
    report = ScannerReport(
        findings=unique_findings(findings),
        complete=not failed,
        notes=tuple(_notes(log.runs, failed=failed)),
        scanner_version=", ".join(tools),
    )
    return Reading(report=report, subject=_subject(log.runs), made=_ended(log.runs))


def _subject(runs: Iterable[Run]) -> Subject:
    """Return the image as Trivy names it; no other program is known to name it."""
    said = [run.properties for run in runs if isinstance(run.properties, dict)]
    digests = [one.get("repoDigests") for one in said]
    return Subject(
        configs=[one.get("imageID") for one in said],
        digests=[digest for one in digests if isinstance(one, list) for digest in one],
        names=[one.get("imageName") for one in said],
    )


def _ended(runs: Iterable[Run]) -> datetime | None:
    """Return when the oldest of the runs ended."""
    ends = [read_time(one.endTimeUtc or "") for run in runs for one in run.invocations]
    return min((end for end in ends if end), default=None)


def _notes(runs: Iterable[Run], *, failed: bool) -> Iterator[str]:
    if failed:
        yield "the program that made the report says that it did not end well"
    suppressed = sum(bool(result.suppressions) for run in runs for result in run.results)
    if suppressed:
        yield f"{suppressed} results are suppressed by the report's author, and left out"


def _findings(run: Run, number: int) -> Iterator[Finding]:
    rules = run.tool.driver.rules
    by_id = {rule.id: rule for rule in rules}
    for place, result in enumerate(run.results):
        if result.kind in _NO_FINDINGS or result.suppressions:
            continue
        index = -1 if result.ruleIndex is None else result.ruleIndex
        rule = by_id.get(result.ruleId or "") or (rules[index] if 0 <= index < len(rules) else None)
        name = result.ruleId or (rule.id if rule else "")
        if not name:
            raise InvalidReportError(WHAT, faults=[f"$.runs[{number}].results[{place}]: the result has no rule"])
        yield _finding(name, result, rule or Rule(name))


def _finding(name: str, result: Result, rule: Rule) -> Finding:
    said = _lines(result.message.text, rule.help.text)
    score = _score(result.properties, rule.properties)
    level = result.level or rule.defaultConfiguration.level or "warning"
    word = said.get("Severity", "")
    known = _KNOWN_ID.match(name)
    fix = said.get("Fixed Version") or said.get("Fix Version")
    return Finding(
        id=known[0] if known else name,
        severity=_severity(word, score, level),
        severity_label=word or level,
        package=Package(said.get("Package", ""), said.get("Installed Version") or said.get("Version", "")),
        fixed_by=tuple(part.strip() for part in (fix or "").split(",") if part.strip()),
        links=web_links([rule.helpUri or ""]),
        title=" ".join(rule.shortDescription.text.split()),
        description=rule.fullDescription.text or result.message.text,
        cvss=() if score is None else (Cvss(version="", score=score),),
    )


def _severity(word: str, score: float | None, level: str) -> Severity:
    if word:
        return Severity.from_word(word)
    return _LEVELS.get(level, Severity.UNKNOWN) if score is None else Severity.from_score(score)


def _lines(*texts: str) -> Mapping[str, str]:
    """Return the values of lines such as ``Package: openssl`` in the texts; the first line of a name counts."""
    said: dict[str, str] = {}
    for text in texts:
        for match in _LINE.finditer(text):
            said.setdefault(match[1], match[2].strip())
    return said


def _score(*properties: Any) -> float | None:
    """Return ``security-severity``, a CVSS score that is written as a string."""
    for one in properties:
        value = one.get("security-severity") if isinstance(one, dict) else None
        try:
            score = float(value) if isinstance(value, str | float | int) else -1.0
        except (ValueError, OverflowError):
            score = -1.0
        if 0.0 <= score <= 10.0:  # noqa: PLR2004 (CVSS)
            return score
    return None
