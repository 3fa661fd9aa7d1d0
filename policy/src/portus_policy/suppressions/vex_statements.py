"""What a VEX statement is about: an image, a package in an image, or nothing that a report has; whether it stands.

Source: OpenVEX specification, "The VEX Statement": each statement overrides the previous ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum

from attrs import frozen
from portus_images import DOCKER_HUB, InvalidReferenceError, LocalReference, parse_reference
from portus_scanners.merge import PackageUrl, read_purl

from .image_patterns import ImagePattern
from .rules import Suppression

_OCI = "oci"
_DOCKER = "docker"

Moment = tuple[datetime, int]
"""When a statement was made; of two made at the same time the second is the later one."""


class Says(Enum):
    """What a statement says about its product, as far as it matters for what it is about."""

    HARMLESS = "not_affected"
    """Where it is unclear what is meant, nothing is."""
    FIXED = "fixed"
    """The same, and only versions that it names are meant."""
    HARMFUL = "affected"
    """Affected or under investigation: where it is unclear what is meant, everything is that may be."""


@frozen(kw_only=True)
class Claim:
    """What a statement says about one product and its subcomponents, in the words of a rule."""

    image: str = ""
    purls: tuple[str, ...] = ()
    unmatchable: str = ""
    """Why nothing in a report is this product."""


@frozen(kw_only=True)
class ProductStatement:
    """What is said about one product."""

    ids: tuple[str, ...]
    time: datetime
    claim: Claim
    rule: Suppression | None
    """What it suppresses; None when it says that the product is affected, or that nobody knows yet."""


def make_claim(names: Iterable[str], subcomponents: tuple[tuple[str, ...], ...], says: Says) -> Claim:
    """Return what a statement is about.

    Args:
        names: The names of the product; the first that identifies something counts.
        subcomponents: The names of each subcomponent.
        says: What it says about the product.
    """
    claims = [_of_name(name, says) for name in names]
    product = next((claim for claim in claims if not claim.unmatchable), None)
    if product is None:
        return claims[0] if claims else Claim(unmatchable="it names no product")
    if not subcomponents:
        return product
    if says is Says.HARMFUL and not (product.image and all(_purl_among(part) for part in subcomponents)):
        return product  # the part that is harmful can't be told from the others
    return _narrow(product, subcomponents)


def _purl_among(names: tuple[str, ...]) -> str:
    return next((name for name in names if read_purl(name)), "")


def _narrow(product: Claim, subcomponents: tuple[tuple[str, ...], ...]) -> Claim:
    if not product.image:
        return Claim(
            unmatchable="it is about a part of a package, and no scanner says which package a package is part of"
        )
    purls = tuple(purl for names in subcomponents if (purl := _purl_among(names)))
    if not purls:
        return Claim(unmatchable="its subcomponents have no package URL")
    return Claim(image=product.image, purls=purls)


def _of_name(name: str, says: Says) -> Claim:
    if not name.startswith("pkg:"):
        return _of_reference(name, says)
    purl = read_purl(name)
    if purl is None:
        return Claim(unmatchable="its product is not a package URL that can be read")
    if purl.type in {_OCI, _DOCKER}:
        return _of_image_purl(purl, says)
    if says is Says.FIXED and not purl.version:
        return Claim(unmatchable="it says that a package is fixed, but not in which version")
    return Claim(purls=(name,))


def _of_image_purl(purl: PackageUrl, says: Says) -> Claim:
    if says is not Says.HARMFUL and purl.qualifier("arch") and ":" not in purl.version:
        return Claim(unmatchable="its image is of one architecture, which no digest tells from the others")
    if _has_wildcard(purl.namespace, purl.name, purl.version, *(value for _, value in purl.qualifiers)):
        return _PATTERN
    return _checked(_image_of(purl), says)


def _of_reference(name: str, says: Says) -> Claim:
    try:
        reference = parse_reference(name)
    except InvalidReferenceError:
        return Claim(unmatchable="its product is neither a package URL nor an image reference")
    if isinstance(reference, LocalReference):
        return _PATTERN if _has_wildcard(name) else Claim(image=name)
    return _checked(name, says)


_PATTERN = Claim(unmatchable="its image is a pattern")


def _has_wildcard(*names: str) -> bool:
    """Return whether a pattern of these names would mean more than their author wrote."""
    return any("*" in name or "?" in name for name in names)


def _image_of(purl: PackageUrl) -> str:
    """Return a pattern for an image; empty where neither repository nor digest is known.

    Source: purl-spec, types ``oci`` (the repository is in ``repository_url``) and ``docker``.
    """
    digest = purl.version if ":" in purl.version else ""
    tag = purl.qualifier("tag") or ("" if digest else purl.version)  # some write a tag as the version, for oci too
    repository = _repository_of(purl)
    if not repository:
        return f"**/{purl.name}@{digest}" if digest else ""
    return f"{repository}@{digest}" if digest else f"{repository}:{tag}" if tag else repository


def _repository_of(purl: PackageUrl) -> str:
    """Return registry and repository. Some writers leave the name out of ``repository_url``."""
    url = purl.qualifier("repository_url").partition("://")[2] or purl.qualifier("repository_url")
    path = f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name
    if purl.type == _DOCKER:
        return f"{url.strip('/') or DOCKER_HUB}/{path if purl.namespace else f'library/{purl.name}'}"
    url = url.strip("/")
    return url if not url or url.rpartition("/")[2] == purl.name else f"{url}/{path}"


def _checked(image: str, says: Says) -> Claim:
    if not image:
        return Claim(unmatchable="its image has neither a digest nor a repository_url")
    try:
        pattern = ImagePattern.parse(image)
    except ValueError:
        return Claim(unmatchable="its image has no name that can be read")
    if says is Says.FIXED and not (pattern.tag or pattern.digest):
        return Claim(unmatchable="it says that an image is fixed, but not in which version")
    return Claim(image=image)


def still_standing(statements: Iterable[ProductStatement]) -> tuple[Suppression, ...]:
    """Return the rules of the statements that no later one contradicts, in the given order.

    A statement contradicts an earlier one when it is about the same vulnerability and about something that the earlier
    one is about as well: the other version of a product that is named without version, the whole image where the
    earlier one is about a package. Of two made at the same time the second is the later one.
    """
    made = list(statements)
    against = _Contradictions()
    for number, statement in enumerate(made):
        if statement.rule is None and not statement.claim.unmatchable:
            against.add(statement, (statement.time, number))
    return tuple(
        one.rule
        for number, one in enumerate(made)
        if one.rule is not None and not against.has_later(one, (one.time, number))
    )


class _Contradictions:
    """Statements that suppress nothing. Those about packages in any image, which can be thousands, are looked up."""

    def __init__(self) -> None:
        self._packages: dict[tuple[str, tuple[str, str, str]], dict[str, Moment]] = defaultdict(dict)
        """For each id and package the latest by version."""
        self._images: dict[str, list[tuple[Moment, Claim]]] = defaultdict(list)
        self._latest: dict[str, Moment] = {}
        """For each id the latest about a package in any image."""

    def add(self, statement: ProductStatement, moment: Moment) -> None:
        for name in map(str.casefold, statement.ids):
            if statement.claim.image:
                self._images[name].append((moment, statement.claim))
                continue
            self._latest[name] = max(moment, self._latest.get(name, moment))
            for purl in _packages(statement.claim):
                versions = self._packages[name, purl.coordinates]
                versions[purl.version] = max(moment, versions.get(purl.version, moment))

    def has_later(self, statement: ProductStatement, moment: Moment) -> bool:
        return not statement.claim.unmatchable and any(
            later > moment for name in map(str.casefold, statement.ids) for later in self._about(name, statement.claim)
        )

    def _about(self, name: str, claim: Claim) -> Iterator[Moment]:
        """Yield the moments of the statements that are about the same as a claim."""
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
