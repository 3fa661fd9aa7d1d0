"""What is said of blobs."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen


@frozen(kw_only=True)
class BlobAccess:
    """How a backend that pulls by itself gets one layer.

    Attributes:
        url: Address of the layer's blob.
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


_GRAMMAR = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}


def find_digest_fault(text: str) -> str | None:
    """Return why a text is no digest that can be verified, or None when it is one."""
    if not _GRAMMAR.fullmatch(text):
        return f"{text[:80]!r} is no digest"
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


def strip_signatures(body: bytes) -> bytes:
    """Return the part of a schema 1 manifest that its digest stands for: all but the signatures.

    Whoever reads such a manifest must read this part, since nothing vouches for the rest.

    Args:
        body: The manifest as the registry sent it; without signatures it is returned as it is.

    Raises:
        ValueError: The signatures do not say where the signed part ends.
    """
    document = json.loads(body)
    signatures = document.get("signatures") if isinstance(document, dict) else None
    if not signatures:
        return body
    length, tail = _read_protected(signatures)
    if not 0 <= length <= len(body):
        raise ValueError("formatLength points outside of the manifest")
    return body[:length] + tail


def _read_protected(signatures: Any) -> tuple[int, bytes]:
    """Return formatLength and formatTail of the first signature."""
    try:
        protected = json.loads(_decode(signatures[0]["protected"]))
        length, tail = protected["formatLength"], _decode(protected["formatTail"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ValueError("its signatures can't be read") from error
    if type(length) is not int:
        raise ValueError("formatLength is no number")
    return length, tail


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
