"""JSON is read as Go reads it, or not at all: what is scanned is what Docker takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_images.manifests import ImageIndex, ImageManifest, MalformedError, WireTags, parse_object, structure
from portus_images.manifests.manifest import DOCKER_LIST, DOCKER_MANIFEST, read_manifest, read_platform
from portus_images.manifests.wire import fold, read_members

GOOD, EVIL = "sha256:" + "aa" * 32, "sha256:" + "bb" * 32
LAYER = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 5, "digest": GOOD}
CONFIG = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 5, "digest": GOOD}
PLATFORM = {"os": "linux", "architecture": "amd64"}
ENTRY = {"mediaType": DOCKER_MANIFEST, "size": 5, "digest": GOOD, "platform": PLATFORM}


def manifest(**members: Any) -> dict[str, Any]:
    """Return a good manifest with members replaced and added."""
    return {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": CONFIG, "layers": [LAYER], **members}


def index(*entries: Any, **members: Any) -> dict[str, Any]:
    """Return a good index with members added."""
    return {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": list(entries), **members}


def read(document: Any) -> ImageManifest | ImageIndex:
    """Read a document as a registry would send it."""
    kind = DOCKER_LIST if "manifests" in document else DOCKER_MANIFEST
    return read_manifest(json.dumps(document, ensure_ascii=False).encode(), kind, None)


@pytest.mark.parametrize(
    "document",
    [
        manifest(Layers=[{**LAYER, "digest": EVIL}]),
        {**manifest(), "layer\u017f": [{**LAYER, "digest": EVIL}]},
        manifest(LAYERS=None),
        manifest(layers=[{**LAYER, "Digest": EVIL}]),
        manifest(layers=[{**LAYER, "mediatype": "application/octet-stream"}]),
        manifest(Config={**CONFIG, "digest": EVIL}),
        manifest(MediaType=DOCKER_LIST),
        manifest(schemaversion=1),
        manifest(Manifests=[ENTRY]),
        manifest(fslayers=[{"blobSum": EVIL}]),
        index(ENTRY, Manifests=[{**ENTRY, "digest": EVIL}]),
        {**index(ENTRY), "manife\u017ft\u017f": [{**ENTRY, "digest": EVIL}]},
        index({**ENTRY, "Digest": EVIL}),
        index({**ENTRY, "Platform": {"os": "linux", "architecture": "s390x"}}),
        index({**ENTRY, "platform": {**PLATFORM, "Architecture": "s390x"}}),
        index({**ENTRY, "platform": {**PLATFORM, "os.version": "1", "OS.Version": "2"}}),
    ],
    ids=range(16),
)
def test_what_go_reads_in_another_way_is_refused(document: Any) -> None:
    """A member that is there in two spellings, or of another kind of manifest in any spelling."""
    with pytest.raises(MalformedError, match="two ways"):
        read(document)


def test_a_member_that_is_there_twice_in_one_spelling_is_refused() -> None:
    """Python takes the last one, others the first; Go merges objects."""
    body = json.dumps(manifest()).replace('"layers"', '"layers": [], "layers"').encode()
    with pytest.raises(MalformedError, match="layers is there twice"):
        read_manifest(body, DOCKER_MANIFEST, None)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_go_does_not_know_are_refused(word: str) -> None:
    """Also in a member that nobody reads: Docker pulls no image of such a manifest."""
    with pytest.raises(MalformedError, match="not JSON"):
        parse_object(b'{"x": [%s]}' % word.encode())


def test_a_member_is_found_in_any_spelling() -> None:
    """As Docker finds it: an image of such a manifest is pulled, so it is scanned."""
    layer = {"MEDIATYPE": LAYER["mediaType"], "si\u007ae": 5, "dige\u017ft": EVIL}
    found = read({"SchemaVersion": 2, "config": CONFIG, "Layer\u017f": [layer]})

    assert isinstance(found, ImageManifest)
    assert [EVIL] == [one.digest for one in found.layers]


def test_names_of_maps_and_what_nobody_reads_may_be_there_twice() -> None:
    """Annotations are data, and members that mean nothing here mean nothing in any spelling."""
    annotations = {"a": "1", "A": "2", "layers": "3", "none": None}
    found = read(manifest(annotations=annotations, Annotations=annotations, x=1, X=2))
    body = json.dumps(index({**ENTRY, "annotations": annotations})).replace('"none"', '"a": "4", "none"').encode()
    listed = read_manifest(body, DOCKER_LIST, None)

    assert isinstance(found, ImageManifest)
    assert isinstance(listed, ImageIndex)
    assert [{"a": "4", "A": "2", "layers": "3", "none": ""}] == [dict(one.annotations) for one in listed.entries]


@pytest.mark.parametrize("member", ["os", "architecture", "variant", "rootfs"])
def test_a_configuration_is_read_alike(member: str) -> None:
    """``rootfS`` is ``rootfs``; both of them are none."""
    written = {"OS": "linux", "Architecture": "arm", "variant": "v7", "rootfS": {"type": "layers", "diff_ids": []}}
    assert "linux/arm/v7" == str(read_platform(json.dumps(written).encode()))
    with pytest.raises(MalformedError, match=f"{member} is there twice"):
        read_platform(json.dumps({**written, member.upper(): "x", member.title(): "x", member: "x"}).encode())


@pytest.mark.parametrize("body", [b"{}", b'{"errors": []}', b'{"tags": {}}', b'{"tags": "a"}', b'{"tags": [1]}'])
def test_a_list_that_is_absent_or_of_another_type_is_no_empty_one(body: bytes) -> None:
    """Only null is: Go writes it for an empty list."""
    with pytest.raises(MalformedError, match="tags"):
        structure(parse_object(body), WireTags)
    assert () == structure(parse_object(b'{"Tags": null}'), WireTags).tags


@given(st.text(), st.sampled_from(["layers", "config", "os.version", "kind"]))
def test_only_case_the_long_s_and_the_kelvin_sign_are_folded(text: str, name: str) -> None:
    """No other character is one of ASCII to Go: neither a ligature nor a dotted capital I."""
    plain = text.replace("\u017f", "s").replace("\u212a", "k")
    assert (plain.isascii() and plain.lower() == name) == (fold(text) == name)
    assert (fold(name), fold(name)) == (fold(name.upper().replace("S", "\u017f")), fold(name.replace("k", "\u212a")))


@given(st.lists(st.sampled_from(["a", "A", "b", "c", "C"])))
def test_a_member_is_refused_exactly_when_it_is_read_and_there_twice(names: list[str]) -> None:
    """Whatever else there is."""
    body = "{" + ",".join(f'"{name}": 1' for name in names) + "}"
    folded = [name.lower() for name in names]
    if any(folded.count(name) > 1 for name in ("a", "b")):
        with pytest.raises(MalformedError, match="twice"):
            read_members(parse_object(body.encode()), ("a", "b"))
    else:
        assert {"a", "b"} & set(folded) == set(read_members(parse_object(body.encode()), ("a", "b")))
