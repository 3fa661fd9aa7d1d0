"""Images built on the spot, for tests: ``debian_image({"bash": "5.2-1"})``. The same bytes every time.

``layers`` makes the archives, ``distributions`` those that look like Debian, Alpine or openSUSE to a scanner,
``builder`` makes images, indexes and what else lies in a registry of them.
"""

from __future__ import annotations

from .archives import write_docker_archive, write_oci_archive
from .builder import (
    BuiltImage,
    BuiltIndex,
    Pushable,
    alpine_image,
    debian_image,
    distroless_image,
    make_artifact,
    make_attestation,
    make_helm_chart,
    make_image,
    make_index,
    many_layers_image,
    opensuse_image,
    static_binary_image,
    write_dir_layout,
    write_oci_layout,
)
from .distributions import (
    alpine_layer,
    debian_layer,
    distroless_layer,
    dpkg_layer,
    opensuse_layer,
)
from .layers import (
    EMPTY_LAYER_DIGEST,
    NEWER_EMPTY_LAYER_DIGEST,
    LayerBlob,
    digest_of,
    empty_layer,
    filler_layer,
    layer,
    newer_empty_layer,
    static_binary_layer,
)

__all__ = [
    "EMPTY_LAYER_DIGEST",
    "NEWER_EMPTY_LAYER_DIGEST",
    "BuiltImage",
    "BuiltIndex",
    "LayerBlob",
    "Pushable",
    "alpine_image",
    "alpine_layer",
    "debian_image",
    "debian_layer",
    "digest_of",
    "distroless_image",
    "distroless_layer",
    "dpkg_layer",
    "empty_layer",
    "filler_layer",
    "layer",
    "make_artifact",
    "make_attestation",
    "make_helm_chart",
    "make_image",
    "make_index",
    "many_layers_image",
    "newer_empty_layer",
    "opensuse_image",
    "opensuse_layer",
    "static_binary_image",
    "static_binary_layer",
    "write_dir_layout",
    "write_docker_archive",
    "write_oci_archive",
    "write_oci_layout",
]
