"""Of several statements about the same thing the latest counts.

Source: OpenVEX specification, "The VEX Statement": each statement overrides the previous ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from attrs import frozen

from .image_patterns import ImagePattern
from .openvex_products import Claim
from .package_urls import read_purl
from .rule import Suppression


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
    against: dict[str, list[tuple[datetime, int, Claim]]] = defaultdict(list)
    for number, statement in enumerate(made):
        if statement.rule is None:
            for name in statement.ids:
                against[name.casefold()].append((statement.time, number, statement.claim))
    return tuple(
        one.rule
        for number, one in enumerate(made)
        if one.rule is not None and not _is_contradicted(one, number, against)
    )


def _is_contradicted(statement: Statement, number: int, against: dict[str, list[tuple[datetime, int, Claim]]]) -> bool:
    return any(
        (time, other) > (statement.time, number) and _overlap(statement.claim, claim)
        for name in statement.ids
        for time, other, claim in against.get(name.casefold(), ())
    )


def _overlap(one: Claim, other: Claim) -> bool:
    """Return whether two claims may be about the same thing."""
    if one.unmatchable or other.unmatchable:
        return False
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
