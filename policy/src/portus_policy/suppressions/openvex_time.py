"""Of several statements about the same thing the latest counts.

Source: OpenVEX specification, "The VEX Statement": each statement overrides the previous ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from attrs import frozen

from .image_patterns import ImagePattern
from .openvex_products import Claim
from .package_urls import PackageUrl, read_purl
from .rule import Suppression

Moment = tuple[datetime, int]
"""When a statement was made; of two of the same time the second is the later one."""
Coordinates = tuple[str, str, str]


@frozen(kw_only=True)
class Statement:
    """What is said about one product."""

    ids: tuple[str, ...]
    time: datetime
    claim: Claim
    rule: Suppression | None
    """What it suppresses; None when it says that the product is affected, or that nobody knows yet."""


def still_standing(statements: Iterable[Statement]) -> tuple[Suppression, ...]:
    """Return the rules of the statements that no later one contradicts, in the given order.

    A statement contradicts an earlier one when it is about the same vulnerability and about something that the earlier
    one is about as well: the other version of a product that is named without version, the whole image where the
    earlier one is about a package. Of two of the same time the second is the later one.
    """
    made = list(statements)
    against = _Against()
    for number, statement in enumerate(made):
        if statement.rule is None and not statement.claim.unmatchable:
            against.add(statement, (statement.time, number))
    return tuple(
        one.rule
        for number, one in enumerate(made)
        if one.rule is not None and not against.has_later(one, (one.time, number))
    )


class _Against:
    """Statements that suppress nothing. Those about packages in any image, which can be thousands, are looked up."""

    def __init__(self) -> None:
        self._packages: dict[tuple[str, Coordinates], dict[str, Moment]] = defaultdict(dict)
        """For each id and package the latest by version."""
        self._images: dict[str, list[tuple[Moment, Claim]]] = defaultdict(list)
        self._latest: dict[str, Moment] = {}
        """For each id the latest about a package in any image."""

    def add(self, statement: Statement, moment: Moment) -> None:
        for name in map(str.casefold, statement.ids):
            if statement.claim.image:
                self._images[name].append((moment, statement.claim))
                continue
            self._latest[name] = max(moment, self._latest.get(name, moment))
            for purl in _packages(statement.claim):
                versions = self._packages[name, purl.coordinates]
                versions[purl.version] = max(moment, versions.get(purl.version, moment))

    def has_later(self, statement: Statement, moment: Moment) -> bool:
        return not statement.claim.unmatchable and any(
            later > moment for name in map(str.casefold, statement.ids) for later in self._about(name, statement.claim)
        )

    def _about(self, name: str, claim: Claim) -> Iterator[Moment]:
        """Give the moments of those that are about the same as a claim."""
        yield from (later for later, other in self._images.get(name, ()) if _overlap(claim, other))
        if not claim.purls and name in self._latest:
            yield self._latest[name]
        for purl in _packages(claim):
            versions = self._packages.get((name, purl.coordinates), {})
            yield from (versions[one] for one in _fitting(purl.version, versions))


def _fitting(version: str, versions: Mapping[str, Moment]) -> Iterable[str]:
    return (one for one in ("", version) if one in versions) if version else versions


def _packages(claim: Claim) -> Iterator[PackageUrl]:
    yield from (purl for text in claim.purls if (purl := read_purl(text)))


def _overlap(one: Claim, other: Claim) -> bool:
    """Return whether two claims may be about the same thing."""
    return _images_overlap(one.image, other.image) and _purls_overlap(one.purls, other.purls)


def _images_overlap(one: str, other: str) -> bool:
    if not one or not other or one == other:
        return True
    first, second = ImagePattern.parse(one), ImagePattern.parse(other)
    if first.digest and second.digest:
        return first.digest == second.digest
    return first.name[-1] == second.name[-1] and (not first.tag or not second.tag or first.tag == second.tag)


def _purls_overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if not one or not other:
        return True
    return any(_same_package(first, second) for first in one for second in other)


def _same_package(one: str, other: str) -> bool:
    first, second = read_purl(one), read_purl(other)
    if first is None or second is None:
        return True
    versions = {first.version, second.version}
    return first.coordinates == second.coordinates and ("" in versions or len(versions) == 1)
