"""Manifests, indexes and configurations: what registries, folders and archives have alike. Pure but for the resolver.

`wire.py` is the JSON; `manifest.py` verifies and judges it, `schema1.py` Docker's first form; `platforms.py` ranks what
an index offers; `resolver.py` finds the images that a reference stands for.
"""

from __future__ import annotations

from .manifest import ACCEPT, DOCKER_MANIFEST, OCI_INDEX, ImageIndex, ImageManifest, make_index, read_manifest
from .platforms import own_platform
from .resolver import Resolved, Resolver, make_image
from .wire import (
    Descriptor,
    Digest,
    MalformedError,
    MediaType,
    Size,
    WireCatalog,
    WireIndex,
    WireTags,
    parse_object,
    structure,
)

__all__ = [
    "ACCEPT",
    "DOCKER_MANIFEST",
    "OCI_INDEX",
    "Descriptor",
    "Digest",
    "ImageIndex",
    "ImageManifest",
    "MalformedError",
    "MediaType",
    "Resolved",
    "Resolver",
    "Size",
    "WireCatalog",
    "WireIndex",
    "WireTags",
    "make_image",
    "make_index",
    "own_platform",
    "parse_object",
    "read_manifest",
    "structure",
]
