"""Image references: in Docker's own grammar, and names of local images as skopeo and podman write them.

Sources: ``github.com/distribution/reference``, ``regexp.go``, ``normalize.go``; containers-transports(5):
``oci:path[:reference]``, ``docker-archive:path[:docker-reference]``.
"""

from __future__ import annotations

import re
from pathlib import Path

from attrs import Attribute, field, frozen

from .blobs import find_digest_fault
from .errors import InvalidReferenceError
from .text import hide_account

DOCKER_HUB = "docker.io"
DEFAULT_TAG = "latest"
HUB_NAMES = {DOCKER_HUB, "index.docker.io", "registry-1.docker.io"}
_HUB_API = "registry-1.docker.io"
_LONGEST_NAME = 255
_LONGEST_TEXT = 1024
_HIGHEST_PORT = 65535

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::([0-9]{{1,5}}))?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_TAG = r"(?a)\w[\w.-]{0,127}"
_IDENTIFIER = r"[a-f0-9]{64}"


def _check_registry(reference: Reference, _attribute: Attribute[str], value: str) -> None:
    match = re.fullmatch(_DOMAIN, value)
    if match is None or int(match[1] or 0) > _HIGHEST_PORT:
        raise InvalidReferenceError(reference.text, f"{hide_account(value)!r} is not a valid host name")


def _check_repository(reference: Reference, _attribute: Attribute[str], value: str) -> None:
    if not re.fullmatch(_PATH, value):
        raise InvalidReferenceError(reference.text, _why_no_repository(value))
    if len(value) > _LONGEST_NAME:
        raise InvalidReferenceError(reference.text, f"the name is longer than {_LONGEST_NAME} characters")


def _check_tag(reference: Reference, _attribute: Attribute[str | None], value: str | None) -> None:
    if value is not None and not re.fullmatch(_TAG, value):
        raise InvalidReferenceError(reference.text, f"{value!r} is not a valid tag")


def _check_digest(reference: Reference, _attribute: Attribute[str | None], value: str | None) -> None:
    if value is not None and (fault := find_digest_fault(value)):
        raise InvalidReferenceError(reference.text, fault)


@frozen
class Reference:
    """The name of an image: a registry, a repository, and a tag, a digest or both.

    All of it goes into addresses, so that an object with an invalid part can't be made.

    Attributes:
        text: The reference as the user wrote it.
        registry: Host with port, where one was given: ``registry.example:5000``; ``docker.io`` for Docker Hub.
        repository: The repository: ``team/app``; ``library/alpine`` for the short name ``alpine``.
        tag: The tag: ``1.0``; None where only a digest was given.
        digest: The digest, ``sha256:`` and 64 hex digits; None where none was given.
    """

    text: str = field(eq=False)
    registry: str = field(validator=_check_registry)
    repository: str = field(validator=_check_repository)
    tag: str | None = field(default=None, validator=_check_tag)
    digest: str | None = field(default=None, validator=_check_digest)

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return the reference that a user wrote.

        A name whose first part has neither a dot, a colon nor a capital, and is not ``localhost``, is one of Docker
        Hub's. With neither tag nor digest the tag is ``latest``.

        Raises:
            InvalidReferenceError: *text* is not a valid reference.
        """
        if len(text) > _LONGEST_TEXT:
            raise InvalidReferenceError(
                f"{hide_account(text)[:80]}...", f"it is longer than {_LONGEST_TEXT} characters"
            )
        name, tag, digest = _split(text)
        if re.fullmatch(_IDENTIFIER, text):
            raise InvalidReferenceError(text, "64 hex digits are an image's id, not a repository")
        if tag is None and digest is None:
            tag = DEFAULT_TAG
        return cls(text, *_split_domain(name), tag, digest)

    @property
    def api_host(self) -> str:
        """The host of the registry's API: on Docker Hub it is not the registry's name."""
        return _HUB_API if self.registry == DOCKER_HUB else self.registry

    @property
    def name(self) -> str:
        """Registry and repository as Docker's daemon calls them: Hub names are short."""
        if self.registry != DOCKER_HUB:
            return f"{self.registry}/{self.repository}"
        return self.repository.removeprefix("library/")

    @property
    def manifest(self) -> str:
        """The digest where there is one, else the tag: what the registry is asked for."""
        return self.digest or self.tag or DEFAULT_TAG

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def _split(text: str) -> tuple[str, str | None, str | None]:
    """Return name, tag and digest."""
    if not text:
        raise InvalidReferenceError(text, "it is empty")
    name, at, digest = text.partition("@")
    head, colon, tag = name.rpartition(":")
    tagged = colon and "/" not in tag and not (name.startswith("[") and name.endswith("]"))
    return head if tagged else name, tag if tagged else None, digest if at else None


def _split_domain(name: str) -> tuple[str, str]:
    """Return registry and repository, both written out."""
    first, slash, rest = name.partition("/")
    is_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if not slash or not is_host:
        first, rest = DOCKER_HUB, name
    if first.lower() in HUB_NAMES:
        first = DOCKER_HUB
    return first, write_out(first, rest)


def write_out(registry: str, repository: str) -> str:
    """Return a repository's name in full: Docker Hub's ``alpine`` is ``library/alpine`` in its API."""
    short = registry == DOCKER_HUB and "/" not in repository
    return f"library/{repository}" if short else repository


def _why_no_repository(repository: str) -> str:
    if repository != repository.lower():
        return "a repository's name is lower case"
    return f"{repository.removeprefix('library/')!r} is not a valid repository name"


OCI = "oci"
OCI_ARCHIVE = "oci-archive"
DOCKER_ARCHIVE = "docker-archive"
FORMS = (OCI, OCI_ARCHIVE, DOCKER_ARCHIVE)
_LONGEST = 4096


@frozen
class LocalReference:
    """The name of an image in a folder or an archive: ``oci:DIR[:TAG]``, ``docker-archive:FILE[:NAME:TAG]``.

    Attributes:
        text: The reference as the user wrote it.
        form: ``oci``, ``oci-archive`` or ``docker-archive``.
        path: The path as the user wrote it; relative to the working directory.
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
            InvalidReferenceError: *text* is not a valid name of a local image.
        """
        form, _, rest = text.partition(":")
        path, colon, name = rest.partition(":")
        if form not in FORMS:
            raise InvalidReferenceError(text[:_LONGEST], f"it begins with none of {', '.join(FORMS)}")
        fault = _find_fault(text, path, name if colon else None)
        if fault:
            raise InvalidReferenceError(f"{hide_account(text)[:80]}..." if len(text) > _LONGEST else text, fault)
        return cls(text, form, path, name)

    @property
    def absolute_path(self) -> Path:
        """The path from the root, symbolic links as they are."""
        return Path(self.path).absolute()

    def __str__(self) -> str:
        return ":".join(part for part in (self.form, self.path, self.name) if part)


ImageReference = Reference | LocalReference
"""The name of any image that a user can ask for."""


def parse_reference(text: str) -> ImageReference:
    """Return the reference that a user wrote: an image in a registry, or one in a folder or an archive.

    One that begins with ``oci:``, ``oci-archive:`` or ``docker-archive:`` names a local image; Docker Hub's
    repository ``oci`` is written ``library/oci:TAG``.

    Raises:
        InvalidReferenceError: *text* is not a valid reference of either kind.
    """
    form, colon, _ = text.partition(":")
    return LocalReference.parse(text) if colon and form in FORMS else Reference.parse(text)


def _find_fault(text: str, path: str, name: str | None) -> str | None:
    if len(text) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
    if not path:
        return "the path is missing: oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG]"
    if "\0" in text:
        return "a path can't have a NUL character"
    return "nothing follows its last colon" if name == "" else None
