"""The images that a rule is about, as a pattern: a reference with wildcards, ``NAME[:TAG][@DIGEST]``.

``*`` and ``?`` stay within one part of a name; a part ``**`` stands for any number of parts. Without tag and digest
every image of that name is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePath

from attrs import frozen
from portus_images import DOCKER_HUB, FORMS, HUB_NAMES, Image, LocalReference, Reference

_MOST_PARTS = 64


@frozen
class ImagePattern:
    """The pattern of a rule, split into its parts."""

    name: tuple[str, ...]
    """The parts between slashes; of a local image's pattern, all of them."""
    tag: str = ""
    digest: str = ""
    local: bool = False

    @classmethod
    def parse(cls, text: str) -> ImagePattern:
        """Return the pattern.

        Raises:
            ValueError: *text* names every image, or is not a valid pattern.
        """
        if text.partition(":")[0] in FORMS and ":" in text:
            return cls(_parts(text), local=True)
        name, _, digest = text.partition("@")
        head, colon, tag = name.rpartition(":")
        if not colon or "/" in tag or name.endswith("]"):
            head, tag = name, ""
        pattern = cls(_parts(head), tag, digest.lower())
        _check(pattern, text, has_tag=bool(tag) or not name.endswith(":"))
        return pattern

    def fits(self, image: Image) -> bool:
        """Return whether the image is one of those meant."""
        reference = image.reference
        if isinstance(reference, LocalReference):
            return self.local and any(_fits(self.name, _parts(name)) for name in _local_names(reference, image))
        if self.local or not any(_fits(self.name, _parts(name)) for name in _names(reference)):
            return False
        if self.tag and not (reference.tag and fnmatchcase(reference.tag, _plain(self.tag))):
            return False
        digests = {image.digest, reference.digest or ""}
        return not self.digest or any(fnmatchcase(digest, _plain(self.digest)) for digest in digests)


def _check(pattern: ImagePattern, text: str, *, has_tag: bool) -> None:
    if not all(pattern.name) or not has_tag or text.endswith("@"):
        msg = f"image: {text!r} is neither an image reference nor a pattern of one such as registry.example/team/*"
        raise ValueError(msg)
    if not pattern.digest and not pattern.tag and set(pattern.name) <= {"*", "**"} and len(pattern.name) == 1:
        msg = "image: it names every image; leave it out"
        raise ValueError(msg)


def _names(reference: Reference) -> Iterator[str]:
    """Yield the names of the repository: those of Docker Hub may go without the host, and without ``library/``."""
    yield f"{reference.registry}/{reference.repository}"
    if reference.registry == DOCKER_HUB:
        yield from (reference.repository, reference.name, f"{DOCKER_HUB}/{reference.name}")


def _local_names(reference: LocalReference, image: Image) -> Iterator[str]:
    paths = [reference.path, *([image.local.path] if image.local else [])]
    for path in dict.fromkeys([*paths, *(PurePath(path).as_posix() for path in paths)]):
        yield f"{reference.form}:{path}"
        yield f"{reference.form}:{path}:{reference.name}"


def _parts(name: str) -> tuple[str, ...]:
    """Return the parts of a name; the host, which comes first, in lower case, and Docker Hub's by one name."""
    form, colon, path = name.partition(":")
    if colon and form in FORMS:
        return (f"{form}:", *path.split("/"))
    first, slash, rest = name.partition("/")
    if not slash:
        return (name,)
    host = first.lower()
    return (DOCKER_HUB if host in HUB_NAMES else host, *rest.split("/"))


def _fits(pattern: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """Compare part by part. A state is how many parts of the pattern are used up; there is no backtracking."""
    if len(pattern) > _MOST_PARTS:
        return False
    states = _skip(pattern, {0})
    for part in name:
        stay = {state for state in states if state < len(pattern) and pattern[state] == "**"}
        step = {state + 1 for state in states - stay if state < len(pattern) and _same(pattern[state], part)}
        states = _skip(pattern, stay | step)
    return len(pattern) in states


def _skip(pattern: tuple[str, ...], states: set[int]) -> set[int]:
    """Add the states behind a ``**`` that stands for nothing."""
    for index, part in enumerate(pattern):
        if index in states and part == "**":
            states = states | {index + 1}
    return states


def _same(pattern: str, part: str) -> bool:
    return fnmatchcase(part, _plain(pattern))


def _plain(pattern: str) -> str:
    """Leave ``*`` and ``?`` as wildcards alone: ``[`` is part of an IPv6 host."""
    return pattern.replace("[", "[[]")
