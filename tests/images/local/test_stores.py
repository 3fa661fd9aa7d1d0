"""What is in layouts and in archives of docker save: which image a name means, and whether it can be trusted."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from portus_images import LocalImageError
from portus_images.local.layout import ImageStore, read_blob
from portus_images.local.open_store import open_store
from portus_images.manifests.manifest import OCI_INDEX, ImageIndex, ImageManifest
from portus_scanners import LocalReference
from portus_scanners_testing.images import (
    BuiltImage,
    debian_layer,
    digest_of,
    filler_layer,
    make_image,
    make_index,
    write_docker_archive,
    write_oci_archive,
    write_oci_layout,
    write_tar,
)

BASE = filler_layer("base")
APP = make_image(debian_layer({"bash": "5.2-1"}), BASE, BASE, form="oci")
OTHER = make_image(BASE, form="oci", architecture="arm64")


def store(text: str) -> ImageStore:
    """Open what a reference names."""
    return open_store(LocalReference.parse(text), Event())


def find(text: str) -> ImageManifest | ImageIndex:
    """Return what a reference means."""
    reference = LocalReference.parse(text)
    opened = open_store(reference, Event())
    try:
        return opened.find(reference.name, Event())
    finally:
        opened.close()


def write_layout(path: Path, *named: tuple[dict[str, str], BuiltImage]) -> Path:
    """Write a layout of several images with these annotations."""
    entries = []
    for marks, image in named:
        write_oci_layout(path, image)
        platform = {"platform": dict(image.platform)} if marks.get("platform") else {}
        names = {key: value for key, value in marks.items() if key != "platform"}
        entry = {"mediaType": image.media_type, "digest": image.digest, "size": len(image.manifest), **platform}
        entries.append({**entry, "annotations": names})
    write_index(path, *entries)
    return path


def write_index(path: Path, *entries: dict[str, Any]) -> None:
    """Replace the index of a layout."""
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": list(entries)}))


def tagged(tag: str) -> dict[str, str]:
    """Return the annotation of a tag."""
    return {"org.opencontainers.image.ref.name": tag}


def docker_name(name: str) -> dict[str, str]:
    """Return the annotations that Docker 25 writes."""
    return {"io.containerd.image.name": name, **tagged(name.rpartition(":")[2])}


@pytest.mark.parametrize("form", ["oci", "oci-archive", "docker-archive"])
def test_the_only_image_needs_no_name(tmp_path: Path, form: str) -> None:
    """Its layers are base first; in docker's archives their digests are those of the plain archives."""
    path = tmp_path / "image"
    if form == "docker-archive":
        write_docker_archive(path, {"team/app:1": APP})
    else:
        (write_oci_layout if form == "oci" else write_oci_archive)(path, APP)
    found = find(f"{form}:{path}")

    assert isinstance(found, ImageManifest)
    expected = [layer.diff_id if form == "docker-archive" else layer.digest for layer in APP.layers]
    assert expected == [layer.digest for layer in found.layers]
    assert found.config is not None
    assert digest_of(APP.config) == found.config.digest


def test_a_name_is_a_tag_or_dockers_name(tmp_path: Path) -> None:
    """In a layout; short names of Docker Hub are the same as the long ones."""
    first, second = (docker_name("docker.io/library/app:1"), APP), (docker_name("quay.example/app:2"), OTHER)
    path = write_layout(tmp_path, first, second)

    for name in ("1", "app:1", "docker.io/library/app:1", "library/app:1", "@0"):
        assert APP.digest == find(f"oci:{path}:{name}").digest
    for name in ("2", "quay.example/app:2", "@1"):
        assert OTHER.digest == find(f"oci:{path}:{name}").digest


@pytest.mark.parametrize("name", ["3", "app", "app:3", "@2", "@x", "@-1", "@", "@99999999"])
def test_a_name_that_is_not_there_lists_those_that_are(tmp_path: Path, name: str) -> None:
    """In both kinds; the user can choose one of them."""
    write_layout(tmp_path / "dir", (tagged("1"), APP), (tagged("2"), OTHER))
    write_docker_archive(tmp_path / "app.tar", {"app:1": APP, "quay.example/app:2": OTHER})
    with pytest.raises(LocalImageError, match=r"there are: 1, 2$|only 2 of them"):
        find(f"oci:{tmp_path}/dir:{name}")
    with pytest.raises(LocalImageError, match=r"there are: app:1, quay.example/app:2$|only 2 of them"):
        find(f"docker-archive:{tmp_path}/app.tar:{name}")


def test_several_images_have_to_be_told_apart(tmp_path: Path) -> None:
    """Without a name nobody knows which is meant; one without a name of its own is called by its number."""
    write_layout(tmp_path / "dir", (tagged("1"), APP), (tagged("2"), OTHER))
    write_docker_archive(tmp_path / "app.tar", {"app:1": APP, "@1": OTHER})
    with pytest.raises(LocalImageError, match="name one of them: there are: 1, 2"):
        find(f"oci:{tmp_path}/dir")
    with pytest.raises(LocalImageError, match="name one of them: there are: app:1, @1"):
        find(f"docker-archive:{tmp_path}/app.tar")

    assert digest_of(OTHER.config) == find(f"docker-archive:{tmp_path}/app.tar:@1").config.digest  # type: ignore[union-attr]


def test_one_image_of_two_names_needs_none(tmp_path: Path) -> None:
    """It is the same."""
    path = write_layout(tmp_path, (tagged("1"), APP), (tagged("latest"), APP))

    assert APP.digest == find(f"oci:{path}").digest


def test_platforms_side_by_side_are_an_index(tmp_path: Path) -> None:
    """As some builders write them; so are those of one tag."""
    one, other = {"platform": "x"}, {"platform": "x"}
    found = find(f"oci:{write_layout(tmp_path / 'a', (one, APP), (other, OTHER))}")
    same = find(f"oci:{write_layout(tmp_path / 'b', ({**tagged('1'), **one}, APP), ({**tagged('1'), **one}, OTHER))}:1")

    for index in (found, same):
        assert isinstance(index, ImageIndex)
        assert ("linux/amd64", "linux/arm64") == index.platforms


def test_an_index_in_a_layout_is_an_index(tmp_path: Path) -> None:
    """Its images are found by their digests."""
    built = make_index(APP, OTHER)
    write_oci_archive(tmp_path / "a.tar", built)
    opened = store(f"oci-archive:{tmp_path}/a.tar")
    found = opened.find("", Event())

    assert isinstance(found, ImageIndex)
    assert (built.digest, OCI_INDEX) == (found.digest, found.media_type)
    assert [APP.digest, OTHER.digest] == [opened.read_manifest(entry).digest for entry in found.entries]
    opened.close()


def test_dockers_newer_archives_are_layouts(tmp_path: Path) -> None:
    """Since Docker 25 both forms are in one archive: the manifest that is there is taken, not one made up."""
    layout = write_layout(tmp_path / "dir", (docker_name("docker.io/team/app:1"), APP))
    files = {str(path.relative_to(layout)): path.read_bytes() for path in layout.rglob("*") if path.is_file()}
    blobs = [f"blobs/sha256/{layer.digest.partition(':')[2]}" for layer in APP.layers]
    saved = [{"Config": "blobs/sha256/" + digest_of(APP.config)[7:], "RepoTags": ["team/app:1"], "Layers": blobs}]
    write_tar(tmp_path / "app.tar", {**files, "manifest.json": json.dumps(saved).encode()})

    assert APP.digest == find(f"docker-archive:{tmp_path}/app.tar").digest
    assert APP.digest == find(f"docker-archive:{tmp_path}/app.tar:team/app:1").digest


def test_a_compressed_archive_is_the_same_image(tmp_path: Path) -> None:
    """``docker save app | gzip``."""
    write_docker_archive(tmp_path / "a.tar", {"app:1": APP})
    (tmp_path / "a.tgz").write_bytes(gzip.compress((tmp_path / "a.tar").read_bytes()))

    assert find(f"docker-archive:{tmp_path}/a.tar") == find(f"docker-archive:{tmp_path}/a.tgz")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("oci", "not an OCI image layout"),
        ("oci-archive", "not an OCI image layout"),
        ("docker-archive", "no manifest.json"),
    ],
)
def test_what_holds_no_image_is_refused(tmp_path: Path, form: str, said: str) -> None:
    """The message says what was looked for."""
    (tmp_path / "dir").mkdir()
    write_tar(tmp_path / "a.tar", {"hello": b"world"})
    with pytest.raises(LocalImageError, match=said):
        find(f"{form}:{tmp_path}/{'dir' if form == 'oci' else 'a.tar'}")


INDEXES = [
    (b"", "not JSON"),
    (b"[]", "not a JSON object"),
    (b'{"schemaVersion": 2}', r"missing @ \$.manifests"),
    (b'{"schemaVersion": 2, "manifests": null}', "there is no image"),
    (b'{"schemaVersion": 2, "manifests": []}', "there is no image"),
    (b'{"schemaVersion": 2, "manifests": [{"digest": "sha256:../../../etc/passwd"}]}', "digest"),
    (b'{"schemaVersion": 2, "manifests": [{"digest": "../x"}]}', "digest"),
    (json.dumps({"schemaVersion": 2, "manifests": [{"digest": APP.digest}] * 1001}).encode(), "1000"),
    (b'{"schemaVersion": 2, "manifests": [{"digest": "sha256:%s"}]}' % (b"0" * 64), "blobs/sha256/000"),
    (b" " * (4 * 1024 * 1024 + 1), "longer than 4194304 bytes"),
]


@pytest.mark.parametrize(("body", "said"), INDEXES, ids=range(len(INDEXES)))
def test_a_hostile_index_is_refused(tmp_path: Path, body: bytes, said: str) -> None:
    """Digests are paths: none leads out of ``blobs``."""
    write_oci_layout(tmp_path, APP)
    (tmp_path / "index.json").write_bytes(body)
    with pytest.raises(LocalImageError, match=said):
        find(f"oci:{tmp_path}")


def test_a_manifest_of_another_digest_is_refused(tmp_path: Path) -> None:
    """The index vouches for it."""
    write_oci_layout(tmp_path, APP)
    (tmp_path / "blobs" / "sha256" / APP.digest[7:]).write_bytes(OTHER.manifest)
    with pytest.raises(LocalImageError, match="it was changed"):
        find(f"oci:{tmp_path}")


def test_blobs_that_lie_elsewhere_are_refused(tmp_path: Path) -> None:
    """The folder of blobs as a link out of the layout, though all digests are right."""
    write_oci_layout(tmp_path / "dir", APP)
    shutil.move(tmp_path / "dir" / "blobs", tmp_path / "blobs")
    (tmp_path / "dir" / "blobs").symlink_to(tmp_path / "blobs")
    with pytest.raises(LocalImageError, match="link out of the folder"):
        find(f"oci:{tmp_path}/dir")


def save(path: Path, config: bytes, files: dict[str, bytes | str], **members: Any) -> Path:
    """Write an archive of docker save with one image."""
    entry = {"Config": "config.json", "RepoTags": ["app:1"], "Layers": list(files), **members}
    write_tar(path, {"config.json": config, **files, "manifest.json": json.dumps([entry]).encode()})
    return path


def config(*diff_ids: str) -> bytes:
    """Return a configuration of these layers."""
    return json.dumps({"rootfs": {"type": "layers", "diff_ids": list(diff_ids)}}).encode()


def test_a_saved_image_gives_its_blobs_by_digest(tmp_path: Path) -> None:
    """Configuration and layers; the manifest that stands for it is made of them."""
    path = save(tmp_path / "a.tar", config(digest_of(b"1")), {"x/layer.tar": b"1"})
    opened = store(f"docker-archive:{path}")
    found = opened.find("", Event())

    assert isinstance(found, ImageManifest)
    assert (b"1", 1) == (read_blob(opened, digest_of(b"1")), found.layers[0].size)
    assert "application/vnd.docker.image.rootfs.diff.tar" == found.layers[0].media_type
    with pytest.raises(LocalImageError, match="not in it"):
        read_blob(opened, digest_of(b"2"))
    opened.close()


def test_compressed_layers_are_taken_as_they_are(tmp_path: Path) -> None:
    """crane and kaniko write such archives: the digest is the compressed layer's, what is in it is compared."""
    packed = gzip.compress(b"1" * 3_000_000)
    path = save(tmp_path / "a.tar", config(digest_of(b"1" * 3_000_000)), {"x.tar.gz": packed})
    opened = store(f"docker-archive:{path}")
    found = opened.find("", Event())

    assert isinstance(found, ImageManifest)
    (layer,) = found.layers
    assert (digest_of(packed), len(packed)) == (layer.digest, layer.size)
    assert "application/vnd.docker.image.rootfs.diff.tar.gzip" == layer.media_type
    assert packed == read_blob(opened, layer.digest)
    opened.close()


def test_a_compressed_layer_of_another_content_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is cut, and one that unpacks to more than anybody wants."""
    good, packed = config(digest_of(b"1" * 99)), gzip.compress(b"1" * 99)
    for body, said in ((gzip.compress(b"2"), "unpacked, has the digest"), (packed[:-3], "cut")):
        with pytest.raises(LocalImageError, match=said):
            find(f"docker-archive:{save(tmp_path / 'a.tar', good, {'x': body})}")
    monkeypatch.setattr("portus_images.local.saved.LARGEST_UNPACKED", 98)
    with pytest.raises(LocalImageError, match="more than 98 bytes"):
        find(f"docker-archive:{save(tmp_path / 'a.tar', good, {'x': packed})}")


def test_two_images_of_one_platform_are_not_guessed(tmp_path: Path) -> None:
    """Neither without a name nor with one that both have: each has a number."""
    for mark in ({}, tagged("1")):
        folder = tmp_path / str(len(mark))
        write_layout(folder, (mark, APP), (mark, OTHER))
        with pytest.raises(LocalImageError, match=r"several images for one platform; .*there are: @0( 1)?, @1( 1)?$"):
            find(f"oci:{folder}")
        assert OTHER.digest == find(f"oci:{folder}:@1").digest


def test_two_saved_images_of_one_name_are_not_guessed(tmp_path: Path) -> None:
    """Docker gives the name to the last one, skopeo takes the first."""
    first, second = config(digest_of(b"1")), config(digest_of(b"2"))
    saved = [
        {"Config": name, "RepoTags": [tag], "Layers": [layer]}
        for name, tag, layer in (("a.json", "app:1", "x"), ("b.json", "docker.io/library/app:1", "y"))
    ]
    files = {"a.json": first, "b.json": second, "x": b"1", "y": b"2", "manifest.json": json.dumps(saved).encode()}
    path = tmp_path / "a.tar"
    write_tar(path, files)
    with pytest.raises(LocalImageError, match=r"several images in it are called 'app:1'; choose one of them: @0, @1$"):
        find(f"docker-archive:{path}:app:1")
    chosen = find(f"docker-archive:{path}:@1")
    assert isinstance(chosen, ImageManifest)
    assert [digest_of(b"2")] == [layer.digest for layer in chosen.layers]


def test_a_list_of_saved_images_is_read_as_go_reads_it(tmp_path: Path) -> None:
    """Docker would load the other layers, or another list."""
    folder = save(tmp_path / "a.tar", config(digest_of(b"1")), {"x": b"1"}, layers=["x"])
    with pytest.raises(LocalImageError, match="Layers is there twice"):
        find(f"docker-archive:{folder}")


SAVED: list[tuple[str, bytes, dict[str, bytes | str], dict[str, Any], str]] = [
    ("a name that a terminal acts on", config(), {"x": b"1"}, {"Config": "\x1b[2J"}, r"'\\x1b\[2J' is not"),
    ("fewer layers", config(), {"x": b"1"}, {}, "'config.json' has 0 layers, manifest.json has 1"),
    ("no such layer", config(digest_of(b"1")), {}, {"Layers": ["../../etc/passwd"]}, "not in the archive"),
    ("an absolute layer", config(digest_of(b"1")), {}, {"Layers": ["/etc/passwd"]}, "not in the archive"),
    ("a layer that is a link out", config(digest_of(b"1")), {"x": "/etc/passwd"}, {}, "not in the archive"),
    ("no such configuration", b"{}", {}, {"Config": "../config.json"}, "not in the archive"),
    ("a configuration that is none", b"[]", {}, {}, "not a JSON object"),
    ("a digest that climbs", config("sha256:../x"), {"x": b"1"}, {}, "digest"),
    ("a layer that is a number", b"{}", {}, {"Layers": [5]}, r"\$.images\[0\].Layers"),
    ("no configuration", b"{}", {}, {"Config": None}, r"\$.images\[0\].Config"),
    ("another configuration", config(), {}, {"Config": "f" * 64 + ".json"}, "not in the archive"),
    ("too many layers", config(), {}, {"Layers": ["x"] * 1001}, "1000"),
    ("a configuration of any length", b" " * (4 * 1024 * 1024 + 1), {}, {}, "longer than"),
]


@pytest.mark.parametrize(
    ("body", "files", "members", "said"), [case[1:] for case in SAVED], ids=[case[0] for case in SAVED]
)
def test_a_hostile_saved_image_is_refused(
    tmp_path: Path, body: bytes, files: dict[str, bytes | str], members: dict[str, Any], said: str
) -> None:
    """Names lead nowhere but into the archive."""
    with pytest.raises(LocalImageError, match=said):
        find(f"docker-archive:{save(tmp_path / 'a.tar', body, files, **members)}")


def test_a_configuration_is_what_its_name_says(tmp_path: Path) -> None:
    """Docker names it by its digest."""
    name = "0" * 64 + ".json"
    entry = [{"Config": name, "Layers": []}]
    write_tar(tmp_path / "a.tar", {name: config(), "manifest.json": json.dumps(entry).encode()})
    with pytest.raises(LocalImageError, match="it was changed"):
        find(f"docker-archive:{tmp_path}/a.tar")


def test_nothing_saved_is_no_image(tmp_path: Path) -> None:
    """An empty list, and what is no list."""
    for body, said in ((b"[]", "there is no image"), (b"{}", "expected an array"), (b"1}", "not JSON")):
        write_tar(tmp_path / "a.tar", {"manifest.json": body})
        with pytest.raises(LocalImageError, match=said):
            find(f"docker-archive:{tmp_path}/a.tar")
