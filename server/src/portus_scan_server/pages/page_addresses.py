"""The addresses of pages: written as image references are, so that each can be guessed from what it shows.

::

    /r/HOST/REPOSITORY          /r/HOST/REPOSITORY:TAG          /r/HOST/REPOSITORY@sha256:...          /v/CVE-2099-0001

A repository's name has neither ``:`` nor ``@``, so that its tag or digest is what follows the last of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from attrs import frozen

from ..intake import ImagePlace

_LONGEST_ID = 200


@frozen(kw_only=True)
class PlaceName(ImagePlace):
    """What an address under ``/r/`` names; without a tag and a digest a repository."""

    @classmethod
    def parse(cls, text: str) -> PlaceName | None:
        """Return what the rest of an address names; None where it can't be the name of anything."""
        host, slash, rest = text.partition("/")
        name, at, digest = rest.partition("@")
        tag = ""
        if not at:
            name, _, tag = rest.partition(":")
        if not host or not slash or not name:
            return None
        return cls(host=host, repository=name, tag=tag, digest=digest)

    @property
    def text(self) -> str:
        """The reference, as people write it."""
        return f"{self.host}/{self.repository}{self.ending}"

    @property
    def ending(self) -> str:
        """``:1.0`` or ``@sha256:...``; empty for the repository."""
        return f":{self.tag}" if self.tag else f"@{self.digest}" if self.digest else ""


@frozen
class Addresses:
    """Makes the addresses of pages, which templates use.

    Attributes:
        root: The path under which the service is mounted; it ends with a slash.
    """

    root: str = "/"

    def place(self, place: PlaceName) -> str:
        """Return the address of a repository, a tag or a digest."""
        return f"{self.root}r/{quote(place.text, safe='/:@')}"

    def repository(self, host: str, name: str) -> str:
        """Return the address of a repository."""
        return self.place(PlaceName(host=host, repository=name))

    def tag(self, host: str, repository: str, tag: str) -> str:
        """Return the address of a tag."""
        return self.place(PlaceName(host=host, repository=repository, tag=tag))

    def digest(self, host: str, repository: str, digest: str) -> str:
        """Return the address of an image in a repository, whatever its tags are."""
        return self.place(PlaceName(host=host, repository=repository, digest=digest))

    def vulnerability(self, name: str) -> str:
        """Return the address of a vulnerability's page; empty for an id that no address can have."""
        if not name or len(name) > _LONGEST_ID or not name.isprintable() or name in {".", ".."}:
            return ""
        return f"{self.root}v/{quote(name, safe=':')}"

    def queue(self) -> str:
        """Return the address of the queue."""
        return f"{self.root}queue"


def with_query(path: str, values: Mapping[str, str]) -> str:
    """Return an address with a query; values that are empty are left out."""
    query = urlencode({name: value for name, value in values.items() if value}, errors="replace")
    return f"{path}?{query}" if query else path
