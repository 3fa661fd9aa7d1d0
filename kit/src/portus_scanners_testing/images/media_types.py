"""The media types of manifests, and of what they refer to."""

from __future__ import annotations

from typing import Literal

from .layers import LayerBlob

Form = Literal["docker", "oci"]

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
IN_TOTO = "application/vnd.in-toto+json"

ACCEPT_ALL = ", ".join((DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX))
"""The ``Accept`` header of a client that knows every manifest that a registry may hold."""

_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_SUFFIXES = {"none": "", "gzip": "gzip", "bzip2": "bzip2", "xz": "xz", "zstd": "zstd"}


def manifest_type(form: Form) -> str:
    """Return the media type of an image's manifest."""
    return OCI_MANIFEST if form == "oci" else DOCKER_MANIFEST


def index_type(form: Form) -> str:
    """Return the media type of an index (OCI) or a list (Docker)."""
    return OCI_INDEX if form == "oci" else DOCKER_LIST


def config_type(form: Form) -> str:
    """Return the media type of an image's configuration."""
    return OCI_CONFIG if form == "oci" else DOCKER_CONFIG


def layer_type(layer: LayerBlob, form: Form) -> str:
    """Return the media type of a layer in a manifest of this form."""
    suffix = _SUFFIXES[layer.compression]
    if form == "oci":
        return layer.media_type or "+".join(filter(None, (_OCI_LAYER, suffix)))
    return layer.media_type or ".".join(filter(None, (_DOCKER_LAYER, suffix)))
