"""What a document says, whatever its form, and whether it is about an image. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from attrs import field, frozen
from portus_scanners import Image, InvalidReferenceError, InvalidReportError, Reference, ScannerReport
from portus_scanners.backends import one_line

_BY_NAME = "the report names the image, and no digest: it may be about an earlier one of that name"
_BY_INDEX = "the report names an index that the image is in, and not the image: it may be about another platform"
_NAMELESS = "the report does not say which image it is about"


def _strings(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str) and value)


@frozen(kw_only=True)
class Subject:
    """The image that a report says it is about; values that are not strings are left out.

    Attributes:
        configs: Digests of image configurations, which Docker calls image ids. With containerd's store of images
            Docker gives that of the manifest or of the index instead.
        digests: Digests of manifests, or references with one: ``registry.example/app@sha256:...``.
        names: References, which may have a digest. One that is not valid, such as an archive's path, names no image.
    """

    configs: tuple[str, ...] = field(default=(), converter=_strings)
    digests: tuple[str, ...] = field(default=(), converter=_strings)
    names: tuple[str, ...] = field(default=(), converter=_strings)


@frozen(kw_only=True)
class Reading:
    """A report, which image each part of the document is about, and when it was made.

    Attributes:
        report: The report, complete unless the document itself says otherwise.
        subjects: The image of each part: of each run in SARIF. At least one.
        made: When the oldest part was made; None where one of them does not say.
    """

    report: ScannerReport
    subjects: tuple[Subject, ...]
    made: datetime | None


def doubts_about(subjects: Iterable[Subject], image: Image) -> tuple[str, ...]:
    """Return why a document may be about another image, one sentence each; empty if all of it is about this one.

    The digest of the configuration decides; without one, that of a manifest. That of an index leaves open which
    platform it is, and a name which image: a tag moves.

    Raises:
        InvalidReportError: Some part of the document is about another image.
    """
    return tuple(dict.fromkeys(filter(None, (_doubt(subject, image) for subject in subjects))))


def _doubt(subject: Subject, image: Image) -> str:
    names = list(_references(subject.names))
    digests = [digest.rpartition("@")[2] for digest in subject.digests]
    digests += [reference.digest for _, reference in names if reference.digest]
    told = subject.configs if subject.configs and image.config_digest else tuple(digests)
    if told:
        return _doubt_of_digests(told, image)
    if not names:
        return _NAMELESS
    if not any(_may_name(name, reference, image) for name, reference in names):
        raise _another(subject.names)
    return _BY_NAME


def _doubt_of_digests(told: tuple[str, ...], image: Image) -> str:
    """Return nothing where a digest is the image's own; that of an index stands for several platforms."""
    if {image.digest, image.config_digest} & set(told):
        return ""
    if {image.index_digest, getattr(image.reference, "digest", None)} & set(told):
        return _BY_INDEX
    raise _another(told)


def _another(told: Iterable[str]) -> InvalidReportError:
    return InvalidReportError(f"the report is about another image: {one_line(', '.join(told))}")


def _references(names: Iterable[str]) -> Iterator[tuple[str, Reference]]:
    for name in names:
        try:
            yield name, Reference.parse(name)
        except InvalidReferenceError:
            continue


def _may_name(name: str, reference: Reference, image: Image) -> bool:
    """Return whether a name may mean the image.

    Without a registry in it, it may be that of a local build, which has got the registry's name and tag afterwards.
    """
    ours = image.reference
    if not isinstance(ours, Reference):
        return True
    if not name.startswith(f"{reference.registry}/"):
        return f"/{ours.repository}".endswith(f"/{reference.repository.removeprefix('library/')}")
    same_place = (reference.registry, reference.repository) == (ours.registry, ours.repository)
    return same_place and (None in {reference.tag, ours.tag} or reference.tag == ours.tag)
