"""Images are the same bytes every time, and what their manifests say is so."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest
from portus_scanners_testing.images import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    EMPTY_LAYER_DIGEST,
    IN_TOTO,
    NEWER_EMPTY_LAYER_DIGEST,
    OCI_INDEX,
    OCI_MANIFEST,
    BuiltImage,
    Form,
    alpine_image,
    debian_image,
    debian_layer,
    digest_of,
    distroless_layer,
    empty_layer,
    filler_layer,
    layer,
    make_attestation,
    make_helm_chart,
    make_image,
    make_index,
    many_layers_image,
    newer_empty_layer,
    opensuse_image,
    static_binary_image,
    static_binary_layer,
    write_dir_layout,
    write_oci_layout,
)
from portus_scanners_testing.registry import signed_schema1

BUILT = [
    debian_image({"bash": "5.2-1"}),
    alpine_image({"musl": "1.2.4-r2"}, form="oci"),
    opensuse_image(),
    static_binary_image(),
    make_helm_chart(),
    make_attestation(debian_image({})),
    many_layers_image(debian_layer({}), 30, form="oci"),
    make_image(layer({"a": b"b"}, compression="zstd"), empty_layer(), form="oci"),
]


def test_empty_layers_are_the_well_known_ones() -> None:
    """The bytes have the well-known digests; inside is an archive without files."""
    assert EMPTY_LAYER_DIGEST == empty_layer().digest
    assert NEWER_EMPTY_LAYER_DIGEST == newer_empty_layer().digest
    assert bytes(1024) == gzip.decompress(empty_layer().data) == gzip.decompress(newer_empty_layer().data)


def test_bytes_never_change() -> None:
    """A digest that is written down here stays: no times, no names of users."""
    image = make_image(debian_layer({"bash": "5.2-1"}, compression="none"))
    assert "sha256:85bbfd5a474e333a61ba3a981f156260f261cec536727addab7990eb74b0fd51" == image.digest


@pytest.mark.parametrize("image", BUILT, ids=lambda image: image.media_type)
def test_manifest_describes_its_blobs(image: BuiltImage) -> None:
    """Each descriptor has the digest and the size of a blob that is there; layers stand base first."""
    document = json.loads(image.manifest)
    descriptors = [document["config"], *document["layers"]]
    assert [item.digest for item in image.layers] == [item["digest"] for item in document["layers"]]
    for item in descriptors:
        data = image.blobs[item["digest"]]
        assert (item["digest"], item["size"]) == (digest_of(data), len(data))
    assert digest_of(image.manifest) == image.digest


@pytest.mark.parametrize("count", [1, 5, 30])
def test_images_of_many_layers(count: int) -> None:
    """As many layers as asked for, all different; the configuration has their archives' digests."""
    image = many_layers_image(debian_layer({}), count)
    config = json.loads(image.config)
    assert count == len({item.digest for item in image.layers}) == len(image.layers)
    assert [item.diff_id for item in image.layers] == config["rootfs"]["diff_ids"]


@pytest.mark.parametrize(("form", "expected"), [("docker", DOCKER_LIST), ("oci", OCI_INDEX)])
def test_index_has_an_entry_for_each_image_and_attestation(form: Form, expected: str) -> None:
    """Attestations follow the images; their platform is unknown/unknown and their layer no layer."""
    arm = make_image(filler_layer(), architecture="arm", variant="v7", form=form)
    index = make_index(debian_image({}, form=form), arm, form=form, attestation=True)
    entries = json.loads(index.manifest)["manifests"]
    unknown = {"os": "unknown", "architecture": "unknown"}
    assert expected == index.media_type
    assert [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm", "variant": "v7"},
        unknown,
        unknown,
    ] == [entry["platform"] for entry in entries]
    assert arm.digest == entries[3]["annotations"]["vnd.docker.reference.digest"]
    assert IN_TOTO == json.loads(index.manifests[3].manifest)["layers"][0]["mediaType"]
    assert index.blobs.keys() >= arm.blobs.keys()


def test_forms_differ_in_media_types_alone() -> None:
    """The layers of a Docker image and of an OCI image are the same blobs."""
    docker, oci = debian_image({"bash": "1"}), debian_image({"bash": "1"}, form="oci")
    assert (DOCKER_MANIFEST, OCI_MANIFEST) == (docker.media_type, oci.media_type)
    assert docker.layers == oci.layers


def test_zstd_layer_is_a_frame_of_plain_blocks() -> None:
    """The magic number, the size, then blocks of 128 KiB at most with a header of three bytes."""
    blob = layer({"big": bytes(300_000)}, compression="zstd")
    assert b"\x28\xb5\x2f\xfd" == blob.data[:4]
    size = int.from_bytes(blob.data[5:9], "little")
    blocks = -(-size // (128 * 1024))
    assert 4 + 1 + 4 + 3 * blocks + size == blob.size


def test_layers_hold_what_scanners_read() -> None:
    """Names as in real layers; a distroless layer has a file for each package."""
    names = {name: _names(blob.data) for name, blob in {"d": debian_layer({}), "s": static_binary_layer()}.items()}
    assert {"d": ["etc/debian_version", "etc/os-release", "var/lib/dpkg/status"], "s": ["usr/local/bin/app"]} == names
    assert "var/lib/dpkg/status.d/libc6" in _names(distroless_layer({("libc6", "glibc"): "2.36-9"}).data)


def _names(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getnames()


def test_oci_layout_has_everything(tmp_path: Path) -> None:
    """index.json names the image; every blob and manifest is there under its digest."""
    index = make_index(debian_image({}, form="oci"), attestation=True)
    write_oci_layout(tmp_path, index)
    entry = json.loads((tmp_path / "index.json").read_text())["manifests"][0]
    stored = {path.name: path.read_bytes() for path in (tmp_path / "blobs" / "sha256").iterdir()}
    wanted = {index.digest, *index.blobs, *(image.digest for image in index.manifests)}
    assert (index.digest, "image") == (entry["digest"], entry["annotations"]["org.opencontainers.image.ref.name"])
    assert {digest.removeprefix("sha256:") for digest in wanted} == stored.keys()
    assert all(digest_of(data) == f"sha256:{name}" for name, data in stored.items())


def test_dir_layout_has_everything(tmp_path: Path) -> None:
    """manifest.json is the list; its images' manifests and blobs are named by their digests."""
    index = make_index(debian_image({}), form="docker")
    write_dir_layout(tmp_path, index)
    names = {path.name for path in tmp_path.iterdir()}
    assert index.manifest == (tmp_path / "manifest.json").read_bytes()
    assert f"{index.manifests[0].digest.removeprefix('sha256:')}.manifest.json" in names
    assert {digest.removeprefix("sha256:") for digest in index.blobs} < names


def test_schema1_is_top_first_and_has_the_empty_layers() -> None:
    """A step without a layer becomes the well-known empty layer; the payload is the signed text's beginning."""
    base, upper = debian_layer({}), filler_layer()
    signed, payload = signed_schema1(make_image(base, upper, empty_steps=2), "team/app", "1.0")
    document = json.loads(signed)
    expected = [EMPTY_LAYER_DIGEST, EMPTY_LAYER_DIGEST, upper.digest, base.digest]
    assert expected == [item["blobSum"] for item in document["fsLayers"]]
    assert json.loads(payload) == {key: value for key, value in document.items() if key != "signatures"}
    assert signed.startswith(payload.removesuffix(b"\n}"))
