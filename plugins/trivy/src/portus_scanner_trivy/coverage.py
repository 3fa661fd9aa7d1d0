"""For which of an image's packages Trivy's database has advisories. No I/O.

Trivy finds nothing, says nothing, and exits with 0 where its database has no advisories for a distribution's release or
for a language: a mirror's database may have a part of them. The names of the database's buckets are what it has them
for: ``debian 12``, ``npm::GitHub Security Advisory npm``. Of a server's database nobody tells them.

Sources: aquasecurity/trivy 0.67, ``pkg/detector/library/driver.go``, ``pkg/detector/ospkg``; aquasecurity/trivy-db,
``pkg/vulnsrc/bucket``, ``pkg/ecosystem``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set

from attrs import frozen
from portus_scanners.backends import one_line

from .findings import OS_PACKAGES
from .wire import OperatingSystem, Result

_DISTRIBUTIONS = {
    "amazon": "amazon linux",
    "azurelinux": "azure linux",
    "centos": "red hat",
    "opensuse-leap": "opensuse leap",
    "opensuse-tumbleweed": "opensuse tumbleweed",
    "oracle": "oracle linux",
    "photon": "photon os",
    "redhat": "red hat",
    "slem": "suse linux enterprise micro",
    "sles": "suse linux enterprise",
}
"""How the names of buckets begin, in lower case, where they do not begin as Trivy's name of the distribution."""
_WITHOUT_RELEASES = frozenset({"chainguard", "echo", "minimos", "opensuse tumbleweed", "red hat", "wolfi"})
_LANGUAGES: Mapping[str, Collection[str]] = {
    "cargo": ("rustbinary",),
    "composer": ("composer-vendor",),
    "erlang": ("hex",),
    "go": ("gobinary", "gomod"),
    "k8s": ("kubernetes",),
    "maven": ("jar", "pom", "gradle", "sbt"),
    "npm": ("node-pkg", "yarn", "pnpm", "bun", "javascript"),
    "nuget": ("dotnet-core", "packages-props"),
    "pip": ("pipenv", "poetry", "pylock", "python-pkg", "uv"),
    "rubygems": ("bundler", "gemspec"),
}
"""Trivy's types of packages by the ecosystem whose advisories serve them; other types have the ecosystem's own name."""
_ECOSYSTEM = {one: ecosystem for ecosystem, types in _LANGUAGES.items() for one in types}
_LISTED_ONLY = frozenset({"conda-environment", "conda-pkg", "julia"})
"""Types of packages that Trivy lists for an SBOM, and compares with no advisories; Julia's up to 0.67."""
_PARTS = {"alma": 1, "amazon": 1, "debian": 1, "oracle": 1, "rocky": 1, "alpine": 2, "azurelinux": 2, "cbl-mariner": 2}
"""How many parts of a release count: of Debian 12.5, one."""
_WHOLE = frozenset({"opensuse-leap", "photon", "slem", "sles"})
"""Distributions of whose releases all parts count."""
_LONGEST_NAME = 80


@frozen
class AdvisoryCoverage:
    """What is known of a database's advisories for one image.

    Attributes:
        uncovered: What it has none for, or is not known to have: a distribution's release, types of packages.
        is_missing: Whether that is all that Trivy has seen.
    """

    uncovered: tuple[str, ...]
    is_missing: bool

    @classmethod
    def of(
        cls, system: OperatingSystem | None, results: Iterable[Result], buckets: Set[str] | None
    ) -> AdvisoryCoverage:
        """Return what the names of a database's buckets tell.

        Args:
            system: The distribution, where one was recognised.
            results: What Trivy has seen; a vulnerability in one shows that there are advisories.
            buckets: The names; None where they are not known.
        """
        known = None if buckets is None else tuple(name.casefold() for name in buckets)
        seen = {_what(one, system): False for one in results}
        seen |= {_what(one, system): True for one in results if one.Vulnerabilities or _is_served(one, system, known)}
        uncovered = tuple(sorted(what for what, served in seen.items() if not served))
        return cls(uncovered, is_missing=bool(seen) and len(uncovered) == len(seen))

    @property
    def words(self) -> str:
        """What has no advisories, as the beginning of a sentence."""
        return f"Trivy has no advisories for {', '.join(self.uncovered)}"


def _what(one: Result, system: OperatingSystem | None) -> str:
    if one.Class == OS_PACKAGES and system is not None:
        return one_line(f"{system.Family} {system.Name or ''}".strip(), _LONGEST_NAME)
    return f"packages of the type {one_line(one.Type or 'none', _LONGEST_NAME)}"


def _is_served(one: Result, system: OperatingSystem | None, buckets: Collection[str] | None) -> bool:
    if buckets is None:
        return one.Type not in _LISTED_ONLY
    if one.Class == OS_PACKAGES:
        return system is None or _has_release(system, buckets)
    ecosystem = _ECOSYSTEM.get(one.Type or "", one.Type)
    return any(name.startswith(f"{ecosystem}::") for name in buckets)


def _has_release(system: OperatingSystem, buckets: Collection[str]) -> bool:
    family = (system.Family or "").casefold()
    start = _DISTRIBUTIONS.get(family, family)
    if start in _WITHOUT_RELEASES:
        return start in buckets
    return any(f"{start} {release}" in buckets for release in _releases(family, (system.Name or "").casefold()))


def _releases(family: str, name: str) -> Iterator[str]:
    """Yield what a bucket may call a release: ``12`` for ``12.5``, ``2`` for ``2 (Karoo)``."""
    number, _, preview = name.partition(" ")[0].partition("_")
    parts = number.split(".")
    if family == "amazon" and (number.startswith("201") or not number[:1].isdigit()):
        yield "1"  # whose releases have dates: 2018.03, AMI release 2018.03
    elif family in _PARTS:
        yield ".".join(parts[: _PARTS[family]])
    else:
        yield from (
            ".".join(parts[:count]) for count in range(len(parts), len(parts) - 1 if family in _WHOLE else 0, -1)
        )
    if family == "ubuntu":
        yield f"{number}-esm"
    if family == "alpine" and preview:
        yield "edge"  # 3.21.0_alpha20240606
