"""What a product of an OpenVEX statement is in a report: an image, a package in an image, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import frozen
from portus_images import DOCKER_HUB, InvalidReferenceError, LocalReference, parse_reference

from .image_patterns import ImagePattern
from .package_urls import PackageUrl, read_purl

_OCI = "oci"
_DOCKER = "docker"


@frozen(kw_only=True)
class Claim:
    """What a statement says about one product and its subcomponents, in the words of a rule."""

    image: str = ""
    purls: tuple[str, ...] = ()
    unmatchable: str = ""
    """Why nothing in a report is this product."""


_NO_PATTERN = Claim(unmatchable="its image is a pattern")


def _has_wildcard(text: str) -> bool:
    """Return whether a text would mean more as a pattern of an image than its author wrote."""
    return bool(set(text) & {"*", "?"})


class Says(Enum):
    """What a statement says of its product, as far as it matters for what it is about."""

    HARMLESS = "not_affected"
    """Of what it may or may not mean it means nothing."""
    MENDED = "fixed"
    """The same, and only versions that it names are meant."""
    HARMFUL = "affected"
    """Or under investigation: what it may mean, it means."""


def make_claim(names: Iterable[str], subcomponents: tuple[tuple[str, ...], ...], says: Says) -> Claim:
    """Return what a statement is about.

    Args:
        names: What the product is called; the first that says something counts.
        subcomponents: What each of them is called.
        says: What it says of the product.
    """
    claims = [_of_name(name, says) for name in names]
    product = next((claim for claim in claims if not claim.unmatchable), None)
    if product is None:
        return claims[0] if claims else Claim(unmatchable="it names no product")
    if says is Says.HARMFUL and not (product.image and all(_purl_among(part) for part in subcomponents)):
        return product  # the part that is harmful can't be told from the others
    return _narrow(product, subcomponents) if subcomponents else product


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
        return Claim(unmatchable="its product is no package URL that can be read")
    if purl.type in {_OCI, _DOCKER}:
        parts = (purl.namespace, purl.name, purl.version, *(value for _, value in purl.qualifiers))
        if says is not Says.HARMFUL and purl.qualifier("arch") and ":" not in purl.version:
            return Claim(unmatchable="its image is of one architecture, which no digest tells from the others")
        return _NO_PATTERN if _has_wildcard("".join(parts)) else _checked(_image_of(purl), says)
    if says is Says.MENDED and not purl.version:
        return Claim(unmatchable="it says that a package is fixed, but not in which version")
    return Claim(purls=(name,))


def _of_reference(name: str, says: Says) -> Claim:
    try:
        reference = parse_reference(name)
    except InvalidReferenceError:
        return Claim(unmatchable="its product is neither a package URL nor an image reference")
    if isinstance(reference, LocalReference):
        return _NO_PATTERN if _has_wildcard(name) else Claim(image=name)
    return _checked(name, says)


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
    if says is Says.MENDED and not (pattern.tag or pattern.digest):
        return Claim(unmatchable="it says that an image is fixed, but not in which version")
    return Claim(image=image)
