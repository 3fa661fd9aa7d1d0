"""The registry client: references to images, layers to what a backend needs to pull them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping

from ..errors import ImageNotFoundError, InvalidManifestError, RegistryError, UnsupportedImageError
from ..models import Image, Layer, Platform
from ..scanner import BlobAccess, BlobHead
from ..settings import RegistrySettings
from .access import Access
from .answers import Answer
from .credentials import CredentialStore
from .digests import find_digest_fault
from .hosts import HostSettings
from .manifest import Index, Manifest, choose_entry, make_platform, read_platform
from .platforms import own_platform
from .reference import Reference
from .registry_host import RegistryHost
from .repository import Repository
from .single_flight import Tasks
from .transport import Proxies, Transport
from .wire import MalformedError

__all__ = ["Registry"]

MOST_INDEXES = 3
"""An index may be inside another one, this deep."""
_LOGGER = logging.getLogger("portus_scanners.registry")


class Registry:
    """Resolves references and gives access to layers. An async context manager; safe to use from many tasks.

    Credentials are sent only to a registry that asked for them, and to its token service over HTTPS. Tokens are
    cached here and nowhere else.

    Args:
        registries: What the configuration says of registries, by host.
        environ: Read once: where the files of Docker and podman are, proxies, variables that the configuration names,
            and what credential helpers get; the process' environment where None.
        clock: Monotonic seconds, for the age of tokens.
    """

    def __init__(
        self,
        registries: Mapping[str, RegistrySettings] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = HostSettings(registries or {})
        self._clock = clock
        self._tasks = Tasks()
        environ = dict(os.environ if environ is None else environ)
        self._store = CredentialStore(self._settings, environ, self._tasks)
        self._transport = Transport(self._settings, Proxies(environ))
        self._hosts: dict[str, RegistryHost] = {}
        self._repositories: dict[tuple[str, str], Repository] = {}

    async def resolve(self, reference: Reference, platform: Platform | None = None) -> Image:
        """Return the image that a reference means now.

        What is none (a Helm chart, an attestation, a schema 1 manifest) is resolved as well, with `Image.unsupported`.

        Args:
            reference: Its digest is asked for where it has one, else its tag.
            platform: Which image of an index; the machine's own (always Linux) where None. Without an index it is
                ignored.

        Raises:
            RegistryAuthError: The registry wants other credentials, or some.
            ImageNotFoundError: It has no such repository, tag, digest or platform.
            InvalidManifestError: Its answer is no manifest, or has another digest.
            RegistryUnavailableError: It could not be reached, or is out of order.
            RegistryError: It refused in another way.
        """
        repository = self._open(reference)
        manifest, named = await _descend(repository, reference, platform or own_platform())
        return Image(
            reference=reference,
            digest=manifest.digest,
            media_type=manifest.media_type,
            platform=named or await _ask_platform(repository, manifest),
            config_digest=manifest.config.digest if manifest.config else None,
            layers=manifest.layers,
            unsupported=manifest.unsupported,
        )

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False) -> BlobAccess:
        """Return the URL and the headers with which a backend can pull a layer.

        A token among them is good for 60 seconds at least, or newly issued.

        Args:
            image: The image; another `Registry` may have resolved it.
            layer: One of its layers.
            renew: Get a new token even if the present one seems to be good.

        Raises:
            UnsupportedImageError: A foreign layer: the registry does not have it.
            RegistryError: The registry is not available, or gives no credentials; see `resolve`.
        """
        repository = self._open_for(image, layer)
        grant = await repository.grant_for_backend(layer.digest, renew=renew)
        headers = {"Authorization": grant.header.reveal()} if grant else {}
        return BlobAccess(url=await repository.locate_blob(layer.digest), headers=headers)

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        """Return what the registry says of a layer without its content. Its failures are values, not errors."""
        try:
            repository = self._open_for(image, layer)
            answer = await repository.head_blob(layer.digest)
        except UnsupportedImageError as error:
            return BlobHead(status=0, reason=str(error))
        except RegistryError as error:
            return BlobHead(status=(error.status or 0) if error.step != "token" else 0, reason=str(error))
        return _make_head(answer)

    async def aclose(self) -> None:
        """Close all connections and end all requests."""
        await self._tasks.aclose()
        await self._transport.aclose()

    async def __aenter__(self) -> Registry:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    def _open(self, reference: Reference) -> Repository:
        key = reference.registry, reference.repository
        if key not in self._repositories:
            host = self._open_host(reference)
            access = Access(reference.repository, host, self._store, self._settings, self._clock, self._tasks)
            self._repositories[key] = Repository(reference.repository, host, access)
        return self._repositories[key]

    def _open_host(self, reference: Reference) -> RegistryHost:
        if reference.registry not in self._hosts:
            self._hosts[reference.registry] = RegistryHost(
                reference.registry, reference.api_host, self._transport, self._settings, self._tasks
            )
        return self._hosts[reference.registry]

    def _open_for(self, image: Image, layer: Layer) -> Repository:
        """Return the repository of a layer, if it can be had from there."""
        if layer.urls:
            raise UnsupportedImageError(
                f"the layer {layer.digest[:80]!r} is a foreign one, which the registry does not have"
            )
        if fault := find_digest_fault(layer.digest):
            registry = image.reference.registry
            raise InvalidManifestError(f"{registry}, blob: {fault}", registry=registry, step="blob")
        return self._open(image.reference)


async def _descend(repository: Repository, reference: Reference, wanted: Platform) -> tuple[Manifest, Platform | None]:
    """Return the manifest for a platform, and the platform that an index calls it."""
    found, named = await repository.fetch_manifest(reference.manifest), None
    for _ in range(MOST_INDEXES):
        if isinstance(found, Manifest):
            return found, named
        entry = choose_entry(found, wanted)
        if entry is None:
            raise _make_not_found(reference, found, wanted)
        named = make_platform(entry.platform) or named
        found = await repository.fetch_manifest(entry.digest)
    if isinstance(found, Manifest):
        return found, named
    message = f"{reference}: more than {MOST_INDEXES} indexes inside each other; name the image by its digest"
    raise InvalidManifestError(message, registry=reference.registry, step="resolve")


def _make_not_found(reference: Reference, index: Index, wanted: Platform) -> ImageNotFoundError:
    offered = ", ".join(index.platforms[:20]) or "none that is named"
    message = f"{reference} has no image for {wanted}; there are: {offered}; choose one of them as the platform"
    return ImageNotFoundError(message, registry=reference.registry, step="resolve")


async def _ask_platform(repository: Repository, manifest: Manifest) -> Platform | None:
    """Return the platform that an image's configuration names; None when it can't be had."""
    if manifest.unsupported or manifest.config is None:
        return None
    try:
        return read_platform(await repository.fetch_blob(manifest.config.digest))
    except (RegistryError, MalformedError) as error:
        _LOGGER.debug("no platform of %s@%s: %s", repository.name, manifest.digest, error)
        return None


def _make_head(answer: Answer) -> BlobHead:
    length = answer.headers.get("Content-Length", "")
    size = int(length) if length.isascii() and length.isdigit() and not answer.failed else None
    return BlobHead(status=answer.status, size=size, reason=f"HTTP {answer.status}" if answer.failed else "")
