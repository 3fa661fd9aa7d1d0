"""Reads the packages that an SBOM lists. No I/O.

Sources: CycloneDX 1.2 to 1.6, JSON; SPDX 2.2 and 2.3, JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import field, frozen
from packageurl import PackageURL
from portus_scanners import InvalidReportError
from portus_scanners.backends import structure_answer

WHAT = "the SBOM"
_NO_PACKAGES = {"oci", "docker"}
"""Types of package URLs that name the image itself."""
_NO_PACKAGE_TYPES = {"container", "operating-system", "file", "device", "data", "firmware"}
_TRIVY_SOURCE = "aquasecurity:trivy:SrcName"


@frozen
class SbomPackage:
    """A package with its package URL."""

    purl: PackageURL
    source_name: str = ""
    """The name of its source package, if the SBOM gives it outside of the package URL."""


@frozen
class Sbom:
    """The packages that an SBOM lists."""

    packages: tuple[SbomPackage, ...]
    unnamed: int
    """Number of packages without a package URL."""


@frozen
class Property:
    """A name and a value."""

    name: str | None = None
    value: str | None = None


@frozen
class Component:
    """CycloneDX: a package, or something else in the image."""

    type: str
    name: str
    version: str | None = None
    purl: str | None = None
    properties: tuple[Property, ...] = ()
    components: tuple[Any, ...] = ()
    """Nested components."""


@frozen
class CycloneDx:
    """The document."""

    components: tuple[Component, ...] = ()


@frozen
class Reference:
    """SPDX: an external name of a package."""

    referenceType: str
    referenceLocator: str


@frozen
class Package:
    """SPDX: a package."""

    name: str
    versionInfo: str | None = None
    primaryPackagePurpose: str | None = None
    externalRefs: tuple[Reference, ...] = ()


@frozen
class Spdx:
    """The document."""

    packages: tuple[Package, ...] = ()


@frozen
class _Listed:
    """An entry of either form."""

    place: str
    purl: str
    is_package: bool
    source_name: str = field(default="", kw_only=True)


def read_sbom(document: Any) -> Sbom:
    """Return the packages of an SBOM, CycloneDX or SPDX, bare or as the predicate of an in-toto statement.

    Raises:
        InvalidReportError: The document is neither, or has an invalid package URL.
    """
    if isinstance(document, dict) and "predicateType" in document:
        document = document.get("predicate")
    if isinstance(document, dict) and document.get("bomFormat") == "CycloneDX":
        return _collect(_components(structure_answer(document, CycloneDx, WHAT).components, "$"))
    if isinstance(document, dict) and str(document.get("spdxVersion", "")).startswith("SPDX-2."):
        return _collect(_spdx_packages(structure_answer(document, Spdx, WHAT)))
    raise InvalidReportError("the SBOM is neither CycloneDX nor SPDX 2 as JSON")


def _collect(listed: Iterable[_Listed]) -> Sbom:
    packages: dict[SbomPackage, None] = {}
    unnamed = 0
    for one in listed:
        if not one.purl:
            unnamed += one.is_package
            continue
        purl = _parse(one.purl, one.place)
        if purl.type not in _NO_PACKAGES:
            packages[SbomPackage(purl, one.source_name)] = None
    return Sbom(tuple(packages), unnamed)


def _components(components: Iterable[Component], place: str) -> Iterator[_Listed]:
    waiting = [(f"{place}.components[{number}]", one) for number, one in enumerate(components)]
    while waiting:
        place, one = waiting.pop()
        source = next((each.value for each in one.properties if each.name == _TRIVY_SOURCE), None)
        is_package = one.type not in _NO_PACKAGE_TYPES and bool(one.version)
        yield _Listed(f"{place}.purl", one.purl or "", is_package, source_name=source or "")
        inner = [structure_answer(each, Component, WHAT) for each in one.components]
        waiting += [(f"{place}.components[{number}]", each) for number, each in enumerate(inner)]


def _spdx_packages(spdx: Spdx) -> Iterator[_Listed]:
    for number, one in enumerate(spdx.packages):
        purls = [each.referenceLocator for each in one.externalRefs if each.referenceType == "purl"]
        purpose = (one.primaryPackagePurpose or "").lower()
        is_package = purpose not in _NO_PACKAGE_TYPES and bool(one.versionInfo)
        for purl in purls or [""]:
            yield _Listed(f"$.packages[{number}].externalRefs", purl, is_package)


def _parse(text: str, place: str) -> PackageURL:
    try:
        return PackageURL.from_string(text)
    except ValueError as error:
        raise InvalidReportError(WHAT, faults=[f"{place}: not a valid package URL"]) from error
