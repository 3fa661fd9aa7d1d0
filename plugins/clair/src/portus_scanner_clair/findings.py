"""From Clair's result to findings. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs
from portus_scanners import Finding, InvalidReportError, Package, ScannerReport, Severity, UnsupportedImageError

from .layers import ChainLink
from .ratings import RatingsReader, rating_order, severity_of
from .wire import Feature, LayerResult, Vulnerability

AGE_UNKNOWN = (
    "Clair does not say how old its vulnerability data is, nor whether it has any: a Clair with an empty database "
    "finds nothing in any image."
)

_LONGEST_NAMESPACE = 80
"""Characters that are shown."""

Key = tuple[str, str, str, str]
"""Name and version of the feature, namespace and name of the vulnerability.

The name of the vulnerability alone is not enough: it stands in one answer several times, for several packages and
distributions, each time with a fix and a severity of its own.
"""


def make_report(result: LayerResult, chain: Iterable[ChainLink]) -> ScannerReport:
    """Return the report for the image that ends in the result's layer.

    Args:
        result: Clair's answer for the uppermost layer.
        chain: The image's layers under their names in Clair.

    Raises:
        UnsupportedImageError: Clair recognised no distribution, or none of its packages: that is not clean.
        InvalidReportError: A feature or a vulnerability has no name.
    """
    if not result.Features:
        raise UnsupportedImageError(_nothing_seen(result))
    findings = make_findings(result.Features, {link.name: link.layer.digest for link in chain})
    return ScannerReport(findings=findings, notes=() if findings else (AGE_UNKNOWN,))


def make_findings(features: Iterable[Feature], digests: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return one finding for each `Key`; in a report, the order of the input makes no difference.

    Args:
        features: As Clair lists them.
        digests: Digest of a layer by its name in Clair.

    Raises:
        InvalidReportError: A feature or a vulnerability has no name.
    """
    found: dict[Key, Finding] = {}
    reader = _Reader(digests)
    for number, feature in enumerate(features):
        if not feature.Name:
            fault = f"$.Layer.Features[{number}].Name: missing"
            raise InvalidReportError("Clair's answer has a feature without a name", faults=[fault])
        if feature.Vulnerabilities:
            for key, finding in reader.read(feature, f"$.Layer.Features[{number}]"):
                known = found.get(key)
                found[key] = finding if known is None else _merged(known, finding)
    if any(finding.details for finding in found.values()):
        # Two of them can look the same to the report, which would leave them in Clair's random order.
        return tuple(found[key] for key in sorted(found))
    return tuple(found.values())


def _nothing_seen(result: LayerResult) -> str:
    if result.NamespaceName:
        return (
            f"Clair recognised the distribution ({result.NamespaceName[:_LONGEST_NAMESPACE]!r}) "
            "but could read none of its packages: the image is not known to be clean"
        )
    return "Clair recognised nothing in this image, neither a distribution nor a package: it is not known to be clean"


class _Reader:
    """Makes findings. What many of them share is made once."""

    def __init__(self, digests: Mapping[str, str]) -> None:
        self._digests = digests
        self._ratings = RatingsReader()
        self._severities: dict[str, Severity] = {}

    def read(self, feature: Feature, path: str) -> Iterator[tuple[Key, Finding]]:
        """Give the findings of one feature, each with its key; *path* is where the feature stands."""
        name, version, own = feature.Name or "", feature.Version or "", feature.NamespaceName or ""
        package = Package(name, version, own)
        layer = self._digests.get(feature.AddedBy or "")
        for number, vulnerability in enumerate(feature.Vulnerabilities):
            if not vulnerability.Name:
                fault = f"{path}.Vulnerabilities[{number}].Name: missing"
                raise InvalidReportError("Clair's answer has a vulnerability without a name", faults=[fault])
            finding = self._finding(vulnerability.Name, vulnerability, package, layer)
            namespace = vulnerability.NamespaceName or own
            if namespace != own:
                finding = _of_other_namespace(finding, namespace)
            yield (name, version, namespace, vulnerability.Name), finding

    def _finding(self, name: str, vulnerability: Vulnerability, package: Package, layer: str | None) -> Finding:
        word, fix, link = vulnerability.Severity or "", vulnerability.FixedBy, vulnerability.Link
        cvss = self._ratings.read(vulnerability.Metadata)
        return Finding(
            id=name,
            severity=self._severity(word) if word.strip() else severity_of(cvss),
            severity_label=word,
            package=package,
            fixed_by=(fix,) if fix else (),
            links=(link,) if link else (),
            description=vulnerability.Description or "",
            cvss=cvss,
            layer=layer,
        )

    def _severity(self, word: str) -> Severity:
        severity = self._severities.get(word)
        if severity is None:
            severity = self._severities[word] = Severity.from_word(word)
        return severity


def _of_other_namespace(finding: Finding, namespace: str) -> Finding:
    """Keep the vulnerability's namespace where the package's is another one or is not said."""
    package = finding.package
    if not package.namespace:
        return attrs.evolve(finding, package=attrs.evolve(package, namespace=namespace))
    return attrs.evolve(finding, details={"vulnerability_namespace": namespace})


def _merged(one: Finding, other: Finding) -> Finding:
    """Unite two findings of one key; the order of the two does not matter."""
    worst = max(one, other, key=lambda finding: (finding.severity, finding.severity_label))
    layers = [finding.layer for finding in (one, other) if finding.layer]
    return attrs.evolve(
        worst,
        package=min(one.package, other.package, key=lambda package: package.namespace),
        fixed_by=sorted({*one.fixed_by, *other.fixed_by}),
        links=sorted({*one.links, *other.links}),
        description=max(one.description, other.description, key=lambda text: (len(text), text)),
        cvss=tuple(sorted({*one.cvss, *other.cvss}, key=rating_order)),
        layer=min(layers) if layers else None,
        details={**one.details, **other.details},
    )
