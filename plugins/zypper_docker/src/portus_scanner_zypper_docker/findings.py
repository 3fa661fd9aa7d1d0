"""From patches to findings. No I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from attrs import frozen
from portus_scanners import Finding, Package, ScannerError, ScannerReport, Severity, one_line

from .settings import STRICT
from .wire import Patch, Result

UNVERIFIED = (
    "zypper-docker scanned what its docker daemon has under this name; that it is the image with this digest is "
    "unverified"
)
UNCLASSIFIED = "zypper-docker's server does not tell security updates from others (mode strict)"

_CVE = re.compile(r"\bCVE-\d{4}-\d{4,}\b", re.IGNORECASE | re.ASCII)
_BUG = re.compile(r"\b(bsc|bnc|boo)#(\d{1,12})\b", re.ASCII)
_UPDATE_FOR = re.compile(r"\bupdate for ([^\s,;:()]+)", re.IGNORECASE)
_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "important": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
}
_CVE_PAGE = "https://www.suse.com/security/cve/{}/"
_BUG_PAGES = {
    "bsc": "https://bugzilla.suse.com/{}",
    "bnc": "https://bugzilla.suse.com/{}",
    "boo": "https://bugzilla.opensuse.org/show_bug.cgi?id={}",
}


@frozen
class _Fix:
    """One patch, as what mends one vulnerability."""

    patch: Patch
    cves: tuple[str, ...]
    """In the order of their first occurrence."""

    @property
    def severity(self) -> Severity:
        return _SEVERITIES.get(self.patch.Severity.strip().casefold(), Severity.UNKNOWN)


def make_report(result: Result, mode: str) -> ScannerReport:
    """Return the report for one result.

    Args:
        result: The server's answer.
        mode: ``strict`` or ``corrected``; see the settings.

    Raises:
        ScannerError: The server names an error and lists nothing.
    """
    if result.Error and not result.List:
        raise ScannerError(f"zypper-docker could not read zypper's output: {one_line(result.Error)!r}")
    doubts = _doubts(result, mode)
    notes = [UNVERIFIED, *doubts]
    if mode == STRICT and result.Updates > 0:
        notes.append(UNCLASSIFIED)
    return ScannerReport(findings=make_findings(result.List, mode), complete=not doubts, notes=tuple(notes))


def make_findings(patches: Iterable[Patch], mode: str) -> tuple[Finding, ...]:
    """Return one finding for each CVE, and one for each security patch that names none."""
    fixes: dict[str, list[_Fix]] = defaultdict(list)
    for patch in patches:
        if _counts(patch, mode):
            cves = find_cves(patch)
            for vulnerability in cves or (patch.Name,):
                fixes[vulnerability].append(_Fix(patch, cves))
    return tuple(_finding(vulnerability, several) for vulnerability, several in fixes.items())


def find_cves(patch: Patch) -> tuple[str, ...]:
    """Return the CVE ids of a patch's texts in upper case, in the order of their first occurrence, each once."""
    found = _CVE.findall(f"{patch.Summary}\n{patch.Description}")
    return tuple(dict.fromkeys(cve.upper() for cve in found))


def _doubts(result: Result, mode: str) -> list[str]:
    """Return why the answer is not the whole truth."""
    doubts = []
    if result.Error:
        doubts.append(f"zypper-docker names an error beside its list: {one_line(result.Error)!r}")
    if not result.consistent:
        doubts.append(
            f"zypper counted {result.Updates} updates and {result.Security} security updates, the list has "
            f"{result.items} items of which {result.unreadable} can't be read: patches are missing"
        )
    if mode == STRICT and any(_looks_like_security(patch) and not patch.IsSecurity for patch in result.List):
        doubts.append("patches whose text says that they are security updates are not marked as such by the server")
    return doubts


def _counts(patch: Patch, mode: str) -> bool:
    return patch.IsSecurity or (mode != STRICT and _looks_like_security(patch))


def _looks_like_security(patch: Patch) -> bool:
    return patch.Summary.casefold().startswith("security update") or bool(find_cves(patch))


def _finding(vulnerability: str, fixes: list[_Fix]) -> Finding:
    """Make the finding of a vulnerability that one or several patches mend: the worst of them describes it."""
    worst = max(fixes, key=lambda fix: fix.severity)  # the first of equals
    patch = worst.patch
    bugs = tuple(dict.fromkeys(bug for fix in fixes for bug in _BUG.findall(fix.patch.Description)))
    details = {
        "patches": " ".join(fix.patch.Name for fix in fixes),
        "bug_references": " ".join("#".join(bug) for bug in bugs),
    }
    return Finding(
        id=vulnerability,
        severity=worst.severity,
        severity_label=patch.Severity,
        package=Package(_package(patch)),
        fixed_by=tuple(fix.patch.Name for fix in fixes),
        links=_links(vulnerability, bugs, is_cve=bool(worst.cves)),
        title=patch.Summary or patch.Name,
        description=patch.Description,
        inferred=not any(fix.patch.IsSecurity for fix in fixes),
        details={key: value for key, value in details.items() if value},
    )


def _package(patch: Patch) -> str:
    """Guess the package from "update for NAME"; the wire does not name it."""
    match = _UPDATE_FOR.search(patch.Summary)
    return match[1] if match else ""


def _links(vulnerability: str, bugs: tuple[tuple[str, str], ...], *, is_cve: bool) -> tuple[str, ...]:
    if is_cve:
        return (_CVE_PAGE.format(vulnerability),)
    return tuple(_BUG_PAGES[tracker].format(number) for tracker, number in bugs[:1])
