"""What a report of any form says, and whether it is about an image. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import field, frozen
from portus_scanners import Image, InvalidReferenceError, Reference, ScannerError, ScannerReport
from portus_scanners.backends import one_line


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str) and value)


@frozen(kw_only=True)
class Subject:
    """The image that a report says it is about; values that are not strings are left out."""

    configs: tuple[str, ...] = field(default=(), converter=_texts)
    """Digests of image configurations, which Docker calls image ids."""
    digests: tuple[str, ...] = field(default=(), converter=_texts)
    """Digests of manifests, or references with one: ``registry.example/app@sha256:...``."""
    names: tuple[str, ...] = field(default=(), converter=_texts)
    """References."""


@frozen(kw_only=True)
class Reading:
    """A report, which image it is about, and when it was made."""

    report: ScannerReport
    subject: Subject
    made: datetime | None


def check_subject(subject: Subject, image: Image) -> str:
    """Return a note that says why a report may be about another image; empty if there is no doubt.

    The digest of the configuration decides; without one, that of a manifest (or of an index, if the image was asked for
    by that digest); without one, the name.

    Raises:
        ScannerError: The report is about another image.
    """
    if subject.configs and image.config_digest:
        return _decide(image.config_digest in subject.configs, subject.configs)
    if subject.digests:
        found = {text.rpartition("@")[2] for text in subject.digests}
        return _decide(bool(found & {image.digest, getattr(image.reference, "digest", None)}), subject.digests)
    if subject.names:
        _decide(any(_is_name_of(name, image) for name in subject.names), subject.names)
        return "the report names the image, and no digest: it may be about an earlier one of that name"
    return "the report does not say which image it is about"


def _decide(is_ours: bool, told: tuple[str, ...]) -> str:
    if not is_ours:
        raise ScannerError(f"the report is about another image: {one_line(', '.join(told))}")
    return ""


def _is_name_of(name: str, image: Image) -> bool:
    try:
        reference = Reference.parse(name)
    except InvalidReferenceError:
        return False
    ours = image.reference
    if not isinstance(ours, Reference):
        return False
    if (reference.registry, reference.repository) != (ours.registry, ours.repository):
        return False
    return None in {reference.tag, ours.tag} or reference.tag == ours.tag
