"""For which of an image's packages Clair has vulnerability data. No I/O.

A matcher that has data at all answers 200 with no vulnerability for whatever it has no data for. Which data it has, the
names of its updaters tell that have run (``update_operation``), and the vulnerabilities that it found. Clair matches a
package of a language by its repository (``pypi``), a package of Red Hat's by one of Red Hat's repositories, and any
other one by its distribution. What Clair recognises and has no updater for at all is never matched. All of Debian has
one updater, which brings the releases that are supported then: it does not tell which ones.

Source: quay/claircore 1.5.48, the methods ``Name`` of the updaters, ``Filter`` of the matchers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain

from attrs import field, frozen
from portus_scanners import Database
from portus_scanners.backends import one_line, read_time

from .wire import Distribution, Environment, Repository, UpdateOperations, VulnerabilityReport

REDHAT_KEYS = frozenset({"rhel-cpe-repository", "rhcc-container-repository"})
"""Keys of the repositories that Red Hat's data is about."""
ADVICE = "check that the updaters of this Clair have run"
_UNMATCHED = "unmatchable:"
"""The version of what Clair shows and never compares, because it shows the same thing once more."""
_UNNAMED = "packages without a distribution"
_MOST_NAMED = 5
_LONGEST_NAME = 80
_NOT_A_WORD = re.compile(r"[^a-z0-9.]+")
_DEBIAN = "debian/updater"
_REDHAT = ({"rhel-vex"}, {"rhel", "container"})


@frozen
class ClairData:
    """What Clair tells of its vulnerability data.

    Attributes:
        updaters: The names of the updaters that have brought some; None where Clair does not tell it.
        database: The newest update; None where there is none, or Clair does not tell it.
    """

    updaters: frozenset[str] | None
    database: Database | None = None

    @classmethod
    def of(cls, operations: UpdateOperations | None) -> ClairData:
        """Return what the last operation of each updater says; None stands for a Clair that does not show them."""
        if operations is None:
            return cls(None)
        known = {name: [one for one in some or () if one.ref] for name, some in operations.items()}
        found = [(read_time(one.date), one.ref) for some in known.values() for one in some]
        dated = [(date, ref) for date, ref in found if date is not None]
        newest = max(dated, default=None) or min(found, key=lambda one: one[1], default=None)
        database = Database(identity=newest[1], updated=newest[0]) if newest else None
        return cls(frozenset(name for name, some in known.items() if some), database)


def _frozensets(sets: Iterable[Iterable[str]]) -> tuple[frozenset[str], ...]:
    return tuple(map(frozenset, sets))


@frozen
class DataSource:
    """The data that Clair needs to say something of a package.

    Attributes:
        name: What the data is about: ``debian:12``, ``pypi``.
        updaters: Words that all occur in the name of an updater that brings it; one set for each name that updaters
            have had in Clair's releases. Empty if there is no such updater.
        vague: The same for updaters that may bring it or not.
    """

    name: str
    updaters: tuple[frozenset[str], ...] = field(default=(), converter=_frozensets)
    vague: tuple[frozenset[str], ...] = field(default=(), converter=_frozensets)

    def is_brought_by(self, updaters: Iterable[frozenset[str]] | None) -> bool | None:
        """Return whether one of these updaters brings it, each given by `words_of` its name; None if nobody knows."""
        if updaters is None:
            return None if self.updaters or self.vague else False
        if any(wanted <= words for words in updaters for wanted in self.updaters):
            return True
        return None if any(wanted <= words for words in updaters for wanted in self.vague) else False


def words_of(updater: str) -> frozenset[str]:
    """Return the words in an updater's name, and the name itself, in lower case."""
    name = updater.casefold()
    return frozenset({name, *_NOT_A_WORD.split(name)} - {""})


def namespace_of(one: Distribution) -> str:
    """Return a distribution and its release in one word: ``debian:12``."""
    return f"{one.did}:{one.version_id or one.version}"


def source_of_distribution(one: Distribution) -> DataSource:
    """Return what Clair needs for the packages of a release; Red Hat's it knows by their repositories alone."""
    did, release, name = one.did.casefold(), (one.version_id or one.version).casefold(), namespace_of(one)
    match did:
        case "rhel":
            return DataSource(f"{name} (of unknown repositories)")
        case "debian":
            return DataSource(name, ({did, one.version_code_name},), vague=({_DEBIAN},))
        case "ubuntu":
            return DataSource(name, ({did, one.version_code_name},))
        case "alpine":
            word = release if release == "edge" else f"v{release}"
            is_own = (one.name, one.pretty_name) == ("Alpine Linux", f"Alpine Linux {word}")  # as the image has them
            return DataSource(name, ({did, "main", word},) if is_own else ())
        case "amzn":
            word = "1" if release == "2018.03" else release
            return DataSource(name, ({"aws", f"al{word}"}, {"aws", f"linux{word}"}))
        case "ol":
            return DataSource(name, ({"oracle"},))
        case "photon":
            number = release.removesuffix(".0")
            return DataSource(name, ({did, f"photon{number}"}, {did, release}, {did, number}))
        case "sles" | "opensuse-leap":
            return DataSource(name, ({f"suse-updater-{one.pretty_name.casefold().replace(' ', '.')}"},))
    return DataSource(name, ({did},) if did else ())


@frozen
class UpdaterCoverage:
    """What is known of Clair's data for one image.

    Attributes:
        has_distribution: Whether Clair recognised a distribution.
        unseen: The distributions of which it saw no package.
        covered: What it has data for.
        uncovered: What it has none for.
        untold: What it does not tell it of.
    """

    has_distribution: bool
    unseen: tuple[str, ...]
    covered: tuple[str, ...]
    uncovered: tuple[str, ...]
    untold: tuple[str, ...]

    @classmethod
    def of(cls, report: VulnerabilityReport, updaters: Collection[str] | None) -> UpdaterCoverage:
        """Return what a report, and the names of the updaters that have run, tell; None where these are not known."""
        known = None if updaters is None else [words_of(name) for name in updaters]
        needs = _needed(report)
        proven = {
            one for key, some in (report.package_vulnerabilities or {}).items() if some for one in needs.get(key, ())
        }
        told = {one: one in proven or one.is_brought_by(known) for one in {*chain.from_iterable(needs.values())}}
        kinds: dict[bool | None, set[str]] = {True: set(), False: set(), None: set()}
        for sources in needs.values():
            answers = [told[one] for one in sources]
            kinds[True if True in answers else None if None in answers else False].add(sources[0].name)
        distributions = report.distributions or {}
        used = {one.distribution_id for some in (report.environments or {}).values() for one in some or ()}
        return cls(
            has_distribution=any(one.did for one in distributions.values()),
            unseen=_sorted(namespace_of(one) for key, one in distributions.items() if one.did and key not in used),
            covered=_sorted(kinds[True]),
            uncovered=_sorted(kinds[False]),
            untold=_sorted(kinds[None]),
        )

    @property
    def notes(self) -> Iterator[str]:
        """Why the report is not complete, in one sentence each."""
        if self.uncovered:
            yield f"{no_data_for(self.uncovered)}: these packages were not checked"
        if self.untold:
            yield f"Clair does not tell whether it has vulnerability data for {_name_some(self.untold)}"
        if self.unseen:
            yield f"Clair saw no package of {_name_some(self.unseen)}"
        if not self.has_distribution:
            yield "Clair recognised no distribution: if the image has one, its packages were not checked"


def no_data_for(names: Iterable[str]) -> str:
    """Return the beginning of a sentence about what Clair has no data for."""
    return f"Clair has no vulnerability data for {_name_some(names)}"


def _needed(report: VulnerabilityReport) -> Mapping[str, tuple[DataSource, ...]]:
    """Return the sources of which one is enough, for each package by its id."""
    environments, repositories = report.environments or {}, report.repository or {}
    distributions, needs = report.distributions or {}, dict[str, tuple[DataSource, ...]]()
    for key, package in (report.packages or {}).items():
        if not (package.normalized_version or "").startswith(_UNMATCHED):
            sources = {_source_of(one, repositories, distributions): None for one in environments.get(key) or ()}
            needs[key] = tuple(one for one in sources if one.name != _UNNAMED) or (DataSource(_UNNAMED),)
    return needs


def _source_of(
    one: Environment, repositories: Mapping[str, Repository], distributions: Mapping[str, Distribution]
) -> DataSource:
    found = [repositories[key] for key in one.repository_ids or () if key in repositories]
    distribution = distributions.get(one.distribution_id)
    if any(repository.key in REDHAT_KEYS for repository in found):
        name = namespace_of(distribution) if distribution else "Red Hat's containers"
        major = (distribution.version_id or distribution.version).partition(".")[0] if distribution else ""
        return DataSource(name, (*_REDHAT, {f"rhel{major}"}))
    if found:
        return DataSource(found[0].name, ({found[0].name.casefold()},))
    return source_of_distribution(distribution) if distribution else DataSource(_UNNAMED)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _name_some(names: Iterable[str]) -> str:
    """Return names for a message: sorted, each one short, no more than five of them."""
    shown = sorted(one_line(name, _LONGEST_NAME) for name in names)
    return ", ".join(shown[:_MOST_NAMED]) + (f" and {len(shown) - _MOST_NAMED} more" if shown[_MOST_NAMED:] else "")
