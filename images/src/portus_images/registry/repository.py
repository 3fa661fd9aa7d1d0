"""One repository of a registry: its manifests and blobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from ..blob_file import BlobFile, BlobFileError
from ..digests import digest_of
from ..errors import InvalidManifestError, RegistryError
from .access import BACKEND_MARGIN, Access
from .answers import Answer, Grant, make_error
from .guarded import GuardedApi
from .listing import list_tags
from .manifest import ACCEPT, OCI_INDEX, Index, Manifest, read_manifest
from .registry_host import LARGEST_BODY, RegistryHost
from .wire import Descriptor, MalformedError

_OVERLOADED = 429
_SERVER_FAULT = 500


class Repository:
    """Reads one repository.

    Args:
        name: Its name: ``team/app``.
        host: Its registry.
        access: How it lets us in.
    """

    def __init__(self, name: str, host: RegistryHost, access: Access) -> None:
        self.name = name
        self.host = host
        self._access = access
        self._api = GuardedApi(host, access)

    async def fetch_manifest(self, tag_or_digest: str) -> Manifest | Index:
        """Fetch, verify and parse one manifest.

        Raises:
            RegistryError: As in ``errors.py``.
        """
        what = f"{self.name}{'@' if ':' in tag_or_digest else ':'}{tag_or_digest}"
        answer = await self._get(f"manifests/{tag_or_digest}", "manifest", what, {"Accept": ACCEPT})
        digest = tag_or_digest if ":" in tag_or_digest else answer.headers.get("Docker-Content-Digest")
        return self._read_manifest(answer, "manifest", what, digest)

    async def fetch_entry(self, entry: Descriptor) -> Manifest | Index:
        """Fetch, verify and parse the manifest that an index names.

        Raises:
            RegistryError: As in ``errors.py``.
        """
        return await self.fetch_manifest(entry.digest)

    async def fetch_referrers(self, path: str, what: str) -> tuple[Index, str]:
        """Fetch one page of an image's referrers.

        Args:
            path: ``referrers/DIGEST``, with the query of the page.
            what: See `make_error`.

        Returns:
            The page, and the header ``Link`` that may name the next one.

        Raises:
            RegistryError: As in ``errors.py``.
        """
        answer = await self._get(path, "referrers", what, {"Accept": OCI_INDEX})
        found = self._read_manifest(answer, "referrers", what, None)
        if isinstance(found, Manifest):
            raise self._make_manifest_error("referrers", what, answer, MalformedError("it is no index"))
        return found, answer.headers.get("Link", "")

    async def fetch_blob(self, digest: str, limit: int = LARGEST_BODY) -> bytes:
        """Fetch and verify a blob.

        Args:
            digest: Its digest.
            limit: Bytes that it may have.

        Raises:
            RegistryError: As in ``errors.py``.
        """
        return await self._fetch(f"blobs/{digest}", "blob", digest, {}, limit)

    async def copy_blob(self, file: BlobFile) -> None:
        """Write a blob to a file, verified; without one when this raises.

        Raises:
            RegistryError: As in ``errors.py``; or the file can't be written.
        """
        what = f"{self.name}@{file.digest}"
        try:
            answer = await self._api.exchange("GET", self._path(f"blobs/{file.digest}"), "blob", {}, file=file)
        except BlobFileError as error:
            message = f"{self.host.name}, blob of {what}: {error}"
            raise RegistryError(message, registry=self.host.name, step="blob") from error.__cause__
        if answer.failed:
            raise make_error(answer, registry=self.host.name, step="blob", what=what)

    async def fetch_manifest_bytes(self, digest: str, limit: int = LARGEST_BODY) -> bytes:
        """Fetch and verify a manifest of any kind, as it is.

        Args:
            digest: Its digest.
            limit: Bytes that it may have.

        Raises:
            RegistryError: As in ``errors.py``.
        """
        return await self._fetch(f"manifests/{digest}", "manifest", digest, {"Accept": f"{ACCEPT}, */*;q=0.1"}, limit)

    async def head_blob(self, digest: str) -> Answer:
        """Ask for a blob without its content; the status is not judged.

        Raises:
            RegistryError: There is no answer, or no credentials.
        """
        return await self._api.exchange("HEAD", self._path(f"blobs/{digest}"), "blob", {})

    def tags(self) -> AsyncIterator[str]:
        """Iterate over its tags; see `list_tags`."""
        return list_tags(self._api, self.name)

    async def locate_blob(self, digest: str, *, from_here: bool = False) -> str:
        """Return a blob's address: for a backend, or for one that runs on this machine."""
        base = await (self.host.base() if from_here else self.host.backend_base())
        return f"{str(base).rstrip('/')}{self._path(f'blobs/{digest}')}"

    async def grant_for_backend(self, digest: str, *, renew: bool) -> Grant | None:
        """Return what a backend has to send to get a blob; None where nothing is needed.

        A repository that was not read before is asked for the blob's head, as the backend would.

        Raises:
            RegistryError: The registry is not available, or there are no credentials.
        """
        if not self._access.known or (renew and not self._access.guarded):
            answer = await self.head_blob(digest)
            if answer.status == _OVERLOADED or answer.status >= _SERVER_FAULT:
                raise make_error(answer, registry=self.host.name, step="blob", what=f"{self.name}@{digest}")
            renew = False
        return await self._access.grant(valid_for=BACKEND_MARGIN, renew=renew)

    async def _fetch(self, path: str, step: str, digest: str, headers: Mapping[str, str], limit: int) -> bytes:
        what = f"{self.name}@{digest}"
        answer = await self._get(path, step, what, headers, limit)
        if digest_of(answer.body, like=digest) != digest:
            message = f"{self.host.name}, {step} of {what}: the content has another digest"
            raise RegistryError(message, registry=self.host.name, step=step, status=answer.status)
        return answer.body

    async def _get(
        self, path: str, step: str, what: str, headers: Mapping[str, str], limit: int = LARGEST_BODY
    ) -> Answer:
        return await self._api.get(self._path(path), step, what, headers, limit)

    def _path(self, path: str) -> str:
        return f"/v2/{self.name}/{path}"

    def _read_manifest(self, answer: Answer, step: str, what: str, digest: str | None) -> Manifest | Index:
        try:
            return read_manifest(answer.body, answer.headers.get("Content-Type", ""), digest)
        except MalformedError as error:
            raise self._make_manifest_error(step, what, answer, error) from error

    def _make_manifest_error(self, step: str, what: str, answer: Answer, error: MalformedError) -> InvalidManifestError:
        content_type = answer.headers.get("Content-Type", "no content type")[:100]
        advice = "push the image again, or use another registry client to look at it"
        if "json" not in content_type or "not JSON" in str(error):
            advice = "is it a registry, or is there a log-in page or a proxy before it?"
        message = f"{self.host.name}, {step} of {what} (HTTP {answer.status}, {content_type!r}): {error}; {advice}"
        return InvalidManifestError(message, registry=self.host.name, step=step, status=answer.status)
