"""Documents for pages: one like those that scans give, one of many rows, and one full of attacks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from attrs import evolve
from portus_policy import GateResult, GateViolation, Suppressed, UnusedRule
from portus_scanners import (
    Cvss,
    Database,
    Finding,
    FixState,
    Image,
    ImageReport,
    Layer,
    LocalImage,
    LocalReference,
    Outcome,
    Package,
    Platform,
    Rating,
    ReportDocument,
    ScannerReport,
    ScannerRun,
    Severity,
    UnresolvedImage,
    VendorRating,
    Verdict,
    Vulnerability,
    parse_reference,
)

SCANNED = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
AMD64 = Platform("linux", "amd64")
_WITH_REPORT = {Outcome.OK, Outcome.INCOMPLETE}


def make_image(text: str = "registry.example:5000/team/app:1.0", platform: Platform | None = AMD64) -> Image:
    """Return a resolved image with three layers."""
    layers = tuple(Layer(digest=f"sha256:{digit * 64}", size=1) for digit in "bcd")
    reference, local = parse_reference(text), None
    if isinstance(reference, LocalReference):
        local = LocalImage(form=reference.form, path=f"/builds/{reference.path}", name=reference.name)
    return Image(reference=reference, digest="sha256:" + "a" * 64, platform=platform, layers=layers, local=local)


DATA = Database(identity="2 of Monday", updated=SCANNED - timedelta(days=3, hours=2))


def make_run(
    scanner: str, outcome: Outcome = Outcome.OK, findings: int = 0, error: str = "", **report: object
) -> ScannerRun:
    """Return a run that found so much; one that is not ok has a report only where it found something."""
    has_report = outcome in _WITH_REPORT or findings
    values: dict[str, object] = {"scanner_version": "0.69.1", "database": DATA, **report}
    found = tuple(Finding(id=f"CVE-2026-{number}") for number in range(findings))
    return ScannerRun(
        scanner=scanner,
        plugin=scanner.partition("_")[0],
        outcome=outcome,
        error=None if outcome is Outcome.OK else error or f"it ended {outcome.value}",
        report=ScannerReport(findings=found, complete=outcome is Outcome.OK, **values) if has_report else None,  # type: ignore[arg-type]
        started=SCANNED,
        elapsed=12.3,
        attempts=1,
    )


def make_vulnerability(
    name: str = "CVE-2016-6304", severity: Severity = Severity.HIGH, **more: object
) -> Vulnerability:
    """Return a vulnerability of openssl that one scanner has found."""
    values: dict[str, object] = {
        "package": Package("openssl", "1.0.2h-1+deb8u5", "debian:8"),
        "scanners": ("clair",),
        "ratings": (Rating(scanner="clair", severity=severity, label=severity.value.title()),),
        **more,
    }
    return Vulnerability(id=name, severity=severity, **values)  # type: ignore[arg-type]


def make_report(*found: Vulnerability, runs: tuple[ScannerRun, ...] = (), image: Image | None = None) -> ImageReport:
    """Return a report with the verdict that fits; without runs one scanner has ended ok."""
    runs = runs or (make_run("clair", findings=len(found)),)
    clean = all(run.outcome is Outcome.OK for run in runs)
    verdict = Verdict.VULNERABLE if found else Verdict.CLEAN if clean else Verdict.UNKNOWN
    return ImageReport(image=image or make_image(), verdict=verdict, results=runs, vulnerabilities=found)


def make_document(*reports: ImageReport, **more: object) -> ReportDocument:
    """Return a document with a date."""
    return ReportDocument(reports=reports, created=SCANNED, **more)  # type: ignore[arg-type]


_PACKAGES = (
    Package("openssl", "1.0.2h-1+deb8u5", "debian:12"),
    Package("glibc", "2.36-9+deb12u4", "debian:12"),
    Package("linux-libc-dev", "6.1.90-1", "debian:12"),
    Package("curl", "7.88.1-10", "debian:12"),
    Package("lodash", "4.17.15", "npm"),
    Package("zlib1g", "1:1.2.13.dfsg-1", "debian:12"),
    Package("org.apache.logging.log4j:log4j-core", "2.14.1", "maven"),
    Package("perl-base", "5.36.0-7", "debian:12"),
)
_TITLES = (
    "Multiple memory leaks allow remote attackers to cause a denial of service via large OCSP Status Requests",
    "A heap-based buffer overflow was found in the vsyslog function; it leads to a crash or to more privileges",
    "Prototype pollution in the functions merge and zipObjectDeep",
    "",
)
_DESCRIPTION = (
    "Multiple memory leaks in t1_lib.c in OpenSSL before 1.0.1u, 1.0.2 before 1.0.2i, and 1.1.0 before 1.1.0a allow "
    "remote attackers to cause a denial of service (memory consumption) via large OCSP Status Request extensions.\n\n"
    "A server that does not renegotiate is not affected. Servers that have OCSP stapling switched off are."
)
_EACH = tuple(Severity)
_NUMBERS = {Severity.CRITICAL: 2, Severity.HIGH: 7, Severity.MEDIUM: 14, Severity.LOW: 9, Severity.NEGLIGIBLE: 4}
_USUAL = (*(severity for severity, number in _NUMBERS.items() for _ in range(number)), Severity.UNKNOWN)
_NVD = VendorRating(source="nvd", severity=Severity.CRITICAL, label="4")
_CVSS = Cvss(version="3.1", vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", score=9.8, source="nvd")
_REASON = Suppressed(
    rule="suppressions.yml:12", reason="the code is not reached", by="ada@example.com", until=date(2027, 1, 31)
)
_TELLERS = (("clair",), ("trivy",), ("clair", "trivy"))


def many_vulnerabilities(number: int, *, spread: tuple[Severity, ...] = _USUAL) -> tuple[Vulnerability, ...]:
    """Return vulnerabilities as scans give them, with everything that they can have; highest severity first."""
    made = [_one_of_many(place, spread[place % len(spread)]) for place in range(number)]
    return tuple(sorted(made, key=lambda one: one.severity, reverse=True))


def _one_of_many(place: int, severity: Severity) -> Vulnerability:
    package, by = _PACKAGES[place % len(_PACKAGES)], _TELLERS[place % len(_TELLERS)]
    cve = f"CVE-20{16 + place % 10}-{10_000 + place}"
    return make_vulnerability(
        cve,
        severity,
        package=package,
        scanners=by,
        aliases=(f"GHSA-{place:04}-aaaa-bbbb", f"DLA-{place}-1") if place % 4 == 0 else (),
        not_found_by=tuple({"clair", "trivy"} - set(by)),
        not_looked_by=("zypper",),
        ratings=_ratings(cve, severity, by),
        packages=(package, evolve(package, name=f"lib{package.name}")),
        source_packages=(package,),
        purls=(f"pkg:deb/debian/{package.name}@{package.version}?arch=amd64&distro=debian-12",),
        layers=("sha256:" + "b" * 64,),
        fixed_by=(f"{package.version}.1",) if place % 2 else (),
        fix_states=_fix_states(place),
        title=_TITLES[place % len(_TITLES)],
        description=_DESCRIPTION if place % 7 else "",
        links=(f"https://nvd.nist.gov/vuln/detail/{cve}", f"https://security-tracker.debian.org/tracker/{cve}"),
        published=SCANNED - timedelta(days=400 + place),
        modified=SCANNED - timedelta(days=30),
        suppressed=_REASON if place % 11 == 3 else None,
    )


def _ratings(cve: str, severity: Severity, by: tuple[str, ...]) -> tuple[Rating, ...]:
    made = {
        "clair": Rating(scanner="clair", severity=max(severity, Severity.LOW), label="Medium"),
        "trivy": Rating(
            scanner="trivy",
            severity=severity,
            id=cve,
            label=severity.value.upper(),
            source="debian",
            cvss=(_CVSS,),
            vendors=(_NVD, VendorRating(source="debian", severity=severity)),
        ),
    }
    return tuple(made[name] for name in by)


def _fix_states(place: int) -> tuple[FixState, ...]:
    if place % 2:
        return (FixState.FIXED,)
    return (FixState.AFFECTED if place % 5 else FixState.WILL_NOT_FIX,)


OK_RUN = make_run("trivy", findings=40, notes=("2 packages were not looked up, as their version is not known",))
CLAIR_RUN = make_run("clair", findings=31, scanner_version="2.0.9", database=None)
NO_ROUTE = "http://zypper.example:8080 can't be reached; is the server running?"
FAILED_RUN = make_run("zypper", Outcome.FAILED, error=NO_ROUTE)
PARTLY_RUN = make_run(
    "clair_two", Outcome.INCOMPLETE, findings=3, error="layer 2 of 3 could not be read: it is compressed with zstd"
)
_REGISTRY = "registry.example:5000"
UNRESOLVED = (
    UnresolvedImage(reference=f"{_REGISTRY}/team/app:0.9", step="manifest", message="there is no such tag"),
    UnresolvedImage(reference=f"{_REGISTRY}/team/gone:1", step="token", message="the registry does not know us"),
)
_UNUSED = (
    UnusedRule(rule="suppressions.yml:20", expired=True, message="CVE-2019-1 in curl: it applied until 2026-10-31"),
    UnusedRule(rule="suppressions.yml:31", expired=False, message="GHSA-1 in lodash: nothing here fits it"),
)


def usual_document() -> ReportDocument:
    """Return what a scan of several repositories gives: every verdict, a gate that failed, suppressions."""
    app, worker = f"{_REGISTRY}/team/app", f"{_REGISTRY}/team/worker"
    few, partly = many_vulnerabilities(7, spread=_EACH), many_vulnerabilities(3, spread=(Severity.LOW,))
    lower = tuple(one for one in many_vulnerabilities(30) if one.severity < Severity.HIGH)
    runs, both = (CLAIR_RUN, OK_RUN, FAILED_RUN), (make_run("clair"), make_run("trivy"))
    reports = (
        make_report(*many_vulnerabilities(60), runs=runs, image=make_image(f"{app}:1.0")),
        make_report(*few, runs=runs, image=make_image(f"{app}:1.0", Platform("linux", "arm64", "v8"))),
        make_report(*lower, runs=(CLAIR_RUN, OK_RUN), image=make_image(f"{app}:2.0")),
        make_report(runs=both, image=make_image(f"{app}:3.0")),
        make_report(runs=(make_run("clair"), FAILED_RUN), image=make_image(f"{worker}:1.0")),
        make_report(*partly, runs=(PARTLY_RUN, FAILED_RUN), image=make_image(f"{worker}:1.1")),
        make_report(runs=both, image=make_image("alpine:3.20")),
        make_report(*many_vulnerabilities(9), image=make_image("docker-archive:build/app.tar:app:dev")),
    )
    return make_document(*reports, errors=UNRESOLVED, gate=_gate(f"{app}:1.0"), unused_rules=_UNUSED)


def _gate(reference: str) -> GateResult:
    budget = GateViolation(
        rule="fail_on",
        message="15 vulnerabilities of severity high or above, 5 are allowed",
        reference=reference,
        vulnerabilities=("CVE-2016-1000", "CVE-2017-1001"),
    )
    scanners = GateViolation(rule="required", message="zypper did not end ok for 3 images")
    rules = ("at most 5 vulnerabilities of severity high or above", "zypper and trivy have to end ok")
    return GateResult(passed=False, rules=rules, violations=(budget, scanners))
