"""A document in which every text that can be an attack is one."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve
from portus_policy import GateResult, GateViolation, Suppressed, UnusedRule
from portus_scanners import (
    Cvss,
    Database,
    Outcome,
    Package,
    Platform,
    Rating,
    ReportDocument,
    ScannerRun,
    Severity,
    UnresolvedImage,
    VendorRating,
    Vulnerability,
)

from .documents import make_document, make_image, make_report, make_run, make_vulnerability

_ELEMENTS = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>"
    "{{7*7}}{% raw %}</style></title></textarea>"
)
_TURNED = "\u202egnp.exe\u202c \u2066x\u2069 \u200b\ufeff"
_CONTROLS = "\x1b[2J\x1b]8;;http://evil.example\x07link\x00\x08\r\nforged: line\x85\u2028end"
_LONE = "\ud800\udfff\udc80"
EVERYTHING = f"{_ELEMENTS}{_TURNED}{_CONTROLS}{_LONE}"
MEGABYTE = "<b>" * 350_000
GOOD_LINK = "https://nvd.nist.gov/vuln/detail/CVE-2016-6304?a=1&b=2"
BAD_LINKS = (
    "javascript:alert(4)",
    "JaVaScRiPt:alert(5)",
    " javascript:alert(6)",
    "java\nscript:alert(7)",
    "data:text/html,<script>alert(8)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "//evil.example/x",
    "https:evil.example",
    "http://",
    "https://good.example@evil.example/",
    "https://evil.example/\u202egnp",
    'https://evil.example/" onmouseover="alert(9)',
    "http://evil.example:99999/",
    "https://[::1",
    "HTTPS://[v1.a]/",
    "https://\u0430pple.example/",
    "https://evil.example/" + "x" * 2000,
    "x" * 1_000_000,
)


def hostile_document() -> ReportDocument:
    """Return the document: a report, two images that could not be scanned, a gate and a rule."""
    bad = EVERYTHING
    huge = make_vulnerability(
        MEGABYTE, title=MEGABYTE, package=Package(MEGABYTE, "\u0661" * 1_000_000), scanners=(MEGABYTE,)
    )
    linked = make_vulnerability("CVE-LINKS", links=(*BAD_LINKS[10:], GOOD_LINK))
    reference = "oci:../../<script>alert(1)</script>:\u202e<img src=x onerror=alert(2)>"
    image = evolve(make_image(reference, Platform(bad, bad, bad, bad)), digest=bad, unsupported=bad)
    violation = GateViolation(rule=bad, message=bad, reference=bad, vulnerabilities=(bad,))
    return make_document(
        make_report(_hostile_vulnerability(bad), linked, huge, runs=(_hostile_run(bad),), image=image),
        errors=(
            UnresolvedImage(reference=bad, step=bad, message=bad),
            UnresolvedImage(reference="../" * 9, step="x", message=MEGABYTE),
        ),
        gate=GateResult(passed=False, rules=(bad,), violations=(violation,)),
        unused_rules=(UnusedRule(rule=bad, expired=True, message=bad),),
    )


def _hostile_run(bad: str) -> ScannerRun:
    texts: dict[str, object] = {"notes": (bad,) * 30, "scanner_version": bad, "database": Database(identity=bad or "x")}
    run = make_run("clair", Outcome.INCOMPLETE, findings=1, error=bad, **texts)
    return evolve(run, scanner=bad, plugin=bad)


def _hostile_vulnerability(bad: str) -> Vulnerability:
    package = Package(bad, bad, bad)
    return Vulnerability(
        id=bad,
        aliases=(bad, *[f"{bad}{number}" for number in range(500)]),
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
        ratings=(_hostile_rating(bad),),
        scanners=(bad,),
        not_found_by=(bad,),
        not_looked_by=(bad,),
        suppressed=Suppressed(rule=bad, reason=bad, by=bad),
        published=datetime.max.replace(tzinfo=UTC),
        modified=datetime.min.replace(tzinfo=UTC),
    )


def _hostile_rating(bad: str) -> Rating:
    return Rating(
        scanner=bad,
        severity=Severity.LOW,
        id=MEGABYTE,
        label=bad,
        source=bad,
        cvss=(Cvss(version=bad, vector=bad, score=1.0, source=bad),),
        vendors=(VendorRating(source=bad, label=bad),),
    )
