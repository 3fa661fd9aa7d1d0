"""Docker's schema 1: an image without a configuration, whose layers are listed top first.

Source: distribution's ``docs/spec/manifest-v2-1.md``.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from ..image import Layer
from .wire import (
    MalformedError,
    WireHistory,
    WirePlatform,
    WireSchema1,
    Word,
    parse_object,
    structure,
)


def read_schema1(document: dict[str, Any]) -> tuple[tuple[Layer, ...], WirePlatform]:
    """Return the layers, base first, and the platform.

    Every step of the history has its layer, those without a file too: the same empty layer may be there many times.
    Sizes and media types are not in such a manifest.

    Args:
        document: What the manifest's digest stands for: without signatures.

    Raises:
        MalformedError: It is no such manifest.
    """
    wire = structure(document, WireSchema1)
    if wire.schemaVersion != 1:
        raise MalformedError("$.schemaVersion is not 1")
    if not wire.fsLayers or len(wire.fsLayers) != len(wire.history):
        raise MalformedError(f"$.fsLayers has {len(wire.fsLayers)} layers, $.history {len(wire.history)} steps")
    layers = tuple(Layer(digest=layer.blobSum) for layer in reversed(wire.fsLayers))
    return layers, _read_platform(wire.history[0], wire.architecture)


def _read_platform(newest: WireHistory, architecture: Word) -> WirePlatform:
    """Return the platform of the newest step, of which old builders say nothing: Docker takes it for Linux."""
    try:
        step = structure(parse_object(newest.v1Compatibility.encode(errors="replace")), WirePlatform)
    except MalformedError:
        step = WirePlatform()
    return evolve(step, os=step.os or Word("linux"), architecture=step.architecture or architecture)
