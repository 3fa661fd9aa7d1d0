"""Images, their layers and platforms: what is scanned."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from attrs import field, fields, frozen

from .errors import NotInRegistryError
from .fields import STRING, nonempty_string, strings
from .reference import ImageReference, LocalReference, Reference

PartT = TypeVar("PartT")


@frozen
class Platform:
    """The platform that an image is made for, written ``os[(version)]/architecture[/variant]``, as by containerd.

    Attributes:
        os: Operating system: ``linux``.
        architecture: Architecture of the processor, as Go names it: ``amd64``, ``arm64``.
        variant: Variant of the architecture: ``v7``; empty where there is none.
        os_version: Version of Windows, whose images run on one build only: ``10.0.17763.5329``; empty otherwise.
    """

    os: str = field(validator=nonempty_string)
    architecture: str = field(validator=nonempty_string)
    variant: str = field(default="", validator=STRING)
    os_version: str = field(default="", validator=STRING)

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Return the platform written as ``linux/arm/v7`` or ``windows(10.0.17763.5329)/amd64``.

        Raises:
            ValueError: *text* is not a valid platform.
        """
        match = re.fullmatch(_PLATFORM, text)
        if match is None:
            raise ValueError(f"{text!r} is not a valid platform; write it as linux/amd64 or linux/arm/v7")
        return cls(match["os"], match["architecture"], match["variant"] or "", match["version"] or "")

    def __str__(self) -> str:
        os = f"{self.os}({self.os_version})" if self.os_version else self.os
        return "/".join(part for part in (os, self.architecture, self.variant) if part)


_PLATFORM = r"(?P<os>[^/()]+)(?:\((?P<version>[^/()]+)\))?/(?P<architecture>[^/]+)(?:/(?P<variant>[^/]+))?"


@frozen(kw_only=True)
class Layer:
    """One layer of an image, as the manifest describes it.

    Attributes:
        digest: Digest of the (compressed) blob: ``sha256:`` and 64 hex digits.
        size: Bytes of the blob; None where the manifest does not say.
        media_type: Media type of the blob: ``application/vnd.oci.image.layer.v1.tar+gzip``.
        urls: Addresses of a foreign layer, which the registry does not have; empty for any other.
    """

    digest: str = field(validator=nonempty_string)
    size: int | None = None
    media_type: str = ""
    urls: tuple[str, ...] = field(default=(), converter=strings)


@frozen(kw_only=True)
class LocalImage:
    """Where a local image lies, which is in no registry.

    Attributes:
        form: ``oci`` for a folder, ``oci-archive`` or ``docker-archive`` for a file.
        path: Absolute path of the folder or the file.
        name: Which of the images in it, as the reference says; empty where it does not.
    """

    form: str = field(validator=nonempty_string)
    path: str = field(validator=nonempty_string)
    name: str = field(default="", validator=STRING)


@frozen(kw_only=True)
class Image:
    """A resolved reference: one image of one platform.

    Attributes:
        reference: The reference that the user gave.
        digest: Digest of the image's own manifest, not of an index: ``sha256:`` and 64 hex digits.
        media_type: Media type of that manifest; empty where it is not known.
        platform: The platform that it is made for; None where neither the index nor the image says.
        config_digest: Digest of its configuration, ``sha256:`` and 64 hex digits; None where the manifest has none.
        layers: Its layers, the base first.
        unsupported: Why no scanner could look into this (it is a Helm chart, say); None for an image that one could.
        artifact: What this is (``signature``, ``Helm chart``), where its manifest says that no program could run it;
            None for an image, also for one that no scanner could look into.
        local: Where the files of a local image are, for scanners that take files; None for an image in a registry.
        index_digest: Digest of the index that the reference stands for, the outermost one; None where it stands for
            this image alone.
        index_platform: The platform for which a pull of that index gives this image, in Go's names; None where a pull
            may give another one.
    """

    reference: ImageReference
    digest: str = field(validator=nonempty_string)
    media_type: str = ""
    platform: Platform | None = None
    config_digest: str | None = None
    layers: tuple[Layer, ...] = ()
    unsupported: str | None = None
    artifact: str | None = None
    local: LocalImage | None = None
    index_digest: str | None = None
    index_platform: Platform | None = None

    @property
    def registry(self) -> str:
        """The registry's name, with its port if it has one; ``docker.io`` for Docker Hub. Raises like `pull_name`."""
        return self._in_registry().registry

    @property
    def pull_host(self) -> str:
        """The host that a backend pulls from: `registry`, but ``registry-1.docker.io`` for Docker Hub."""
        return self._in_registry().api_host

    @property
    def pull_name(self) -> str:
        """``REGISTRY/REPOSITORY@DIGEST``: the name by which a backend pulls this very image; a tag may move.

        Raises:
            NotInRegistryError: This is a local image, which no registry has.
        """
        return f"{self.registry}/{self._in_registry().repository}@{self.digest}"

    def _in_registry(self) -> Reference:
        if isinstance(self.reference, LocalReference):
            text = self.reference.text
            raise NotInRegistryError(f"{text} is a local image, and this scanner's backend pulls from a registry")
        return self.reference


_SLOTS: dict[type, list[tuple[Callable[[object], Any], Callable[[object, Any], None]]]] = {
    kind: [(slot.__get__, slot.__set__) for slot in (getattr(kind, member.name) for member in fields(kind))]
    for kind in (Image, Layer, LocalImage, Platform, Reference, LocalReference)
}


def copy_image(image: Image) -> Image:
    """Return an equal image that has no part in common: foreign code may change even what is frozen."""
    copied = _copy(image)
    for name in ("reference", "platform", "local", "index_platform"):
        if (part := getattr(image, name)) is not None:
            object.__setattr__(copied, name, _copy(part))
    object.__setattr__(copied, "layers", tuple(map(_copy_layer, image.layers)))
    return copied


_set_digest, _set_size, _set_media_type, _set_urls = (write for _, write in _SLOTS[Layer])


def _copy_layer(layer: Layer) -> Layer:
    """Return what `_copy` does, in a third of the time: an image has many, and each scanner gets its own."""
    copied = object.__new__(Layer)
    _set_digest(copied, layer.digest)
    _set_size(copied, layer.size)
    _set_media_type(copied, layer.media_type)
    _set_urls(copied, layer.urls)
    return copied


def _copy(part: PartT) -> PartT:
    copied = object.__new__(type(part))  # not the class: its values are right, and checking them again takes longer
    for read, write in _SLOTS[type(part)]:
        write(copied, read(part))
    return copied
