"""Reports, vulnerabilities and the gate in words that can't be misread. Pure functions.

Each string that is returned is one line, made safe, unless its function says otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from portus_scanners import Image, ImageReport, Outcome, Package, Rating, ScannerRun, Severity, Verdict, Vulnerability

from ..terminal import message, name, safe
from .doubts import ended_of, verdict_of
from .foreign import joined

if TYPE_CHECKING:
    from portus_policy import GateResult, GateViolation, Suppressed, UnusedRule

MOST_IDS = 5
"""Vulnerabilities that one line of the gate names."""
_MOST_RULES = 1_000
"""Suppressions that did not apply, and have a line each for people: a vendor's OpenVEX document has many more."""
_LONGEST_ID = 60
_LONGEST_NAME = 300
_LONGEST_MESSAGE = 1000
_ENDED = "the support of the distribution has ended"
_WHAT_HAPPENED = {
    Outcome.INCOMPLETE: "did not see all of it",
    Outcome.UNSUPPORTED: "can't read it",
    Outcome.PENDING: "still working",
    Outcome.TIMED_OUT: "timed out",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "stopped",
}


def verdict_words(report: ImageReport) -> str:
    """Return the verdict of an image and what it rests on: ``unknown: 1 of 2 scanners failed``."""
    doubts, verdict = doubt_words(report), verdict_of(report)
    if verdict is Verdict.CLEAN:
        return f"clean: {count(len(report.results), 'scanner')} found nothing"
    if verdict is Verdict.VULNERABLE:
        found = f"vulnerable: {found_words(report)}{_suppressed_words(report)}"
        return f"{found}; there may be more: {doubts}" if doubts else found
    return f"unknown: {doubts or ('the report says so' if report.results else 'no scanner has looked')}"


def found_words(report: ImageReport) -> str:
    """Return what was found in a vulnerable image: ``3 vulnerabilities (1 critical, 2 low)``."""
    if report.vulnerabilities:
        return severity_counts(report.vulnerabilities)
    return "a scanner found something, and this report does not list it"


def doubt_words(report: ImageReport) -> str:
    """Return how many scanners did not end ok, what happened to them, and that the distribution's support has ended.

    Empty when all ended ok and none says that. No foreign string is in it.
    """
    outcomes, ended = _outcome_words(report), _ENDED if any(map(ended_of, report.results)) else ""
    return "; ".join(filter(None, [outcomes, ended]))


def _outcome_words(report: ImageReport) -> str:
    total = len(report.results)
    outcomes = [run.outcome for run in report.results]
    parts = [f"{outcomes.count(one)} {what}" for one, what in _WHAT_HAPPENED.items() if one in outcomes]
    if not parts:
        return ""
    first, *rest = parts
    number, _, what = first.partition(" ")
    return ", ".join([f"{number} of {count(total, 'scanner')} {what}", *rest])


def severity_counts(vulnerabilities: Iterable[Vulnerability]) -> str:
    """Return ``3 vulnerabilities (1 critical, 2 low)``, highest severity first."""
    return numbers_words(Counter(one.severity for one in vulnerabilities))


def numbers_words(numbers: Counter[Severity]) -> str:
    """Return the same for vulnerabilities that have been counted."""
    return f"{count(numbers.total(), 'vulnerability', 'vulnerabilities')} ({_parts(numbers)})"


def severity_parts(vulnerabilities: Iterable[Vulnerability]) -> str:
    """Return ``1 critical, 2 low``, highest severity first."""
    return _parts(Counter(one.severity for one in vulnerabilities))


def _parts(numbers: Counter[Severity]) -> str:
    return ", ".join(f"{numbers[one]} {one.value}" for one in reversed(Severity) if one in numbers)


def unused_rule_lines(rules: Sequence[UnusedRule]) -> Iterator[str]:
    """Yield how many suppressions did not apply, then a line for each of the first, which is not made safe."""
    yield f"{count(len(rules), 'suppression')} did not apply:"
    for rule in rules[:_MOST_RULES]:
        yield f"{rule.rule}: {'expired' if rule.expired else 'unused'}: {rule.message}"
    if len(rules) > _MOST_RULES:
        yield f"and {len(rules) - _MOST_RULES} more: the JSON has them all"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 layer``, ``2 layers``."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def _suppressed_words(report: ImageReport) -> str:
    suppressed = sum(one.suppressed is not None for one in report.vulnerabilities)
    return f", {suppressed} of them suppressed" if suppressed else ""


def gate_lines(result: GateResult) -> Iterator[str]:
    """Yield whether the gate passed and which rules were in force, then a line for each violation."""
    rules = f" ({safe('; '.join(result.rules), _LONGEST_MESSAGE)})" if result.rules else ""
    yield f"gate: {'PASSED' if result.passed else 'FAILED'}{rules}"
    yield from map(violation_words, result.violations)


def violation_words(violation: GateViolation) -> str:
    """Return a violation of the gate: ``app:1: fail_on: 3 vulnerabilities of ...: CVE-1, CVE-2``."""
    named = [safe(one, _LONGEST_ID) for one in violation.vulnerabilities[:MOST_IDS]]
    more = len(violation.vulnerabilities) - len(named)
    ids = f": {', '.join(named)}{f' and {more} more' if more else ''}" if named else ""
    message = f"{safe(violation.rule, _LONGEST_ID)}: {safe(violation.message, _LONGEST_MESSAGE)}{ids}"
    return f"{safe(violation.reference, _LONGEST_NAME)}: {message}" if violation.reference else message


def image_words(image: Image) -> str:
    """Return an image's reference as the user wrote it, and its platform."""
    text = name(image.reference.text)
    return f"{text} ({name(str(image.platform))})" if image.platform else text


def package_words(package: Package) -> str:
    """Return a package's name and version: ``openssl 1.0.2h``."""
    return " ".join(name(part) for part in (package.name, package.version) if part) or "a package without name"


def who_words(found: Vulnerability) -> str:
    """Return which scanners found a vulnerability, which did not find it, and which could not look."""
    parts = [f"found by {joined(found.scanners)}"]
    if found.not_found_by:
        parts.append(f"not found by {joined(found.not_found_by)}")
    if found.not_looked_by:
        parts.append(f"could not look: {joined(found.not_looked_by)}")
    return "; ".join(parts)


def fix_words(found: Vulnerability) -> str:
    """Return the versions that fix a vulnerability, else what is said of a fix, else that none is known."""
    if found.fixed_by:
        return f"fixed in {joined(found.fixed_by)}"
    states = ", ".join(state.value.replace("_", " ") for state in found.fix_states)
    return f"no fixed version is known ({states})" if states else "no fixed version is known"


def suppression_words(rule: Suppressed) -> str:
    """Return which rule takes a vulnerability out of the gate, who decided that, until when and why."""
    by = f" by {name(rule.by)}" if rule.by else ""
    until = f" until {rule.until.isoformat()}" if rule.until else ""
    return f"suppressed{by}{until} (rule {name(rule.rule)}): {message(rule.reason)}"


def data_words(run: ScannerRun) -> str:
    """Return the day of a scanner's data, else the data's identity; empty where the scanner says neither."""
    database = run.report.database if run.report else None
    if database is None:
        return ""
    return f"{database.updated:%Y-%m-%d}" if database.updated else safe(database.identity, _LONGEST_ID)


def rating_words(rating: Rating) -> str:
    """Return one scanner's rating: severity, its own word, the source of that word, scores and vectors."""
    label = name(rating.label)
    used = label if label and label.casefold() != rating.severity.value else ""
    beside = ", ".join(filter(None, [used, f"of {name(rating.source)}" if rating.source else ""]))
    parts = [f"{name(rating.scanner)}: {rating.severity.value}{f' ({beside})' if beside else ''}"]
    parts += [f"{name(one.source)} says {one.severity.value}" for one in rating.vendors]
    for one in rating.cvss:
        facts = (one.version, "" if one.score is None else f"{one.score:g}", one.vector, one.source)
        parts.append(" ".join(["CVSS", *(name(fact) for fact in facts if fact)]))
    return ", ".join(parts)
