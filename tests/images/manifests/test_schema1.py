"""Docker's schema 1: layers top first, no configuration."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_images.manifests.manifest import SCHEMA_1, SCHEMA_1_SIGNED, ImageManifest, read_manifest
from portus_images.manifests.wire import MalformedError
from portus_scanners import Platform
from portus_scanners_testing.images import EMPTY_LAYER_DIGEST, debian_layer, digest_of, filler_layer, make_image
from portus_scanners_testing.registry import signed_schema1

TOP, MIDDLE, BASE = (f"sha256:{letter * 64}" for letter in "cba")
TWICE = filler_layer("twice")
BUILT = make_image(debian_layer({"bash": "5.0-4"}), TWICE, TWICE, architecture="arm64", empty_steps=2)


def schema1(*digests: str, **members: Any) -> dict[str, Any]:
    """Return a manifest with these layers, top first."""
    history = [{"v1Compatibility": json.dumps({"id": str(number)})} for number, _ in enumerate(digests)]
    layers = [{"blobSum": digest} for digest in digests]
    return {"schemaVersion": 1, "architecture": "amd64", "fsLayers": layers, "history": history, **members}


def read(document: Any, media_type: str = SCHEMA_1, digest: str | None = None) -> ImageManifest:
    """Read what must be a manifest."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    found = read_manifest(body, media_type, digest)
    assert isinstance(found, ImageManifest)
    return found


@pytest.mark.parametrize("media_type", [SCHEMA_1_SIGNED, "application/json"])
def test_a_signed_manifest_is_an_image_known_by_its_payload(media_type: str) -> None:
    """Layers base first, each as often as it is there; no configuration; the digest is that of the unsigned part."""
    signed, payload = signed_schema1(BUILT, "team/app", "1")
    found = read(signed, media_type, digest_of(payload))

    expected = [*(layer.digest for layer in BUILT.layers), EMPTY_LAYER_DIGEST, EMPTY_LAYER_DIGEST]
    assert expected == [layer.digest for layer in found.layers]
    assert (digest_of(payload), None, None) == (found.digest, found.config, found.unsupported)
    assert Platform("linux", "arm64") == found.platform


def test_an_unsigned_manifest_is_an_image_known_by_all_of_it() -> None:
    """Nothing is cut off."""
    document = schema1(TOP, BASE)

    assert digest_of(json.dumps(document).encode()) == read(document).digest
    assert [BASE, TOP] == [layer.digest for layer in read(document).layers]


def test_steps_without_files_keep_their_place() -> None:
    """Docker marks them with throwaway; their empty layers stay where they are."""
    steps = [{"id": "2", "throwaway": True}, {"id": "1"}, {"id": "0", "throwaway": True}]
    history = [{"v1Compatibility": json.dumps(step)} for step in steps]
    found = read(schema1(EMPTY_LAYER_DIGEST, MIDDLE, EMPTY_LAYER_DIGEST, history=history))

    assert [EMPTY_LAYER_DIGEST, MIDDLE, EMPTY_LAYER_DIGEST] == [layer.digest for layer in found.layers]


@pytest.mark.parametrize(
    ("newest", "architecture", "expected"),
    [
        ('{"os": "windows", "architecture": "amd64"}', "arm", "windows/amd64"),
        ("{}", "arm", "linux/arm"),
        ("no JSON", "arm64", "linux/arm64"),
        ('{"os": 5}', "amd64", "linux/amd64"),
        ("[]", "amd64", "linux/amd64"),
        ("\ud800", "amd64", "linux/amd64"),
        ('{"os": "linux"}', "", None),
    ],
)
def test_the_platform_is_the_newest_steps(newest: str, architecture: str, expected: str | None) -> None:
    """What it does not say is Linux, and the manifest's architecture."""
    found = read(schema1(TOP, history=[{"v1Compatibility": newest}], architecture=architecture))

    assert expected == (str(found.platform) if found.platform else None)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (schema1(), "0 layers"),
        (schema1(TOP, history=[]), "1 layers, $.history 0 steps"),
        (schema1(TOP, schemaVersion=2), "$.schemaVersion is not 1"),
        (schema1(TOP, fsLayers=None), "$.fsLayers"),
        (schema1(TOP, fsLayers="x"), "$.fsLayers"),
        (schema1("sha256:../../etc"), "$.fsLayers[0].blobSum"),
        (schema1(TOP, fsLayers=[{}]), "$.fsLayers[0].blobSum"),
        (schema1(*[TOP] * 1001), "more than 1000 elements"),
        (schema1(TOP, layers=[{"digest": BASE}]), "$.layers has no place in it"),
        (schema1(TOP, manifests=[{"digest": BASE}]), "$.manifests has no place in it"),
    ],
)
def test_what_does_not_fit_is_refused(document: dict[str, Any], said: str) -> None:
    """The message says where."""
    with pytest.raises(MalformedError) as caught:
        read(document)

    assert said in str(caught.value)


def test_only_the_signed_part_is_read() -> None:
    """Layers that are put in after the payload, where no digest covers them, don't count."""
    signed, payload = signed_schema1(BUILT, "team/app", "1")
    forged = signed.rstrip().removesuffix(b"}") + b', "fsLayers": [{"blobSum": "%s"}]}' % TOP.encode()

    assert [layer.digest for layer in read(payload).layers] == [
        layer.digest for layer in read(forged, SCHEMA_1_SIGNED, digest_of(payload)).layers
    ]


def test_a_changed_payload_is_refused() -> None:
    """Where the registry states the digest."""
    signed, payload = signed_schema1(BUILT, "team/app", "1")
    with pytest.raises(MalformedError, match="digest"):
        read(signed.replace(b"arm64", b"amd64", 1), SCHEMA_1_SIGNED, digest_of(payload))


DIGESTS = st.lists(st.sampled_from([TOP, MIDDLE, BASE, EMPTY_LAYER_DIGEST]), min_size=1, max_size=20)


@given(DIGESTS)
def test_layers_are_turned_round_and_none_is_lost(digests: list[str]) -> None:
    """Whatever is there twice."""
    assert digests[::-1] == [layer.digest for layer in read(schema1(*digests)).layers]
