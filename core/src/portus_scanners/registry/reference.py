"""Image references in Docker's own grammar.

Source: ``github.com/distribution/reference``, ``regexp.go``, ``normalize.go``.
"""

from __future__ import annotations

import re

from attrs import field, frozen

from ..errors import InvalidReferenceError
from .digests import find_digest_fault

DOCKER_HUB = "docker.io"
DEFAULT_TAG = "latest"
HUB_NAMES = {DOCKER_HUB, "index.docker.io", "registry-1.docker.io"}
_HUB_API = "registry-1.docker.io"
_LONGEST_NAME = 255
_LONGEST_TEXT = 1024
_HIGHEST_PORT = 65535

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::([0-9]{{1,5}}))?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")


@frozen
class Reference:
    """The name of an image: a registry, a repository, and a tag, a digest or both."""

    text: str = field(eq=False)
    """As the user wrote it."""
    registry: str
    """Host with port, where one was given: ``registry.example:5000``; ``docker.io`` for Docker Hub."""
    repository: str
    """``team/app``; ``library/alpine`` for the short name ``alpine``."""
    tag: str | None = None
    digest: str | None = None
    """``sha256:`` and 64 hex digits."""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return the reference that a user wrote.

        A name whose first part has neither a dot, a colon nor a capital, and is not ``localhost``, is one of Docker
        Hub's. With neither tag nor digest the tag is ``latest``.

        Raises:
            InvalidReferenceError: The text is no reference.
        """
        if len(text) > _LONGEST_TEXT:
            raise InvalidReferenceError(f"{text[:80]}...", f"it is longer than {_LONGEST_TEXT} characters")
        name, tag, digest = _split(text)
        registry, repository = _split_domain(name)
        if not _is_domain(registry):
            raise InvalidReferenceError(text, f"{registry!r} is no host name")
        if _IDENTIFIER.fullmatch(name):
            raise InvalidReferenceError(text, "64 hex digits are an image's id, not a repository")
        if not _PATH.fullmatch(repository):
            raise InvalidReferenceError(text, _why_no_repository(repository))
        if len(repository) > _LONGEST_NAME:
            raise InvalidReferenceError(f"{text[:80]}...", f"the name is longer than {_LONGEST_NAME} characters")
        if tag is None and digest is None:
            tag = DEFAULT_TAG
        return cls(text, registry, repository, tag, digest)

    @property
    def api_host(self) -> str:
        """The host that answers the registry's API: not the registry's name on Docker Hub."""
        return _HUB_API if self.registry == DOCKER_HUB else self.registry

    @property
    def name(self) -> str:
        """Registry and repository, as Docker's daemon knows them: Hub names are short."""
        if self.registry != DOCKER_HUB:
            return f"{self.registry}/{self.repository}"
        return self.repository.removeprefix("library/")

    @property
    def manifest(self) -> str:
        """What to ask the registry for: the digest where there is one, else the tag."""
        return self.digest or self.tag or DEFAULT_TAG

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def _split(text: str) -> tuple[str, str | None, str | None]:
    """Cut off digest and tag and check them."""
    if not text:
        raise InvalidReferenceError(text, "it is empty")
    name, at, digest = text.partition("@")
    if at:
        _check_digest(text, digest)
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag or (name.startswith("[") and name.endswith("]")):
        return name, None, digest or None
    if not _TAG.fullmatch(tag):
        raise InvalidReferenceError(text, f"{tag!r} is no tag")
    return head, tag, digest or None


def _check_digest(text: str, digest: str) -> None:
    if fault := find_digest_fault(digest):
        raise InvalidReferenceError(text, fault)


def _is_domain(text: str) -> bool:
    match = _DOMAIN.fullmatch(text)
    return match is not None and int(match[1] or 0) <= _HIGHEST_PORT


def _split_domain(name: str) -> tuple[str, str]:
    """Return registry and repository, both written out."""
    first, slash, rest = name.partition("/")
    is_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if not slash or not is_host:
        first, rest = DOCKER_HUB, name
    if first.lower() in HUB_NAMES:
        first = DOCKER_HUB
    if first == DOCKER_HUB and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest


def _why_no_repository(repository: str) -> str:
    if repository != repository.lower():
        return "a repository's name is lower case"
    return f"{repository.removeprefix('library/')!r} is no repository name"
