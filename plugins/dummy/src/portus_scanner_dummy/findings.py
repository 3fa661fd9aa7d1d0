"""Makes findings of a script. Pure functions: the same script gives the same findings."""

from __future__ import annotations

from collections.abc import Iterator

from portus_scanners import Finding, Package, ScannerReport, Severity
from portus_scanners.backends import finding_maker

from .settings import ScriptedFinding, Step

NOTE = "dummy: these findings are scripted, nothing was scanned"
INCOMPLETE = "dummy: scripted to be incomplete"

_CVE_PAGE = "https://cve.mitre.org/cgi-bin/cvename.cgi?name="
_SEVERITIES = tuple(Severity)
_PACKAGES = 1000
_make = finding_maker(
    "id", "severity", "severity_label", "package", "aliases", "fixed_by", "links", "title", "description"
)
"""A script may ask for a million findings."""


def _openssl(cve: str, severity: str, version: str, fixed_by: str, title: str, description: str) -> ScriptedFinding:
    return ScriptedFinding(
        id=cve,
        severity=severity,
        package="openssl",
        version=version,
        fixed_by=(fixed_by,),
        links=(f"{_CVE_PAGE}{cve}",),
        title=title,
        description=description,
    )


# The three that Portus' dummy always reports, with the versions of OpenSSL's own advisories.
DEFAULT_FINDINGS = (
    _openssl(
        "CVE-2016-6304",
        "High",
        "1.0.2h",
        "1.0.2i",
        "Memory exhaustion by repeated renegotiation",
        "A client that renegotiates again and again, each time with a large OCSP status request, makes the server's "
        "memory grow without limit.",
    ),
    _openssl(
        "CVE-2016-7052",
        "Medium",
        "1.0.2i",
        "1.0.2j",
        "Crash when a certificate revocation list is used",
        "A sanity check is missing where revocation lists are read: using one dereferences a null pointer, and the "
        "program ends.",
    ),
    _openssl(
        "CVE-2016-2178",
        "Low",
        "1.0.2h",
        "1.0.2i",
        "DSA signing is not done in constant time",
        "A flag is set on the wrong object, so that the time of signing depends on the private key; an attacker "
        "who can observe the cache may learn the key.",
    ),
)


def make_report(step: Step, *, complete: bool = True) -> ScannerReport:
    """Return the report that one entry of the script asks for.

    Args:
        step: The entry.
        complete: Whether the report says that everything was scanned.

    Returns:
        The scripted findings and the generated ones, always with a note that they are scripted.
    """
    why = "" if complete else INCOMPLETE
    return ScannerReport(findings=_findings(step), complete=complete, notes=_notes(step, why), scanner_version="dummy")


def make_empty_report(step: Step) -> ScannerReport:
    """Return a complete report without findings, whatever the script lists."""
    return ScannerReport(notes=_notes(step), scanner_version="dummy")


def _notes(step: Step, otherwise: str = "") -> tuple[str, ...]:
    """Return the notes of a report; *otherwise* is used if the script gives no message."""
    message = step.message or otherwise
    return (NOTE, message) if message else (NOTE,)


def _findings(step: Step) -> tuple[Finding, ...]:
    scripted = step.findings
    if scripted is None:
        scripted = () if step.count else DEFAULT_FINDINGS
    severities = [Severity.from_word(one.severity) for one in scripted]
    packages = [Package(one.package, one.version, one.namespace) for one in scripted]
    return (*map(_finding, scripted, severities, packages), *_generated(step.count))


def _finding(scripted: ScriptedFinding, severity: Severity, package: Package) -> Finding:
    return _make(
        scripted.id, severity, scripted.severity, package, scripted.aliases, scripted.fixed_by, scripted.links,
        scripted.title, scripted.description,
    )  # fmt: skip


def _generated(count: int) -> Iterator[Finding]:
    """Yield findings of every severity in turn, in a thousand packages."""
    for number in range(1, count + 1):
        severity = _SEVERITIES[number % len(_SEVERITIES)]
        package = Package(f"package-{number % _PACKAGES}", "1.0")
        yield _make(f"DUMMY-{number:07}", severity, severity.value, package, (), (), (), "", "")
