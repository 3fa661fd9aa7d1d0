"""How the server is asked for exactly one image. No I/O.

``image`` is Docker's own argument. The id of an image is the digest of its configuration (with Docker's containerd
store, that of its manifest or index); a repository with a digest is what was pulled or pushed under it. A tag is what
the daemon has, not what the registry has: after a push to the same tag, the old image.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen
from portus_scanners import Image, Platform, Reference
from portus_scanners.backends import one_line


@frozen
class Question:
    """A name under which the server's Docker daemon may have an image."""

    asked: str
    doubt: str = ""
    """Why the daemon may mean another image by it; empty if it can mean only this one."""


def questions_for(image: Image, platform: Platform | None) -> tuple[Question, ...]:
    """Return what to ask for an image, in this order; a later question only if the daemon has no earlier one.

    Args:
        image: The image, in a registry, a folder or an archive.
        platform: The platform of the daemon; None where that is not known.

    Returns:
        The questions; none for a local image without a configuration, which no daemon can have.
    """
    return tuple(dict.fromkeys(_questions(image, platform)))


def _questions(image: Image, platform: Platform | None) -> Iterator[Question]:
    if image.config_digest is not None:
        yield Question(image.config_digest)
    if isinstance(image.reference, Reference):
        yield Question(f"{image.reference.name}@{image.digest}")
        if image.index_digest is not None:
            yield Question(f"{image.reference.name}@{image.index_digest}", _doubt_of_index(image, platform))
        yield from _by_tag(image.reference)


def _by_tag(reference: Reference) -> Iterator[Question]:
    tag = reference.tag or ("" if reference.digest else "latest")
    if tag:
        asked = f"{reference.name}:{tag}"
        yield Question(
            asked,
            f"zypper-docker scanned what its Docker daemon calls {one_line(asked)}, which has not this image's digest: "
            "it may be the image of before a push; pull this one there",
        )


def _doubt_of_index(image: Image, platform: Platform | None) -> str:
    """Return why a pull of the image's index on the daemon's platform may give another image."""
    if platform is None:
        return (
            "zypper-docker scanned the image that its Docker daemon has pulled of the index, for a platform that is "
            "not known here: set `platform` to that of the daemon"
        )
    if image.index_platform != platform:
        return (
            f"zypper-docker scanned the image that its Docker daemon has pulled of the index for {platform}, which may "
            f"be another one than that for {image.platform or 'the platform asked for'}"
        )
    return ""
