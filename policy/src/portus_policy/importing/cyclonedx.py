"""CycloneDX documents with an analysis of vulnerabilities (VEX), alone or with the components that they are about.

Source: CycloneDX 1.4 to 1.6, JSON: ``vulnerabilities[].analysis`` and ``affects``, ``metadata.component``, BOM-Link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from attrs import frozen
from portus_scanners.merge import read_purl

from ..suppressions import Says
from .imported import RuleCollector
from .vex import Names, VexCollector, members_of, parts_of, string_of

CYCLONEDX = "a CycloneDX document"

_STATES = {
    "not_affected": Says.HARMLESS,
    "false_positive": Says.HARMLESS,
    "resolved": Says.FIXED,
    "resolved_with_pedigree": Says.FIXED,
}
"""Anything else, and no state at all, may be harmful."""
_LINK = "urn:cdx:"


@frozen
class _Bom:
    """The components of a document, and what it describes."""

    serial: str
    subject: str
    """The reference of what the document describes; empty where it does not say."""
    has_subject: bool
    subject_names: Names
    components: Mapping[str, Names]
    """The names of each component by its reference; those that come twice are left out."""

    def component(self, reference: str) -> str:
        """Return the reference inside this document that a reference is; empty for one of another document."""
        if not reference.startswith(_LINK):
            return reference
        document, _, inside = reference.removeprefix(_LINK).partition("#")
        return unquote(inside) if self.serial and document.partition("/")[0] == self.serial else ""


def read_cyclonedx(document: Mapping[str, Any], collector: RuleCollector) -> None:
    """Collect what a document says of vulnerabilities."""
    metadata = members_of(document.get("metadata"))
    vex = VexCollector(collector, "", string_of(metadata.get("timestamp")))
    bom = _read_bom(document, metadata)
    for number, entry in enumerate(map(members_of, parts_of(document.get("vulnerabilities")))):
        _read_vulnerability(f"$.vulnerabilities[{number}]", entry, bom, vex)
    vex.finish()


def _read_bom(document: Mapping[str, Any], metadata: Mapping[str, Any]) -> _Bom:
    subject = members_of(metadata.get("component"))
    found: dict[str, list[Names]] = {}
    for component in _all_components([subject, *parts_of(document.get("components"))]):
        found.setdefault(string_of(component.get("bom-ref")), []).append(_names(component))
    return _Bom(
        serial=string_of(document.get("serialNumber")).removeprefix("urn:uuid:"),
        subject=string_of(subject.get("bom-ref")),
        has_subject=bool(subject),
        subject_names=_names(subject),
        components={reference: names[0] for reference, names in found.items() if reference and len(names) == 1},
    )


def _all_components(roots: list[Any]) -> Iterator[Mapping[str, Any]]:
    waiting = list(roots)
    while waiting:
        component = members_of(waiting.pop())
        yield component
        waiting.extend(parts_of(component.get("components")))


def _names(component: Mapping[str, Any]) -> Names:
    """Return what a component is called: its package URL with its version, or an image by its registry and name."""
    purl, version = string_of(component.get("purl")), string_of(component.get("version"))
    if purl:
        return (_with_version(purl, version),)
    name = string_of(component.get("name"))
    host, slash, _ = name.partition("/")
    if component.get("type") != "container" or not slash or not ("." in host or ":" in host):
        return ()
    if not version or "@" in name or ":" in name.rpartition("/")[2]:
        return (name,)
    return (f"{name}@{version}" if ":" in version else f"{name}:{version}",)


def _with_version(text: str, version: str) -> str:
    """Return a package URL with the version that its component states, where it has none itself."""
    purl = read_purl(text)
    if purl is None or purl.version or purl.qualifier("tag") or not version:
        return text
    place = min((at for at in (text.find("?"), text.find("#")) if at >= 0), default=len(text))
    return f"{text[:place]}@{quote(version, safe='')}{text[place:]}"


def _read_vulnerability(path: str, entry: Mapping[str, Any], bom: _Bom, vex: VexCollector) -> None:
    name = string_of(entry.get("id"))
    analysis = members_of(entry.get("analysis"))
    state = string_of(analysis.get("state"))
    says = _STATES.get(state, Says.HARMFUL)
    if says is Says.HARMFUL:
        vex.leave_out(path, name, f"it is {state.replace('_', ' ')}" if state else "nothing is said of it")
    words = (state, string_of(analysis.get("justification")), string_of(analysis.get("detail")))
    reason = ": ".join(filter(None, words))
    time = string_of(analysis.get("lastUpdated"))
    affected = parts_of(entry.get("affects"))
    if not name or not affected:
        vex.leave_out(path, name, "it names no component" if name else "it has no id")
        return
    for index, one in enumerate(map(members_of, affected)):
        place = f"{path}.affects[{index}]"
        reference = bom.component(string_of(one.get("ref")))
        why = _not_clear(one, reference, bom) if says is not Says.HARMFUL else ""
        if why:
            vex.leave_out(place, name, why)
            continue
        names = bom.components.get(reference, ())
        is_whole = not bom.has_subject or reference == bom.subject or reference not in bom.components
        product, part = (names or bom.subject_names, None) if is_whole else (bom.subject_names, names)
        vex.add(place, name, product, part, says, reason, time=time)


def _not_clear(affects: Mapping[str, Any], reference: str, bom: _Bom) -> str:
    """Return why what is harmless can't be told; empty where it can."""
    if not reference:
        return "its component is in another document"
    if reference not in bom.components:
        return "there is no component of that reference, or there are several"
    return "a rule can't say its versions" if parts_of(affects.get("versions")) else ""
