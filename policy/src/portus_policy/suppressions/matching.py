"""Whether a rule fits a vulnerability. Where that can't be known it does not, and the reason is given.

A rule that fits but for one thing does not fit either, and is told what that is: a suppression that silently misses is
written again and again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from fnmatch import fnmatchcase

from portus_images import Image, one_line
from portus_scanners.merge import PackageUrl, canonical_name, kind_of, read_purl
from portus_scanners.models import Package, Vulnerability

from .image_patterns import ImagePattern
from .rules import Suppression
from .versions import Ecosystem, UnknownVersionError, of_namespace, of_purl, read_range

_CVE = "cve-"
_ANY: tuple[str, ...] = ()
_LONGEST_PURL = 120
_SHORT_DIGEST = 19


class DoubtfulMatchError(Exception):
    """A rule fits except for something that can't be known; the message says what."""


class NearMissError(Exception):
    """A rule does not fit, though part of what it names does; the message says what is otherwise."""


def fits_image(rule: Suppression, image: Image) -> bool:
    """Return whether the rule is about this image, or about all."""
    return not rule.image or ImagePattern.parse(rule.image).fits(image)


def fits(rule: Suppression, vulnerability: Vulnerability) -> bool:
    """Return whether everything that the rule names, except the image, fits.

    Raises:
        DoubtfulMatchError: It fits as far as can be known.
        NearMissError: It does not, though its id or its package does.
    """
    if rule.unmatchable or (rule.ids and not _names_of(vulnerability) & {name.casefold() for name in rule.ids}):
        return False
    if rule.package and not any(_fits_name(rule.package, package) for package in _packages(vulnerability)):
        return _miss(rule, vulnerability, f"not in {one_line(rule.package, 60)}")
    if rule.purls and not _fits_purls(rule, vulnerability):
        return False
    if rule.exact:
        _check_names(rule, vulnerability)
    if rule.ids and not _means_all(rule, vulnerability):
        raise DoubtfulMatchError(f"{_what(vulnerability)} stands for several vulnerabilities: name them all")
    if rule.versions and not _all_in_range(rule, vulnerability):
        versions = ", ".join(one_line(version, 40) for version in _versions(vulnerability))
        raise NearMissError(f"{_what(vulnerability)}: version {one_line(versions, 80)}")
    if rule.scanner and rule.scanner not in vulnerability.scanners:
        found_by = one_line(", ".join(vulnerability.scanners), 60)
        raise NearMissError(f"{_what(vulnerability)} was found by {found_by or 'nobody who says so'}")
    if rule.scanner and set(vulnerability.scanners) != {rule.scanner}:
        others = ", ".join(name for name in vulnerability.scanners if name != rule.scanner)
        raise DoubtfulMatchError(f"{_what(vulnerability)} was found by {one_line(others, 60)} as well")
    return True


def _check_names(rule: Suppression, vulnerability: Vulnerability) -> None:
    """Raise a `NearMissError` unless an exact rule names each finding's own id, and the package's own name."""
    ids = [rating.id for rating in vulnerability.ratings] or [vulnerability.id]
    if rule.ids and (others := sorted(set(ids) - set(rule.ids))):
        raise NearMissError(f"{_what(vulnerability)} is {one_line(', '.join(others), 80)} to some scanner")
    if rule.package or rule.purls:
        packages = vulnerability.packages or (vulnerability.package,)
        if other := next((one for one in packages if not _has_name(rule, one)), None):
            raise NearMissError(
                f"{_what(vulnerability)} is in {one_line(other.name, 60) or 'a package without a name'}"
            )


def _has_name(rule: Suppression, package: Package) -> bool:
    if rule.package and not fnmatchcase(package.name, rule.package.replace("[", "[[]")):
        return False
    named = {_fold(purl.name) for text in rule.purls if (purl := read_purl(text))}
    return not named or _fold(_last_part(package.name)) in named


def describe_other_image(rule: Suppression, vulnerability: Vulnerability, image: Image) -> str:
    """Return what a rule about other images fits here otherwise; empty for nothing."""
    try:
        is_near = fits(rule, vulnerability)
    except (DoubtfulMatchError, NearMissError):
        return ""
    digest = f" with {image.digest[:_SHORT_DIGEST]}" if "@" in rule.image else ""
    return f"{_what(vulnerability)} is in {one_line(str(image.reference), 100)}{digest}" if is_near else ""


def _miss(rule: Suppression, vulnerability: Vulnerability, why: str) -> bool:
    """Say what is otherwise if the id fits; of a rule without one nothing does."""
    if rule.ids:
        raise NearMissError(f"{_what(vulnerability)}, {why}")
    return False


class RuleIndex:
    """Rules by what they name first: thousands of rules times thousands of vulnerabilities are too many to compare.

    Args:
        rules: In the order in which they count.
    """

    def __init__(self, rules: Iterable[Suppression]) -> None:
        self._rules: dict[Hashable, list[tuple[int, Suppression]]] = defaultdict(list)
        rules = tuple(rules)
        for number, rule in enumerate(rules):
            for key in dict.fromkeys(_keys_of_rule(rule)):
                self._rules[key].append((number, rule))
        self._reads_purls = any(rule.purls for rule in rules)

    def candidates(self, vulnerability: Vulnerability) -> list[tuple[int, Suppression]]:
        """Return the rules that may fit, with their numbers, in their order."""
        found = {number: rule for key in self._keys_of(vulnerability) for number, rule in self._rules.get(key, ())}
        return sorted(found.items())

    def _keys_of(self, vulnerability: Vulnerability) -> Iterator[Hashable]:
        yield _ANY
        yield from (("id", name) for name in _names_of(vulnerability))
        for name in _package_names(vulnerability):
            yield "package", _fold(name)
            yield "purl", _fold(_last_part(name))
        if self._reads_purls:
            yield from (("purl", _fold(purl.name)) for text in vulnerability.purls if (purl := read_purl(text)))


def _keys_of_rule(rule: Suppression) -> Iterator[Hashable]:
    if rule.ids:
        yield from (("id", name.casefold()) for name in rule.ids)
    elif rule.package and not set(rule.package) & {"*", "?"}:
        yield "package", _fold(rule.package)
    elif rule.purls:
        # by the name alone: a vulnerability without package URLs is compared as well, to say why the rule does not fit
        yield from (("purl", _fold(purl.name)) for text in rule.purls if (purl := read_purl(text)))
    elif rule.package:
        yield _ANY


def _fold(name: str) -> str:
    """Return what all spellings of a name have in common in any ecosystem: those of PyPI are the most tolerant."""
    return canonical_name("pypi", name)


def _last_part(name: str) -> str:
    """Return the name in a package URL: ``a`` for ``group:a`` and ``@scope/a``."""
    return name.rpartition(":")[2].rpartition("/")[2]


def _names_of(vulnerability: Vulnerability) -> set[str]:
    """Return all its ids and aliases, in lower case."""
    by_scanner = (rating.id for rating in vulnerability.ratings if rating.id)
    return {name.casefold() for name in (vulnerability.id, *vulnerability.aliases, *by_scanner)}


def _package_names(vulnerability: Vulnerability) -> set[str]:
    """Return the names of its packages, and of what they were built from."""
    return {package.name for package in _packages(vulnerability) if package.name}


def _packages(vulnerability: Vulnerability) -> tuple[Package, ...]:
    return vulnerability.package, *vulnerability.packages, *vulnerability.source_packages


def _means_all(rule: Suppression, vulnerability: Vulnerability) -> bool:
    """Return whether the rule names an advisory itself, or all the vulnerabilities that it is about.

    An advisory has the ids of all its vulnerabilities as aliases, and may be shown by one of these: to accept one is
    not to accept the others.
    """
    named = {name.casefold() for name in rule.ids}
    many = {name for name in _names_of(vulnerability) if name.startswith(_CVE)}
    itself = vulnerability.id.casefold()
    return len(many) <= 1 or many <= named or (itself in named and itself not in many)


def _fits_name(pattern: str, package: Package) -> bool:
    kind = kind_of(package.namespace).type
    spellings = ((pattern, package.name), (canonical_name(kind, pattern), canonical_name(kind, package.name)))
    return any(name and fnmatchcase(name, one.replace("[", "[[]")) for one, name in spellings)


def _fits_purls(rule: Suppression, vulnerability: Vulnerability) -> bool:
    named = [purl for text in rule.purls if (purl := read_purl(text))]
    found = [(text, read_purl(text)) for text in vulnerability.purls]
    covered = [purl is not None and any(_covers(one, purl, exact=rule.exact) for one in named) for _, purl in found]
    if found and all(covered):
        return True
    if any(covered):
        raise DoubtfulMatchError(f"{_what(vulnerability)} is in other packages as well")
    for text, purl in found:
        _check_near(rule, vulnerability, named, text, purl)
    names = {_fold(_last_part(name)) for name in _package_names(vulnerability)}
    if not found and names & {_fold(purl.name) for purl in named}:
        raise DoubtfulMatchError(f"no scanner gives the package URL of {_what(vulnerability)}")
    return False


def _covers(one: PackageUrl, other: PackageUrl, *, exact: bool) -> bool:
    is_named = one.coordinates == other.coordinates and not difference(one, other)
    return is_named and (not exact or set(one.qualifiers) <= set(other.qualifiers))


def difference(one: PackageUrl, other: PackageUrl) -> str:
    """Return in words what one package URL names and another of its coordinates does not have; empty for nothing.

    Version, release of the distribution, architecture and subpath count where *one* has them; other qualifiers say
    nothing of which package it is.
    """
    return next(_differences(one, other), "")


def _differences(one: PackageUrl, other: PackageUrl) -> Iterator[str]:
    if one.version and one.version != other.version:
        yield f"version {other.version or 'not said'}, not {one.version}"
    mine, theirs = one.release, other.release
    if mine != one.coordinates[1] and theirs != mine and not theirs.startswith(f"{mine}:"):
        has = other.qualifier("distro") or theirs or "not said"
        yield f"distro {has}, not {one.qualifier('distro') or mine}"
    arch, theirs = one.qualifier("arch"), other.qualifier("arch")
    if arch and arch != theirs:
        yield f"arch {theirs or 'not said'}, not {arch}"
    if one.subpath and one.subpath != other.subpath:
        yield f"subpath {other.subpath or 'not said'}, not {one.subpath}"


def _check_near(
    rule: Suppression, vulnerability: Vulnerability, named: list[PackageUrl], text: str, purl: PackageUrl | None
) -> None:
    """Raise a `NearMissError` if a package URL is nearly one that the rule names, or the id is."""
    differences = (difference(one, purl) for one in named if purl and one.coordinates == purl.coordinates)
    if words := next(differences, ""):
        raise NearMissError(f"{_what(vulnerability)}: {one_line(words, _LONGEST_PURL)}")
    if rule.ids or (purl and any(_fold(one.name) == _fold(purl.name) for one in named)):
        raise NearMissError(f"{_what(vulnerability)} is {one_line(text, _LONGEST_PURL)}")


def _all_in_range(rule: Suppression, vulnerability: Vulnerability) -> bool:
    if rule.exact and (bounds := read_range(rule.versions).equals):
        installed = {package.version for package in vulnerability.packages or (vulnerability.package,)}
        return all({bound} == installed for bound in bounds)
    ecosystem = _ecosystem_of(vulnerability)
    versions = read_range(rule.versions)
    try:
        return all(versions.holds(version, ecosystem) for version in _versions(vulnerability))
    except UnknownVersionError as error:
        raise DoubtfulMatchError(f"{_what(vulnerability)}: {error}") from error


def _versions(vulnerability: Vulnerability) -> Iterator[str]:
    """Yield each installed version, the empty one included, and each version of a source package that has one."""
    installed = (vulnerability.package, *vulnerability.packages)
    sources = (package for package in vulnerability.source_packages if package.version)
    yield from dict.fromkeys(package.version for package in (*installed, *sources))


def _ecosystem_of(vulnerability: Vulnerability) -> Ecosystem:
    """Return the one ecosystem that package URLs and namespaces agree on; those that are not known don't count."""
    purls = (read_purl(text) for text in vulnerability.purls)
    named = {of_purl(purl.type) for purl in purls if purl}
    found = (named | {of_namespace(package.namespace) for package in _packages(vulnerability)}) - {None}
    ecosystem = found.pop() if len(found) == 1 else None
    if ecosystem is None:
        namespace = one_line(vulnerability.package.namespace, 40) or "no namespace"
        raise DoubtfulMatchError(f"{_what(vulnerability)}: how versions of {namespace} compare is not known")
    return ecosystem


def _what(vulnerability: Vulnerability) -> str:
    package = one_line(vulnerability.package.name, 60)
    return f"{one_line(vulnerability.id, 60)} in {package}" if package else one_line(vulnerability.id, 60)
