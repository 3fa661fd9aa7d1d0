"""A report document as a bill of materials, with images and packages as components.

A component has the package URL that a scanner gives, or the one that follows from the package for certain.

Source: purl-spec, the types ``npm``, ``pypi``, ``gem``, ``cargo``, ``nuget``, ``composer``, ``golang``, ``deb``,
``apk``, ``oci``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from uuid import NAMESPACE_URL, UUID, uuid5

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.tool import ToolRepository
from cyclonedx.model.vulnerability import BomTarget, BomTargetVersionRange, Vulnerability as Entry
from packageurl import PackageURL
from portus_scanners import Image, ImageReport, Package, Reference, ReportDocument, UnresolvedImage, Vulnerability
from portus_scanners.merge import (
    PACKAGE_TYPES,
    canonical_name,
    canonical_version,
    derive_purl,
    read_purl as read_package_url,
)

from ...terminal import LONGEST_NAME, message, name
from ..doubts import (
    NO_IMAGE,
    UNRESOLVED,
    doubt_of,
    doubts_of,
    ended_of,
    notes_of,
    report_notes,
    scanner_name,
    verdict_of,
)
from ..foreign import joined
from ..provenance import PROGRAM, VENDOR, document_span, moment, program_version
from .vulnerabilities import PropertyFacts, doubt_entry, properties, vulnerability_entry

_PLAIN_TEXT = re.compile(r"[!-~]+", re.ASCII)


def make_bom(document: ReportDocument) -> Bom:
    """Return the bill of materials. A single image is its subject; several images are components."""
    images: list[Component] = []
    entries: list[Entry] = []
    for number, report in enumerate(document.reports, 1):
        component, found = _image(report, f"image-{number}")
        images.append(component)
        entries += found
    for number, error in enumerate(document.errors, len(images) + 1):
        images.append(_unresolved_component(error, f"image-{number}"))
        entries.append(doubt_entry(doubt_of(error), f"image-{number}", 1))
    if not images:
        images.append(_nothing())
        entries.append(doubt_entry(NO_IMAGE, "image-1", 1))
    return _put_together(document, images, entries)


def _image(report: ImageReport, ref: str) -> tuple[Component, list[Entry]]:
    """Return an image with its packages, and the entries about it."""
    image, packages = _image_component(report, ref), _PackageComponents(ref)
    entries = [
        vulnerability_entry(found, packages.targets_of(found), f"{ref}-vulnerability-{number}")
        for number, found in enumerate(report.vulnerabilities, 1)
    ]
    image.components.update(packages.components)
    entries += [doubt_entry(doubt, ref, number) for number, doubt in enumerate(doubts_of(report), 1)]
    return image, entries


def _put_together(document: ReportDocument, images: list[Component], entries: Iterable[Entry]) -> Bom:
    metadata = BomMetaData(
        timestamp=document_span(document)[1],
        tools=ToolRepository(components=[_program()]),
        properties=properties(_document_facts(document)),
    )
    bom = Bom(serial_number=_serial_number(document), metadata=metadata, vulnerabilities=entries)
    if len(images) > 1:
        bom.components.update(images)
        return bom
    subject = images[0]
    packages = list(subject.components)
    subject.components.clear()
    metadata.component = subject
    bom.components.update(packages)
    bom.dependencies.add(Dependency(subject.bom_ref, [Dependency(package.bom_ref) for package in packages]))
    bom.dependencies.update(Dependency(package.bom_ref) for package in packages)
    return bom


def _program() -> Component:
    version = program_version()
    return Component(type=ComponentType.APPLICATION, name=PROGRAM, group=VENDOR, version=version, bom_ref=PROGRAM)


def _nothing() -> Component:
    return Component(type=ComponentType.CONTAINER, name="images", bom_ref="image-1")


def _document_facts(document: ReportDocument) -> PropertyFacts:
    gate = document.gate
    if gate is not None:
        yield "gate", "passed" if gate.passed else "failed"
        yield from (("gate:rule", message(rule)) for rule in gate.rules)
        for one in gate.violations:
            about = f" ({name(one.reference)})" if one.reference else ""
            listed = f": {joined(one.vulnerabilities)}" if one.vulnerabilities else ""
            yield "gate:violation", f"{name(one.rule)}: {message(one.message)}{about}{listed}"
    for rule in document.unused_rules:
        state = "expired" if rule.expired else "unused"
        yield "suppression:unused", f"{name(rule.rule)}, {state}: {message(rule.message)}"


def _serial_number(document: ReportDocument) -> UUID:
    """Return a number that is the same for the same scan."""
    return uuid5(NAMESPACE_URL, "\n".join(_identity(document)).encode("utf-8", "backslashreplace").decode())


def _identity(document: ReportDocument) -> Iterator[str]:
    yield f"{PROGRAM} {moment(document.created)} {moment(document_span(document)[1])}"
    for report in document.reports:
        yield f"{report.image.reference.text} {report.image.digest}"
    for error in document.errors:
        yield error.reference


def _image_component(report: ImageReport, ref: str) -> Component:
    """Return an image, with its verdict and how each scanner ended as properties."""
    image = report.image
    return Component(
        type=ComponentType.CONTAINER,
        name=name(image.reference.text),
        version=name(image.digest),
        purl=_image_purl(image),
        bom_ref=ref,
        properties=properties(_image_facts(report)),
    )


def _unresolved_component(error: UnresolvedImage, ref: str) -> Component:
    """Return an image that could not be scanned."""
    facts = [("verdict", "unknown"), ("outcome", UNRESOLVED), ("error", doubt_of(error).message)]
    title = name(error.reference) or "image"
    return Component(type=ComponentType.CONTAINER, name=title, bom_ref=ref, properties=properties(facts))


class _PackageComponents:
    """The packages of one image that have vulnerabilities, each once."""

    def __init__(self, image_ref: str) -> None:
        self._image_ref = image_ref
        self._found: dict[tuple[Package, str], Component] = {}

    @property
    def components(self) -> list[Component]:
        """The packages so far."""
        return list(self._found.values())

    def targets_of(self, found: Vulnerability) -> list[BomTarget]:
        """Return what a vulnerability affects: its packages, or the image where no package has a name."""
        packages = [package for package in found.packages or (found.package,) if package.name]
        if not packages:
            return [BomTarget(ref=self._image_ref)]
        return [self._target(package, found) for package in packages]

    def _target(self, package: Package, found: Vulnerability) -> BomTarget:
        component = self._component(package, found)
        versions = [BomTargetVersionRange(version=name(package.version))] if package.version else []
        return BomTarget(ref=component.bom_ref.value or self._image_ref, versions=versions)

    def _component(self, package: Package, found: Vulnerability) -> Component:
        purl = purl_of(package, found)
        key = package, str(purl or "")
        if key not in self._found:
            self._found[key] = Component(
                type=ComponentType.LIBRARY,
                name=name(package.name),
                version=name(package.version) or None,
                purl=purl,
                bom_ref=f"{self._image_ref}-package-{len(self._found) + 1}",
                properties=properties([("namespace", name(package.namespace))]),
            )
        return self._found[key]


def _image_facts(report: ImageReport) -> PropertyFacts:
    yield "verdict", verdict_of(report).value
    yield "platform", name(str(report.image.platform or ""))
    yield from (("note", note) for note in report_notes(report))
    for run in report.results:
        scanner = scanner_name(run)
        yield f"outcome:{scanner}", run.outcome.value
        yield f"error:{scanner}", message(run.error or "")
        yield from ((f"note:{scanner}", note) for note in notes_of(run))
        if run.report:
            yield f"end-of-life:{scanner}", ended_of(run)
            yield f"version:{scanner}", name(run.report.scanner_version)
            if (database := run.report.database) is not None:
                yield f"database:{scanner}", name(database.identity)
                yield f"database-updated:{scanner}", moment(database.updated) or ""


def purl_of(package: Package, found: Vulnerability) -> PackageURL | None:
    """Return the package URL of one of the packages that findings name.

    Returns:
        The one that a scanner gives for this name and version; else the one that follows for certain; else None. A
        distribution's package is certain only where a scanner says what it was built from: many scanners name the
        source package, which has another package URL.
    """
    for text in found.purls:
        if (purl := read_purl(text)) and _is_of(text, package):
            return purl
    return _derive(package, found)


def _is_of(text: str, package: Package) -> bool:
    """Return whether a package URL is of this package, however the two are spelled."""
    purl = read_package_url(text)
    if purl is None or purl.version != canonical_version(purl.type, package.version):
        return False
    name = canonical_name(purl.type, package.name).casefold()
    return name in {purl.name.casefold(), purl.full_name.casefold()}


def read_purl(text: str) -> PackageURL | None:
    """Return a string as a package URL; None for one that is not a package URL, is too long, or hostile."""
    if len(text) > 2 * LONGEST_NAME or not _PLAIN_TEXT.fullmatch(text):
        return None
    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None


def _image_purl(image: Image) -> PackageURL | None:
    """Return ``pkg:oci/...``, by the digest of this platform's manifest; None for a local image."""
    reference = image.reference
    if not isinstance(reference, Reference):
        return None
    where = {"repository_url": f"{reference.registry}/{reference.repository}"}
    return PackageURL("oci", None, reference.repository.rpartition("/")[2], image.digest, where)


def _derive(package: Package, found: Vulnerability) -> PackageURL | None:
    if not _PLAIN_TEXT.fullmatch(package.name) or not _PLAIN_TEXT.fullmatch(package.version):
        return None
    purl = derive_purl(package)
    if purl is None or (purl.type in PACKAGE_TYPES and not _is_binary(package, found)):
        return None
    return PackageURL(purl.type, purl.namespace or None, purl.name, purl.version, dict(purl.qualifiers))


def _is_binary(package: Package, found: Vulnerability) -> bool:
    sources = {source.name for source in found.source_packages}
    return bool(sources) and package.name not in sources and found.packages == (package,)
