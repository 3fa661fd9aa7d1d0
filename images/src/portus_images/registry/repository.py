"""One repository of a registry: its manifests and blobs."""

from __future__ import annotations

from functools import partial

from attrs import define, evolve, field

from ..blob_file import BlobFile, BlobFileError
from ..blobs import digest_of, find_digest_fault
from ..errors import InvalidManifestError, RegistryError
from ..image import Platform
from ..manifests import ACCEPT, Descriptor, ImageIndex, ImageManifest, MalformedError, read_manifest, read_platform
from ..single_flight import SingleFlight
from .access import BACKEND_MARGIN, RegistryAccess
from .exchange import LARGEST_BODY, SERVER_FAULT, TOO_MANY, Grant, RegistryAnswer, RegistryCall, make_error

MOST_PLATFORMS = 10_000
"""Configurations whose platforms are remembered."""


@define(eq=False, repr=False)
class Repository:
    """Reads one repository; what fails is a `RegistryError`.

    Args:
        name: Its name: ``team/app``.
        access: How its registry lets us in.
        platforms: The platforms of configurations by their digests, shared by all repositories: a digest vouches for
            the content, wherever it came from.
    """

    name: str
    access: RegistryAccess
    _platforms: dict[str, Platform | None]
    _flights: SingleFlight = field(factory=partial(SingleFlight, share_errors=False), init=False)

    async def fetch_manifest(self, tag_or_digest: str) -> ImageManifest | ImageIndex:
        """Fetch, verify and parse one manifest."""
        call = await self._call_for_manifest(tag_or_digest)
        answer = await self.access.get(call)
        stated = _find_digest(answer)
        found = parse_answer(call, answer, tag_or_digest if ":" in tag_or_digest else stated)
        return evolve(found, stated=found.digest == stated)

    async def head_manifest(self, tag_or_digest: str) -> str:
        """Return the digest that the registry states for a manifest, without asking for it; empty where it states none.

        Nothing verifies it.

        Raises:
            RegistryError: There is no answer, or no credentials.
        """
        answer = await self.access.send(await self._call_for_manifest(tag_or_digest, "HEAD"))
        return "" if answer.failed else _read_digest(answer)

    async def locate_manifest(self, tag_or_digest: str) -> str:
        """Return the digest of a manifest by a HEAD; where the registry states none, by the manifest itself.

        Raises:
            RegistryError: There is no such manifest, no answer, or no credentials; or a digest is another one's.
        """
        call = await self._call_for_manifest(tag_or_digest, "HEAD")
        answer = await self.access.send(call)
        if answer.failed:
            raise make_error(call, answer)
        digest = _read_digest(answer) or (await self.fetch_manifest(tag_or_digest)).digest
        if ":" in tag_or_digest and digest != tag_or_digest:
            raise call.make_error(InvalidManifestError, "it has another digest", answer.status)
        return digest

    async def fetch_entry(self, entry: Descriptor) -> ImageManifest | ImageIndex:
        """Fetch, verify and parse the manifest that an index names."""
        return await self.fetch_manifest(entry.digest)

    async def fetch_platform(self, digest: str) -> Platform | None:
        """Return the platform that an image's configuration names; of one configuration it is asked for once.

        Raises:
            MalformedError: See `read_platform`.
        """
        if digest in self._platforms:
            return self._platforms[digest]
        platform = await self._flights.run(digest, partial(self._read_platform, digest))
        if len(self._platforms) >= MOST_PLATFORMS:
            del self._platforms[next(iter(self._platforms))]
        self._platforms[digest] = platform
        return platform

    async def _read_platform(self, digest: str) -> Platform | None:
        return read_platform(await self.fetch("blob", digest))

    async def fetch(self, kind: str, digest: str, limit: int = LARGEST_BODY) -> bytes:
        """Fetch and verify a ``blob``, or a ``manifest`` of any kind as it is, of at most *limit* bytes."""
        headers = {"Accept": f"{ACCEPT}, */*;q=0.1"} if kind == "manifest" else {}
        path = f"/v2/{self.name}/{kind}s/{digest}"
        call = await self.access.host.make_call(kind, f"{self.name}@{digest}", path, headers=headers, limit=limit)
        answer = await self.access.get(call)
        if digest_of(answer.body, like=digest) != digest:
            raise call.make_error(RegistryError, "the content has another digest", answer.status)
        return answer.body

    async def copy_blob(self, file: BlobFile) -> None:
        """Write a blob to a file, verified; there is no file when this raises."""
        call = await self._call_for_blob(file.digest, file=file)
        try:
            answer = await self.access.send(call)
        except BlobFileError as error:
            raise call.make_error(RegistryError, str(error)) from error.__cause__
        if answer.failed:
            raise make_error(call, answer)

    async def head_blob(self, digest: str) -> RegistryAnswer:
        """Ask for a blob without its content; the status is not judged.

        Raises:
            RegistryError: There is no answer, or no credentials.
        """
        return await self.access.send(await self._call_for_blob(digest, "HEAD"))

    async def locate_blob(self, digest: str, *, from_here: bool = False) -> str:
        """Return a blob's address: for a backend, or for one that runs on this machine."""
        base = await (self.access.host.base() if from_here else self.access.host.backend_base())
        return f"{str(base).rstrip('/')}/v2/{self.name}/blobs/{digest}"

    async def grant_for_backend(self, digest: str, *, renew: bool) -> Grant | None:
        """Return what a backend has to send to get a blob; None where nothing is needed.

        A repository that was not read before is asked for the blob's head, as the backend would.

        Raises:
            RegistryError: The registry is not available, or there are no credentials.
        """
        if not self.access.known or (renew and not self.access.guarded):
            call = await self._call_for_blob(digest, "HEAD")
            answer = await self.access.send(call)
            if answer.status == TOO_MANY or answer.status >= SERVER_FAULT:
                raise make_error(call, answer)
            renew = False
        return await self.access.grant(valid_for=BACKEND_MARGIN, renew=renew)

    async def _call_for_manifest(self, tag_or_digest: str, method: str = "GET") -> RegistryCall:
        what = f"{self.name}{'@' if ':' in tag_or_digest else ':'}{tag_or_digest}"
        path = f"/v2/{self.name}/manifests/{tag_or_digest}"
        return await self.access.host.make_call("manifest", what, path, method=method, headers={"Accept": ACCEPT})

    async def _call_for_blob(self, digest: str, method: str = "GET", file: BlobFile | None = None) -> RegistryCall:
        path = f"/v2/{self.name}/blobs/{digest}"
        return await self.access.host.make_call("blob", f"{self.name}@{digest}", path, method=method, file=file)


def _find_digest(answer: RegistryAnswer) -> str | None:
    """Return the digest that the header gives, where it is the body's; None else.

    The body's own decides: registries that convert a manifest send the digest of what it was made of.
    """
    digest = _read_digest(answer)
    return digest if digest and digest_of(answer.body, like=digest) == digest else None


def _read_digest(answer: RegistryAnswer) -> str:
    """Return the digest that the header gives; empty where it gives none, or two."""
    digests = set(answer.headers.getall("Docker-Content-Digest", ()))
    digest = digests.pop() if len(digests) == 1 else ""
    return "" if find_digest_fault(digest) else digest


def parse_answer(call: RegistryCall, answer: RegistryAnswer, digest: str | None) -> ImageManifest | ImageIndex:
    """Return what an answer of success holds, verified: *digest* is its body's, where that is known.

    Raises:
        InvalidManifestError: It is not a manifest, or not the one that was asked for.
    """
    content_type = answer.headers.get("Content-Type", "")
    try:
        return read_manifest(answer.body, content_type, digest)
    except MalformedError as error:
        raise malformed_answer(call, answer, error) from error


def malformed_answer(call: RegistryCall, answer: RegistryAnswer, error: MalformedError) -> InvalidManifestError:
    """Return the error for an answer that is not what was asked for."""
    content_type = answer.headers.get("Content-Type", "no content type")[:100]
    advice = "push the image again, or use another registry client to look at it"
    if "json" not in content_type or "not JSON" in str(error):
        advice = "is it a registry, or is there a log-in page or a proxy before it?"
    message = f"{call.registry}, {call.step} of {call.what} (HTTP {answer.status}, {content_type!r}): {error}; {advice}"
    return InvalidManifestError(message, registry=call.registry, step=call.step, status=answer.status)
