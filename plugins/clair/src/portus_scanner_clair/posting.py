"""Having Clair fetch and analyse the layers of an image, one after the other, each once for all images.

Clair is given one layer of an image at a time; it has to know the parent. What can be done meanwhile is done meanwhile:
finding out which layers Clair knows already, checking the blobs of the next ones, and asking where Clair gets them.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import Any, Self
from urllib.parse import urlsplit

from attrs import frozen
from portus_scanners import (
    BlobAccess,
    BlobHead,
    Image,
    InvalidReportError,
    Reference,
    RegistryError,
    RegistryUnavailableError,
    ScannerContext,
    ScannerError,
    ScannerUnavailableError,
    UnsupportedImageError,
)

from .client import RACE_TRIES, ClairClient, pause_after_race
from .layers import ChainLink
from .refusals import Cause, Refusal
from .search import KnownPart
from .sharing import Shared

_TRIES = {Cause.BLOB_NOT_FETCHED: 2, Cause.NOT_EXTRACTED: 2, Cause.LOST_RACE: RACE_TRIES}
"""How often a layer is posted at most if Clair refuses for this cause; for any other cause, once."""
_BLOB_IS_SUSPECT = {Cause.BLOB_NOT_FETCHED, Cause.NOT_EXTRACTED}
"""Causes after which the size of the blob is checked again."""
_HEAD_START = 0.001
"""Seconds after which what is done meanwhile begins: the request that is waited for goes out first."""
_PREPARED_AHEAD = 16
"""Layers above the one being posted that are prepared meanwhile."""
_BEGUN_AT_ONCE = 2
"""Layers whose preparation begins with each layer: one more than it uses up. Many at once would delay the answer to its
POST."""
_SEARCH = "search"
"""The task that finds out what Clair knows; those that prepare a layer have the layer's name in Clair."""
_ACCESS_LASTS = 1.0
"""Seconds after which the access to a blob is asked for again: a POST may take minutes, and its token expire."""

_SERVED_ELSEWHERE = "; --serve-address gives the layers of a local image another address"


class ParentUnknownError(ScannerError):
    """Clair does not have the layer below, or no longer: the chain can be posted again from its base."""


class LayerPoster:
    """Posts the layers of one image.

    Args:
        client: The client of Clair's API.
        context: The scanner's context, which gives access to the registry.
        image: The image.
        shared: What the scans of this scanner know, and what they are doing now.
        check_blobs: Whether to compare the blob's size at the registry with the manifest's before posting.
    """

    def __init__(
        self, client: ClairClient, context: ScannerContext, image: Image, shared: Shared, *, check_blobs: bool
    ) -> None:
        self._client = client
        self._context = context
        self._image = image
        self._shared = shared
        self._check_blobs = check_blobs

    async def post(self, known: KnownPart) -> None:
        """Post the layers from the base up, and stop at the first that fails, as its children would fail too.

        If a layer is being posted for another image, wait for that; if it was posted meanwhile, skip it. Posting a
        layer that Clair already knows costs Clair nothing.

        Args:
            known: Which layers can be skipped. While layers are posted, Clair is asked for more of them.

        Raises:
            ParentUnknownError: A layer went missing in Clair.
            UnsupportedImageError: Clair can't read a layer, or the registry does not have it.
            ScannerUnavailableError: Clair or the registry can't be reached or is out of order.
            ScannerError: Posting failed in another way. All messages name the layer.
        """
        async with _Beside() as beside:
            while upcoming := known.upcoming(1 + (_PREPARED_AHEAD if beside.is_done(_SEARCH) else 1)):
                link = upcoming[0]
                try:
                    await self._post_once(upcoming, known, beside)
                except (ScannerError, RegistryError) as error:
                    if not await self._is_known(link, error):
                        raise _at_layer(link, error) from error
                known.reach(link.number)
                self._context.progress(known.least, link.total, "layer")

    async def _is_known(self, link: ChainLink, error: ScannerError | RegistryError) -> bool:
        """Return whether Clair knows a layer that could not be posted: what it knows need not be in the registry."""
        if isinstance(error, (ScannerUnavailableError, ParentUnknownError)):
            return False
        try:
            return await self._client.knows(link.name)
        except ScannerError:
            return False

    async def _post_once(self, upcoming: Sequence[ChainLink], known: KnownPart, beside: _Beside) -> None:
        name = upcoming[0].name
        if name not in self._shared.known:
            await self._shared.posts.run(name, partial(self._post_next, upcoming, known, beside))

    async def _post_next(self, upcoming: Sequence[ChainLink], known: KnownPart, beside: _Beside) -> None:
        """Post the first of these layers; until its POST is sent Clair has nothing to do, so the rest begins later."""
        link = upcoming[0]
        prepared = await (beside.find(link.name) or self._check(link))
        if link.name in self._shared.known:  # an answer may have come meanwhile
            return
        beside.begin_soon(_SEARCH, partial(known.search, self._client))
        timer = asyncio.get_running_loop().call_later(_HEAD_START, self._prepare_some, upcoming[1:], beside)
        try:
            await self._post_one(link, prepared)
        finally:
            timer.cancel()

    def _prepare_some(self, links: Sequence[ChainLink], beside: _Beside) -> None:
        for one in islice((one for one in links if not beside.find(one.name)), _BEGUN_AT_ONCE):
            beside.begin(one.name, partial(self._prepare, one))

    async def _check(self, link: ChainLink) -> None:
        if self._check_blobs:
            await self._check_size(link)

    async def _prepare(self, link: ChainLink) -> _Prepared | None:
        """Check a layer's blob, and return where Clair gets it; None if that has to be asked when it is its turn."""
        await self._check(link)
        with suppress(ScannerError, RegistryError):  # may be over by then
            return _Prepared(await self._access(link, renew=False), time.monotonic())
        return None

    async def _post_one(self, link: ChainLink, prepared: _Prepared | None) -> None:
        tries: Counter[Cause] = Counter()
        renew = False
        while True:
            access = prepared.access if prepared and prepared.is_fresh else await self._access(link, renew=renew)
            prepared = None
            refusal = await self._client.post_layer(link, access, secret_path=self._image.local is not None)
            if refusal is None:
                return
            tries[refusal.cause] += 1
            if refusal.cause in _BLOB_IS_SUSPECT:
                self._shared.checked.discard(self._blob_key(link))
            if tries[refusal.cause] >= _TRIES.get(refusal.cause, 1):
                raise await self._error(link, access, refusal)
            self._context.logger.debug("%s: %s: posted again", link, refusal)
            renew = refusal.cause is Cause.BLOB_NOT_FETCHED
            if refusal.cause is Cause.LOST_RACE:
                await pause_after_race(tries[refusal.cause])

    async def _access(self, link: ChainLink, *, renew: bool) -> BlobAccess:
        access = await self._context.blob(self._image, link.layer, renew=renew)
        if not access.url.startswith(("http://", "https://")):  # Clair would open a file on its own host
            raise ScannerError("the address of the blob is not an http(s) URL; it is not sent to Clair")
        return access

    async def _check_size(self, link: ChainLink) -> None:
        """Reject a blob that is truncated at the registry: Clair would take it for an empty layer, for good."""
        key = self._blob_key(link)
        if key and key[0] in self._shared.checked:
            return
        head = await (self._shared.checks.run(key, partial(self._head, link)) if key else self._head(link))
        if head.status != HTTPStatus.OK or head.size is None or link.layer.size is None:
            return
        if head.size != link.layer.size:
            raise ScannerError(
                f"the registry says that this blob has {head.size} bytes, the manifest says {link.layer.size}; not "
                "sent to Clair, which would take an empty or truncated blob for an empty layer: check the registry's "
                "storage and the proxies in front of it"
            )
        self._shared.checked.add(key)

    def _blob_key(self, link: ChainLink) -> tuple[tuple[str, str, str], ...]:
        """Return the key under which a blob's check is remembered; empty for a local image, which may change."""
        reference = self._image.reference
        if self._image.local is not None or not isinstance(reference, Reference):
            return ()
        return ((reference.registry, reference.repository, link.layer.digest),)

    async def _head(self, link: ChainLink) -> BlobHead:
        try:
            return await self._context.head_blob(self._image, link.layer)
        except (RegistryError, UnsupportedImageError) as error:
            return BlobHead(status=0, reason=str(error))

    async def _error(self, link: ChainLink, access: BlobAccess, refusal: Refusal) -> ScannerError:
        if refusal.cause is Cause.PARENT_UNKNOWN:
            return ParentUnknownError(str(refusal))
        if refusal.cause is not Cause.BLOB_NOT_FETCHED:
            return refusal.error()
        seen = _what_we_see(await self._head(link))
        return ScannerError(
            f"{refusal}: Clair could not get the blob from the registry, not with new credentials either, and "
            f"does not say why; {seen}. Clair fetches the blob itself and must be able to reach {_host(access.url)}"
            f"{_SERVED_ELSEWHERE if self._image.local else ''}"
        )


@frozen
class _Prepared:
    """Where Clair gets a blob, and when that was asked."""

    access: BlobAccess
    at: float

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() - self.at < _ACCESS_LASTS


_Preparation = Callable[[], Coroutine[Any, Any, _Prepared | None]]


class _Beside:
    """Tasks beside a coroutine. Those still running at the end of the block are cancelled, whatever ends it."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[_Prepared | None]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def find(self, key: str) -> asyncio.Task[_Prepared | None] | None:
        """Return the task of this key, if there is one."""
        return self._tasks.get(key)

    def is_done(self, key: str) -> bool:
        """Tell whether there is a task of this key, and it has ended."""
        task = self._tasks.get(key)
        return task is not None and task.done()

    def begin(self, key: str, work: _Preparation) -> None:
        """Begin the task of a key that has none."""
        self._tasks[key] = asyncio.create_task(work())

    def begin_soon(self, key: str, work: _Preparation) -> None:
        """Begin the task of a key in a moment, once."""
        if key not in self._timers:
            self._timers[key] = asyncio.get_running_loop().call_later(_HEAD_START, self.begin, key, work)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*(task for task in self._tasks.values() if not task.done()), return_exceptions=True)
        for task in self._tasks.values():
            if not task.cancelled():
                task.exception()  # seen: it does not matter any longer, and asyncio must not log it


def _what_we_see(head: BlobHead) -> str:
    reason = f" ({head.reason})" if head.reason else ""
    if head.status == 0:
        return f"when we asked for it, the registry did not answer{reason}"
    return f"when we asked for it, the registry answered HTTP {head.status}{reason}"


def _host(url: str) -> str:
    """Return host and port of a URL, without any credentials before them."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _at_layer(link: ChainLink, error: ScannerError | RegistryError) -> ScannerError:
    """Return an error of the same kind that names the layer before its message."""
    message = f"{link}: {error}"
    match error:
        case ScannerUnavailableError(retry=retry):
            return ScannerUnavailableError(message, retry=retry)
        case RegistryUnavailableError():
            return ScannerUnavailableError(message)
        case UnsupportedImageError() | InvalidReportError() | ParentUnknownError():
            return type(error)(message)
        case _:
            return ScannerError(message)
