"""What a manifest says: parsed, verified, judged. Pure functions; a fault is a `MalformedError`.

Source: OCI image specification, ``manifest.md``, ``image-index.md``. What is not an image: ``artifacts.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from ..blobs import digest_of, find_digest_fault
from ..image import Layer, Platform
from .artifacts import judge_artifact, judge_content
from .platforms import Rank, rank_platform
from .schema1 import read_schema1, strip_signatures
from .wire import (
    Descriptor,
    MalformedError,
    WireArtifact,
    WireIndex,
    WireManifest,
    WirePlatform,
    parse_object,
    read_members,
    structure,
)

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+json"
SCHEMA_1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

_ARTIFACTS = {
    "application/vnd.oci.artifact.manifest.v1+json",
    "application/vnd.cncf.oras.artifact.manifest.v1+json",
}
"""Manifests of artifacts, before these had the form of an image's."""

_LAST = [f"{SCHEMA_1_SIGNED};q=0.2", f"{SCHEMA_1};q=0.1", *(f"{artifact};q=0.1" for artifact in sorted(_ARTIFACTS))]
ACCEPT = ", ".join([DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX, *_LAST])
"""What to ask for: schema 1 late, so that such images are answered at all, and artifacts, so that these are known."""

_INDEXES = {DOCKER_LIST, OCI_INDEX}
_MANIFESTS = {DOCKER_MANIFEST, OCI_MANIFEST}
_SCHEMA_1_TYPES = {SCHEMA_1, SCHEMA_1_SIGNED}
_KNOWN = _INDEXES | _MANIFESTS | _SCHEMA_1_TYPES | _ARTIFACTS
_VAGUE = {"", "application/json", "application/octet-stream", "text/plain"}
_VERSION = 2
_FOREIGN = {
    "fsLayers": ("layers", "config", "manifests"),
    "manifests": ("layers", "config", "fsLayers"),
    "layers": ("manifests", "fsLayers"),
    "blobs": ("layers", "config", "manifests", "fsLayers"),
}
"""What each kind of manifest is known by, and what it must not have."""
_CONFIG_MEMBERS = ("os", "architecture", "variant", "os.version", "rootfs")

_UNKNOWN = ("unknown", "unknown")


@frozen(kw_only=True)
class ImageManifest:
    """The manifest of one image, or of something else: see *unsupported*."""

    digest: str
    media_type: str
    config: Descriptor | None = None
    """None in schema 1."""
    platform: Platform | None = None
    """Only where the manifest itself names one: in schema 1."""
    layers: tuple[Layer, ...] = ()
    """Base first."""
    unsupported: str | None = None
    """Why no scanner could look into it; None for an image that one could."""
    artifact: str | None = None
    """What it is, where it is not an image for any program that runs them."""
    stated: bool = False
    """Whether the registry's header gives this digest as well."""


@frozen(kw_only=True)
class ImageIndex:
    """A list of manifests."""

    digest: str
    media_type: str
    entries: tuple[Descriptor, ...]
    """Without the attestations."""
    attestations: tuple[Descriptor, ...] = ()
    stated: bool = False
    """Whether the registry's header gives this digest as well."""

    @property
    def all_entries(self) -> tuple[Descriptor, ...]:
        """The entries, and then the attestations."""
        return (*self.entries, *self.attestations)

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms on offer, for messages: in the index's order, each once."""
        named = (make_platform(entry.platform) for entry in self.entries)
        return tuple(dict.fromkeys(str(platform) for platform in named if platform))


def read_manifest(body: bytes, content_type: str, digest: str | None) -> ImageManifest | ImageIndex:
    """Return the manifest or index that a body is, verified.

    Args:
        body: The whole body.
        content_type: The header ``Content-Type``, parameters and all.
        digest: What the body's digest must be; None where that is not known.

    Raises:
        MalformedError: It is not a manifest, or not the one that was asked for.
    """
    document = parse_object(body)
    members = read_members(document, ("schemaVersion", "mediaType"))
    media_type = _find_media_type(members, content_type)
    if media_type in _SCHEMA_1_TYPES:
        return _make_schema1(body, media_type, digest)
    own_digest = _verify(body, digest)
    if media_type in _ARTIFACTS:
        return _read_artifact(document, own_digest, media_type)
    if members.get("schemaVersion") != _VERSION:
        raise MalformedError(f"$.schemaVersion is not {_VERSION}")
    make, kind = (_make_index, "manifests") if media_type in _INDEXES else (_make_manifest, "layers")
    _check_kind(document, kind)
    return make(document, own_digest, media_type)


def rank_entries(index: ImageIndex, wanted: Platform) -> tuple[Descriptor, ...]:
    """Return the entries to look at for a platform, in this order.

    The best one that names it; where none does, the first that names no platform, as Docker and containerd take it:
    containerd if its configuration has the platform (`Resolver` checks that). Where that is an index, the other indexes
    that name no platform follow. An index inside that names a platform counts like a manifest.
    """
    ranked = [(rank, entry) for entry in index.entries if (rank := _rank(entry, wanted)) is not None]
    if ranked:
        return (min(ranked, key=lambda pair: pair[0])[1],)
    unnamed = tuple(entry for entry in index.entries if entry.platform in {None, WirePlatform()})  # an OS fits none
    if unnamed and unnamed[0].mediaType in _INDEXES:
        return tuple(entry for entry in unnamed if entry.mediaType in _INDEXES)
    return unnamed[:1]


def make_platform(wire: WirePlatform | None) -> Platform | None:
    """Return the platform that an index or an image's configuration names; None where it names none.

    Without an OS it is the own one of whoever pulls it, for containerd: Linux here.
    """
    if wire is None or not wire.architecture:
        return None
    return Platform(wire.os or "linux", wire.architecture, wire.variant, wire.os_version)


def read_platform(body: bytes) -> Platform | None:
    """Return the platform that an image's configuration names.

    Raises:
        TwiceError: Something is there twice that says which image it is.
        MalformedError: *body* is not an image's configuration.
    """
    configuration = parse_object(body)
    rootfs = read_members(configuration, _CONFIG_MEMBERS).get("rootfs")
    read_members(rootfs if isinstance(rootfs, dict) else {}, ("type", "diff_ids"))
    return make_platform(structure(configuration, WirePlatform))


def is_for_no_platform(entry: Descriptor) -> bool:
    """Tell whether an entry has the platform of attestations, for which no program asks."""
    platform = make_platform(entry.platform)
    return platform is not None and (platform.os.lower(), platform.architecture.lower()) == _UNKNOWN


def is_known(media_type: str) -> bool:
    """Tell whether a media type is one of an image's manifest or an index; an empty one may be."""
    return media_type in _KNOWN or media_type in _VAGUE


def _rank(entry: Descriptor, wanted: Platform) -> Rank | None:
    platform = make_platform(entry.platform)
    return rank_platform(wanted, platform) if platform else None


def _find_media_type(members: dict[str, Any], content_type: str) -> str:
    """Return the media type that the header says, else the body's; they must not contradict each other."""
    header = content_type.partition(";")[0].strip().lower()
    inside = members.get("mediaType")
    inside = inside if isinstance(inside, str) else ""
    if header in _VAGUE:
        header = inside or (SCHEMA_1 if members.get("schemaVersion") == 1 else header)
    if header not in _KNOWN:
        raise MalformedError(f"its media type {header[:100]!r} is not one of a manifest")
    if inside in _KNOWN and inside != header:
        raise MalformedError(f"the header says that it is {header!r}, $.mediaType says {inside!r}")
    return header


def _verify(body: bytes, digest: str | None) -> str:
    """Return the body's digest, which must be *digest* where that is known."""
    if digest and (fault := find_digest_fault(digest)):
        raise MalformedError(f"the digest to expect: {fault}")
    found = digest_of(body, like=digest or "sha256:")
    if digest and found != digest:
        raise MalformedError(f"its digest is {found}, not {digest}: it was changed on its way or in the registry")
    return found


def _make_schema1(body: bytes, media_type: str, digest: str | None) -> ImageManifest:
    """Read the part that the digest stands for; nothing vouches for the rest."""
    try:
        payload = strip_signatures(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError(str(error)) from error
    own_digest = _verify(payload, digest)
    document = parse_object(payload)
    _check_kind(document, "fsLayers")
    layers, platform = read_schema1(document)
    return ImageManifest(digest=own_digest, media_type=media_type, platform=make_platform(platform), layers=layers)


def _make_index(document: dict[str, Any], digest: str, media_type: str) -> ImageIndex:
    wire = structure(document, WireIndex)
    return make_index(wire.manifests, digest=digest, media_type=media_type)


def make_index(entries: Iterable[Descriptor], *, digest: str, media_type: str) -> ImageIndex:
    """Return an index of these entries, those set apart that have the platform of attestations.

    Annotations say nothing: an entry without a platform that is called an attestation may be the one that is pulled.
    Source: BuildKit's ``docs/attestations/attestation-storage.md``.
    """
    entries = tuple(entries)
    attestations = tuple(entry for entry in entries if is_for_no_platform(entry))
    images = tuple(entry for entry in entries if not is_for_no_platform(entry))
    return ImageIndex(digest=digest, media_type=media_type, entries=images, attestations=attestations)


def _make_manifest(document: dict[str, Any], digest: str, media_type: str) -> ImageManifest:
    wire = structure(document, WireManifest)
    layers, content = tuple(map(_make_layer, wire.layers)), judge_content(wire)._asdict()
    return ImageManifest(digest=digest, media_type=media_type, config=wire.config, layers=layers, **content)


def _read_artifact(document: dict[str, Any], digest: str, media_type: str) -> ImageManifest:
    _check_kind(document, "blobs", needed=False)
    content = judge_artifact(structure(document, WireArtifact), media_type)._asdict()
    return ImageManifest(digest=digest, media_type=media_type, **content)


def _make_layer(wire: Descriptor) -> Layer:
    return Layer(digest=wire.digest, size=wire.size, media_type=wire.mediaType, urls=wire.urls)


def _check_kind(document: dict[str, Any], kind: str, *, needed: bool = True) -> None:
    """Check that no other client could read the body as another kind of manifest (CVE-2021-41190)."""
    members = read_members(document, (kind, *_FOREIGN[kind]))
    if needed and kind not in members:  # null is Go's empty array
        raise MalformedError(f"it is missing @ $.{kind}")
    for name in _FOREIGN[kind]:
        if members.get(name):
            raise MalformedError(f"$.{name} has no place in it: it could be read in two ways")
