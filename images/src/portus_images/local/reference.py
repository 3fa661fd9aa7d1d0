"""Names of images that lie in folders and archives, written as skopeo and podman have them.

Source: containers-transports(5): ``oci:path[:reference]``, ``docker-archive:path[:docker-reference]``.
"""

from __future__ import annotations

from pathlib import Path

from attrs import field, frozen

from ..errors import InvalidReferenceError
from ..reference import Reference

OCI = "oci"
OCI_ARCHIVE = "oci-archive"
DOCKER_ARCHIVE = "docker-archive"
FORMS = (OCI, OCI_ARCHIVE, DOCKER_ARCHIVE)
_LONGEST = 4096


@frozen
class LocalReference:
    """The name of an image in a folder or an archive: ``oci:DIR[:TAG]``, ``docker-archive:FILE[:NAME:TAG]``.

    Attributes:
        text: As the user wrote it.
        form: ``oci``, ``oci-archive`` or ``docker-archive``.
        path: As the user wrote it; relative to the working directory.
        name: Which of the images in it; empty where there is but one. ``@0`` is the first, ``@1`` the second.
    """

    text: str = field(eq=False)
    form: str
    path: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> LocalReference:
        """Return the reference that a user wrote.

        A path ends at its first colon: one that has a colon itself can't be named.

        Raises:
            InvalidReferenceError: The text is none.
        """
        form, _, rest = text.partition(":")
        path, colon, name = rest.partition(":")
        if form not in FORMS:
            raise InvalidReferenceError(text[:_LONGEST], f"it begins with none of {', '.join(FORMS)}")
        fault = _find_fault(text, path, name if colon else None)
        if fault:
            raise InvalidReferenceError(f"{text[:80]}..." if len(text) > _LONGEST else text, fault)
        return cls(text, form, path, name)

    @property
    def absolute_path(self) -> Path:
        """The path from the root, symbolic links as they are."""
        return Path(self.path).absolute()

    def __str__(self) -> str:
        return ":".join(part for part in (self.form, self.path, self.name) if part)


ImageReference = Reference | LocalReference
"""What a user can ask for."""


def parse_reference(text: str) -> ImageReference:
    """Return what a user has asked for: an image in a registry, or one in a folder or an archive.

    A text that begins with ``oci:``, ``oci-archive:`` or ``docker-archive:`` names a local image; Docker Hub's
    repository ``oci`` is written ``library/oci:TAG``.

    Raises:
        InvalidReferenceError: The text is neither.
    """
    form, colon, _ = text.partition(":")
    return LocalReference.parse(text) if colon and form in FORMS else Reference.parse(text)


def _find_fault(text: str, path: str, name: str | None) -> str | None:
    if len(text) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
    if not path:
        return "the path is missing: oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG]"
    if "\0" in text:
        return "a path has no NUL"
    return "nothing follows its last colon" if name == "" else None
