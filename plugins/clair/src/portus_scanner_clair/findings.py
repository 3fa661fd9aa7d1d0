"""Makes findings of Clair's result. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

import attrs
from portus_scanners import Finding, InvalidReportError, Package, ScannerReport, Severity, UnsupportedImageError
from portus_scanners.backends import finding_maker

from .layers import ChainLink
from .ratings import RatingsByText, rating_order, severity_of
from .wire import Feature, LayerResult

AGE_UNKNOWN = (
    "Clair does not say how old its vulnerability data is, nor whether it has any: a Clair with an empty database "
    "finds nothing in any image."
)

_LONGEST_NAMESPACE = 80
"""Characters of a namespace that are shown."""

_make_finding = finding_maker(
    "id", "severity", "severity_label", "package", "fixed_by", "links", "description", "cvss", "layer"
)

PackageKey = tuple[str, str, str]
"""Name and version of the feature, namespace of the vulnerability.

Together with the vulnerability's name it is the key of a finding. The name alone is not: one answer may contain it
several times, for several packages and distributions, each time with another fix and severity.
"""
Found = dict[PackageKey, dict[str, Finding]]
"""Findings by key."""


def make_report(result: LayerResult, chain: Iterable[ChainLink]) -> ScannerReport:
    """Return the report for the image that ends in the result's layer.

    Args:
        result: Clair's answer for the uppermost layer.
        chain: The image's layers under their names in Clair.

    Raises:
        UnsupportedImageError: Clair recognised no distribution, or none of its packages, which does not mean clean.
        InvalidReportError: A feature or a vulnerability has no name.
    """
    if not result.Features:
        raise UnsupportedImageError(_nothing_seen(result))
    findings = make_findings(result.Features, {link.name: link.layer.digest for link in chain})
    return ScannerReport(findings=findings, notes=() if findings else (AGE_UNKNOWN,))


def make_findings(features: Iterable[Feature], digests: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return one finding for each key; the order of the input does not change a report.

    Args:
        features: The features in Clair's order.
        digests: Digests of the layers by their names in Clair.

    Raises:
        InvalidReportError: A feature or a vulnerability has no name.
    """
    reader = _Reader(digests)
    for number, feature in enumerate(features):
        if not feature.Name:
            fault = f"$.Layer.Features[{number}].Name: missing"
            raise InvalidReportError("Clair's answer has a feature without a name", faults=[fault])
        if feature.Vulnerabilities:
            reader.read(feature, number)
    found = reader.found
    if reader.mixed:
        # a report could not tell some findings apart, and would leave them in Clair's random order
        found = {package: dict(sorted(found[package].items())) for package in sorted(found)}
    return tuple(chain.from_iterable(of_package.values() for of_package in found.values()))


def _nothing_seen(result: LayerResult) -> str:
    if result.NamespaceName:
        return (
            f"Clair recognised the distribution ({result.NamespaceName[:_LONGEST_NAMESPACE]!r}) "
            "but could read none of its packages: the image is not known to be clean"
        )
    return "Clair recognised nothing in this image, neither a distribution nor a package: it is not known to be clean"


class _Reader:
    """Makes findings; what many findings share is made once."""

    def __init__(self, digests: Mapping[str, str]) -> None:
        self.found: Found = {}
        self.mixed = False
        """Whether a vulnerability had another namespace than its package."""
        self._digests = digests
        self._ratings = RatingsByText()
        self._severities = _Severities()

    def read(self, feature: Feature, number: int) -> None:
        """Add the findings of one feature; *number* is its index in the answer."""
        name, version, own = feature.Name or "", feature.Version or "", feature.NamespaceName or ""
        package, layer = Package(name, version, own), self._digests.get(feature.AddedBy or "")
        found, ratings, severities = self._of_package(name, version, own), self._ratings, self._severities
        for one in feature.Vulnerabilities:  # 20,000 times: nothing needless in this loop
            identity, word, fix, link, namespace = one.Name, one.Severity, one.FixedBy, one.Link, one.NamespaceName
            if not identity:
                raise _nameless(feature, number)
            cvss = ratings[bytes(one.Metadata)]
            finding = _make_finding(
                identity,
                severities[word] or severity_of(cvss),
                word or "",
                package,
                (fix,) if fix else (),
                (link,) if link else (),
                one.Description or "",
                cvss,
                layer,
            )
            if namespace and namespace != own:
                self._add(self._of_package(name, version, namespace), _of_other_namespace(finding, namespace))
            elif found.setdefault(identity, finding) is not finding:
                self._add(found, finding)

    def _of_package(self, *key: str) -> dict[str, Finding]:
        return self.found.setdefault(key, {})  # type: ignore[arg-type]

    def _add(self, found: dict[str, Finding], finding: Finding) -> None:
        known = found.get(finding.id)
        found[finding.id] = finding if known is None else _merged(known, finding)
        self.mixed = self.mixed or bool(finding.details)


class _Severities(dict[str | None, Severity | None]):
    """Severities by Clair's word; None for an empty word."""

    def __missing__(self, word: str | None) -> Severity | None:
        severity = self[word] = Severity.from_word(word) if word and word.strip() else None
        return severity


def _nameless(feature: Feature, number: int) -> InvalidReportError:
    index = next(index for index, one in enumerate(feature.Vulnerabilities) if not one.Name)
    fault = f"$.Layer.Features[{number}].Vulnerabilities[{index}].Name: missing"
    return InvalidReportError("Clair's answer has a vulnerability without a name", faults=[fault])


def _of_other_namespace(finding: Finding, namespace: str) -> Finding:
    """Return the finding with the vulnerability's namespace: as the package's, or in the details if that differs."""
    package = finding.package
    if not package.namespace:
        return attrs.evolve(finding, package=attrs.evolve(package, namespace=namespace))
    return attrs.evolve(finding, details={"vulnerability_namespace": namespace})


def _merged(one: Finding, other: Finding) -> Finding:
    """Merge two findings of one key; their order does not matter."""
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
