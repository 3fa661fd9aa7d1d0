"""Whether a rule fits a vulnerability. Where that can't be known it does not, and the reason is given."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from portus_images import Image, one_line
from portus_scanners.models import Package, Vulnerability

from .ecosystems import Ecosystem, UnknownVersionError, of_namespace, of_purl, the_only
from .image_patterns import ImagePattern
from .package_urls import all_covered, read_purl
from .rule import Suppression
from .version_ranges import read_range

_CVE = "cve-"


class DoubtfulMatchError(Exception):
    """A rule that fits but for something that can't be known; its text says what."""


def fits_image(rule: Suppression, image: Image) -> bool:
    """Return whether the rule is about this image, or about all."""
    return not rule.image or ImagePattern.parse(rule.image).fits(image)


def fits(rule: Suppression, vulnerability: Vulnerability) -> bool:
    """Return whether everything that the rule names, but the image, fits.

    Raises:
        DoubtfulMatchError: It fits as far as can be known.
    """
    if rule.unmatchable or (rule.ids and not names_of(vulnerability) & {name.casefold() for name in rule.ids}):
        return False
    if rule.package and not any(_fits_name(rule.package, name) for name in package_names(vulnerability)):
        return False
    if rule.purls and not _fits_purls(rule, vulnerability):
        return False
    if rule.ids and not _means_all(rule, vulnerability):
        raise DoubtfulMatchError(f"{_what(vulnerability)} stands for several vulnerabilities: name them all")
    if rule.versions and not _all_in_range(rule, vulnerability):
        return False
    if rule.scanner and rule.scanner not in vulnerability.scanners:
        return False
    if rule.scanner and set(vulnerability.scanners) != {rule.scanner}:
        others = ", ".join(name for name in vulnerability.scanners if name != rule.scanner)
        raise DoubtfulMatchError(f"{_what(vulnerability)} was found by {one_line(others, 60)} as well")
    return True


def names_of(vulnerability: Vulnerability) -> set[str]:
    """Return all its ids and aliases, in lower case."""
    by_scanner = (rating.id for rating in vulnerability.ratings if rating.id)
    return {name.casefold() for name in (vulnerability.id, *vulnerability.aliases, *by_scanner)}


def package_names(vulnerability: Vulnerability) -> set[str]:
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
    many = {name for name in names_of(vulnerability) if name.startswith(_CVE)}
    itself = vulnerability.id.casefold()
    return len(many) <= 1 or many <= named or (itself in named and itself not in many)


def _fits_name(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _fits_purls(rule: Suppression, vulnerability: Vulnerability) -> bool:
    if all_covered(vulnerability.purls, rule.purls):
        return True
    if not vulnerability.purls:
        names = {purl.name.casefold() for text in rule.purls if (purl := read_purl(text))}
        if names & {name.casefold() for name in package_names(vulnerability)}:
            raise DoubtfulMatchError(f"no scanner gives the package URL of {_what(vulnerability)}")
    elif any(all_covered([text], rule.purls) for text in vulnerability.purls):
        raise DoubtfulMatchError(f"{_what(vulnerability)} is in other packages as well")
    return False


def _all_in_range(rule: Suppression, vulnerability: Vulnerability) -> bool:
    ecosystem = _ecosystem_of(vulnerability)
    versions = read_range(rule.versions)
    try:
        return all(versions.holds(version, ecosystem) for version in _versions(vulnerability))
    except UnknownVersionError as error:
        raise DoubtfulMatchError(f"{_what(vulnerability)}: {error}") from error


def _versions(vulnerability: Vulnerability) -> Iterator[str]:
    """Give the installed versions, and those of what was built into them, each once; an empty one of the former too."""
    installed = (vulnerability.package, *vulnerability.packages)
    sources = (package for package in vulnerability.source_packages if package.version)
    yield from dict.fromkeys(package.version for package in (*installed, *sources))


def _ecosystem_of(vulnerability: Vulnerability) -> Ecosystem:
    purls = (read_purl(text) for text in vulnerability.purls)
    by_purl = [of_purl(purl.type) for purl in purls if purl]
    by_namespace = [of_namespace(package.namespace) for package in _packages(vulnerability)]
    found = the_only([*by_purl, *by_namespace])
    if found is None:
        namespace = one_line(vulnerability.package.namespace, 40) or "no namespace"
        raise DoubtfulMatchError(f"{_what(vulnerability)}: how versions of {namespace} compare is not known")
    return found


def _what(vulnerability: Vulnerability) -> str:
    package = one_line(vulnerability.package.name, 60)
    return f"{one_line(vulnerability.id, 60)} in {package}" if package else one_line(vulnerability.id, 60)
