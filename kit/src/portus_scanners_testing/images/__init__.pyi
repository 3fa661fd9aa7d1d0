"""The public names, by the module that defines each."""

from .archives import (
    write_dir_layout as write_dir_layout,
    write_docker_archive as write_docker_archive,
    write_oci_archive as write_oci_archive,
    write_oci_layout as write_oci_layout,
    write_tar as write_tar,
)
from .builder import (
    BuiltImage as BuiltImage,
    BuiltIndex as BuiltIndex,
    Pushable as Pushable,
    alpine_image as alpine_image,
    debian_image as debian_image,
    distroless_image as distroless_image,
    make_artifact as make_artifact,
    make_attestation as make_attestation,
    make_helm_chart as make_helm_chart,
    make_image as make_image,
    make_index as make_index,
    many_layers_image as many_layers_image,
    opensuse_image as opensuse_image,
    static_binary_image as static_binary_image,
)
from .distributions import (
    alpine_layer as alpine_layer,
    debian_layer as debian_layer,
    distroless_layer as distroless_layer,
    dpkg_layer as dpkg_layer,
    opensuse_layer as opensuse_layer,
)
from .layers import (
    EMPTY_LAYER_DIGEST as EMPTY_LAYER_DIGEST,
    NEWER_EMPTY_LAYER_DIGEST as NEWER_EMPTY_LAYER_DIGEST,
    Compression as Compression,
    LayerBlob as LayerBlob,
    digest_of as digest_of,
    empty_layer as empty_layer,
    filler_layer as filler_layer,
    layer as layer,
    make_tar as make_tar,
    newer_empty_layer as newer_empty_layer,
    static_binary_layer as static_binary_layer,
)
from .media_types import (
    ACCEPT_ALL as ACCEPT_ALL,
    DOCKER_LIST as DOCKER_LIST,
    DOCKER_MANIFEST as DOCKER_MANIFEST,
    DOCKER_SCHEMA1 as DOCKER_SCHEMA1,
    IN_TOTO as IN_TOTO,
    OCI_INDEX as OCI_INDEX,
    OCI_MANIFEST as OCI_MANIFEST,
    Form as Form,
)

__all__: list[str]
