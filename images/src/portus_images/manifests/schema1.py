"""Docker's schema 1: an image without a configuration, whose layers are listed top first.

Sources: distribution's ``docs/spec/manifest-v2-1.md``; for signatures Docker's ``libtrust``, ``jsonsign.go``,
``ParsePrettySignature``.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

from attrs import evolve

from ..image import Layer
from .wire import MalformedError, WireHistory, WirePlatform, WireSchema1, Word, parse_object, read_members, structure


def read_schema1(document: dict[str, Any]) -> tuple[tuple[Layer, ...], WirePlatform]:
    """Return the layers of a manifest, base first, and its platform.

    Every step of the history has its layer, those without a file too: the same empty layer may be there many times.
    Sizes and media types are not in such a manifest.

    Args:
        document: The part that the manifest's digest stands for: without signatures.

    Raises:
        MalformedError: *document* is not such a manifest.
    """
    wire = structure(document, WireSchema1)
    if wire.schemaVersion != 1:
        raise MalformedError("$.schemaVersion is not 1")
    if not wire.fsLayers or len(wire.fsLayers) != len(wire.history):
        raise MalformedError(f"$.fsLayers has {len(wire.fsLayers)} layers, $.history {len(wire.history)} steps")
    layers = tuple(Layer(digest=layer.blobSum) for layer in reversed(wire.fsLayers))
    return layers, _read_platform(wire.history[0], wire.architecture)


def _read_platform(newest: WireHistory, architecture: Word) -> WirePlatform:
    """Return the platform of the newest step; where old builders do not name an OS, it is Linux, as for Docker."""
    try:
        step = structure(parse_object(newest.v1Compatibility.encode(errors="replace")), WirePlatform)
    except MalformedError:
        step = WirePlatform()
    return evolve(step, os=step.os or Word("linux"), architecture=step.architecture or architecture)


def strip_signatures(body: bytes) -> bytes:
    """Return the part of a schema 1 manifest that its digest stands for: all but the signatures.

    A reader of such a manifest must read this part, since nothing vouches for the rest.

    Args:
        body: The manifest as the registry sent it; without signatures it is returned as it is.

    Raises:
        ValueError: The signatures do not say where the signed part ends.
    """
    signatures = read_members(parse_object(body), ("signatures",)).get("signatures")
    if not signatures:
        return body
    length, tail = _read_protected(signatures)
    if not 0 <= length <= len(body):
        raise ValueError("formatLength points outside of the manifest")
    return body[:length] + tail


def _read_protected(signatures: Any) -> tuple[int, bytes]:
    """Return formatLength and formatTail of the first signature."""
    try:
        first = read_members(signatures[0], ("protected",))
        protected = read_members(parse_object(_decode(first["protected"])), ("formatLength", "formatTail"))
        length, tail = protected["formatLength"], _decode(protected["formatTail"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ValueError("its signatures can't be read") from error
    if type(length) is not int:
        raise ValueError("formatLength is not an integer")
    return length, tail


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
