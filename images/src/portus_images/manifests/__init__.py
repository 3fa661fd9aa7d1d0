"""Manifests, indexes and configurations: what registries, folders and archives have alike. Pure but for the resolver.

`wire.py` is the JSON, read as Go reads it; `manifest.py` verifies and judges it, `schema1.py` Docker's first form;
`platforms.py` ranks what an index offers; `resolver.py` finds the images of a reference.
"""

from __future__ import annotations

from .manifest import (
    ACCEPT,
    DOCKER_MANIFEST,
    OCI_INDEX,
    ImageIndex,
    ImageManifest,
    make_index,
    make_platform,
    read_manifest,
    read_platform,
)
from .platforms import normalize_platform, own_platform
from .resolver import Resolved, Resolver, make_image
from .wire import (
    Descriptor,
    Digest,
    JsonObject,
    MalformedError,
    MediaType,
    Size,
    TwiceError,
    WireCatalog,
    WireIndex,
    WireTags,
    parse_json,
    parse_object,
    read_members,
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
    "JsonObject",
    "MalformedError",
    "MediaType",
    "Resolved",
    "Resolver",
    "Size",
    "TwiceError",
    "WireCatalog",
    "WireIndex",
    "WireTags",
    "make_image",
    "make_index",
    "make_platform",
    "normalize_platform",
    "own_platform",
    "parse_json",
    "parse_object",
    "read_manifest",
    "read_members",
    "read_platform",
    "structure",
]
