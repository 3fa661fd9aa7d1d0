"""Makes OSV.dev's queries of packages. No I/O.

OSV.dev ignores ``arch`` and ``distro`` in a package URL: for a distribution's package it would find nothing, or what
other releases have. So these are queried by ecosystem and name of the source package, as in OSV's records.

Sources: OSV schema, "Defined ecosystems"; google/osv.dev issues 1321 and 3126.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen
from packageurl import PackageURL
from portus_scanners import Package

from .sbom import SbomPackage

_BY_PURL: Mapping[str, str] = {
    "cargo": "crates.io",
    "composer": "Packagist",
    "conan": "ConanCenter",
    "cran": "CRAN",
    "gem": "RubyGems",
    "golang": "Go",
    "hackage": "Hackage",
    "hex": "Hex",
    "maven": "Maven",
    "npm": "npm",
    "nuget": "NuGet",
    "pub": "Pub",
    "pypi": "PyPI",
    "swift": "SwiftURL",
}
"""Types of package URLs that OSV.dev accepts unchanged, and what it calls their ecosystems."""
LANGUAGES = frozenset(_BY_PURL.values())
"""OSV's ecosystems that have no releases."""
DISTRIBUTIONS = frozenset({"Debian", "Ubuntu", "Alpine", "Wolfi", "Chainguard"})
"""OSV's ecosystems that are asked about by source package."""
_RELEASE = re.compile(r"(?:[a-z]+-)?(\d{1,4})(?:\.(\d{1,4}))?(?:\.\d+)*", re.ASCII)
_REBUILT = re.compile(r"\+b\d+$", re.ASCII)


@frozen
class Query:
    """A query about one package, or about several of one source."""

    ecosystem: str
    """OSV's name of the ecosystem; for a query by package URL, the URL's type."""
    name: str
    version: str
    purl: str = ""

    @property
    def osv_ecosystem(self) -> str:
        """OSV's name of the ecosystem, with its release: ``Debian:12``, ``PyPI``."""
        return _BY_PURL[self.ecosystem] if self.purl else self.ecosystem

    @property
    def body(self) -> dict[str, Any]:
        """The query as JSON."""
        if self.purl:
            return {"package": {"purl": self.purl}}
        return {"package": {"ecosystem": self.ecosystem, "name": self.name}, "version": self.version}


def make_query(package: SbomPackage) -> Query | None:
    """Return the query about a package; None if its kind or its version is unknown to OSV.dev."""
    purl = package.purl
    if not purl.version:
        return None
    if purl.type in _BY_PURL:
        # Go's records have versions without the letter v that Go itself writes
        version = purl.version.removeprefix("v") if purl.type == "golang" else purl.version
        plain = PackageURL(purl.type, purl.namespace, purl.name, version)
        return Query(purl.type, full_name(purl), version, plain.to_string())
    name_ecosystem = _DISTRIBUTIONS.get((purl.type, purl.namespace or ""))
    ecosystem = name_ecosystem(_qualifiers(purl).get("distro", "")) if name_ecosystem else ""
    return Query(ecosystem, find_source(package) or purl.name, _version(purl)) if ecosystem else None


def package_of(package: SbomPackage, query: Query) -> Package:
    """Return a package as a finding names it."""
    return Package(full_name(package.purl), package.purl.version or "", query.ecosystem)


def full_name(purl: PackageURL) -> str:
    """Return a package's name in the form of its own tools: ``@scope/name``, ``group:artifact``, ``libssl3``."""
    if not purl.namespace or purl.type in {"deb", "apk", "rpm"}:
        return purl.name
    return f"{purl.namespace}{':' if purl.type == 'maven' else '/'}{purl.name}"


def _qualifiers(purl: PackageURL) -> Mapping[str, str]:
    return purl.qualifiers if isinstance(purl.qualifiers, dict) else {}


def find_source(package: SbomPackage) -> str:
    """Return the source package in an SBOM; empty if there is none, as with Syft if both have the same name."""
    return package.source_name or _qualifiers(package.purl).get("upstream", "").partition("@")[0]


def _version(purl: PackageURL) -> str:
    """Return the version of the source package: with its epoch, without the number of a rebuild."""
    version, epoch = purl.version or "", _qualifiers(purl).get("epoch", "")
    version = f"{epoch}:{version}" if epoch and ":" not in version else version
    return _REBUILT.sub("", version)


def _release(distro: str) -> tuple[str, str]:
    """Return the first two numbers of ``debian-12.5``, ``alpine-3.19.1``, ``22.04``; empty if there are none."""
    match = _RELEASE.fullmatch(distro)
    return (match[1], match[2] or "") if match else ("", "")


def _debian(distro: str) -> str:
    major, _ = _release(distro)
    return major and f"Debian:{major}"


def _ubuntu(distro: str) -> str:
    year, month = _release(distro)
    supported = ":LTS" if month == "04" and int(year) % 2 == 0 else ""
    return f"Ubuntu:{year}.{month}{supported}" if month else ""


def _alpine(distro: str) -> str:
    major, minor = _release(distro)
    return f"Alpine:v{major}.{minor}" if minor else ""


_DISTRIBUTIONS: Mapping[tuple[str, str], Callable[[str], str]] = {
    ("deb", "debian"): _debian,
    ("deb", "ubuntu"): _ubuntu,
    ("apk", "alpine"): _alpine,
    ("apk", "wolfi"): lambda _: "Wolfi",
    ("apk", "chainguard"): lambda _: "Chainguard",
}
