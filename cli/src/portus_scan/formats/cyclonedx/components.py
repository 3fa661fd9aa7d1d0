"""Images and their packages as components."""

from __future__ import annotations

from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.vulnerability import BomTarget, BomTargetVersionRange
from portus_scanners import ImageReport, Package, UnresolvedImage, Vulnerability

from ..doubts import UNRESOLVED, doubt_of, notes_of, scanner_name, verdict_of
from ..facts import moment
from ..foreign import message, name
from ..purls import image_purl, purl_of
from .properties import Facts, properties


def image_component(report: ImageReport, ref: str) -> Component:
    """Return the image, with its verdict and how each scanner ended as properties."""
    image = report.image
    return Component(
        type=ComponentType.CONTAINER,
        name=name(image.reference.text),
        version=name(image.digest),
        purl=image_purl(image),
        bom_ref=ref,
        properties=properties(_image_facts(report)),
    )


def unresolved_component(error: UnresolvedImage, ref: str) -> Component:
    """Return an image that could not be scanned."""
    facts = [("verdict", "unknown"), ("outcome", UNRESOLVED), ("error", doubt_of(error).message)]
    title = name(error.reference) or "image"
    return Component(type=ComponentType.CONTAINER, name=title, bom_ref=ref, properties=properties(facts))


class PackageComponents:
    """The packages of one image that have vulnerabilities, each once."""

    def __init__(self, image_ref: str) -> None:
        self._image_ref = image_ref
        self._found: dict[tuple[Package, str], Component] = {}

    @property
    def components(self) -> list[Component]:
        """The packages so far."""
        return list(self._found.values())

    def targets_of(self, found: Vulnerability) -> list[BomTarget]:
        """Return what a vulnerability affects: its packages, or the image where none has a name."""
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


def _image_facts(report: ImageReport) -> Facts:
    yield "verdict", verdict_of(report).value
    yield "platform", name(str(report.image.platform or ""))
    for run in report.results:
        scanner = scanner_name(run)
        yield f"outcome:{scanner}", run.outcome.value
        yield f"error:{scanner}", message(run.error or "")
        yield from ((f"note:{scanner}", note) for note in notes_of(run))
        if run.report:
            yield f"version:{scanner}", name(run.report.scanner_version)
            yield f"database:{scanner}", name(run.report.database_version)
            yield f"database-updated:{scanner}", moment(run.report.database_updated) or ""
