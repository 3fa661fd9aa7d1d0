"""What ``docker save`` wrote until Docker 25, and podman, skopeo, crane and kaniko still write: ``manifest.json``.

There is no manifest in it. The one that stands for the image here is the one that skopeo makes of it, byte for byte,
so that both call the image by the same digest where the layers are plain tar archives, as Docker and podman write
them. crane and kaniko compress them; such layers are taken as they are, and compared with the image's digests unpacked.

Sources: Docker's ``image/spec/v1.2.md``, "Combined Image JSON + Filesystem Changeset Format"; containers/image,
``docker/internal/tarfile/src.go``.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import AbstractContextManager
from threading import Event

from attrs import frozen

from ..blobs import digest_of
from ..errors import LocalImageError
from ..image import Layer
from ..manifests import (
    DOCKER_MANIFEST,
    Descriptor,
    Digest,
    ImageManifest,
    JsonObject,
    MalformedError,
    MediaType,
    Size,
    parse_json,
    parse_object,
    structure,
)
from .file_slice import LARGEST_UNPACKED, FileSlice, inflate, is_gzip
from .files import Files
from .layout import LARGEST_DOCUMENT, pick, same_name, say_names

LIST = "manifest.json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_SKOPEOS_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_HEX = re.compile(r"(?:blobs/sha256/)?([0-9a-f]{64})(?:\.json)?")


@frozen
class WireSaved:
    """One image of ``manifest.json``."""

    Config: str
    Layers: tuple[str, ...]
    RepoTags: tuple[str, ...] = ()


@frozen
class WireSavedList:
    """All of ``manifest.json``."""

    images: tuple[WireSaved, ...]


@frozen
class WireRootfs:
    """The layers in an image's configuration."""

    diff_ids: tuple[Digest, ...] = ()
    """Docker leaves the member out where there are none."""


@frozen
class WireConfig:
    """An image's configuration."""

    rootfs: WireRootfs


class SavedImages:
    """Images in an archive of ``docker save``.

    Args:
        files: The archive's files.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._places: dict[str, str] = {}
        """Names by digests, of the images that were found so far."""

    def find(self, name: str, stop: Event) -> ImageManifest:
        """See `ImageStore.find`: a name is ``NAME:TAG``, or ``@0``, ``@1``."""
        saved = self._choose(name)
        body = self._read(saved.Config)
        digest = digest_of(body)
        if (match := _HEX.fullmatch(saved.Config)) and digest != f"sha256:{match[1]}":
            raise LocalImageError(f"the content of {saved.Config!r:.100} has the digest {digest}: it was changed")
        self._places.setdefault(digest, saved.Config)
        layers = self._place_layers(saved, _read_diff_ids(body), stop)
        return _make_manifest(Descriptor(Digest(digest), MediaType(_CONFIG), Size(len(body))), layers)

    def read_manifest(self, entry: Descriptor) -> ImageManifest:
        """See `ImageStore.read_manifest`."""
        raise LocalImageError(f"{entry.digest} is not in it")

    def open_blob(self, digest: str) -> AbstractContextManager[FileSlice]:
        """See `ImageStore.open_blob`."""
        if digest not in self._places:
            raise LocalImageError(f"{digest} is not in it")
        return self._files.open(self._places[digest])

    def close(self) -> None:
        """See `ImageStore.close`."""
        self._files.close()

    def _choose(self, name: str) -> WireSaved:
        images = self._read_list()
        if name.startswith("@"):
            return pick(images, name)[0]
        names = [", ".join(image.RepoTags) for image in images]
        if not name and len(images) == 1:
            return images[0]
        if not name:
            raise LocalImageError(f"it has several images; name one of them: {say_names(names)}")
        found = [image for image in images if any(same_name(name, tag) for tag in image.RepoTags)]
        if not found:
            raise LocalImageError(f"it has no image {name!r:.200}; {say_names(names)}")
        if any((one.Config, one.Layers) != (found[0].Config, found[0].Layers) for one in found):
            numbers = ", ".join(f"@{number}" for number, image in enumerate(images) if image in found)
            raise LocalImageError(f"several images in it are called {name!r:.200}; choose one of them: {numbers}")
        return found[0]

    def _read_list(self) -> tuple[WireSaved, ...]:
        body = self._read(LIST)
        try:
            images = structure(JsonObject([("images", parse_json(body))]), WireSavedList).images
        except MalformedError as error:
            raise LocalImageError(f"{LIST}: {error}") from error
        if not images:
            raise LocalImageError("there is no image in it")
        return images

    def _place_layers(self, saved: WireSaved, diff_ids: tuple[Digest, ...], stop: Event) -> tuple[Layer, ...]:
        if len(saved.Layers) != len(diff_ids):
            raise LocalImageError(f"{saved.Config!r:.100} has {len(diff_ids)} layers, {LIST} has {len(saved.Layers)}")
        pairs = zip(diff_ids, saved.Layers, strict=True)
        return tuple(self._place_layer(diff_id, name, stop) for diff_id, name in pairs)

    def _place_layer(self, diff_id: str, name: str, stop: Event) -> Layer:
        with self._files.open(name) as content:
            if is_gzip(content):
                digest, media_type = _unpack(content, diff_id, stop), f"{_LAYER}.gzip"
            else:
                digest, media_type = diff_id, _LAYER
            size = content.size
        self._places.setdefault(digest, name)  # another image's layer of this digest is as good, once verified
        return Layer(digest=digest, size=size, media_type=media_type)

    def _read(self, name: str) -> bytes:
        with self._files.open(name) as content:
            return content.read_all(LARGEST_DOCUMENT)


def _read_diff_ids(config: bytes) -> tuple[Digest, ...]:
    try:
        return structure(parse_object(config), WireConfig).rootfs.diff_ids
    except MalformedError as error:
        raise LocalImageError(f"the image's configuration: {error}") from error


def _unpack(content: FileSlice, diff_id: str, stop: Event) -> str:
    """Return the digest of a compressed layer, whose archive has the digest *diff_id*; nothing of it is kept."""
    algorithm, _, digits = diff_id.partition(":")
    packed, plain, size = hashlib.sha256(), hashlib.new(algorithm), 0
    for piece in content.pieces(stop):
        packed.update(piece)
    for piece in inflate(content, stop):
        plain.update(piece)
        size += len(piece)
        if size > LARGEST_UNPACKED:
            raise LocalImageError(f"the layer {diff_id} unpacks to more than {LARGEST_UNPACKED} bytes")
    if plain.hexdigest() != digits:
        raise LocalImageError(f"the layer {diff_id}, unpacked, has the digest {algorithm}:{plain.hexdigest()}")
    return f"sha256:{packed.hexdigest()}"


def _make_manifest(config: Descriptor, layers: tuple[Layer, ...]) -> ImageManifest:
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": {"mediaType": config.mediaType, "size": config.size, "digest": config.digest},
        "layers": [{"mediaType": _SKOPEOS_LAYER, "size": layer.size, "digest": layer.digest} for layer in layers],
    }
    body = json.dumps(document, separators=(",", ":")).encode()
    return ImageManifest(digest=digest_of(body), media_type=DOCKER_MANIFEST, config=config, layers=layers)
