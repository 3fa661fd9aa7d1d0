"""What is said of blobs."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class BlobAccess:
    """How a backend that pulls by itself gets one layer."""

    url: str
    headers: Mapping[str, str] = field(factory=dict, repr=lambda headers: repr(sorted(headers)))
    """Headers to send, credentials among them: never log them."""
    own_tls: bool = False
    """The configuration has TLS settings of its own for this address (an authority, a client certificate, no
    verification), which a backend can't know."""


@frozen(kw_only=True)
class BlobHead:
    """What the registry says of one blob when we ask for it ourselves."""

    status: int
    """HTTP status; 0 when the registry did not answer."""
    size: int | None = None
    """Its ``Content-Length``, where it gave one."""
    reason: str = ""
    """The failure in words, where there was one."""


@frozen(kw_only=True)
class Referrer:
    """Something that was pushed with an image as its subject: an SBOM, a signature, an attestation."""

    digest: str
    """Of its manifest, for `ScannerContext.fetch`."""
    media_type: str = ""
    """Of its manifest."""
    size: int | None = None
    """Bytes of its manifest."""
    artifact_type: str = ""
    """What it is: ``application/spdx+json``."""
    annotations: Mapping[str, str] = field(factory=dict)
