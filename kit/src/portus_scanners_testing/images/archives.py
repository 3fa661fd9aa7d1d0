"""Images as files: folders (OCI layout, skopeo's ``dir:``) and archives (``docker save``, ``oci-archive:``)."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .builder import BuiltImage, Pushable, describe, to_json
from .layers import digest_of


def write_oci_layout(path: Path, image: Pushable, *, tag: str = "image") -> None:
    """Write an image as an OCI layout; ``skopeo copy oci:PATH:TAG ...`` can push it from there if its form is OCI.

    Args:
        path: The folder; created if it is missing.
        image: An image or an index.
        tag: The image's name in the layout.
    """
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    manifests = {item.digest: item.manifest for item in (image, *image.manifests)}
    for digest, data in {**image.blobs, **manifests}.items():
        (blobs / digest.partition(":")[2]).write_bytes(data)
    entry = {**describe(image.media_type, image.manifest), "annotations": {"org.opencontainers.image.ref.name": tag}}
    (path / "index.json").write_bytes(to_json({"schemaVersion": 2, "manifests": [entry]}))
    (path / "oci-layout").write_bytes(to_json({"imageLayoutVersion": "1.0.0"}))


def write_dir_layout(path: Path, image: Pushable) -> None:
    """Write an image as skopeo's ``dir:PATH``, for Docker manifests, which an OCI layout must not contain."""
    path.mkdir(parents=True, exist_ok=True)
    for digest, data in image.blobs.items():
        (path / digest.partition(":")[2]).write_bytes(data)
    for item in image.manifests:
        (path / f"{item.digest.partition(':')[2]}.manifest.json").write_bytes(item.manifest)
    (path / "manifest.json").write_bytes(image.manifest)
    (path / "version").write_text("Directory Transport Version: 1.1\n")


def write_oci_archive(path: Path, image: Pushable, *, tag: str = "image") -> None:
    """Write an image as an OCI layout in a tar archive.

    Args:
        path: The file.
        image: An image or an index in OCI form.
        tag: The image's name in the layout.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_oci_layout(Path(folder), image, tag=tag)
        names = sorted(item for item in Path(folder).rglob("*") if item.is_file())
        write_tar(path, {str(name.relative_to(folder)): name.read_bytes() for name in names})


def write_docker_archive(path: Path, images: Mapping[str, BuiltImage]) -> None:
    """Write images as ``docker save`` did until Docker 25; a repeated layer is a link to its first copy.

    Args:
        path: The file.
        images: By name, such as ``team/app:1.0``; an image without a name has a number instead: ``@0``.
    """
    files: dict[str, bytes | str] = {}
    entries = []
    for name, image in images.items():
        config = f"{_digits(digest_of(image.config))}.json"
        layers = [f"{_digits(digest_of(f'{name}{n}'.encode()))}/layer.tar" for n, _ in enumerate(image.layers)]
        files[config] = image.config
        for place, layer in zip(layers, image.layers, strict=True):
            first = next((known for known, data in files.items() if data == layer.archive), None)
            files[place] = layer.archive if first is None else f"../{first}"
        entries.append({"Config": config, "RepoTags": [] if name.startswith("@") else [name], "Layers": layers})
    files["manifest.json"] = json.dumps(entries).encode()
    write_tar(path, files)


def write_tar(path: Path, files: Mapping[str, bytes | str]) -> None:
    """Write an archive of files; a string instead of bytes is the target of a symbolic link."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


def _digits(digest: str) -> str:
    return digest.partition(":")[2]
