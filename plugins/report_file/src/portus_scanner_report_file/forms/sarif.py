"""SARIF 2.1.0, as Trivy, Grype and others write vulnerabilities.

SARIF has no members for packages. Trivy writes them as lines of the message, Grype as lines of the rule's help. Nor has
it one for the distribution: only a result about one of its packages shows that the program recognised it.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0, sections 3.20 (invocations), 3.27 (results) and 3.35
(suppressions).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen
from attrs.validators import min_len
from portus_scanners import Cvss, Finding, InvalidReportError, Package, ScannerReport, Severity
from portus_scanners.backends import one_line, read_time, structure_answer, unique_findings, web_links

from ..subject import Reading, Subject
from .grype import SYSTEM_PACKAGES

WHAT = "the SARIF report"
_LEVELS = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
}
_NO_FINDINGS = {"pass", "notApplicable", "informational"}
"""Kinds of results that say that there is no problem; ``open`` and ``review`` say that nobody knows."""
_GONE = "absent"
"""The baseline's state of a result that was there before, and no longer is."""
_ACCEPTED = {None, "accepted"}
_SUPPRESSES_ALL = "anchore container vulnerability report"
"""How the name begins by which Grype up to 0.2x calls itself; it marks each of its results as suppressed."""
_LEAVES_OUT_UNKNOWN = re.compile(r"\b(?:trivy|grype|anchore)\b", re.IGNORECASE)
"""In the names of programs whose SARIF is empty both for a clean image and for a distribution that they do not know."""
_OF_LANGUAGE = "LanguageSpecificPackageVulnerability"
"""Trivy's name for rules about packages of languages."""
_KNOWN_ID = re.compile(r"(?:^|_)(CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3})(?=[-_]|$)", re.ASCII)
_LINE = re.compile(
    r"^(Package|Installed Version|Version|Fixed Version|Fix Version|Severity|Type):[ \t]*(.*)$", re.MULTILINE
)
_HIGHEST_SCORE = 10.0
_LONGEST = 200
_LONGEST_VALUE = 1_000
_LONGEST_LINK = 2_000
_LONGEST_TITLE = 1_000
_LONGEST_DESCRIPTION = 10_000
"""Characters of a rule's strings that are kept: each of its results has them, however many there are."""
_MOST_ERRORS = 5
_MOST_TOLD = 20
"""Programs and reasons that are named, of all runs together."""


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
    name: str | None = None
    shortDescription: Message = field(factory=Message)
    fullDescription: Message = field(factory=Message)
    help: Message = field(factory=Message)
    helpUri: str | None = None
    defaultConfiguration: Configuration = field(factory=Configuration)
    properties: Any = None


@frozen
class RuleReference:
    """Which rule a result has, where that is not told by ``ruleId`` and ``ruleIndex``."""

    id: str | None = None
    index: int | None = None


@frozen
class Suppression:
    """Why a result is to be left out; ``underReview`` and ``rejected`` say that it is not, or not yet."""

    status: str | None = None


@frozen
class Result:
    """One finding."""

    message: Message
    ruleId: str | None = None
    ruleIndex: int | None = None
    rule: RuleReference | None = None
    level: str | None = None
    kind: str | None = None
    baselineState: str | None = None
    suppressions: tuple[Suppression, ...] | None = None
    properties: Any = None

    @property
    def is_suppressed(self) -> bool:
        """Whether it has suppressions, and all of them are accepted."""
        return bool(self.suppressions) and all(one.status in _ACCEPTED for one in self.suppressions or ())

    @property
    def is_found(self) -> bool:
        """Whether it says that there is a problem, or that there may be one."""
        return self.kind not in _NO_FINDINGS and self.baselineState != _GONE


@frozen
class Driver:
    """The program that scanned."""

    name: str
    version: str | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def words(self) -> str:
        """The program and its version."""
        return one_line(f"{self.name} {self.version or ''}".strip(), _LONGEST)


@frozen
class Tool:
    """The tool that scanned."""

    driver: Driver


@frozen
class Notification:
    """What the program says of its own work."""

    message: Message = field(factory=Message)
    level: str | None = None


@frozen
class Invocation:
    """How the program ended."""

    executionSuccessful: bool = False
    endTimeUtc: str | None = None
    toolExecutionNotifications: tuple[Notification, ...] = ()
    toolConfigurationNotifications: tuple[Notification, ...] = ()

    @property
    def errors(self) -> tuple[str, ...]:
        """The notifications of level ``error``."""
        told = (*self.toolExecutionNotifications, *self.toolConfigurationNotifications)
        return tuple(one_line(one.message.text, _LONGEST) for one in told if one.level == "error")


@frozen
class Run:
    """What one program found. ``results`` is null if it could not find out, and empty if there is nothing."""

    tool: Tool
    results: tuple[Result, ...]
    invocations: tuple[Invocation, ...] = ()
    externalPropertyFileReferences: Any = None
    properties: Any = None


@frozen
class ExternalProperties:
    """What belongs to one of the runs and stands beside them."""

    results: Any = None


@frozen
class Log:
    """The document."""

    version: str
    runs: tuple[Run, ...] = field(validator=min_len(1))
    inlineExternalProperties: tuple[ExternalProperties, ...] | None = None


@frozen
class RuleWords:
    """What all results of a rule have of it: read once, and cut, since there may be any number of them.

    Attributes:
        rule: The rule.
        title: The short description in one line.
        description: The full description.
        links: The page about it.
        lines: The values of the lines of its help.
    """

    rule: Rule
    title: str
    description: str
    links: tuple[str, ...]
    lines: Mapping[str, str]

    @classmethod
    def of(cls, rule: Rule) -> RuleWords:
        """Return the words of a rule."""
        return cls(
            rule=rule,
            title=" ".join(rule.shortDescription.text[:_LONGEST_TITLE].split()),
            description=rule.fullDescription.text[:_LONGEST_DESCRIPTION],
            links=web_links([rule.helpUri or ""]) if len(rule.helpUri or "") <= _LONGEST_LINK else (),
            lines=_lines(rule.help.text),
        )


@frozen
class Found:
    """A result that says that there is a problem.

    Attributes:
        id: The vulnerability's name, or the rule's where that has none.
        result: The result.
        words: What it has of its rule.
        lines: The values of lines such as ``Package: openssl``: of its message, else of its rule's help.
        suppressed: Whether it is left out.
    """

    id: str
    result: Result
    words: RuleWords
    lines: Mapping[str, str]
    suppressed: bool

    @property
    def is_of_language(self) -> bool:
        """Whether Trivy or Grype says that this is about a package of a language, and not of the distribution."""
        kind = self.lines.get("Type")
        return self.words.rule.name == _OF_LANGUAGE or (kind is not None and kind not in SYSTEM_PACKAGES)


def read(document: Any) -> Reading:
    """Return what a SARIF log says: one finding for each vulnerability and package.

    Raises:
        InvalidReportError: The document is not SARIF 2.1.0, or a result has no rule.
    """
    log = structure_answer(document, Log, WHAT)
    if log.version != "2.1.0":
        raise InvalidReportError(WHAT, faults=["$.version: only 2.1.0 is known"])
    found = [list(_found(run, number)) for number, run in enumerate(log.runs)]
    unseen = [note for run, some in zip(log.runs, found, strict=True) for note in _unseen(run, some)]
    if any(one.results for one in log.inlineExternalProperties or ()):
        unseen.append("there are results beside the runs (inlineExternalProperties), which are not read")
    report = ScannerReport(
        findings=unique_findings(_finding(one) for some in found for one in some if not one.suppressed),
        complete=not unseen,
        notes=(*list(dict.fromkeys(unseen))[:_MOST_TOLD], *_left_out(one for some in found for one in some)),
        scanner_version=", ".join(list(dict.fromkeys(run.tool.driver.words for run in log.runs))[:_MOST_TOLD]),
    )
    return Reading(report=report, subjects=tuple(map(_subject, log.runs)), made=_ended(log.runs))


def _subject(run: Run) -> Subject:
    """Return the image as Trivy names it; no other program is known to name it."""
    said = run.properties if isinstance(run.properties, dict) else {}
    digests, tags = said.get("repoDigests"), said.get("repoTags")
    return Subject(
        configs=(said.get("imageID"),),
        digests=digests if isinstance(digests, list) else (),
        names=(said.get("imageName"), *(tags if isinstance(tags, list) else ())),
    )


def _ended(runs: Iterable[Run]) -> datetime | None:
    """Return when the oldest of the runs ended; None where one does not say."""
    ends = [read_time(one.endTimeUtc or "") for run in runs for one in run.invocations or (Invocation(),)]
    known = [end for end in ends if end is not None]
    return min(known) if len(known) == len(ends) else None


def _found(run: Run, number: int) -> Iterator[Found]:
    """Yield the results that say that there is a problem.

    Raises:
        InvalidReportError: One of them has no rule.
    """
    driver = run.tool.driver
    rules = list(map(RuleWords.of, driver.rules))
    by_id = {words.rule.id: words for words in rules}
    for place, result in enumerate(run.results):
        if not result.is_found:
            continue
        other = result.rule or RuleReference()
        name = result.ruleId or other.id or ""
        index = next((one for one in (result.ruleIndex, other.index) if one is not None), -1)
        words = by_id.get(name) or (rules[index] if 0 <= index < len(rules) else None)
        if words is None and not name:
            raise InvalidReportError(WHAT, faults=[f"$.runs[{number}].results[{place}]: the result has no rule"])
        words = words or RuleWords.of(Rule(name))
        suppressed = result.is_suppressed and not driver.name.casefold().startswith(_SUPPRESSES_ALL)
        lines = {**words.lines, **_lines(result.message.text)}
        yield Found(_identity(name or words.rule.id), result, words, lines, suppressed)


def _identity(rule_id: str) -> str:
    """Return the name of the vulnerability that a rule's id has in it, or the id."""
    known = _KNOWN_ID.search(rule_id)
    return known[1] if known else rule_id[:_LONGEST_TITLE]


def _unseen(run: Run, found: Iterable[Found]) -> Iterator[str]:
    """Yield the reasons why a run may not have seen everything, or why that is not known."""
    name = one_line(run.tool.driver.name, _LONGEST)
    if not all(one.executionSuccessful for one in run.invocations):
        yield f"{name} does not say that it ended well"
    errors = dict.fromkeys(error for one in run.invocations for error in one.errors)
    yield from (f"{name} reports an error: {error}" for error in list(errors)[:_MOST_ERRORS])
    outside = run.externalPropertyFileReferences
    if isinstance(outside, dict) and outside.get("results"):
        yield f"{name} has written results to other files, which are not read"
    if _LEAVES_OUT_UNKNOWN.search(run.tool.driver.name) and all(one.is_of_language for one in found):
        yield (
            f"{name} names no package of a distribution: its SARIF is the same where it did not recognise the "
            "distribution; its JSON tells"
        )


def _left_out(found: Iterable[Found]) -> Iterator[str]:
    if number := sum(one.suppressed for one in found):
        yield f"results suppressed by whoever made the report, and left out: {number}"


def _finding(found: Found) -> Finding:
    result, words, lines = found.result, found.words, found.lines
    score, level = _score(result.properties, words.rule.properties), _level(result, words.rule)
    word = lines.get("Severity", "")
    fix = lines.get("Fixed Version") or lines.get("Fix Version") or ""
    return Finding(
        id=found.id,
        severity=_severity(word, score, level),
        severity_label=word or level,
        package=Package(lines.get("Package", ""), lines.get("Installed Version") or lines.get("Version", "")),
        fixed_by=tuple(part.strip() for part in fix.split(",") if part.strip()),
        links=words.links,
        title=words.title,
        description=words.description or result.message.text,
        cvss=() if score is None else (Cvss(version="", score=score),),
    )


def _level(result: Result, rule: Rule) -> str:
    """Return the level: of a result that is not a failure it is ``none``, whatever its rule says."""
    if result.level:
        return result.level
    is_failure = result.kind in {None, "fail"}
    return (rule.defaultConfiguration.level or "warning") if is_failure else "none"


def _lines(text: str) -> Mapping[str, str]:
    """Return the values of lines such as ``Package: openssl``; of several of one name, the first."""
    said: dict[str, str] = {}
    for match in _LINE.finditer(text):
        said.setdefault(match[1], match[2].strip()[:_LONGEST_VALUE])
    return said


def _severity(word: str, score: float | None, level: str) -> Severity:
    if word:
        return Severity.from_word(word)
    return _LEVELS.get(level, Severity.UNKNOWN) if score is None else Severity.from_score(score)


def _score(*properties: Any) -> float | None:
    """Return ``security-severity``, a CVSS score that is written as a string."""
    for one in properties:
        value = one.get("security-severity") if isinstance(one, dict) else None
        try:
            score = float(value) if isinstance(value, str | float | int) else -1.0
        except (ValueError, OverflowError):
            score = -1.0
        if 0.0 <= score <= _HIGHEST_SCORE:
            return score
    return None
