"""Manifests: what is taken, what is refused, what is no image."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_images.manifests import wire
from portus_images.manifests.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA_1_SIGNED,
    ImageIndex,
    ImageManifest,
    rank_entries,
    read_manifest,
)
from portus_images.manifests.wire import MalformedError
from portus_scanners import Platform
from portus_scanners_testing.images import (
    debian_image,
    digest_of,
    filler_layer,
    make_attestation,
    make_helm_chart,
    make_image,
    make_index,
)

DIGEST = "sha256:" + "ab" * 32
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": 2}
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": DIGEST, "size": 10}


def manifest(**members: Any) -> dict[str, Any]:
    """Return a good OCI manifest with members replaced."""
    return {"schemaVersion": 2, "config": CONFIG, "layers": [LAYER], **members}


def index(*entries: Any, **members: Any) -> dict[str, Any]:
    """Return a good OCI index of these entries."""
    return {"schemaVersion": 2, "manifests": list(entries), **members}


def entry(platform: str | None, digest: str = DIGEST, media_type: str = OCI_MANIFEST, **members: Any) -> dict[str, Any]:
    """Return an index entry."""
    named = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False)) if platform else None
    return {"mediaType": media_type, "digest": digest, "size": 5, **({"platform": named} if named else {}), **members}


def read(document: Any, content_type: str = OCI_MANIFEST, digest: str | None = None) -> ImageManifest | ImageIndex:
    """Read a document as a registry would send it."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_manifest(body, content_type, digest)


def read_image(document: Any, content_type: str = OCI_MANIFEST) -> ImageManifest:
    """Read what must be a manifest."""
    found = read(document, content_type)
    assert isinstance(found, ImageManifest)
    return found


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_an_image_is_read_base_first(form: Any) -> None:
    """Digest, configuration and layers of both kinds of manifest."""
    image = make_image(filler_layer("base"), filler_layer("top"), form=form)
    found = read_image(image.manifest, image.media_type)

    assert (image.digest, image.media_type) == (found.digest, found.media_type)
    assert found.config is not None
    assert digest_of(image.config) == found.config.digest
    assert [(layer.digest, len(layer.data)) for layer in image.layers] == [
        (one.digest, one.size) for one in found.layers
    ]
    assert found.unsupported is None


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_an_index_lists_images_without_attestations(form: Any) -> None:
    """BuildKit's attestations are left out; the platforms are those of the images."""
    built = make_index(
        debian_image({"bash": "5.0-4"}),
        make_image(filler_layer("a"), architecture="arm64"),
        form=form,
        attestation=True,
    )
    found = read(built.manifest, built.media_type)

    assert isinstance(found, ImageIndex)
    assert ("linux/amd64", "linux/arm64") == found.platforms
    assert 2 == len(found.entries)


@pytest.mark.parametrize(
    "content_type",
    [OCI_MANIFEST, f"{OCI_MANIFEST}; charset=utf-8", OCI_MANIFEST.upper(), "", "application/json", "text/plain; a=b"],
)
def test_the_media_type_is_the_headers_or_the_bodys(content_type: str) -> None:
    """Parameters do not matter; a header that says nothing leaves it to the body."""
    assert OCI_MANIFEST == read_image(manifest(mediaType=OCI_MANIFEST), content_type).media_type


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_the_digest_is_verified_with_its_own_algorithm(algorithm: str) -> None:
    """The digest that was expected is the image's; a changed body is refused."""
    import hashlib

    body = json.dumps(manifest()).encode()
    digest = f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"

    assert digest == read(body, digest=digest).digest
    with pytest.raises(MalformedError, match="digest"):
        read(body + b" ", digest=digest)


@pytest.mark.parametrize("digest", ["", "nonsense", "md5:" + "a" * 32, "sha256:" + "a" * 64])
def test_a_digest_that_is_none_or_another_one_is_refused(digest: str) -> None:
    """Only an absent digest is no expectation."""
    if not digest:
        assert digest_of(json.dumps(manifest()).encode()) == read(manifest()).digest
        return
    with pytest.raises(MalformedError, match="digest"):
        read(manifest(), digest=digest)


HOSTILE: list[tuple[str, Any, str, str]] = [
    ("an HTML page", b"<!doctype html><title>Log in</title>", OCI_MANIFEST, "not JSON"),
    ("nothing", b"", OCI_MANIFEST, "not JSON"),
    ("Latin-1", '{"a": "\xe9"}'.encode("latin-1"), OCI_MANIFEST, "not JSON"),
    ("UTF-16", json.dumps({"a": 1}).encode("utf-16"), OCI_MANIFEST, "not JSON"),
    ("brackets", b"[" * 100_000, OCI_MANIFEST, "not JSON"),
    ("a number of 100,000 digits", b'{"schemaVersion": ' + b"9" * 100_000 + b"}", OCI_MANIFEST, "not JSON"),
    ("objects in objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, OCI_MANIFEST, "not JSON"),
    ("a byte order mark", "\ufeff{}".encode(), OCI_MANIFEST, "not JSON"),
    ("an array", [], OCI_MANIFEST, "not a JSON object"),
    ("null", None, OCI_MANIFEST, "not a JSON object"),
    ("an unknown type", manifest(), "application/vnd.acme+json", "application/vnd.acme"),
    ("a type of any length", manifest(), "x" * 5000, "xxx"),
    ("no type at all", manifest(), "", "media type"),
    ("HTML for a type", manifest(), "text/html", "text/html"),
    ("two types", manifest(mediaType=OCI_INDEX), OCI_MANIFEST, "$.mediaType"),
    ("no version", {"config": CONFIG, "layers": []}, OCI_MANIFEST, "$.schemaVersion"),
    ("version 1", manifest(schemaVersion=1), OCI_MANIFEST, "$.schemaVersion"),
    ("version as a text", manifest(schemaVersion="2"), OCI_MANIFEST, "$.schemaVersion"),
    ("version as a truth", manifest(schemaVersion=True), OCI_MANIFEST, "$.schemaVersion"),
    ("version as a fraction", manifest(schemaVersion=2.0), OCI_MANIFEST, "$.schemaVersion"),
    ("no configuration", {"schemaVersion": 2, "layers": [LAYER]}, OCI_MANIFEST, "$.config"),
    ("configuration null", manifest(config=None), OCI_MANIFEST, "$.config"),
    ("configuration a text", manifest(config="x"), OCI_MANIFEST, "$.config"),
    ("no layers", {"schemaVersion": 2, "config": CONFIG}, OCI_MANIFEST, "$.layers"),
    ("layers an object", manifest(layers={}), OCI_MANIFEST, "$.layers"),
    ("layers a text", manifest(layers="ab"), OCI_MANIFEST, "$.layers"),
    ("a layer that is a text", manifest(layers=["x"]), OCI_MANIFEST, "$.layers[0]"),
    ("a layer that is null", manifest(layers=[LAYER, None]), OCI_MANIFEST, "$.layers[1]"),
    ("a layer without digest", manifest(layers=[{"size": 1}]), OCI_MANIFEST, "$.layers[0].digest"),
    ("a digest that is a number", manifest(layers=[{**LAYER, "digest": 5}]), OCI_MANIFEST, "$.layers[0].digest"),
    (
        "a digest that climbs",
        manifest(layers=[{**LAYER, "digest": "sha256:../../x"}]),
        OCI_MANIFEST,
        "$.layers[0].digest",
    ),
    ("a digest with a slash", manifest(config={**CONFIG, "digest": DIGEST + "/x"}), OCI_MANIFEST, "$.config.digest"),
    ("a digest with a query", manifest(config={**CONFIG, "digest": DIGEST + "?x"}), OCI_MANIFEST, "$.config.digest"),
    ("a digest with a line break", manifest(layers=[{**LAYER, "digest": DIGEST + "\r\n"}]), OCI_MANIFEST, "digest"),
    (
        "a digest in capitals",
        manifest(layers=[{**LAYER, "digest": DIGEST.upper()}]),
        OCI_MANIFEST,
        "$.layers[0].digest",
    ),
    ("a weak digest", manifest(layers=[{**LAYER, "digest": "md5:" + "a" * 32}]), OCI_MANIFEST, "md5"),
    ("a size below zero", manifest(layers=[{**LAYER, "size": -1}]), OCI_MANIFEST, "$.layers[0].size"),
    ("a size as a text", manifest(layers=[{**LAYER, "size": "10"}]), OCI_MANIFEST, "$.layers[0].size"),
    ("a size as a fraction", manifest(layers=[{**LAYER, "size": 1.5}]), OCI_MANIFEST, "$.layers[0].size"),
    ("a size as a truth", manifest(layers=[{**LAYER, "size": True}]), OCI_MANIFEST, "$.layers[0].size"),
    ("a size of 2^63", manifest(layers=[{**LAYER, "size": 2**63}]), OCI_MANIFEST, "$.layers[0].size"),
    ("a size without an end", manifest(layers=[{**LAYER, "size": float("inf")}]), OCI_MANIFEST, "not JSON"),
    ("a size beyond all", manifest(layers=[{**LAYER, "size": 2**70}]), OCI_MANIFEST, "$.layers[0].size"),
    (
        "a size that is NaN",
        b'{"schemaVersion":2,"config":{"digest":"%s","size":NaN},"layers":[]}',
        OCI_MANIFEST,
        "not JSON",
    ),
    ("a media type with an escape", manifest(layers=[{**LAYER, "mediaType": "a\x1b[31m"}]), OCI_MANIFEST, "mediaType"),
    ("a media type with half a character", manifest(artifactType="\ud800"), OCI_MANIFEST, "$.artifactType"),
    ("a media type of any length", manifest(config={**CONFIG, "mediaType": "a" * 300}), OCI_MANIFEST, "mediaType"),
    ("URLs that are numbers", manifest(layers=[{**LAYER, "urls": [1]}]), OCI_MANIFEST, "$.layers[0].urls"),
    ("a URL with half a character", manifest(layers=[{**LAYER, "urls": ["\ud800"]}]), OCI_MANIFEST, "$.layers[0].urls"),
    ("URLs that are a text", manifest(layers=[{**LAYER, "urls": "http://x"}]), OCI_MANIFEST, "$.layers[0].urls"),
    (
        "annotations of numbers",
        manifest(layers=[{**LAYER, "annotations": {"a": 1}}]),
        OCI_MANIFEST,
        "$.layers[0].annot",
    ),
    ("too many layers", manifest(layers=[LAYER] * 1001), OCI_MANIFEST, "1000"),
    ("a manifest that is an index as well", manifest(manifests=[entry("linux/amd64")]), OCI_MANIFEST, "$.manifests"),
    ("a manifest that is of schema 1 as well", manifest(fsLayers=[{}]), DOCKER_MANIFEST, "$.fsLayers"),
    ("an index that is a manifest as well", index(layers=[LAYER]), OCI_INDEX, "$.layers"),
    ("an index with a configuration", index(config=CONFIG), OCI_INDEX, "$.config"),
    ("an index without entries", {"schemaVersion": 2}, OCI_INDEX, "$.manifests"),
    ("entries an object", {"schemaVersion": 2, "manifests": {}}, DOCKER_LIST, "$.manifests"),
    ("too many entries", index(*[entry("linux/amd64")] * 1001), OCI_INDEX, "1000"),
    ("an entry whose digest climbs", index(entry("linux/amd64", "../../secret")), OCI_INDEX, "$.manifests[0].digest"),
    ("a platform that is a text", index({**entry(None), "platform": "linux"}), OCI_INDEX, "$.manifests[0].platform"),
    ("an OS with an escape", index(entry("li\x1bnux/amd64")), OCI_INDEX, "$.manifests[0].platform.os"),
    ("annotations a list", index(entry(None, annotations=[1])), OCI_INDEX, "$.manifests[0].annotations"),
    ("schema 1 with a broken frame", {"schemaVersion": 1, "signatures": [{}]}, SCHEMA_1_SIGNED, "signatures"),
]


@pytest.mark.parametrize(
    ("document", "content_type", "said"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_a_hostile_manifest_is_refused_and_its_place_is_named(document: Any, content_type: str, said: str) -> None:
    """Whatever does not fit is refused in a short message of printable characters that says where."""
    with pytest.raises(MalformedError) as caught:
        read(document, content_type)

    assert said in str(caught.value)
    assert len(str(caught.value)) < 1300
    assert str(caught.value).isprintable()


def test_the_first_faults_are_named_and_the_rest_counted() -> None:
    """A thousand faults make no message of a thousand lines."""
    with pytest.raises(MalformedError, match="and 995 more faults"):
        read(manifest(layers=[{}] * 1000))
    with pytest.raises(MalformedError) as caught:
        read(manifest(layers=[{}] * 5))
    assert 4 == str(caught.value).count("; ")  # five, and nothing is counted


def test_addresses_of_a_foreign_layer_are_read() -> None:
    """A layer that the registry does not have says where it is."""
    urls = ["https://layers.example/a", "http://[::1]:5000/b?x=%20"]
    assert tuple(urls) == read_image(manifest(layers=[{**LAYER, "urls": urls}])).layers[0].urls


def test_null_is_absence() -> None:
    """Go writes null for what is empty."""
    found = read_image(manifest(layers=None))
    foreign = read_image(manifest(layers=[{**LAYER, "urls": None, "annotations": None, "platform": None}]))

    assert () == found.layers
    assert () == foreign.layers[0].urls


def test_faults_without_number_are_found_in_little_work() -> None:
    """A manifest of a million faults holds one check for each list, not one for each fault."""
    layers = [{**LAYER, "urls": [1] * 1000, "annotations": {str(number): 1 for number in range(100)}}] * 1000
    with pytest.raises(MalformedError, match="and 1995 more faults"):
        read(manifest(layers=layers))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
MEMBERS = st.sampled_from(["schemaVersion", "mediaType", "config", "layers", "manifests", "artifactType", "signatures"])


@given(st.dictionaries(MEMBERS, JSON), st.sampled_from([OCI_MANIFEST, DOCKER_LIST, SCHEMA_1_SIGNED, "", "a/b"]))
def test_no_json_breaks_the_parser(document: dict[str, Any], content_type: str) -> None:
    """Any JSON is a manifest or a `MalformedError`."""
    try:
        found = read({**manifest(), **document}, content_type)
    except MalformedError:
        return

    assert found.digest.startswith("sha256:")


NO_IMAGES = [
    (make_helm_chart(), "a Helm chart"),
    (make_attestation(debian_image({"bash": "5.0-4"})), "an attestation"),
]


@pytest.mark.parametrize(("built", "name"), NO_IMAGES, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_no_image_is_read_and_named(built: Any, name: str) -> None:
    """A chart and an attestation are resolved, with the reason that a scanner can't look into them."""
    found = read_image(built.manifest, built.media_type)

    assert built.digest == found.digest
    assert found.unsupported is not None
    assert name in found.unsupported


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"config": {**CONFIG, "mediaType": "application/vnd.acme.config+json"}}, "application/vnd.acme.config+json"),
        (
            {
                "config": {**CONFIG, "mediaType": "application/vnd.oci.empty.v1+json"},
                "artifactType": "application/x.sbom",
            },
            "application/x.sbom",
        ),
        ({"config": {**CONFIG, "mediaType": "application/vnd.oci.empty.v1+json"}}, "application/vnd.oci.empty.v1+json"),
        ({"config": {**CONFIG, "mediaType": "application/vnd.docker.plugin.v1+json"}}, "a Docker plugin"),
        ({"layers": [LAYER, {**LAYER, "mediaType": f"{LAYER['mediaType']}+encrypted"}]}, "encrypted"),
        ({"layers": [{**LAYER, "mediaType": "application/vnd.in-toto+json"}]}, "attestation"),
        ({"layers": [{**LAYER, "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json"}]}, "cosign"),
        ({"layers": [{**LAYER, "mediaType": "text/plain; charset=utf-8"}]}, "text/plain"),
    ],
)
def test_configurations_and_layers_of_another_kind_are_named(members: dict[str, Any], said: str) -> None:
    """The reason names the media type, or what it stands for."""
    found = read_image(manifest(**members))

    assert said in (found.unsupported or "")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "",
    ],
)
def test_every_kind_of_tar_layer_is_an_images(media_type: str) -> None:
    """Compressed or not, foreign or not: a file system."""
    assert read_image(manifest(layers=[{**LAYER, "mediaType": media_type}])).unsupported is None


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.oci.image.config.v1+json",
        "application/octet-stream",
        "",
    ],
)
def test_every_kind_of_image_configuration_is_an_images(media_type: str) -> None:
    """Docker's, OCI's, Docker 1.10's, and none."""
    assert read_image(manifest(config={**CONFIG, "mediaType": media_type})).unsupported is None


def chosen(document: dict[str, Any], wanted: str) -> str | None:
    """Return the digest of the entry for a platform."""
    found = read(document, OCI_INDEX)
    assert isinstance(found, ImageIndex)
    return next((entry.digest for entry in rank_entries(found, Platform.parse(wanted))), None)


A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def test_the_entry_of_the_wanted_platform_is_chosen() -> None:
    """Neither the first, nor one of another OS, nor a worse variant."""
    document = index(entry("windows/arm", A), entry("linux/arm/v6", B), entry("linux/arm/v7", C))

    assert C == chosen(document, "linux/arm")
    assert B == chosen(document, "linux/arm/v6")
    assert A == chosen(document, "windows/arm")
    assert chosen(document, "linux/amd64") is None


def test_the_first_of_equals_is_chosen() -> None:
    """As Docker does."""
    assert A == chosen(index(entry("linux/arm64/v8", A), entry("linux/arm64", B)), "linux/arm64")


ATTESTED = {"vnd.docker.reference.type": "attestation-manifest"}


def test_attestations_are_never_chosen() -> None:
    """They have an unknown platform. An annotation says nothing: containerd takes the first that names none."""
    assert chosen(index(entry("unknown/unknown", B)), "linux/amd64") is None
    assert chosen(index(entry("unknown/unknown", B)), "unknown/unknown") is None
    assert A == chosen(index(entry(None, A, annotations=ATTESTED), entry(None, B)), "linux/amd64")


def test_an_entry_with_a_platform_is_an_image_whatever_its_annotations_say() -> None:
    """Docker chooses by the platform alone: passed over, the next entry would be scanned in its place."""
    document = index(entry("linux/amd64", A, annotations=ATTESTED), entry("linux/amd64", B))

    assert A == chosen(document, "linux/amd64")


def test_an_entry_without_an_os_is_for_linux() -> None:
    """As for containerd on a machine with Linux: it is the first of equals here."""
    assert A == chosen(index(entry("/amd64", A), entry("linux/amd64", B)), "linux/amd64")


def test_an_entry_without_platform_is_chosen() -> None:
    """Where no other names the platform; of several the first, whose configuration has to be looked at."""
    assert A == chosen(index(entry(None, A)), "linux/amd64")
    assert A == chosen(index(entry(None, A), entry(None, B)), "linux/amd64")
    assert A == chosen(index(entry(None, A), entry(None, B, OCI_INDEX)), "linux/amd64")
    assert B == chosen(index(entry(None, A), entry("linux/amd64", B)), "linux/amd64")


def test_an_entry_with_an_os_alone_is_never_chosen() -> None:
    """It has a platform, which fits none."""
    document = index({**entry(None, A), "platform": {"os": "linux"}}, {**entry(None, B), "platform": {}})
    assert B == chosen(document, "linux/amd64")


def test_an_index_inside_is_chosen_where_no_entry_names_the_platform() -> None:
    """An index that names no platform may hold any."""
    inside = entry(None, B, OCI_INDEX)

    assert B == chosen(index(entry("linux/arm64", A), inside), "linux/amd64")
    assert A == chosen(index(inside, entry("linux/amd64", A)), "linux/amd64")


def test_an_index_of_nothing_offers_nothing() -> None:
    """Null is an empty list."""
    found = read({"schemaVersion": 2, "manifests": None}, OCI_INDEX)

    assert isinstance(found, ImageIndex)
    assert () == found.platforms
    assert () == rank_entries(found, Platform("linux", "amd64"))


def test_images_of_one_index_can_be_told_apart() -> None:
    """The stand-in's index gives each platform its own image."""
    images = debian_image({"bash": "5.0-4"}), make_image(filler_layer("x"), architecture="arm", variant="v7")
    built = make_index(*images)
    found = read(built.manifest, built.media_type)

    assert isinstance(found, ImageIndex)
    assert [images[1].digest] == [entry.digest for entry in rank_entries(found, Platform("linux", "arm"))]


@pytest.mark.parametrize("size", [0, 2**63 - 1])
def test_the_smallest_and_the_largest_size_are_taken(size: int) -> None:
    """A size is what Go's int64 holds: an empty layer has 0 bytes."""
    body = json.dumps(manifest(layers=[{**LAYER, "size": size}])).encode()
    found = read_manifest(body, OCI_MANIFEST, None)
    assert isinstance(found, ImageManifest)
    assert [size] == [one.size for one in found.layers]


def test_a_fault_of_another_kind_has_words() -> None:
    """What a member's conversion raises besides the expected errors is told by its kind, without its text."""
    assert "it can't be read (OverflowError)" == wire._say(OverflowError("a\x1b"), None)
