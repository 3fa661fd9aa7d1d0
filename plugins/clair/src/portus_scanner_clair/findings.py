"""Makes findings of Clair's result. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import attrs
from portus_scanners import Finding, InvalidReportError, Package, ScannerReport, Severity, UnsupportedImageError
from portus_scanners.backends import finding_maker

from .coverage import Coverage, no_data_for
from .layers import ChainLink
from .ratings import RatingsByText, rating_order, severity_of
from .wire import Feature, LayerResult

AGE_UNKNOWN = "Clair does not say how old its vulnerability data is"
_ASK_THE_UPDATER = "check that Clair's updater has run, and that it covers the distribution"

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


def make_report(result: LayerResult, chain: Iterable[ChainLink], coverage: Coverage | None = None) -> ScannerReport:
    """Return the report for the image that ends in the result's layer; incomplete where data may be missing.

    Args:
        result: Clair's answer for the uppermost layer.
        chain: The image's layers under their names in Clair.
        coverage: For which of the image's distributions Clair has data; None for what the result proves by itself.

    Raises:
        UnsupportedImageError: Clair recognised no distribution, or none of its packages, or has no data for any of
            them, which does not mean clean.
        InvalidReportError: A feature or a vulnerability has no name.
    """
    if not result.Features:
        raise UnsupportedImageError(_nothing_seen(result))
    coverage = coverage or Coverage.from_result(result)
    findings = make_findings(result.Features, {link.name: link.layer.digest for link in chain})
    if coverage.is_missing and not findings:
        said = no_data_for(coverage.uncovered)
        raise UnsupportedImageError(f"{said}: the image is not known to be clean; {_ASK_THE_UPDATER}")
    age = () if findings else (AGE_UNKNOWN,)
    return ScannerReport(findings=findings, complete=coverage.is_complete, notes=coverage.notes or age)


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
    found = reader.merge()
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
        self._again: dict[tuple[PackageKey, str], list[Finding]] = {}
        """The findings of keys that came more than once, the first one included."""
        self._digests = digests
        self._ratings = RatingsByText()
        self._severities = _Severities()

    def read(self, feature: Feature, number: int) -> None:
        """Add the findings of one feature; *number* is its index in the answer."""
        name, version, own = feature.Name or "", feature.Version or "", feature.NamespaceName or ""
        package, layer = Package(name, version, own), self._digests.get(feature.AddedBy or "")
        key = name, version, own
        found, ratings, severities = self.found.setdefault(key, {}), self._ratings, self._severities
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
                self._add((name, version, namespace), _of_other_namespace(finding, namespace))
            elif found.setdefault(identity, finding) is not finding:
                self._add(key, finding)

    def _add(self, key: PackageKey, finding: Finding) -> None:
        first = self.found.setdefault(key, {}).setdefault(finding.id, finding)
        if first is not finding:
            self._again.setdefault((key, finding.id), [first]).append(finding)
        self.mixed = self.mixed or bool(finding.details)

    def merge(self) -> Found:
        """Return the findings by key, those of one key merged: all of them at once, since one may come 10,000 times."""
        for (key, identity), findings in self._again.items():
            self.found[key][identity] = _merged(findings)
        return self.found


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


def _merged(findings: Sequence[Finding]) -> Finding:
    """Merge the findings of one key; their order does not matter."""
    layers = [one.layer for one in findings if one.layer]
    return attrs.evolve(
        max(findings, key=lambda one: (one.severity, one.severity_label)),
        package=min((one.package for one in findings), key=lambda package: package.namespace),
        fixed_by=sorted({fix for one in findings for fix in one.fixed_by}),
        links=sorted({link for one in findings for link in one.links}),
        description=max((one.description for one in findings), key=lambda text: (len(text), text)),
        cvss=tuple(sorted({rating for one in findings for rating in one.cvss}, key=rating_order)),
        layer=min(layers) if layers else None,
        details={name: value for one in findings for name, value in one.details.items()},
    )
