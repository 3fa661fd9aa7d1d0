"""All images of an index: each once, nothing left out, no end of indexes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_images import InvalidManifestError, Registry
from portus_images.manifests.manifest import ImageIndex, ImageManifest
from portus_images.manifests.resolver import Resolver
from portus_images.manifests.wire import Descriptor, Digest, MediaType
from portus_scanners import Image, Platform, Reference, RegistryUnavailableError
from portus_scanners_testing import ScriptedServer, Status
from portus_scanners_testing.images import (
    OCI_INDEX,
    OCI_MANIFEST,
    BuiltImage,
    digest_of,
    filler_layer,
    make_helm_chart,
    make_image,
    make_index,
)
from portus_scanners_testing.registry import StandInRegistry

from .conftest import Connect

AMD = make_image(filler_layer("amd"))
ARM = make_image(filler_layer("arm"), architecture="arm", variant="v7")
ARM64 = make_image(filler_layer("arm64"), architecture="arm64")
S390 = make_image(filler_layer("s390x"), architecture="s390x")


async def resolve_all(client: Registry, server: Any) -> tuple[Image, ...]:
    """Resolve all that ``team/app:1`` is."""
    return await client.resolve_all(Reference.parse(f"{server.host}/team/app:1"))


def entry(built: BuiltImage, **members: Any) -> dict[str, Any]:
    """Return an index entry."""
    return {"mediaType": built.media_type, "digest": built.digest, "platform": dict(built.platform), **members}


def put(server: ScriptedServer, *entries: dict[str, Any], tag: str = "") -> dict[str, Any]:
    """Script an index of these entries and return an entry for it."""
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)}).encode()
    digest = digest_of(body)
    for name in {digest, tag} - {""}:
        server.script(f"/v2/team/app/manifests/{name}", body, content_type=OCI_INDEX)
    return {"mediaType": OCI_INDEX, "digest": digest}


def put_image(server: ScriptedServer, built: BuiltImage) -> dict[str, Any]:
    """Script an image and return its entry."""
    server.script(f"/v2/team/app/manifests/{built.digest}", built.manifest, content_type=built.media_type)
    return entry(built)


@pytest.mark.parametrize("form", ["docker", "oci"])
async def test_each_platform_is_an_image_in_the_order_of_the_index(connect: Connect, form: Any) -> None:
    """With its own digest, platform and layers."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", make_index(ARM, AMD, form=form))
        found = await resolve_all(connect(), server)

    assert [ARM.digest, AMD.digest] == [image.digest for image in found]
    assert ["linux/arm/v7", "linux/amd64"] == [str(image.platform) for image in found]
    assert [ARM.layers[0].digest, AMD.layers[0].digest] == [image.layers[0].digest for image in found]
    assert [None, None] == [image.unsupported for image in found]


async def test_of_equal_platforms_a_pull_gives_the_first(connect: Connect) -> None:
    """Each image keeps the index; a second one of a platform, or one inside another index, no pull by a name gives."""
    async with ScriptedServer() as server:
        twin = dict(put_image(server, S390), platform={"os": "linux", "architecture": "amd64", "variant": "v1"})
        plain_arm = dict(put_image(server, ARM), platform={"os": "linux", "architecture": "arm"})
        inside = put(server, put_image(server, ARM64))
        index = put(server, put_image(server, AMD), twin, plain_arm, inside, tag="1")
        found = await resolve_all(connect(), server)

    assert {index["digest"]} == {image.index_digest for image in found}
    assert [Platform("linux", "amd64"), None, None, None] == [image.index_platform for image in found]


async def test_attestations_are_there_and_say_what_they_are(connect: Connect) -> None:
    """Nothing is dropped in silence."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", make_index(AMD, ARM, attestation=True))
        found = await resolve_all(connect(), server)

    assert [False, False, True, True] == ["attestation" in (image.unsupported or "") for image in found]


async def test_what_is_no_image_says_what_it_is(connect: Connect) -> None:
    """A chart beside an image, and an entry of a media type that nobody knows: it is not even fetched."""
    chart = make_helm_chart()
    async with ScriptedServer() as server:
        odd = {"mediaType": "application/vnd.acme.thing+json", "digest": S390.digest}
        put(server, put_image(server, AMD), put_image(server, chart), odd, tag="1")
        found = await resolve_all(connect(), server)
        asked = [request.path for request in server.requests]

    assert [AMD.digest, chart.digest, S390.digest] == [image.digest for image in found]
    assert found[0].unsupported is None
    assert "Helm chart" in (found[1].unsupported or "")
    assert "application/vnd.acme.thing+json" in (found[2].unsupported or "")
    assert f"/v2/team/app/manifests/{S390.digest}" not in asked


async def test_an_entry_that_cannot_be_had_does_not_hide_the_others(connect: Connect) -> None:
    """One is missing, one has another content: both are there with the reason."""
    async with ScriptedServer() as server:
        server.script(f"/v2/team/app/manifests/{ARM.digest}", AMD.manifest, content_type=AMD.media_type)
        put(server, entry(ARM), entry(S390), put_image(server, AMD), tag="1")
        found = await resolve_all(connect(), server)

    reasons = [image.unsupported or "" for image in found]
    assert ["digest" in reasons[0], "404" in reasons[1], reasons[2]] == [True, True, ""]
    assert ["linux/arm/v7", "linux/s390x", "linux/amd64"] == [str(image.platform) for image in found]


async def test_a_registry_that_is_out_of_order_is_an_error(connect: Connect) -> None:
    """Half an answer would look like a whole one."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", make_index(AMD, ARM))
        server.faults.add(f"/v2/team/app/manifests/{ARM.digest}", Status(503))
        with pytest.raises(RegistryUnavailableError):
            await resolve_all(connect(), server)


async def test_a_single_image_is_all_there_is(connect: Connect) -> None:
    """Its platform is its configuration's."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", ARM)
        found = await resolve_all(connect(), server)

    assert [(ARM.digest, Platform("linux", "arm", "v7"))] == [(image.digest, image.platform) for image in found]


async def test_indexes_inside_are_read_and_each_image_counted_once(connect: Connect) -> None:
    """An index that is named twice, and an image that is in two of them."""
    async with ScriptedServer() as server:
        amd, arm = put_image(server, AMD), put_image(server, ARM)
        inner = put(server, arm, amd)
        middle = put(server, inner, put_image(server, S390))
        put(server, amd, middle, inner, tag="1")
        found = await resolve_all(connect(), server)

    assert [AMD.digest, ARM.digest, S390.digest] == [image.digest for image in found]


async def test_a_platform_of_an_index_inside_is_its_images(connect: Connect) -> None:
    """Where the entry of the image itself names none."""
    async with ScriptedServer() as server:
        inner = put(server, {**put_image(server, ARM), "platform": None})
        put(server, {**inner, "platform": {"os": "linux", "architecture": "arm", "variant": "v6"}}, tag="1")
        found = await resolve_all(connect(), server)

    assert ["linux/arm/v6"] == [str(image.platform) for image in found]


async def test_one_platform_is_found_in_any_of_the_indexes_inside(connect: Connect) -> None:
    """Not only in the first."""
    async with ScriptedServer() as server:
        first, second = put(server, put_image(server, ARM)), put(server, put_image(server, S390))
        put(server, first, second, tag="1")
        reference = Reference.parse(f"{server.host}/team/app:1")
        found = await connect().resolve(reference, Platform("linux", "s390x"))

    assert S390.digest == found.digest


async def test_indexes_inside_each_other_have_an_end(connect: Connect) -> None:
    """Three are read."""
    async with ScriptedServer() as server:
        inner = put_image(server, AMD)
        for _ in range(3):
            inner = put(server, inner)
        put(server, inner, tag="1")
        with pytest.raises(InvalidManifestError, match="more than 3 indexes inside each other"):
            await resolve_all(connect(), server)


async def test_an_index_that_holds_itself_has_an_end(connect: Connect) -> None:
    """No digest can do that; a registry that verifies nothing could try with a tag."""
    async with ScriptedServer() as server:
        inner = put(server, put_image(server, AMD))
        put(server, inner, inner, inner, tag="1")
        found = await resolve_all(connect(), server)
        fetched = [request.path for request in server.requests].count(f"/v2/team/app/manifests/{inner['digest']}")

    assert [AMD.digest] == [image.digest for image in found]
    assert 1 == fetched


async def test_indexes_side_by_side_have_an_end(connect: Connect) -> None:
    """Twenty are read."""
    async with ScriptedServer() as server:
        image = put_image(server, AMD)
        inside = [put(server, image, {**image, "digest": f"sha256:{number:064x}"}) for number in range(30)]
        put(server, *inside, tag="1")
        with pytest.raises(InvalidManifestError, match="more than 20 indexes"):
            await resolve_all(connect(), server)


async def test_images_have_an_end(connect: Connect) -> None:
    """Two hundred, whatever they are."""
    odd = [{"mediaType": "application/x.y", "digest": f"sha256:{number:064x}"} for number in range(201)]
    async with ScriptedServer() as server:
        put(server, *odd, tag="1")
        with pytest.raises(InvalidManifestError, match="more than 200 images"):
            await resolve_all(connect(), server)


async def test_an_index_of_nothing_is_an_error(connect: Connect) -> None:
    """No report at all would be silence."""
    async with ScriptedServer() as server:
        put(server, tag="1")
        with pytest.raises(InvalidManifestError, match="names no image"):
            await resolve_all(connect(), server)


async def test_windows_images_are_told_apart_by_their_version(connect: Connect) -> None:
    """The index names it; the reports do too."""
    versions = "10.0.17763.5329", "10.0.20348.2227"
    images = [make_image(filler_layer(version), os="windows") for version in versions]
    async with ScriptedServer() as server:
        entries = []
        for version, image in zip(versions, images, strict=True):
            platform = {**image.platform, "os.version": version}
            entries.append({**put_image(server, image), "platform": platform})
        put(server, *entries, tag="1")
        client, reference = connect(), Reference.parse(f"{server.host}/team/app:1")
        newest = await client.resolve(reference, Platform("windows", "amd64"))
        older = await client.resolve(reference, Platform.parse("windows(10.0.17763.1)/amd64"))
        found = await client.resolve_all(reference)

    assert (images[1].digest, images[0].digest) == (newest.digest, older.digest)
    assert [f"windows({version})/amd64" for version in versions] == [str(image.platform) for image in found]


async def test_an_entry_may_be_vague_about_what_it_is(connect: Connect) -> None:
    """The media type of the answer counts, not that of the entry."""
    async with ScriptedServer() as server:
        put(server, {**put_image(server, AMD), "mediaType": OCI_MANIFEST}, tag="1")
        found = await resolve_all(connect(), server)

    assert [AMD.digest] == [image.digest for image in found]


class Shelf:
    """Manifests by their digest."""

    def __init__(self) -> None:
        self.found: dict[str, ImageManifest | ImageIndex] = {}
        self.fetched: list[str] = []

    async def fetch_entry(self, entry: Descriptor) -> ImageManifest | ImageIndex:
        self.fetched.append(entry.digest)
        return self.found[entry.digest]

    async def fetch_platform(self, digest: str) -> Platform | None:
        return None


def shelve(shelf: Shelf, tree: Any) -> Descriptor:
    """Put a number as an image, and a list as an index of what is in it."""
    if isinstance(tree, int):
        digest = f"sha256:{tree:064x}"
        shelf.found[digest] = ImageManifest(digest=digest, media_type=OCI_MANIFEST)
        return Descriptor(Digest(digest), MediaType(OCI_MANIFEST))
    entries = tuple(shelve(shelf, branch) for branch in tree)
    digest = digest_of(repr([entry.digest for entry in entries]).encode())
    shelf.found[digest] = ImageIndex(digest=digest, media_type=OCI_INDEX, entries=entries)
    return Descriptor(Digest(digest), MediaType(OCI_INDEX))


def leaves(tree: Any) -> list[int]:
    """Return all images of a tree."""
    return [tree] if isinstance(tree, int) else [leaf for branch in tree for leaf in leaves(branch)]


IMAGES = st.integers(0, 12)
TREES = st.lists(IMAGES | st.lists(IMAGES | st.lists(IMAGES, max_size=3), max_size=3), min_size=1, max_size=5)


@given(TREES.filter(leaves))
async def test_each_image_of_any_tree_is_there_once_and_nothing_is_fetched_twice(tree: Any) -> None:
    """In the order in which they are met."""
    shelf = Shelf()
    top = shelve(shelf, tree)
    resolved = await Resolver(shelf, "app").all(shelf.found[top.digest])

    expected = [f"sha256:{leaf:064x}" for leaf in dict.fromkeys(leaves(tree))]
    assert expected == [one.manifest.digest for one in resolved]
    assert len(shelf.fetched) == len(set(shelf.fetched))
