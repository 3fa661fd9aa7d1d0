"""Makes findings of Trivy's results. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from portus_scanners import Finding, FixState, InvalidReportError, Package

from .ratings import read_cvss, read_moment, read_severity, read_vendor_ratings
from .wire import InstalledPackage, OperatingSystem, PackageLayer, Result, Vulnerability

OS_PACKAGES = "os-pkgs"


class FindingsReader:
    """Makes findings.

    Args:
        system: The distribution, if one was recognised.
        digests: Digests of the layers by the digests of their archives (diff ids).
    """

    def __init__(self, system: OperatingSystem | None, digests: Mapping[str, str]) -> None:
        self._system = system
        self._digests = digests

    def read(self, results: Iterable[Result]) -> Iterator[Finding]:
        """Yield one finding for each vulnerability of each package.

        Raises:
            InvalidReportError: A vulnerability has no name, or names no package.
        """
        for place, result in enumerate(results):
            sources = dict(_sources(result.Packages))
            namespace = self._namespace(result)
            for number, one in enumerate(result.Vulnerabilities):
                _check(one, f"$.Results[{place}].Vulnerabilities[{number}]")
                package = Package(one.PkgName or "", one.InstalledVersion or "", namespace)
                path = one.PkgPath or (_target_of(result) if result.Class != OS_PACKAGES else "")
                yield self._finding(one, package, sources.get(one.PkgID or ""), path)

    def _finding(self, one: Vulnerability, package: Package, source: Package | None, path: str) -> Finding:
        cvss = read_cvss(one.CVSS)
        word = one.Severity or ""
        return Finding(
            id=one.VulnerabilityID or "",
            aliases=tuple(dict.fromkeys(name.strip() for name in one.VendorIDs if name.strip())),
            severity=read_severity(word, cvss),
            severity_label=word,
            severity_source=one.SeveritySource or "",
            vendor_ratings=read_vendor_ratings(one.VendorSeverity),
            package=package,
            source_package=source,
            purl=one.PkgIdentifier.PURL or "",
            path=path,
            fix_state=FixState.from_word(one.Status or ""),
            fixed_by=_fixes(one.FixedVersion),
            links=tuple(dict.fromkeys(link for link in (one.PrimaryURL, *one.References) if link)),
            title=one.Title or "",
            description=one.Description or "",
            cvss=cvss,
            layer=self._digest(one.Layer),
            published=read_moment(one.PublishedDate),
            modified=read_moment(one.LastModifiedDate),
            details=_details(one),
        )

    def _namespace(self, result: Result) -> str:
        """Return the distribution's name and version, or the kind of a language's packages."""
        if result.Class == OS_PACKAGES and self._system is not None and self._system.Family:
            return ":".join(word for word in (self._system.Family, self._system.Name) if word)
        return result.Type or ""

    def _digest(self, layer: PackageLayer) -> str | None:
        """Return the digest of this image's layer; Trivy may have kept that of another one with the same content."""
        return self._digests.get(layer.DiffID or "") or layer.Digest


def _check(one: Vulnerability, path: str) -> None:
    for name, value in (("VulnerabilityID", one.VulnerabilityID), ("PkgName", one.PkgName)):
        if not value:
            raise InvalidReportError(
                "Trivy's report has a vulnerability without a name", faults=[f"{path}.{name}: missing"]
            )


def _sources(packages: Iterable[InstalledPackage]) -> Iterator[tuple[str, Package]]:
    """Yield the ID of each package, and the source package that it was built from."""
    for package in packages:
        if package.ID and package.SrcName:
            version = "-".join(part for part in (package.SrcVersion, package.SrcRelease) if part)
            yield package.ID, Package(package.SrcName, f"{package.SrcEpoch}:{version}" if package.SrcEpoch else version)


def _target_of(result: Result) -> str:
    """Return the file of a language's packages; empty if Trivy names the language instead, such as ``Python``."""
    target = result.Target or ""
    return target if "/" in target or "." in target else ""


def _fixes(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(version.strip() for version in (text or "").split(",") if version.strip()))


def _details(one: Vulnerability) -> dict[str, str]:
    source = one.DataSource
    details = {
        "data_source": (source.Name or source.ID or "") if source else "",
        "vendor_ids": " ".join(one.VendorIDs),
        "cwe_ids": " ".join(one.CweIDs),
    }
    return {key: value for key, value in details.items() if value}
