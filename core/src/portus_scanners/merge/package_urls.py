"""Package URLs, read so that those of one package are equal.

Two of them are of one package if type, namespace, name and version are the same; an epoch may stand in a qualifier.
Namespaces of distributions, and what an ecosystem spells in several ways, are read as ``ecosystems`` says.

Source: purl-spec, "Package-URL specification" and "PURL-TYPES".
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

from attrs import frozen

from .ecosystems import (
    PACKAGE_TYPES,
    canonical_name,
    canonical_namespace,
    canonical_version,
    kind_of,
    type_of,
    vendor_of,
)

_LONGEST = 2048
_TYPE = r"(?a)[a-z][a-z0-9.+-]*"
_HAVE_EPOCHS = frozenset({"deb", "rpm"})
_IN_LOWER_CASE = frozenset(
    {"alpm", "apk", "bitbucket", "composer", "github", "gitlab", "hex", "luarocks", "npm", "oci"}
)


@frozen
class PackageUrl:
    """A package URL, split into its parts; parts that can be spelled in several ways are in one of them.

    Attributes:
        type: The type: ``deb``, ``pypi``.
        namespace: The namespace: ``debian``, ``org.apache.logging.log4j``, ``@scope``; empty for none.
        name: The name.
        version: The version, with its epoch; empty for any.
        qualifiers: The qualifiers, sorted.
        subpath: The subpath; empty for none.
    """

    type: str
    namespace: str
    name: str
    version: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    subpath: str = ""

    @classmethod
    def parse(cls, text: str) -> PackageUrl:
        """Return the package URL.

        Raises:
            ValueError: *text* is not a valid package URL, or longer than 2,048 characters.
        """
        scheme, _, rest = text.partition(":")
        rest, _, subpath = rest.partition("#")
        rest, _, qualifiers = rest.partition("?")
        kind, _, path = rest.strip("/").partition("/")
        kind = type_of(kind)
        path, version = _split_version(kind, path.strip("/"))
        *namespace, name = map(unquote, path.split("/"))
        if len(text) > _LONGEST or scheme.lower() != "pkg" or not re.fullmatch(_TYPE, kind) or not name.strip():
            raise ValueError(f"{text[:80]!r} is not a package URL such as pkg:deb/debian/openssl")
        pairs = _read_qualifiers(qualifiers)
        return cls(
            kind,
            _plain_namespace(kind, "/".join(filter(None, namespace))),
            _plain_name(kind, name.strip()),
            _plain_version(kind, unquote(version).strip(), pairs),
            tuple(sorted(pairs.items())),
            "/".join(part for part in map(unquote, subpath.split("/")) if part not in {"", ".", ".."}),
        )

    @property
    def coordinates(self) -> tuple[str, str, str]:
        """What all versions of the package have in common; distributions of one vendor share its namespace."""
        is_system = self.type in PACKAGE_TYPES
        return self.type, vendor_of(self.namespace) if is_system else self.namespace, self.name

    @property
    def full_name(self) -> str:
        """The name as its own tools write it: ``@scope/name``, ``group:artifact``, ``libssl3``."""
        if self.type in PACKAGE_TYPES:
            return self.name
        if self.type == "golang":
            return "/".join(filter(None, (self.namespace, self.name, self.subpath)))
        return (":" if self.type == "maven" else "/").join(filter(None, (self.namespace, self.name)))

    @property
    def release(self) -> str:
        """The release of the distribution, in one word; the family alone, or empty, where it is not said."""
        distro = self.qualifier("distro")
        if self.type not in PACKAGE_TYPES or not (distro or self.namespace):
            return ""
        stated = kind_of(distro)
        return stated.name if stated.type else canonical_namespace(f"{self.namespace}:{distro}")

    def qualifier(self, key: str) -> str:
        """Return the value of a qualifier, empty when there is none."""
        return dict(self.qualifiers).get(key, "")


@lru_cache(maxsize=16384)
def read_purl(text: str) -> PackageUrl | None:
    """Return the package URL of a rule or a scanner; None for a string that is not a valid one."""
    try:
        return PackageUrl.parse(text)
    except ValueError:
        return None


def _split_version(kind: str, path: str) -> tuple[str, str]:
    """Return path and version; the first ``@`` may be that of a scope of npm, which some do not escape."""
    place = path.rfind("@")
    is_scope = place == 0 and kind == "npm"
    return (path, "") if place < 0 or is_scope else (path[:place], path[place + 1 :])


def _read_qualifiers(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split("&"))
    return {key.strip().lower(): unquote(value) for key, _, value in pairs if key.strip() and value}


def _plain_namespace(kind: str, namespace: str) -> str:
    if kind in PACKAGE_TYPES:
        return kind_of(namespace.lower()).name
    return namespace.lower() if kind in _IN_LOWER_CASE else namespace


def _plain_name(kind: str, name: str) -> str:
    return name.lower() if kind in _IN_LOWER_CASE else canonical_name(kind, name)


def _plain_version(kind: str, version: str, qualifiers: dict[str, str]) -> str:
    epoch = qualifiers.get("epoch", "")
    if kind in _HAVE_EPOCHS and version and epoch.isdecimal() and ":" not in version:
        version = f"{int(epoch)}:{version}"
    return version.lower() if kind == "oci" else canonical_version(kind, version)
