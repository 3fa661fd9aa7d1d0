"""The registry client: what a reference means, what lies beside an image, and how a backend pulls its layers."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from attrs import evolve, frozen
from yarl import URL

from ..blob_file import BlobFile
from ..blobs import BlobAccess, BlobHead, Referrer, find_digest_fault
from ..errors import ImageNotFoundError, InvalidManifestError, LocalImageError, NotInRegistryError, RegistryError
from ..image import Image, Layer, Platform
from ..manifests import Resolver, make_image
from ..reference import Reference, write_out
from ..settings import RegistrySettings
from ..single_flight import SingleFlight
from .access import CATALOG, RegistryAccess, Right
from .credentials import CredentialStore
from .exchange import RegistryAnswer
from .hosts import HostSettings, RegistryHost, name_registry
from .lists import find_referrers, list_repositories, list_tags
from .repository import Repository
from .transport import MayConnect, Proxies, Transport


@frozen(kw_only=True)
class TagLookup:
    """What `Registry.look_up` has found.

    Attributes:
        image: The image; None where the reference still points to what it pointed to before.
        pointer: The digest that a HEAD is compared with next time; None where none could decide: the registry's header
            is not the digest of the manifest that it sends.
    """

    image: Image | None
    pointer: str | None


class Registry:
    """Resolves references and gives access to layers. An async context manager; safe to use from many tasks.

    Credentials are sent only to a registry that asked for them, and to its token service over HTTPS. Tokens are
    cached here and nowhere else.

    Args:
        registries: What the configuration says of registries, by host.
        environ: The environment, which is read once: where the files of Docker and podman are, proxies, variables that
            the configuration names, and what credential helpers get; that of the process where None.
        clock: Monotonic seconds, for the age of tokens.
        may_connect: Asked before each connection, once a name is resolved: with the address, and whether *registries*
            names its host. None: every address may be connected to. A proxy is not asked about.
    """

    def __init__(
        self,
        registries: Mapping[str, RegistrySettings] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        may_connect: MayConnect | None = None,
    ) -> None:
        self._settings = HostSettings(registries or {})
        self._clock = clock
        self._flights = SingleFlight(share_errors=True)
        environ = dict(os.environ if environ is None else environ)
        self._store = CredentialStore(self._settings, environ, self._flights, clock)
        self._transport = Transport(self._settings, Proxies(environ), may_connect)
        self._hosts: dict[str, RegistryHost] = {}
        self._repositories: dict[tuple[str, str], Repository] = {}
        self._platforms: dict[str, Platform | None] = {}

    async def resolve(self, reference: Reference, platform: Platform | None = None) -> Image:
        """Return the image that a reference means now.

        What is not an image (a Helm chart, an attestation) is resolved as well, with `Image.unsupported`.

        Args:
            reference: The reference; its digest is asked for where it has one, else its tag.
            platform: Which image of an index; the machine's own (always Linux) where None. Without an index it is
                ignored.

        Raises:
            RegistryAuthError: The registry wants other credentials, or some.
            ImageNotFoundError: It has no such repository, tag, digest or platform.
            InvalidManifestError: Its answer is not a manifest, or has another digest.
            RegistryUnavailableError: It could not be reached, or is out of order.
            RegistryError: It refused in another way.
        """
        repository = self._open(reference)
        found = await repository.fetch_manifest(reference.manifest)
        resolver = Resolver(repository, reference, reference.registry)
        return make_image(reference, await resolver.one(found, platform))

    async def look_up(
        self, reference: Reference, platform: Platform | None = None, *, pointer: str = "", image: str = ""
    ) -> TagLookup:
        """Return what a reference means now; what has not changed costs a HEAD, which registries count as no pull.

        Args:
            reference: The reference.
            platform: As with `resolve`; the one for which it was asked before.
            pointer: `TagLookup.pointer` of before; empty where that was None.
            image: The digest of the image that it meant: its configuration is not fetched again.

        Raises:
            RegistryError: As with `resolve`.
        """
        repository = self._open(reference)
        if pointer and await repository.head_manifest(reference.manifest) == pointer:
            return TagLookup(image=None, pointer=pointer)
        found = await repository.fetch_manifest(reference.manifest)
        resolver = Resolver(repository, reference, reference.registry, known=image)
        resolved = make_image(reference, await resolver.one(found, platform))
        return TagLookup(image=resolved, pointer=found.digest if found.stated else None)

    async def locate(self, reference: Reference) -> str:
        """Return the digest of what a reference means now: what the registry says to a HEAD, which is not a pull.

        Raises:
            ImageNotFoundError: It has no such repository, tag or digest.
            RegistryError: As with `resolve`.
        """
        return await self._open(reference).locate_manifest(reference.manifest)

    async def resolve_all(self, reference: Reference) -> tuple[Image, ...]:
        """Return all images of an index, in its order; of a reference that means one image, that one.

        Entries that are not images, and those that the registry does not have, are returned with `Image.unsupported`:
        nothing is left out. Indexes inside are read too. An image that is named twice is returned once.

        Args:
            reference: The reference; its digest is asked for where it has one, else its tag.

        Raises:
            InvalidManifestError: As with `resolve`; also for more than 200 images.
            RegistryError: As with `resolve`.
        """
        repository = self._open(reference)
        found = await repository.fetch_manifest(reference.manifest)
        resolved = await Resolver(repository, reference, reference.registry).all(found)
        return tuple(make_image(reference, one) for one in resolved)

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False, from_here: bool = False) -> BlobAccess:
        """Return the URL and the headers with which a backend can pull a layer.

        A token among them is good for 60 seconds at least, or newly issued.

        Args:
            image: The image; another `Registry` may have resolved it.
            layer: One of its layers.
            renew: Get a new token even if the present one seems to be good.
            from_here: Return the address for this machine, not ``backend_url``.

        Raises:
            NotInRegistryError: A foreign layer: the registry does not have it.
            RegistryError: The registry is not available, or gives no credentials; see `resolve`.
        """
        repository = self._open_for(image, layer)
        grant = await repository.grant_for_backend(layer.digest, renew=renew)
        headers = {"Authorization": grant.header.reveal()} if grant else {}
        url = await repository.locate_blob(layer.digest, from_here=from_here)
        return BlobAccess(url=url, headers=headers, own_tls=self._settings.has_own_tls(URL(url)))

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        """Write a layer's blob to a new file while it arrives, verified; there is no file when this raises.

        Raises:
            NotInRegistryError: A foreign layer: the registry does not have it.
            RegistryError: See `resolve`; or the file can't be written.
        """
        await self._open_for(image, layer).copy_blob(BlobFile(path, layer.digest, layer.size))

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        """Return what the registry says of a layer without its content. Its failures are values, not errors."""
        try:
            repository = self._open_for(image, layer)
            answer = await repository.head_blob(layer.digest)
        except NotInRegistryError as error:
            return BlobHead(status=0, reason=str(error))
        except RegistryError as error:
            return BlobHead(status=(error.status or 0) if error.step != "token" else 0, reason=str(error))
        return _make_head(answer)

    async def referrers(self, image: Image, artifact_type: str = "") -> tuple[Referrer, ...]:
        """Return what refers to an image's own manifest: SBOMs, signatures, attestations.

        Args:
            image: The image; another `Registry` may have resolved it.
            artifact_type: Only those of this type; all where empty.

        Raises:
            InvalidManifestError: The registry's answer is not a list of them, or one of more than 1,000.
            RegistryError: The registry is not available, or gives no credentials.
        """
        return await find_referrers(self._open(_in_registry(image)), _checked(image, image.digest), artifact_type)

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        """Return a blob or a manifest of an image's repository, verified.

        Args:
            image: The image.
            digest: What to fetch.
            max_size: Bytes that it may have.

        Raises:
            ImageNotFoundError: The repository does not have it.
            InvalidManifestError: It is longer.
            RegistryError: The content has another digest, or the registry does not give it.
        """
        repository = self._open(_in_registry(image))
        try:
            return await repository.fetch("blob", _checked(image, digest), max_size)
        except ImageNotFoundError:
            return await repository.fetch("manifest", digest, max_size)

    def repositories(
        self, host: str, *, namespace: str = "", on_page: Callable[[int, int], None] | None = None
    ) -> AsyncIterator[str]:
        """Iterate over the names of all repositories that a registry shows, page by page, in its order.

        The names are the registry's own strings: one that is not a valid name is given too.

        Args:
            host: The registry, as in an image's name: ``registry.example:5000``.
            namespace: Whose credentials are used, where podman's file has some for it; all repositories are listed.
            on_page: Called with the number of each page that was read, the first is 1, and of the last that would be.

        Raises:
            InvalidReferenceError: *host* is not a valid host.
            RegistryError: (while iterating) The registry does not show them, or is not available; or, at the end, they
                may be a part, since there are credentials that could not be used.
            InvalidManifestError: (while iterating) Its answer is not a list.
        """
        right, registry = evolve(CATALOG, repository=namespace), self._host_of(_name(host, "any"))
        return list_repositories(RegistryAccess(right, registry, self._store, self._clock), on_page)

    def tags(
        self, host: str, repository: str, *, on_page: Callable[[int, int], None] | None = None
    ) -> AsyncIterator[str]:
        """Iterate over the tags of a repository, page by page, in the registry's order.

        The tags are the registry's own strings: one that is not a valid tag is given too.

        Args:
            host: The registry, as in an image's name.
            repository: ``team/app``.
            on_page: As for `repositories`.

        Raises:
            InvalidReferenceError: *host* or *repository* is not valid.
            UnknownRepositoryError: (while iterating) There is no such repository.
            RegistryError: (while iterating) The registry does not show them, or is not available.
            InvalidManifestError: (while iterating) Its answer is not a list.
        """
        return list_tags(self._open(_name(host, repository)), on_page)

    async def aclose(self) -> None:
        """Close all connections and end all requests."""
        await self._flights.aclose()
        await self._transport.aclose()

    async def __aenter__(self) -> Registry:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    def _open(self, reference: Reference) -> Repository:
        key = reference.registry, reference.repository
        if key not in self._repositories:
            host, right = self._host_of(reference), Right.to_pull(reference.repository)
            access = RegistryAccess(right, host, self._store, self._clock)
            self._repositories[key] = Repository(reference.repository, access, self._platforms)
        return self._repositories[key]

    def _host_of(self, reference: Reference) -> RegistryHost:
        name = reference.registry
        if name not in self._hosts:
            host = RegistryHost(name, reference.api_host, self._transport, self._settings, self._flights)
            self._hosts[name] = host
        return self._hosts[name]

    def _open_for(self, image: Image, layer: Layer) -> Repository:
        """Return the repository of a layer, if it can be had from there."""
        if layer.urls:
            msg = f"the layer {layer.digest[:80]!r} is a foreign one, which the registry does not have"
            raise NotInRegistryError(msg)
        _checked(image, layer.digest)
        return self._open(_in_registry(image))


def _name(host: str, repository: str) -> Reference:
    registry = name_registry(host)
    return Reference(f"{host}/{repository}", registry, write_out(registry, repository))


def _in_registry(image: Image) -> Reference:
    if isinstance(image.reference, Reference):
        return image.reference
    raise LocalImageError(f"{image.reference}: it is in no registry")


def _checked(image: Image, digest: str) -> str:
    """Return a digest that can go into an address: a valid one."""
    if fault := find_digest_fault(digest):
        registry = _in_registry(image).registry
        raise InvalidManifestError(f"{registry}, blob: {fault}", registry=registry, step="blob")
    return digest


def _make_head(answer: RegistryAnswer) -> BlobHead:
    length = answer.headers.get("Content-Length", "")
    size = int(length) if length.isascii() and length.isdigit() and not answer.failed else None
    return BlobHead(status=answer.status, size=size, reason=f"HTTP {answer.status}" if answer.failed else "")
