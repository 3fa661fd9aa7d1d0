"""Documents with a vulnerability or two, for tests of suppressions."""

from __future__ import annotations

from datetime import date

from portus_policy import Suppression, apply_suppressions
from portus_scanners import (
    Image,
    ImageReport,
    LocalImage,
    LocalReference,
    Package,
    Rating,
    Reference,
    ReportDocument,
    Severity,
    Verdict,
    Vulnerability,
)

DIGEST = "sha256:" + "a" * 64
INDEX_DIGEST = "sha256:" + "b" * 64
TODAY = date(2026, 6, 15)


def vulnerability(
    name: str = "CVE-2024-1",
    package: str = "openssl",
    version: str = "3.0.1-1",
    namespace: str = "debian:12",
    **more: object,
) -> Vulnerability:
    """Make a vulnerability that trivy has found."""
    found = Package(package, version, namespace)
    members: dict[str, object] = {"packages": (found,), "scanners": ("trivy",), **more}
    return Vulnerability(id=name, severity=Severity.HIGH, package=found, **members)  # type: ignore[arg-type]


def rated(scanner: str, name: str) -> Rating:
    """Make what a scanner calls a vulnerability."""
    return Rating(scanner=scanner, severity=Severity.HIGH, id=name)


def image(reference: str = "registry.example/team/app:1.0") -> Image:
    """Make an image of a registry."""
    return Image(reference=Reference.parse(reference), digest=DIGEST)


def local_image(reference: str, path: str) -> Image:
    """Make an image of a file."""
    local = LocalReference.parse(reference)
    lies = LocalImage(form=local.form, path=path, name=local.name)
    return Image(reference=local, digest=DIGEST, local=lies)


def document(*vulnerabilities: Vulnerability, of: Image | None = None) -> ReportDocument:
    """Make a document of one image."""
    report = ImageReport(image=of or image(), verdict=Verdict.VULNERABLE, vulnerabilities=vulnerabilities)
    return ReportDocument(reports=(report,))


def rule(**more: object) -> Suppression:
    """Make a rule with a reason."""
    return Suppression(**{"rule": "rules.yml:2", "reason": "not reachable", **more})  # type: ignore[arg-type]


def suppresses(one: Suppression, found: Vulnerability, of: Image | None = None) -> bool:
    """Return whether the rule suppresses the vulnerability in an image."""
    marked = apply_suppressions(document(found, of=of), [one], today=TODAY)
    return marked.reports[0].vulnerabilities[0].suppressed is not None


def why_unused(one: Suppression, found: Vulnerability) -> str:
    """Return what is said of the rule that applies to nothing."""
    return apply_suppressions(document(found), [one], today=TODAY).unused_rules[0].message
