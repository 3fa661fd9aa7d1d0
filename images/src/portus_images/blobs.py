"""What is said of blobs, and their digests.

Source: OCI image specification, ``descriptor.md``, "Digests".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class BlobAccess:
    """Address and headers with which a backend pulls one layer by itself.

    Attributes:
        url: Address of the layer's blob.
        headers: Headers to send, credentials among them: never log them.
        own_tls: Whether the configuration has TLS settings of its own for this address (an authority, a client
            certificate, no verification), which a backend can't know.
    """

    url: str
    headers: Mapping[str, str] = field(factory=dict, repr=lambda headers: repr(sorted(headers)))
    own_tls: bool = False


@frozen(kw_only=True)
class BlobHead:
    """What the registry says of one blob to a ``HEAD`` of our own.

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
        digest: Digest of its manifest, for `ScannerContext.fetch`.
        media_type: Media type of its manifest; empty where the registry does not say.
        size: Bytes of its manifest; None where the registry does not say.
        artifact_type: What it is: ``application/spdx+json``; empty where the registry does not say.
        annotations: Its manifest's annotations, by name.
    """

    digest: str
    media_type: str = ""
    size: int | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(factory=dict)


_GRAMMAR = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}


def find_digest_fault(text: str) -> str | None:
    """Return why a string is not a digest that can be verified; None for one that is."""
    if not re.fullmatch(_GRAMMAR, text):
        return f"{text[:80]!r} is not a valid digest"
    algorithm, _, digits = text.partition(":")
    length = _HEX_DIGITS.get(algorithm)
    if length is None:
        return f"the digest algorithm {algorithm[:40]!r} is not supported"
    if len(digits) != length or digits != digits.lower():
        return f"a {algorithm} digest has {length} lower-case hex digits"
    return None


def digest_of(body: bytes, *, like: str = "sha256:") -> str:
    """Return the digest of a body, made with the algorithm of the digest *like*."""
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"
