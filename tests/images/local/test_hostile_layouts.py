"""Layouts whose files are not files, or lead out; and forms that other programs write."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from portus_images import LocalImageError
from portus_images.local.layout import read_blob
from portus_images.local.open_store import open_store
from portus_images.manifests.manifest import DOCKER_LIST, ImageIndex, ImageManifest
from portus_scanners import LocalReference
from portus_scanners_testing.images import (
    digest_of,
    filler_layer,
    layer,
    make_image,
    make_index,
    write_oci_layout,
    write_tar,
)

APP = make_image(filler_layer("app"), form="oci")
INDEX, BLOB = "index.json", f"blobs/sha256/{APP.layers[0].digest.partition(':')[2]}"


def read_all(text: str) -> None:
    """Find the image, and read its layer."""
    opened = open_store(LocalReference.parse(text), Event())
    try:
        found = opened.find("", Event())
        assert isinstance(found, ImageManifest)
        read_blob(opened, found.layers[0].digest)
    finally:
        opened.close()


def swap(name: str, put: Callable[[Path], object]) -> Callable[[Path], None]:
    """Put something else in a file's place."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        put(folder / name)

    return change


def move_out(folder: Path) -> None:
    """Let the blobs lie elsewhere."""
    shutil.move(folder / "blobs", folder.parent / "elsewhere")
    (folder / "blobs").symlink_to("../elsewhere")


@pytest.mark.parametrize(
    "change",
    [
        swap(BLOB, lambda path: path.symlink_to("/etc/passwd")),
        swap(BLOB, os.mkfifo),
        swap(BLOB, Path.mkdir),
        swap(INDEX, os.mkfifo),
        swap(INDEX, lambda path: path.symlink_to("/dev/zero")),
        swap(INDEX, lambda path: path.symlink_to(INDEX)),
        swap(INDEX, lambda path: path.write_bytes(b"{}" + b" " * 5 * 1024 * 1024)),
        move_out,
    ],
)
def test_what_is_not_a_file_of_the_folder_is_refused(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """Pipes and devices are not waited for, and nothing of what lies elsewhere is shown."""
    folder = tmp_path / "layout"
    write_oci_layout(folder, APP)
    change(folder)
    with pytest.raises(LocalImageError) as caught:
        read_all(f"oci:{folder}")
    assert "root:" not in str(caught.value)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../etc/passwd", "layer.tar", ""])
def test_a_layer_that_is_a_link_out_of_an_archive_is_refused(tmp_path: Path, target: str) -> None:
    """Or one to itself, or one to nothing."""
    name = f"{digest_of(APP.config)[7:]}.json"
    saved = [{"Config": name, "RepoTags": ["a:1"], "Layers": ["l/layer.tar"]}]
    links: dict[str, bytes | str] = {"l/layer.tar": target} if target else {}
    write_tar(tmp_path / "a.tar", {name: APP.config, "manifest.json": json.dumps(saved).encode(), **links})
    with pytest.raises(LocalImageError):
        read_all(f"docker-archive:{tmp_path / 'a.tar'}")


def test_an_archive_of_a_tebibyte_of_nothing_is_not_read(tmp_path: Path) -> None:
    """It is a hole in a file, and no archive."""
    with (tmp_path / "a.tar").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(LocalImageError):
        read_all(f"docker-archive:{tmp_path / 'a.tar'}")


def test_a_layer_that_is_there_three_times_is_one_file(tmp_path: Path) -> None:
    """As skopeo writes empty layers, also where the archive is compressed as a whole."""
    empty, other = layer({}, compression="none"), layer({"pause": b"x"}, compression="none")
    image = make_image(empty, other, empty)
    name = f"{digest_of(image.config)[7:]}.json"
    names = [f"{one.diff_id[7:]}.tar" for one in (empty, other, empty)]
    saved = [{"Config": name, "RepoTags": ["a:1"], "Layers": names}]
    files = {
        name: image.config,
        names[0]: empty.data,
        names[1]: other.data,
        "manifest.json": json.dumps(saved).encode(),
    }
    write_tar(tmp_path / "a.tar", files)
    (tmp_path / "a.tgz").write_bytes(gzip.compress((tmp_path / "a.tar").read_bytes()))
    for archive in ("a.tar", "a.tgz"):
        opened = open_store(LocalReference.parse(f"docker-archive:{tmp_path / archive}"), Event())
        found = opened.find("", Event())
        opened.close()
        assert isinstance(found, ImageManifest)
        assert [empty.diff_id, other.diff_id, empty.diff_id] == [one.digest for one in found.layers]


def test_a_list_of_dockers_in_a_layout_is_an_index(tmp_path: Path) -> None:
    """As ``buildah manifest push --all oci:DIR`` writes it."""
    arm = make_image(filler_layer("arm"), form="oci", architecture="arm64")
    index = make_index(APP, arm, form="docker")
    write_oci_layout(tmp_path, index)
    opened = open_store(LocalReference.parse(f"oci:{tmp_path}"), Event())
    found = opened.find("", Event())
    opened.close()
    assert isinstance(found, ImageIndex)
    assert (DOCKER_LIST, ("linux/amd64", "linux/arm64")) == (found.media_type, found.platforms)
