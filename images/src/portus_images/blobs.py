"""What is said of blobs."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class BlobAccess:
    """How a backend that pulls by itself gets one layer.

    Attributes:
        headers: Headers to send, credentials among them: never log them.
        own_tls: The configuration has TLS settings of its own for this address (an authority, a client certificate, no
            verification), which a backend can't know.
    """

    url: str
    headers: Mapping[str, str] = field(factory=dict, repr=lambda headers: repr(sorted(headers)))
    own_tls: bool = False


@frozen(kw_only=True)
class BlobHead:
    """What the registry says of one blob when we ask for it ourselves.

    Attributes:
        status: HTTP status; 0 when the registry did not answer.
        size: Its ``Content-Length``, where it gave one.
        reason: The failure in words, where there was one.
    """

    status: int
    size: int | None = None
    reason: str = ""


@frozen(kw_only=True)
class Referrer:
    """Something that was pushed with an image as its subject: an SBOM, a signature, an attestation.

    Attributes:
        digest: Of its manifest, for `ScannerContext.fetch`.
        media_type: Of its manifest.
        size: Bytes of its manifest.
        artifact_type: What it is: ``application/spdx+json``.
    """

    digest: str
    media_type: str = ""
    size: int | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(factory=dict)
