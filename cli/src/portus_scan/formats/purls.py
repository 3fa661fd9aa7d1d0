"""Package URLs: those that scanners give, and those that follow from a package for certain.

Source: purl-spec, the types ``npm``, ``pypi``, ``gem``, ``cargo``, ``nuget``, ``composer``, ``golang``, ``deb``,
``apk``, ``oci``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from portus_scanners import Image, Package, Reference, Vulnerability

from .foreign import LONGEST_NAME

if TYPE_CHECKING:
    from packageurl import PackageURL

_PLAIN = frozenset({"cargo", "gem", "nuget", "pypi"})
"""Ecosystems whose names have no parts."""
_PARTED = frozenset({"composer", "golang", "npm"})
"""Ecosystems whose names may be a namespace, a slash and a name."""
_DISTRIBUTIONS = {"debian": "deb", "ubuntu": "deb", "alpine": "apk"}
_RELEASE = re.compile(r"(debian|ubuntu|alpine):v?([0-9]+(?:\.[0-9]+)*)", re.ASCII)
_PLAIN_TEXT = re.compile(r"[!-~]+", re.ASCII)


def purl_of(package: Package, found: Vulnerability) -> PackageURL | None:
    """Return the package URL of one of the packages that findings name.

    Returns:
        What a scanner gives for this name and version; else what follows for certain; else None. A distribution's
        package is certain only where a scanner says what it was built from: many scanners name the source package, and
        that has another package URL.
    """
    for text in found.purls:
        purl = read_purl(text)
        if purl is not None and package.name in _names(purl) and package.version == (purl.version or ""):
            return purl
    return _derive(package, found)


def read_purl(text: str) -> PackageURL | None:
    """Return the package URL that a scanner gives; None for what is none, too long, or hostile."""
    from packageurl import PackageURL

    if len(text) > 2 * LONGEST_NAME or not _PLAIN_TEXT.fullmatch(text):
        return None
    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None


def image_purl(image: Image) -> PackageURL | None:
    """Return ``pkg:oci/...``, by the digest of this platform's manifest; None for a local image."""
    from packageurl import PackageURL

    reference = image.reference
    if not isinstance(reference, Reference):
        return None
    where = {"repository_url": f"{reference.registry}/{reference.repository}"}
    return PackageURL("oci", None, reference.repository.rpartition("/")[2], image.digest, where)


def _names(purl: PackageURL) -> set[str]:
    names = {purl.name}
    if purl.namespace:
        names |= {f"{purl.namespace}/{purl.name}", f"{purl.namespace}:{purl.name}"}
    return names


def _derive(package: Package, found: Vulnerability) -> PackageURL | None:
    from packageurl import PackageURL

    if not _PLAIN_TEXT.fullmatch(package.name) or not _PLAIN_TEXT.fullmatch(package.version):
        return None
    if package.namespace in _PLAIN:
        return PackageURL(package.namespace, None, package.name, package.version)
    if package.namespace in _PARTED:
        namespace, _, name = package.name.rpartition("/")
        return PackageURL(package.namespace, namespace or None, name, package.version) if name else None
    release = _RELEASE.fullmatch(package.namespace)
    if release is None or not _is_binary(package, found):
        return None
    where = {"distro": f"{release[1]}-{release[2]}"}
    return PackageURL(_DISTRIBUTIONS[release[1]], release[1], package.name, package.version, where)


def _is_binary(package: Package, found: Vulnerability) -> bool:
    sources = {source.name for source in found.source_packages}
    return bool(sources) and package.name not in sources and found.packages == (package,)
