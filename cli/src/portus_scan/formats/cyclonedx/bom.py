"""A report document as a bill of materials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import NAMESPACE_URL, UUID, uuid5

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.tool import ToolRepository
from cyclonedx.model.vulnerability import Vulnerability as Entry
from portus_scanners import ImageReport, ReportDocument

from ..doubts import NO_IMAGE, doubt_of, doubts_of
from ..facts import moment
from ..foreign import joined, message, name
from ..program import PROGRAM, VENDOR, program_version
from ..times import document_span
from .components import PackageComponents, image_component, unresolved_component
from .doubts import doubt_entry
from .properties import Facts, properties
from .vulnerabilities import vulnerability_entry


def make_bom(document: ReportDocument) -> Bom:
    """Return the bill of materials: the image is its subject where there is but one, else images are components."""
    images: list[Component] = []
    entries: list[Entry] = []
    for number, report in enumerate(document.reports, 1):
        component, found = _image(report, f"image-{number}")
        images.append(component)
        entries += found
    for number, error in enumerate(document.errors, len(images) + 1):
        images.append(unresolved_component(error, f"image-{number}"))
        entries.append(doubt_entry(doubt_of(error), f"image-{number}", 1))
    if not images:
        images.append(_nothing())
        entries.append(doubt_entry(NO_IMAGE, "image-1", 1))
    return _put_together(document, images, entries)


def _image(report: ImageReport, ref: str) -> tuple[Component, list[Entry]]:
    """Return the image with its packages, and what is known of it and what not."""
    image, packages = image_component(report, ref), PackageComponents(ref)
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


def _document_facts(document: ReportDocument) -> Facts:
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
    """Return the same number for the same scan."""
    return uuid5(NAMESPACE_URL, "\n".join(_identity(document)).encode("utf-8", "backslashreplace").decode())


def _identity(document: ReportDocument) -> Iterator[str]:
    yield f"{PROGRAM} {moment(document.created)} {moment(document_span(document)[1])}"
    for report in document.reports:
        yield f"{report.image.reference.text} {report.image.digest}"
    for error in document.errors:
        yield error.reference
