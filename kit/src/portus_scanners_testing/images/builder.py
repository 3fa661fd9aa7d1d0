"""Images built layer by layer, indexes of several platforms, and what else a registry holds: charts, attestations.

image = make_image(debian_layer({"bash": "5.2-1", ("libc6", "glibc"): "2.36-9"}), filler_layer())
registry.push("team/app", "1.0", image)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from .distributions import alpine_layer, debian_layer, distroless_layer, opensuse_layer
from .layers import LayerBlob, digest_of, filler_layer, layer, static_binary_layer
from .media_types import (
    HELM_CHART,
    HELM_CONFIG,
    IN_TOTO,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_MANIFEST,
    Form,
    config_type,
    index_type,
    layer_type,
    manifest_type as type_of_manifest,
)

_CREATED = "2024-01-01T00:00:00Z"


@frozen(kw_only=True)
class BuiltImage:
    """An image, or another artifact that a manifest describes, with everything that a registry stores of it."""

    manifest: bytes = field(repr=False)
    media_type: str
    config: bytes = field(repr=False)
    layers: tuple[LayerBlob, ...]
    """Base first."""
    platform: Mapping[str, str]
    """As in an index: ``os``, ``architecture``, and ``variant`` if there is one."""
    annotations: Mapping[str, str] = {}
    """The annotations of its entry in an index."""
    subject: str = ""
    """The digest of the manifest that it refers to, if it is an SBOM or a signature."""
    artifact_type: str = ""
    digest: str = field(init=False)

    @digest.default
    def _digest_of_manifest(self) -> str:
        return digest_of(self.manifest)

    @property
    def manifests(self) -> tuple[BuiltImage, ...]:
        """The manifests to store with it: an image has none."""
        return ()

    @property
    def blobs(self) -> dict[str, bytes]:
        """The blobs by digest: configuration and layers."""
        return {digest_of(self.config): self.config, **{item.digest: item.data for item in self.layers}}


@frozen(kw_only=True)
class BuiltIndex:
    """A Docker manifest list or an OCI index, with its images."""

    manifest: bytes = field(repr=False)
    media_type: str
    manifests: tuple[BuiltImage, ...]
    digest: str = field(init=False)

    @digest.default
    def _digest_of_manifest(self) -> str:
        return digest_of(self.manifest)

    @property
    def blobs(self) -> dict[str, bytes]:
        """The blobs of all its images, by digest."""
        return {digest: data for image in self.manifests for digest, data in image.blobs.items()}


Pushable = BuiltImage | BuiltIndex


def make_image(
    *layers: LayerBlob,
    form: Form = "docker",
    os: str = "linux",
    architecture: str = "amd64",
    variant: str = "",
    empty_steps: int = 1,
) -> BuiltImage:
    """Return the image with these layers, base first.

    Args:
        layers: The layers; a layer may come more than once.
        form: Docker's schema2 or OCI.
        os: The platform's operating system.
        architecture: The platform's architecture.
        variant: The platform's variant; may be empty.
        empty_steps: Number of steps at the end that made no layer (CMD, ENV); each is an empty layer in schema 1.
    """
    names = {"os": os, "architecture": architecture, "variant": variant}
    platform = {key: value for key, value in names.items() if value}
    config = to_json(_config(layers, platform, empty_steps))
    return _built(config, config_type(form), layers, form, platform)


def make_index(*images: BuiltImage, form: Form = "oci", attestation: bool = False) -> BuiltIndex:
    """Return the index of these images; with *attestation*, BuildKit's entry for each image follows."""
    manifests = (*images, *(make_attestation(image) for image in images if attestation))
    entries = [_index_entry(manifest) for manifest in manifests]
    document = {"schemaVersion": 2, "mediaType": index_type(form), "manifests": entries}
    return BuiltIndex(manifest=to_json(document), media_type=index_type(form), manifests=manifests)


def make_attestation(image: BuiltImage) -> BuiltImage:
    """Return BuildKit's attestation of an image: platform unknown/unknown, an in-toto statement as its layer."""
    subject = {"name": "made-up", "digest": {"sha256": image.digest.partition(":")[2]}}
    statement = to_json({"_type": "https://in-toto.io/Statement/v0.1", "subject": [subject], "predicate": {}})
    blob = LayerBlob(data=statement, diff_id=digest_of(statement), compression="none", media_type=IN_TOTO)
    platform = {"os": "unknown", "architecture": "unknown"}
    annotations = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.digest}
    config = to_json({**platform, "config": {}, "rootfs": {"type": "layers", "diff_ids": [blob.diff_id]}})
    return _built(config, OCI_CONFIG, (blob,), "oci", platform, annotations)


def make_helm_chart(name: str = "made-up", version: str = "0.1.0") -> BuiltImage:
    """Return a Helm chart: an OCI manifest whose configuration is not that of an image."""
    chart = f"apiVersion: v2\nname: {name}\nversion: {version}\n".encode()
    blob = layer({f"{name}/Chart.yaml": chart}, media_type=HELM_CHART)
    config = to_json({"name": name, "version": version, "apiVersion": "v2"})
    return _built(config, HELM_CONFIG, (blob,), "oci", {})


def make_artifact(
    subject: Pushable,
    artifact_type: str,
    data: bytes,
    *,
    media_type: str = "",
    annotations: Mapping[str, str] = {},
) -> BuiltImage:
    """Return an artifact that refers to an image, such as an SBOM or a signature, as ``oras attach`` makes it.

    Args:
        subject: The image.
        artifact_type: Its type, such as ``application/spdx+json``.
        data: Its only blob.
        media_type: The blob's media type; if empty, the artifact type.
        annotations: Those of its manifest.
    """
    blob = LayerBlob(data=data, diff_id=digest_of(data), compression="none", media_type=media_type or artifact_type)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": describe(OCI_EMPTY, b"{}"),
        "layers": [describe(blob.media_type, data)],
        "subject": describe(subject.media_type, subject.manifest),
        **({"annotations": dict(annotations)} if annotations else {}),
    }
    return BuiltImage(
        manifest=to_json(document),
        media_type=OCI_MANIFEST,
        config=b"{}",
        layers=(blob,),
        platform={},
        annotations=annotations,
        subject=subject.digest,
        artifact_type=artifact_type,
    )


def debian_image(
    packages: Mapping[str | tuple[str, str], str], *, version: str = "12", form: Form = "docker"
) -> BuiltImage:
    """Return a Debian image of one layer with these packages (name, or (name, source): version)."""
    return make_image(debian_layer(packages, version=version), form=form)


def alpine_image(
    packages: Mapping[str | tuple[str, str], str], *, release: str = "3.19.1", form: Form = "docker"
) -> BuiltImage:
    """Return an Alpine image of one layer with these packages."""
    return make_image(alpine_layer(packages, release=release), form=form)


def opensuse_image(*, version: str = "42.3", form: Form = "docker") -> BuiltImage:
    """Return an openSUSE image of one layer."""
    return make_image(opensuse_layer(version=version), form=form)


def distroless_image(packages: Mapping[str | tuple[str, str], str], *, form: Form = "docker") -> BuiltImage:
    """Return a distroless image of one layer with these packages."""
    return make_image(distroless_layer(packages), form=form)


def static_binary_image(name: str = "app", *, form: Form = "docker") -> BuiltImage:
    """Return an image with one program and nothing else."""
    return make_image(static_binary_layer(name), form=form)


def many_layers_image(base: LayerBlob, count: int, *, name: str = "filler", form: Form = "docker") -> BuiltImage:
    """Return an image of *count* layers: *base*, and fillers on it (``opt/NAME-1`` and so on)."""
    fillers = (filler_layer(f"{name}-{number}") for number in range(1, count))
    return make_image(base, *fillers, form=form)


def _built(
    config: bytes,
    media_type: str,
    layers: tuple[LayerBlob, ...],
    form: Form,
    platform: Mapping[str, str],
    annotations: Mapping[str, str] = {},
) -> BuiltImage:
    document = {
        "schemaVersion": 2,
        "mediaType": type_of_manifest(form),
        "config": describe(media_type, config),
        "layers": [describe(layer_type(item, form), item.data) for item in layers],
    }
    return BuiltImage(
        manifest=to_json(document),
        media_type=type_of_manifest(form),
        config=config,
        layers=layers,
        platform=platform,
        annotations=annotations,
    )


def _config(layers: tuple[LayerBlob, ...], platform: Mapping[str, str], empty_steps: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"created": _CREATED, "created_by": f"layer {n}"} for n in range(len(layers))]
    steps += [{"created": _CREATED, "created_by": f"step {n}", "empty_layer": True} for n in range(empty_steps)]
    return {
        **platform,
        "created": _CREATED,
        "config": {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [item.diff_id for item in layers]},
        "history": steps,
    }


def _index_entry(image: BuiltImage) -> dict[str, Any]:
    entry = {**describe(image.media_type, image.manifest), "platform": dict(image.platform)}
    return {**entry, "annotations": dict(image.annotations)} if image.annotations else entry


def describe(media_type: str, data: bytes) -> dict[str, Any]:
    """Return the descriptor of a blob: media type, digest and size."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def to_json(document: object) -> bytes:
    """Return a document as JSON, indented as Docker writes it."""
    return json.dumps(document, indent=3).encode()
