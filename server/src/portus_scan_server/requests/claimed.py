"""A request as who runs it sees it: why it was asked for, how urgent that is, where its image may be."""

from __future__ import annotations

import secrets
from enum import Enum

from attrs import field, frozen
from portus_images import Reference


class Reason(Enum):
    """Why an image is to be scanned."""

    PUSH = "push"
    """Somebody has pushed it."""
    PERSON = "person"
    """Somebody has asked for it."""
    ADMISSION = "admission"
    """A cluster wants to run it."""
    HARBOR = "harbor"
    """Harbor has asked for it; its registry is pulled with what came with that."""
    FIRST_SYNC = "first_sync"
    """A list of the registry has it, and nobody has seen it before."""
    RESCAN = "rescan"
    """What is known of it is no longer good, or a schedule says so."""


PRIORITIES = {Reason.PUSH: 10, Reason.ADMISSION: 10, Reason.PERSON: 8, Reason.FIRST_SYNC: 5, Reason.RESCAN: 0}
PRIORITIES[Reason.HARBOR] = 6  # it may ask for all that it has at once
"""Higher ones go first."""


@frozen(kw_only=True)
class ImageSource:
    """A repository that is said to have an image.

    Attributes:
        repository_id: Its row.
        host: The configured registry.
        repository: Its name there.
        tag: The tag that was seen; empty for none.
    """

    repository_id: int
    host: str
    repository: str
    tag: str


@frozen(kw_only=True)
class ClaimedRequest:
    """A request that this owner runs.

    Attributes:
        request_id: Its row.
        owner: One life of a runner.
        attempt: Which claim of the request this is.
        alone: Whether nothing else may run meanwhile.
        image_id: The image or index.
        digest: Its digest.
        body: What the resolver said of it, as it is stored; None where it was not asked yet.
        scanners: Only these; all that are enabled where empty.
        reason: Why it was asked for.
        sources: Where to look for it, in turn; at most five.
    """

    request_id: int
    owner: str
    attempt: int
    alone: bool
    image_id: int
    digest: str
    body: str | None = field(repr=False)
    scanners: tuple[str, ...]
    reason: Reason
    sources: tuple[ImageSource, ...]

    def reference(self, source: ImageSource) -> Reference:
        """Return how the image is reached in a repository: by its digest, whatever the tag names now."""
        tag = f":{source.tag}" if source.tag else ""
        return Reference.parse(f"{source.host}/{source.repository}{tag}@{self.digest}")


def new_owner() -> str:
    """Return a name for one life of a runner; no other ever has it."""
    return secrets.token_hex(12)
