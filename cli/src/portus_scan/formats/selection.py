"""Which vulnerabilities people are shown, and how those of one package are put together. Pure functions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from attrs import frozen
from portus_scanners import Package, Severity, Vulnerability


@frozen(kw_only=True)
class Selection:
    """The vulnerabilities of an image, each in one place, in their order."""

    shown: tuple[Vulnerability, ...]
    suppressed: tuple[Vulnerability, ...]
    below: tuple[Vulnerability, ...]
    """Of a lower severity than is wanted, suppressed or not."""


def select(vulnerabilities: Iterable[Vulnerability], min_severity: Severity) -> Selection:
    """Return what is to be shown, and what is not and why."""
    shown: list[Vulnerability] = []
    suppressed: list[Vulnerability] = []
    below: list[Vulnerability] = []
    for one in vulnerabilities:
        place = below if one.severity < min_severity else shown if one.suppressed is None else suppressed
        place.append(one)
    return Selection(shown=tuple(shown), suppressed=tuple(suppressed), below=tuple(below))


@frozen(kw_only=True)
class PackageGroup:
    """The vulnerabilities of one package."""

    package: Package
    name: str
    """As it is shown."""
    vulnerabilities: tuple[Vulnerability, ...]
    """Highest severity first."""

    @property
    def worst(self) -> Vulnerability:
        """The one of the highest severity."""
        return self.vulnerabilities[0]

    @property
    def fixable(self) -> int:
        """How many have a known fix."""
        return sum(bool(one.fixed_by) for one in self.vulnerabilities)

    @property
    def highest_fix(self) -> str:
        """The version with the highest number of those that fix some of them; empty where there is none."""
        return max((version for one in self.vulnerabilities for version in one.fixed_by), key=_natural, default="")


def group_by_package(vulnerabilities: Iterable[Vulnerability]) -> list[PackageGroup]:
    """Return the packages, the worst first: by the highest severity, then by number, then by name."""
    found: dict[Package, list[Vulnerability]] = defaultdict(list)
    for one in vulnerabilities:
        found[one.package].append(one)
    groups = [_make_group(package, members) for package, members in found.items()]
    return sorted(groups, key=lambda group: (_rank(group), group.package.name, group.package.version, group.name))


def package_name(vulnerabilities: Iterable[Vulnerability]) -> str:
    """Return the package of these: ``libssl3, openssl-bin (openssl)`` where it has other names than its source."""
    names, sources = set(), set()
    for one in vulnerabilities:
        sources |= {one.package.name, *(package.name for package in one.source_packages)}
        names |= {package.name for package in one.packages} or {one.package.name}
    binaries, shared = sorted(names - sources), sorted(sources - {""})
    if not binaries:
        return few(sorted(names), 2)
    return few(binaries, 2) + (f" ({few(shared, 1)})" if shared else "")


def few(texts: Iterable[str], most: int) -> str:
    """Return the first of some texts, and how many more there are: ``1.2, 1.3 +4``."""
    texts = tuple(texts)
    more = f" +{len(texts) - most}" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _make_group(package: Package, members: list[Vulnerability]) -> PackageGroup:
    ordered = sorted(members, key=lambda one: one.severity, reverse=True)  # stable: else as in the report
    return PackageGroup(package=package, name=package_name(ordered), vulnerabilities=tuple(ordered))


def _rank(group: PackageGroup) -> tuple[int, int]:
    return -list(Severity).index(group.worst.severity), -len(group.vulnerabilities)


def _natural(version: str) -> list[tuple[int, str]]:
    """Return a key by which ``1.10`` comes after ``1.9``; it does not claim to know any ecosystem's own order."""
    return list(_parts(version))


def _parts(version: str) -> Iterator[tuple[int, str]]:
    for number, word in re.findall(r"(\d{1,18})|(\D+)", version, re.ASCII):
        yield (int(number), "") if number else (-1, word)
