"""Documents for pages: one like those that scans give, one of many rows, and one full of attacks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from attrs import evolve
from portus_scanners import (
    Cvss,
    Finding,
    FixState,
    GateResult,
    GateViolation,
    Image,
    ImageReport,
    Layer,
    Outcome,
    Package,
    Platform,
    Rating,
    Reference,
    ReportDocument,
    ScannerReport,
    ScannerRun,
    Severity,
    Suppressed,
    UnresolvedImage,
    UnusedRule,
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
    return Image(reference=parse_reference(text), digest="sha256:" + "a" * 64, platform=platform, layers=layers)


def make_run(
    scanner: str, outcome: Outcome = Outcome.OK, findings: int = 0, error: str = "", **report: object
) -> ScannerRun:
    """Return a run that found so much; one that is not ok has a report only where it found something."""
    has_report = outcome in _WITH_REPORT or findings
    values: dict[str, object] = {"scanner_version": "0.69.1", "database_version": "2", **report}
    values.setdefault("database_updated", SCANNED - timedelta(days=3, hours=2))
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
    ("openssl", "1.0.2h-1+deb8u5"), ("glibc", "2.36-9+deb12u4"), ("linux-libc-dev", "6.1.90-1"), ("curl", "7.88.1-10"),
    ("lodash", "4.17.15"), ("zlib1g", "1:1.2.13.dfsg-1"), ("org.apache.logging.log4j:log4j-core", "2.14.1"), ("perl-base", "5.36.0-7"),
)  # fmt: skip
_TITLES = (
    "Multiple memory leaks allow remote attackers to cause a denial of service via large OCSP Status Request extensions",
    "A heap-based buffer overflow was found in the vsyslog function; it leads to an application crash or local privilege escalation",
    "Prototype pollution in the functions merge and zipObjectDeep",
    "",
)
_DESCRIPTION = (
    "Multiple memory leaks in t1_lib.c in OpenSSL before 1.0.1u, 1.0.2 before 1.0.2i, and 1.1.0 before 1.1.0a allow remote "
    "attackers to cause a denial of service (memory consumption) via large OCSP Status Request extensions.\n\nA server that "
    "does not renegotiate is not affected. Servers that have OCSP stapling switched off are."
)
_SPREAD = (
    *[Severity.CRITICAL] * 2, *[Severity.HIGH] * 7, *[Severity.MEDIUM] * 14, *[Severity.LOW] * 9, *[Severity.NEGLIGIBLE] * 4, Severity.UNKNOWN,
)  # fmt: skip


_EACH = tuple(Severity)


def many_vulnerabilities(number: int, *, spread: tuple[Severity, ...] = _SPREAD) -> tuple[Vulnerability, ...]:
    """Return vulnerabilities as scans give them, with everything that they can have; highest severity first."""
    made = [_one_of_many(place, spread[place % len(spread)]) for place in range(number)]
    return tuple(sorted(made, key=lambda one: one.severity, reverse=True))


def _one_of_many(place: int, severity: Severity) -> Vulnerability:
    name, version = _PACKAGES[place % len(_PACKAGES)]
    cve = f"CVE-20{16 + place % 10}-{1000 + place}"
    by = (("clair",), ("trivy",), ("clair", "trivy"))[place % 3]
    rating = Rating(
        scanner="trivy",
        severity=severity,
        id=cve,
        label=severity.value.upper(),
        source="debian",
        cvss=(Cvss(version="3.1", vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", score=9.8, source="nvd"),),
        vendors=(VendorRating(source="nvd", severity=Severity.CRITICAL, label="4"), VendorRating(source="debian", severity=severity)),
    )
    others = (Rating(scanner="clair", severity=max(severity, Severity.LOW), label="Medium"),) if "clair" in by else ()
    return make_vulnerability(
        cve,
        severity,
        package=Package(name, version, "debian:12"),
        scanners=by,
        aliases=(f"GHSA-{place:04}-aaaa-bbbb", f"DLA-{place}-1") if place % 4 == 0 else (),
        not_found_by=tuple({"clair", "trivy"} - set(by)),
        not_looked_by=("zypper",),
        ratings=(*others, rating) if "trivy" in by else others,
        packages=(Package(name, version), Package(f"lib{name}", version)),
        source_packages=(Package(name, version),),
        purls=(f"pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12",),
        layers=("sha256:" + "b" * 64,),
        fixed_by=(f"{version}.1",) if place % 2 else (),
        fix_states=(FixState.FIXED,) if place % 2 else (FixState.WILL_NOT_FIX,) if place % 5 == 0 else (FixState.AFFECTED,),
        title=_TITLES[place % len(_TITLES)],
        description=_DESCRIPTION if place % 7 else "",
        links=(f"https://nvd.nist.gov/vuln/detail/{cve}", f"https://security-tracker.debian.org/tracker/{cve}"),
        published=SCANNED - timedelta(days=400 + place),
        modified=SCANNED - timedelta(days=30),
        suppressed=Suppressed(rule="suppressions.yml:12", reason="the code is not reached", by="ada@example.com", until=date(2027, 1, 31))
        if place % 11 == 3
        else None,
    )  # fmt: skip


OK_RUN = make_run("trivy", findings=40, notes=("2 packages were not looked up, as their version is not known",))
CLAIR_RUN = make_run("clair", findings=31, scanner_version="2.0.9", database_version="")
FAILED_RUN = make_run("zypper", Outcome.FAILED, error="http://zypper.example:8080 can't be reached; is the server running?")
PARTLY_RUN = make_run(
    "clair_two", Outcome.INCOMPLETE, findings=3, error="layer 2 of 3 could not be read: it is compressed with zstd"
)
UNRESOLVED = (
    UnresolvedImage(reference="registry.example:5000/team/app:0.9", step="manifest", message="there is no such tag; look at its name"),
    UnresolvedImage(reference="registry.example:5000/team/gone:1", step="token", message="the registry does not know us"),
)  # fmt: skip


def usual_document() -> ReportDocument:
    """Return what a scan of several repositories gives: every verdict, a gate that failed, suppressions."""
    app, doubtful = "registry.example:5000/team/app", "registry.example:5000/team/worker"
    no_critical = tuple(one for one in many_vulnerabilities(30) if one.severity < Severity.HIGH)
    runs = (CLAIR_RUN, OK_RUN, FAILED_RUN)
    reports = (
        make_report(*many_vulnerabilities(60), runs=runs, image=make_image(f"{app}:1.0")),
        make_report(*many_vulnerabilities(12, spread=_EACH), runs=runs, image=make_image(f"{app}:1.0", Platform("linux", "arm64", "v8"))),
        make_report(*no_critical, runs=(CLAIR_RUN, OK_RUN), image=make_image(f"{app}:2.0")),
        make_report(runs=(make_run("clair"), make_run("trivy")), image=make_image(f"{app}:3.0")),
        make_report(runs=(make_run("clair"), FAILED_RUN), image=make_image(f"{doubtful}:1.0")),
        make_report(*many_vulnerabilities(3, spread=(Severity.LOW,)), runs=(PARTLY_RUN, FAILED_RUN), image=make_image(f"{doubtful}:1.1")),
        make_report(runs=(make_run("clair"), make_run("trivy")), image=make_image("alpine:3.20")),
        make_report(*many_vulnerabilities(9), image=make_image("docker-archive:build/app.tar:app:dev")),
    )  # fmt: skip
    return make_document(*reports, errors=UNRESOLVED, gate=_gate(f"{app}:1.0"), unused_rules=_UNUSED)


_UNUSED = (
    UnusedRule(rule="suppressions.yml:20", expired=True, message="CVE-2019-1 in curl: it applied until 2026-10-31"),
    UnusedRule(rule="suppressions.yml:31", expired=False, message="GHSA-1 in lodash: nothing here fits it"),
)


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


ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>{{7*7}}{% raw %}</style></title></textarea>"
TURNED = "\u202egnp.exe\u202c \u2066x\u2069 \u200b\ufeff"
CONTROLS = "\x1b[2J\x1b]8;;http://evil.example\x07link\x00\x08\r\nforged: line\x85\u2028end"
LONE = "\ud800\udfff\udc80"
WHOLE_ATTACK = f"{ATTACK}{TURNED}{CONTROLS}{LONE}"
BAD_LINKS = (
    "javascript:alert(4)", "JaVaScRiPt:alert(5)", " javascript:alert(6)", "java\nscript:alert(7)", "data:text/html,<script>alert(8)</script>",
    "vbscript:msgbox(1)", "//evil.example/x", "https:evil.example", "http://", "https://good.example@evil.example/", "file:///etc/passwd",
    "https://evil.example/\u202egnp", "https://evil.example/\" onmouseover=\"alert(9)", "http://evil.example:99999/", "https://[::1", "x" * 1_000_000,
    "https://evil.example/" + "x" * 2000, "https://xn--\u0430pple.example/", "HTTPS://[v1.a]/",
)  # fmt: skip
MEGABYTE = "<b>" * 350_000


def hostile_document() -> ReportDocument:
    """Return a document in which every text that can be an attack is one."""
    bad = WHOLE_ATTACK
    package = Package(bad, bad, bad)
    everything = Vulnerability(
        id=bad,
        aliases=(bad, TURNED, *[f"{bad}{number}" for number in range(500)]),
        severity=Severity.CRITICAL,
        package=package,
        packages=(package, package),
        source_packages=(package,),
        purls=(bad,),
        paths=(bad, "../../etc/passwd"),
        layers=(bad,),
        fixed_by=(bad, MEGABYTE),
        links=BAD_LINKS[:10],
        title=bad,
        description=f"{bad}\n\n{MEGABYTE}",
        ratings=(
            Rating(
                scanner=bad, severity=Severity.LOW, id=MEGABYTE, label=bad, source=bad,
                cvss=(Cvss(version=bad, vector=bad, score=1.0, source=bad),), vendors=(VendorRating(source=bad, label=bad),),
            ),
        ),
        scanners=(bad,),
        not_found_by=(bad,),
        not_looked_by=(bad,),
        suppressed=Suppressed(rule=bad, reason=bad, by=bad),
        published=datetime.max.replace(tzinfo=UTC),
        modified=datetime.min.replace(tzinfo=UTC),
    )  # fmt: skip
    links = make_vulnerability("CVE-LINKS", links=BAD_LINKS[10:] + ("https://nvd.nist.gov/vuln/detail/CVE-2016-6304?a=1&b=2",))
    huge = make_vulnerability(MEGABYTE, title=MEGABYTE, package=Package(MEGABYTE, "\u0661" * 1_000_000), scanners=(MEGABYTE,))
    run = evolve(
        make_run("clair", Outcome.INCOMPLETE, findings=1, error=bad, notes=(bad,) * 30, scanner_version=bad, database_version=bad),
        scanner=bad, plugin=bad,
    )  # fmt: skip
    image = evolve(
        make_image("oci:../../<script>alert(1)</script>:\u202e<img src=x onerror=alert(2)>", Platform(bad, bad, bad, bad)),
        digest=bad, unsupported=bad,
    )  # fmt: skip
    report = make_report(everything, links, huge, runs=(run,), image=image)
    gate = GateResult(
        passed=False, rules=(bad,), violations=(GateViolation(rule=bad, message=bad, reference=bad, vulnerabilities=(bad,)),)
    )  # fmt: skip
    errors = (UnresolvedImage(reference=bad, step=bad, message=bad), UnresolvedImage(reference="../" * 9, step="x", message=MEGABYTE))
    return make_document(report, errors=errors, gate=gate, unused_rules=(UnusedRule(rule=bad, expired=True, message=bad),))
