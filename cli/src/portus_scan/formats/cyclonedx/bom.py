"""A report document as a bill of materials, with images and packages as components.

A component has the package URL that a scanner gives, or the one that follows from the package for certain.

Source: purl-spec, the types ``npm``, ``pypi``, ``gem``, ``cargo``, ``nuget``, ``composer``, ``golang``, ``deb``,
``apk``, ``oci``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha1
from uuid import NAMESPACE_URL, UUID

from packageurl import PackageURL
from portus_scanners import Image, ImageReport, Package, Reference, ReportDocument, UnresolvedImage, Vulnerability
from portus_scanners.merge import (
    PACKAGE_TYPES,
    PackageUrl,
    canonical_name,
    canonical_version,
    kind_of,
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
from ..provenance import PROGRAM, VENDOR, Span, join_spans, made_span, moment, program_version, span_of
from .vulnerabilities import (
    CycloneDxObject,
    PropertyFacts,
    doubt_entry,
    properties,
    vulnerability_entry,
    without_empty,
)

_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_WITHOUT_NAMESPACE = frozenset({"cargo", "gem", "nuget", "pypi"})
_WITH_NAMESPACE = frozenset({"composer", "golang", "npm"})
"""Ecosystems whose names may be a namespace, a slash and a name."""
_PLAIN_TEXT = re.compile(r"[!-~]+", re.ASCII)


def bom_pieces(document: ReportDocument) -> Iterator[str]:
    """Yield the bill of materials, a component or an entry at a time; the images are gone through twice.

    A single image is its subject; several images are components.
    """
    yield f'{{"$schema": "{_SCHEMA}", "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": ['
    scan = _ScanFacts(document)
    subject = None
    if len(document.reports) + len(document.errors) <= 1:
        subject = next(_images(document, scan), None) or _nothing()
        packages = subject.pop("components", [])
        yield from _listed(packages)
        refs = [package["bom-ref"] for package in packages]
        uses = [without_empty({"ref": subject["bom-ref"], "dependsOn": refs}), *({"ref": ref} for ref in refs)]
        yield '\n], "dependencies": ['
        yield from _listed(uses)
    else:
        yield from _listed(_images(document, scan))
    yield '\n], "vulnerabilities": ['
    yield from _listed(_entries(document))
    rest = {"serialNumber": f"urn:uuid:{scan.serial_number()}", "metadata": scan.metadata(subject)}
    yield f"\n], {json.dumps(rest)[1:]}\n"


def _listed(values: Iterable[CycloneDxObject]) -> Iterator[str]:
    for number, value in enumerate(values):
        yield f"{',' if number else ''}\n{json.dumps(value)}"


class _ScanFacts:
    """What is said of all images together, noted while they are written."""

    def __init__(self, document: ReportDocument) -> None:
        self._document = document
        self._span: Span | None = None
        self._identity = sha1(NAMESPACE_URL.bytes, usedforsecurity=False)  # of a UUID of version 5

    def note(self, report: ImageReport) -> None:
        """Note one image."""
        self._add(f"{report.image.reference.text} {report.image.digest}")
        if (span := span_of(report.results)) is not None:
            self._span = join_spans(self._span, span)

    def _add(self, text: str) -> None:
        self._identity.update(f"{text}\n".encode("utf-8", "backslashreplace"))

    @property
    def _ended(self) -> datetime:
        return (self._span or made_span(self._document))[1]

    def serial_number(self) -> UUID:
        """Return a number that is the same for the same scan, once all images are noted."""
        for error in self._document.errors:
            self._add(error.reference)
        self._add(f"{PROGRAM} {moment(self._document.created)} {moment(self._ended)}")
        return UUID(bytes=self._identity.digest()[:16], version=5)

    def metadata(self, subject: CycloneDxObject | None) -> CycloneDxObject:
        """Return what the document says of itself."""
        program = {"type": "application", "name": PROGRAM, "group": VENDOR, "version": program_version()}
        return without_empty(
            {
                "timestamp": moment(self._ended),
                "tools": {"components": [{**program, "bom-ref": PROGRAM}]},
                "component": subject,
                "properties": properties(_document_facts(self._document)),
            }
        )


def _images(document: ReportDocument, scan: _ScanFacts) -> Iterator[CycloneDxObject]:
    """Yield each image with its packages."""
    for number, report in enumerate(document.reports, 1):
        scan.note(report)
        packages = _PackageComponents(f"image-{number}")
        for found in report.vulnerabilities:
            packages.targets_of(found)
        image = _image_component(report, f"image-{number}")
        yield without_empty({**image, "components": packages.components})
    for number, error in enumerate(document.errors, len(document.reports) + 1):
        yield _unresolved_component(error, f"image-{number}")


def _entries(document: ReportDocument) -> Iterator[CycloneDxObject]:
    """Yield the entries about each image."""
    for number, report in enumerate(document.reports, 1):
        ref = f"image-{number}"
        packages = _PackageComponents(ref)
        for place, found in enumerate(report.vulnerabilities, 1):
            yield vulnerability_entry(found, packages.targets_of(found), f"{ref}-vulnerability-{place}")
        yield from (doubt_entry(doubt, ref, place) for place, doubt in enumerate(doubts_of(report), 1))
    for number, error in enumerate(document.errors, len(document.reports) + 1):
        yield doubt_entry(doubt_of(error), f"image-{number}", 1)
    if not document.reports and not document.errors:
        yield doubt_entry(NO_IMAGE, "image-1", 1)


def _nothing() -> CycloneDxObject:
    return {"type": "container", "name": "images", "bom-ref": "image-1"}


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


def _image_component(report: ImageReport, ref: str) -> CycloneDxObject:
    """Return an image, with its verdict and how each scanner ended as properties."""
    image = report.image
    purl = _image_purl(image)
    return without_empty(
        {
            "type": "container",
            "name": name(image.reference.text),
            "version": name(image.digest),
            "purl": purl and purl.to_string(),
            "bom-ref": ref,
            "properties": properties(_image_facts(report)),
        }
    )


def _unresolved_component(error: UnresolvedImage, ref: str) -> CycloneDxObject:
    """Return an image that could not be scanned."""
    facts = [("verdict", "unknown"), ("outcome", UNRESOLVED), ("error", doubt_of(error).message)]
    title = name(error.reference) or "image"
    return {"type": "container", "name": title, "bom-ref": ref, "properties": properties(facts)}


class _PackageComponents:
    """The packages of one image that have vulnerabilities, each once."""

    def __init__(self, image_ref: str) -> None:
        self._image_ref = image_ref
        self._found: dict[tuple[Package, str], CycloneDxObject] = {}

    @property
    def components(self) -> list[CycloneDxObject]:
        """The packages so far."""
        return list(self._found.values())

    def targets_of(self, found: Vulnerability) -> list[CycloneDxObject]:
        """Return what a vulnerability affects: its packages, or the image where no package has a name."""
        packages = [package for package in found.packages or (found.package,) if package.name]
        if not packages:
            return [{"ref": self._image_ref}]
        return [self._target(package, found) for package in packages]

    def _target(self, package: Package, found: Vulnerability) -> CycloneDxObject:
        versions = [{"version": name(package.version)}] if package.version else []
        return without_empty({"ref": self._component(package, found)["bom-ref"], "versions": versions})

    def _component(self, package: Package, found: Vulnerability) -> CycloneDxObject:
        purl = purl_of(package, found)
        text = purl.to_string() if purl else ""
        key = package, text
        if key not in self._found:
            self._found[key] = without_empty(
                {
                    "type": "library",
                    "name": name(package.name),
                    "version": name(package.version),
                    "purl": text,
                    "bom-ref": f"{self._image_ref}-package-{len(self._found) + 1}",
                    "properties": properties([("namespace", name(package.namespace))]),
                }
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


def derive_purl(package: Package) -> PackageUrl | None:
    """Return the package URL that follows from a package's namespace, name and version; None if none does for certain.

    A distribution's package is taken for a binary one: whoever has only a source package must not ask. Those of RPM
    have no package URL here: what vendors are called in one is not settled.
    """
    kind, name = kind_of(package.namespace), package.name
    if kind.type in _WITHOUT_NAMESPACE:
        return PackageUrl(kind.type, "", canonical_name(kind.type, name), package.version) if name else None
    if kind.type in _WITH_NAMESPACE | {"maven"}:
        namespace, separator, name = name.rpartition(":" if kind.type == "maven" else "/")
        if not name or (kind.type == "maven" and not separator):
            return None
        return PackageUrl(kind.type, namespace, name, package.version)
    if kind.type not in {"apk", "deb"} or not kind.stated or not name:
        return None
    return PackageUrl(kind.type, kind.family, name, package.version, (("distro", f"{kind.family}-{kind.stated}"),))


def _is_binary(package: Package, found: Vulnerability) -> bool:
    sources = {source.name for source in found.source_packages}
    return bool(sources) and package.name not in sources and found.packages == (package,)
