"""Makes findings of patches. No I/O.

Patches come from repositories that the image names: every string in them is hostile. Strings that each finding repeats
are cut, or one long description that names many CVEs would be multiplied.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, starmap

from attrs import frozen
from portus_scanners import Finding, Package, ScannerError, ScannerReport, Severity
from portus_scanners.backends import one_line

from .settings import STRICT
from .wire import Patch, Result

NOTHING_LISTED = (
    "zypper listed no patch; the server says the same of an image whose enabled repositories have no information about "
    "patches, that has no rpm database, or whose zypper prints nothing"
)
UNREADABLE = "the server cannot read this zypper's output: it counts {} patches and lists none"
MOST_FINDINGS = 20_000
"""Most findings of one image; more make the report incomplete."""
LONGEST_DESCRIPTION = 10_000
"""Characters of a description."""
_LONGEST_TITLE = 500
_LONGEST_WORDS = 100
_MOST_BUGS = 100

_SECURITY_UPDATE = "security update"
_OTHER_UPDATES = ("recommended update", "optional update", "feature update")
"""How the summaries begin of patches that SUSE does not call security patches."""
_CVE = re.compile(r"\bCVE-\d{4}-\d{4,}\b", re.IGNORECASE | re.ASCII)
_BUG = re.compile(r"\b(bsc|bnc|boo)#(\d{1,12})\b", re.ASCII)
_UPDATE_FOR = re.compile(r"\bupdate for\s+(\S.*)", re.IGNORECASE)
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
class _Update:
    """A patch, and what was found in its summary and description, which are searched only once."""

    patch: Patch
    severity: Severity
    cves: tuple[str, ...]
    """In the order of their first occurrence."""
    bugs: tuple[tuple[str, str], ...]
    """Tracker and number of each bug, in the order of their first occurrence."""

    @property
    def looks_like_security(self) -> bool:
        return bool(self.cves) or self._begins_with(_SECURITY_UPDATE)

    @property
    def may_be_security(self) -> bool:
        """Whether its category, which is not sent, may be security."""
        return not self._begins_with(*_OTHER_UPDATES)

    def _begins_with(self, *words: str) -> bool:
        return self.patch.Summary[:_LONGEST_TITLE].casefold().startswith(words)

    def counts(self, mode: str) -> bool:
        return self.patch.IsSecurity or (mode != STRICT and self.looks_like_security)


def make_report(result: Result, mode: str, *, doubt: str = "", unlocked: str = "") -> ScannerReport:
    """Return the report for one result.

    Args:
        result: The server's answer.
        mode: ``strict`` or ``corrected``; see the settings.
        doubt: Why the answer may be about another image; empty if it can't be.
        unlocked: Why other processes may have asked at the same time; empty if they have not.

    Returns:
        The report; incomplete if anything says that patches are missing. Its notes begin with the reasons for that.

    Raises:
        ScannerError: The server names an error and lists nothing.
    """
    if result.Error and not result.List:
        raise ScannerError(f"zypper-docker could not read zypper's output: {one_line(result.Error)!r}")
    updates = [_read(patch) for patch in result.List]
    fixes = _group(updates, mode)
    others = [update for update in updates if not update.counts(mode)]
    doubts = [*filter(None, [doubt]), *_doubts(result), *_doubts_of_mode(others, mode), *_doubts_of_size(len(fixes))]
    notes = [*doubts, *_warnings(result, mode, len(others)), *_warnings_of_turn(unlocked)]
    return ScannerReport(findings=_findings(fixes), complete=not doubts, notes=tuple(notes))


def make_findings(patches: Iterable[Patch], mode: str) -> tuple[Finding, ...]:
    """Return one finding for each CVE, and for each security patch that names no CVE; `MOST_FINDINGS` at most."""
    return _findings(_group([_read(patch) for patch in patches], mode))


def find_cves(patch: Patch) -> tuple[str, ...]:
    """Return the CVE ids in a patch's summary and description, in upper case, each once, in order."""
    found = _CVE.findall(f"{patch.Summary}\n{patch.Description}")
    return tuple(dict.fromkeys(cve.upper() for cve in found))


def _read(patch: Patch) -> _Update:
    severity = _SEVERITIES.get(patch.Severity.strip().casefold(), Severity.UNKNOWN)
    bugs = dict.fromkeys((match[1], match[2]) for match in _BUG.finditer(f"{patch.Summary}\n{patch.Description}"))
    return _Update(patch, severity, find_cves(patch), tuple(islice(bugs, _MOST_BUGS)))


def _group(updates: Sequence[_Update], mode: str) -> Mapping[str, list[_Update]]:
    """Return the updates that fix each vulnerability."""
    fixes: dict[str, list[_Update]] = defaultdict(list)
    for update in updates:
        if update.counts(mode):
            for vulnerability in update.cves or (update.patch.Name,):
                fixes[vulnerability].append(update)
    return fixes


def _doubts(result: Result) -> list[str]:
    """Return the reasons why the answer is not complete."""
    doubts = []
    if result.Error:
        doubts.append(f"zypper-docker reports an error besides its list: {one_line(result.Error)!r}")
    counted = result.Updates + result.Security
    if counted and not result.items:
        doubts.append(UNREADABLE.format(counted))
    elif not result.consistent:
        doubts.append(
            f"zypper counted {result.Updates} updates and {result.Security} security updates, the list has "
            f"{result.items} items of which {result.unreadable} can't be read: patches are missing"
        )
    elif result.Security != result.marked:
        doubts.append(
            f"the server counted {result.Security} security updates and marked {result.marked}: its version is not "
            "supported (an earlier one swaps its counters)"
        )
    return doubts


def _doubts_of_mode(others: Iterable[_Update], mode: str) -> Iterator[str]:
    """Yield why patches that do not count may have to: zypper's own category is not sent."""
    if mode == STRICT and any(update.looks_like_security for update in others):
        yield "patches whose description says that they are security updates are not marked as such by the server"
    unknown = sum(update.may_be_security and not update.looks_like_security for update in others)
    if unknown:
        yield (
            f"{unknown} patches may be security updates: neither their words nor the server say so, and their "
            "summaries do not begin as those of recommended, optional and feature updates"
        )


def _doubts_of_size(count: int) -> list[str]:
    return [f"only {MOST_FINDINGS} of {count} findings are in this report"] if count > MOST_FINDINGS else []


def _warnings(result: Result, mode: str, others: int) -> Iterator[str]:
    if not result.Updates + result.Security + result.items:
        yield NOTHING_LISTED
    if mode == STRICT and result.Updates:
        yield (
            f"with a real zypper the server does not tell security updates from others: in mode strict its "
            f"{result.Updates} other updates are not reported"
        )
    elif others:
        yield f"{others} other patches are not counted as vulnerabilities"


def _warnings_of_turn(unlocked: str) -> Iterator[str]:
    if unlocked:
        yield (
            "other processes may have asked the server at the same time, and it mixes up such requests: there is no "
            f"lock file ({unlocked})"
        )


def _findings(fixes: Mapping[str, list[_Update]]) -> tuple[Finding, ...]:
    return tuple(starmap(_finding, islice(fixes.items(), MOST_FINDINGS)))


def _finding(vulnerability: str, updates: list[_Update]) -> Finding:
    """Return the finding of a vulnerability that one or several patches fix; the most severe one describes it."""
    worst = max(updates, key=lambda update: update.severity)  # the first of equals
    patch = worst.patch
    names = tuple(dict.fromkeys(update.patch.Name for update in updates))
    bugs = tuple(islice(dict.fromkeys(bug for update in updates for bug in update.bugs), _MOST_BUGS))
    details = {"patches": " ".join(names), "bug_references": " ".join("#".join(bug) for bug in bugs)}
    return Finding(
        id=vulnerability,
        aliases=tuple(name for name in names if name.strip() and name != vulnerability),  # advisories, maybe of several
        severity=worst.severity,
        severity_label=_cut(patch.Severity, _LONGEST_WORDS),
        package=Package(_package(patch)),
        fixed_by=names,
        links=_links(vulnerability, bugs),
        title=_cut(patch.Summary or patch.Name, _LONGEST_TITLE),
        description=_cut(patch.Description, LONGEST_DESCRIPTION),
        inferred=not any(update.patch.IsSecurity for update in updates),
        details={key: value for key, value in details.items() if value},
    )


def _package(patch: Patch) -> str:
    """Guess the package from the words after "update for "; the wire does not name it."""
    match = _UPDATE_FOR.search(patch.Summary[:_LONGEST_TITLE])
    return _cut(match[1].strip(), _LONGEST_WORDS) if match else ""


def _links(vulnerability: str, bugs: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    if _CVE.fullmatch(vulnerability):
        return (_CVE_PAGE.format(vulnerability),)
    return tuple(_BUG_PAGES[tracker].format(number) for tracker, number in bugs[:1])


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."
