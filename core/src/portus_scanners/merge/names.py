"""Which vulnerabilities a finding is about: canonical ids, through the aliases of all findings.

1.  A finding counts for every CVE among its own names. Two CVEs are never one vulnerability, even if a scanner says so.
2.  A finding that names no CVE counts for those that others call by its id: if one scanner says that CVE-1 and CVE-2
    are both ``RHSA-9``, the ``RHSA-9`` of another counts for both.
3.  Else it counts for every CVE of the names that aliases connect with its id, over any number of steps. A CVE connects
    nothing: what two CVEs share (an advisory) does not make them one.
4.  Where there is no CVE, the connected names are one vulnerability, called by the best of them (`SCHEMES`); but two
    GitHub ids are two vulnerabilities there, as CVEs are.
5.  An alias without a digit (``N/A``) is kept as a name and connects nothing.

Findings that contradict each other are all believed: a finding counts for more, never for less. The answer is a
function of the set of statements; their order plays no part. The time is that of a union-find: nearly linear.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain, islice

from attrs import frozen

from ..models import Finding

Ids = tuple[str, ...]

MOST_IDS = 2_000
"""An advisory of more vulnerabilities is not taken apart: it stands under its own name."""
MOST_COPIES = 100_000
"""How many copies of findings and names that may make in all; where it would make more, `MOST_IDS` is halved. A finding
counts once for each 1,000 characters. A copy may be a vulnerability, which takes 10 KB."""
MOST_LISTED = 250_000
"""How many aliases all vulnerabilities of an image list together."""
LONGEST_SHARED = 256
"""Characters of a name that is listed by others than the findings that have it, where not all are listed."""
FEWEST_ALIASES = 8
"""As many names of a vulnerability are listed in any case."""
_WEIGHT_OF_NAME = 64
"""A name counts once for as many characters."""
SCHEMES = (
    *("CVE", "GHSA", "PYSEC", "GO", "RUSTSEC"),
    *("RHSA", "RHBA", "RHEA", "SUSE", "OPENSUSE", "DSA", "DLA", "USN", "ELSA", "ALSA", "RLSA", "ALAS"),
)
"""Prefixes of names, best first: those that name one vulnerability, then advisories, which may be about several."""
_PLACEHOLDER = "TEMP"
"""Debian's names for vulnerabilities that have no better one yet: the worst of all."""
_PREFIX = re.compile(rf"({'|'.join((*SCHEMES, _PLACEHOLDER))})[0-9]{{0,4}}[-:]", re.IGNORECASE | re.ASCII)
_RANKS = {scheme: rank for rank, scheme in enumerate(SCHEMES)} | {_PLACEHOLDER: len(SCHEMES) + 1}
_OTHER = len(SCHEMES)
_CVE = re.compile(r"CVE-", re.IGNORECASE | re.ASCII)
_GHSA = re.compile(r"GHSA-", re.IGNORECASE | re.ASCII)
_DIGIT = re.compile(r"[0-9]", re.ASCII)


@frozen
class FindingNames:
    """The names that one finding has, as they are compared, each once.

    Attributes:
        own: The backend's name.
        aliases: The other names.
    """

    own: str
    aliases: tuple[str, ...] = ()


def names_of(finding: Finding) -> FindingNames:
    """Return the names of a finding as they are compared."""
    own = plain_name(finding.id) or finding.id
    if not finding.aliases:
        return FindingNames(own)
    aliases = dict.fromkeys(map(plain_name, finding.aliases))
    return FindingNames(own, tuple(name for name in aliases if name and name != own))


def plain_name(name: str) -> str:
    """Return a name as it is compared: CVE and GHSA ids mean the same in any case, others do not."""
    name = name.strip()
    if _CVE.match(name):
        return name.upper()
    return f"GHSA{name[4:].lower()}" if _GHSA.match(name) else name


def is_cve(name: str) -> bool:
    """Return whether a plain name is a CVE id."""
    return name.startswith("CVE-")


def is_ghsa(name: str) -> bool:
    """Return whether a plain name is a GitHub id."""
    return name.startswith("GHSA-")


def is_telling(name: str) -> bool:
    """Return whether a name can tell one thing from others: ``N/A`` and ``none`` stand for anything."""
    return is_ghsa(name) or _DIGIT.search(name) is not None


def best_name(names: Iterable[str]) -> str:
    """Return the best of some plain names: by `SCHEMES`, then any other, then ``TEMP``; of equals, the first."""
    return min(names, key=_rank_and_name)


def _rank_and_name(name: str) -> tuple[int, str]:
    match = _PREFIX.match(name)
    return _RANKS[match[1].upper()] if match else _OTHER, name


class CanonicalIds:
    """The names of one image.

    Args:
        counts: The names of all findings, and how much the findings that have just these weigh.
    """

    def __init__(self, counts: Mapping[FindingNames, int]) -> None:
        self._graph = _Graph(counts)
        self._ids = {statement: self._ids_of(statement) for statement in counts}
        self._by_name = {name: self._graph.ids_of(name) for name in self._graph.names}
        copies = [(self._ids[one], counts[one] + len(_silent_names(one))) for one in counts]
        self._most = _choose_limit([*copies, *((ids, 1) for ids in self._by_name.values())])
        self._aliases = self._find_aliases()

    @property
    def not_taken_apart(self) -> int:
        """How many advisories are about more vulnerabilities than they may be copied to."""
        return sum(len(ids) > self._most for ids in self._ids.values())

    def of(self, statement: FindingNames) -> Ids:
        """Return the canonical ids that a finding with these names is about, at least one, sorted."""
        ids = self._ids[statement]
        return ids if len(ids) <= self._most else (statement.own,)

    def aliases(self, canonical: str) -> Ids:
        """Return all other names of a vulnerability, sorted; none of them is another vulnerability's canonical id."""
        return self._aliases.get(canonical, ())

    def _ids_of(self, statement: FindingNames) -> Ids:
        names = (statement.own, *statement.aliases)
        cves = [name for name in names if is_cve(name)]
        if cves:
            return tuple(sorted(cves))
        ids = self._graph.ids_of(statement.own)
        own = filter(is_ghsa, names) if is_ghsa(ids[0]) else ()
        return tuple(sorted(own)) or ids

    def _find_aliases(self) -> Mapping[str, Ids]:
        found: dict[str, set[str]] = defaultdict(set)
        for name, ids in self._by_name.items():
            for canonical in ids if len(ids) <= self._most else ():
                found[canonical].add(name)
        for statement in self._ids:
            silent = _silent_names(statement)
            for canonical in self.of(statement) if silent else ():
                found[canonical].update(silent)
        return {canonical: tuple(sorted(names - {canonical})) for canonical, names in found.items()}


class _Graph:
    """What aliases connect: names other than CVEs, by union-find, each with the CVEs that it is an alias of."""

    def __init__(self, statements: Iterable[FindingNames]) -> None:
        self._parents: dict[str, str] = {}
        self._direct: dict[str, set[str]] = defaultdict(set)
        for statement in statements:
            self._add(statement)
        members: dict[str, list[str]] = defaultdict(list)
        for name in self._parents:
            members[self._root(name)].append(name)
        self._shared = {root: self._name_component(names) for root, names in members.items()}
        self._sorted = {name: tuple(sorted(cves)) for name, cves in self._direct.items()}

    @property
    def names(self) -> Iterable[str]:
        """All names other than CVEs."""
        return self._parents

    def ids_of(self, name: str) -> Ids:
        """Return the ids that a name other than a CVE stands for; without any CVE, a GitHub id stands for itself."""
        if direct := self._sorted.get(name):
            return direct
        shared = self._shared[self._root(name)]
        return (name,) if is_ghsa(name) and is_ghsa(shared[0]) else shared

    def _add(self, statement: FindingNames) -> None:
        own = statement.own
        telling = [name for name in statement.aliases if is_cve(name) or is_telling(name)]
        if is_cve(own):
            for name in telling:
                if not is_cve(name):
                    self._parents.setdefault(name, name)
                    self._direct[name].add(own)
            return
        self._parents.setdefault(own, own)
        for name in telling:
            if is_cve(name):
                self._direct[own].add(name)
            else:
                self._unite(own, name)

    def _unite(self, one: str, other: str) -> None:
        self._parents.setdefault(other, other)
        first, second = sorted((self._root(one), self._root(other)))
        self._parents[second] = first

    def _root(self, name: str) -> str:
        parents = self._parents
        while parents[name] != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    def _name_component(self, names: Iterable[str]) -> Ids:
        """Return the canonical ids of connected names."""
        cves = {cve for name in names for cve in self._direct.get(name, ())}
        return tuple(sorted(cves or set(filter(is_ghsa, names)))) or (best_name(names),)


def _silent_names(statement: FindingNames) -> list[str]:
    return [name for name in statement.aliases if not is_telling(name)]


def _choose_limit(copies: Iterable[tuple[Ids, int]]) -> int:
    """Return how many ids a name may stand for: `MOST_IDS`, or fewer where hostile input would make too many copies."""
    several = [(len(ids), count * len(ids)) for ids, count in copies if len(ids) > 1]
    most = MOST_IDS
    while sum(total for length, total in several if length <= most) > MOST_COPIES:
        most //= 2
    return most


class AliasLists:
    """The other names that each vulnerability lists: all of them, or as many as `MOST_LISTED` of all together let it.

    One name may stand for a vulnerability in thousands of packages, and each of these has it under thousands of names.

    Args:
        ids: The names of the image.
        counts: For each canonical id, in how many packages it is.
    """

    def __init__(self, ids: CanonicalIds, counts: Mapping[str, int]) -> None:
        self._all = {canonical: ids.aliases(canonical) for canonical in counts}
        self._shared = self._all
        self.most = max(map(len, self._all.values()), default=0)
        if self._weigh(counts) > MOST_LISTED:
            self._shared = {
                canonical: tuple(name for name in names if len(name) <= LONGEST_SHARED)
                for canonical, names in self._all.items()
            }
        while self.most > FEWEST_ALIASES and self._weigh(counts) > MOST_LISTED:
            self.most = max(FEWEST_ALIASES, self.most // 2)
        cut = [one for one, names in self._all.items() if len(names) > min(len(self._shared[one]), self.most)]
        self._known = {one: frozenset(self._all[one]) for one in cut}
        self._best = {one: sorted(self._shared[one], key=_rank_and_name)[: self.most] for one in self._known}

    @property
    def cut(self) -> frozenset[str]:
        """The canonical ids that have more names than are listed."""
        return frozenset(self._known)

    def of(self, canonical: str, findings: Iterable[Finding]) -> Ids:
        """Return the names to list, sorted: what scanners call it, then what else they say of it, then the best others.

        Args:
            canonical: The id of the vulnerability.
            findings: Those that mean it, in one package.
        """
        known = self._known.get(canonical)
        if known is None:
            return self._all[canonical]
        stated = list(dict.fromkeys(map(names_of, findings)))
        own = (names.own for names in stated if names.own in known)
        more = sorted({name for names in stated for name in names.aliases if name in known}, key=_rank_and_name)
        return tuple(sorted({*own, *islice(chain(more, self._best[canonical]), self.most)}))

    def _weigh(self, counts: Mapping[str, int]) -> float:
        """Return how many names are listed in all, long ones counting for several."""
        return sum(count * self._weigh_names(self._shared[canonical]) for canonical, count in counts.items())

    def _weigh_names(self, names: Ids) -> float:
        weight = sum(1 + len(name) // _WEIGHT_OF_NAME for name in names)
        return weight * min(1.0, self.most / len(names)) if names else 0.0
