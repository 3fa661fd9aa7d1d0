"""What is said of each image that a cluster wants to run: from the store alone, and nothing is waited for but one HEAD.

Of an image that is named by its digest the store says what is known. A tag means what the registry says now, never what
the store says that it was. What is not known is told by a rule of its own (`UnknownRule`), and asked for, so that the
cluster's next try finds an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve, frozen
from portus_images import InvalidReferenceError, Platform, PortusError, one_line
from sqlalchemy import update

from ..intake import ImagePlace, Intake, UnknownRegistryError
from ..requests import Reason
from ..store import Store, StoreUnavailableError, database_now, tables
from ..summaries import Rules
from ..views import Answer, ImagePlaceKey, PlaceVerdict, load_place_verdicts
from .admission_settings import AdmissionSettings, TagRule, UnknownRule
from .reviews import AdmissionRequest, ImageRuling

logger = logging.getLogger("portus_scan_server.admission")

images = tables.images

HEAD_TIMEOUT = 2.0
"""Seconds in which a registry has to say what a tag names."""
_KEPT = 10.0
"""Seconds for which it is remembered."""
_MOST_KEPT = 10_000
_HEADS = 16
"""How many registries' answers are waited for at once."""
_DATABASE_TIMEOUT = 2.0
_MOST_ASKED = 60
"""How many images a minute are asked for."""
_MINUTE = 60.0
_NOTED = timedelta(days=1)
"""How exactly it is noted when a cluster has wanted an image."""
_MOST_IMAGES = 100
_LONGEST_NAME = 300
_LONGEST_MESSAGE = 600
_BY = "admission"


@frozen(kw_only=True)
class _Located:
    """Where an image is, and which; or why nobody can say."""

    place: ImagePlace | None = None
    digest: str = ""
    fault: str = ""
    is_denied: bool = False


class ImageJudge:
    """Says of images whether they may run.

    Args:
        store: The database.
        intake: Knows the registries, and asks them.
        rules: The rules of now.
        settings: The section ``admission:``.
        external_url: How people reach the pages; empty where nobody says.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        store: Store,
        intake: Intake,
        rules: Rules,
        settings: AdmissionSettings,
        *,
        external_url: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._intake = intake
        self._rules = rules
        self._settings = settings
        self._platforms = tuple(map(Platform.parse, settings.platforms))
        self._external_url = external_url
        self._clock = clock
        self._heads = asyncio.Semaphore(_HEADS)
        self._kept: dict[str, tuple[float, asyncio.Task[str | None]]] = {}
        self._asked: deque[tuple[float, str]] = deque()
        self._working: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End what is still being asked for."""
        waiting: set[asyncio.Task[object]] = {*self._working, *(task for _, task in self._kept.values())}
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)

    async def judge(self, request: AdmissionRequest) -> list[ImageRuling]:
        """Return what is said of each image of a request.

        Raises:
            StoreUnavailableError: The database can't be used, or does not answer within two seconds.
        """
        if len(request.images) > _MOST_IMAGES:
            fault = f"{len(request.images)} images at once: {_MOST_IMAGES} are looked at"
            return [ImageRuling(image="-", answer=Answer.UNKNOWN, is_allowed=False, message=fault)]
        located = await asyncio.gather(*map(self._locate, request.images))
        keys = [_key(one) for one in located]
        known = await self._load({key for key in keys if key is not None})
        rulings = []
        for image, where, key in zip(request.images, located, keys, strict=True):
            verdict = known.get(key) if key is not None else None
            asked = key is not None and verdict is None and not request.is_dry_run and self._ask(where)
            rulings.append(self._rule(image, where, verdict, asked=asked))
        before = datetime.now(UTC) - _NOTED
        unnoted = [one.image_id for one in known.values() if one.admission_at is None or one.admission_at < before]
        if unnoted and not request.is_dry_run:
            self._begin(self._note(unnoted))
        return rulings

    async def _load(self, places: set[ImagePlaceKey]) -> dict[ImagePlaceKey, PlaceVerdict]:
        if not places:
            return {}
        try:
            async with asyncio.timeout(_DATABASE_TIMEOUT), self._store.reading() as db:
                return await load_place_verdicts(db, self._rules, places, self._platforms)
        except TimeoutError:
            raise StoreUnavailableError(f"the database does not answer within {_DATABASE_TIMEOUT:g} s") from None

    async def _locate(self, image: str) -> _Located:
        try:
            place = self._intake.find(image)
        except (InvalidReferenceError, UnknownRegistryError) as error:
            return _Located(fault=str(error))
        if place.digest:
            return _Located(place=place, digest=place.digest)
        if self._settings.tags is TagRule.DENY:
            return _Located(place=place, fault="it is named by a tag: name its digest (@sha256:...)", is_denied=True)
        try:
            async with asyncio.timeout(HEAD_TIMEOUT):
                digest = await asyncio.shield(self._head(place))
        except TimeoutError:
            return _Located(place=place, fault=f"{place.host} does not say within {HEAD_TIMEOUT:g} s what it is now")
        except PortusError as error:
            return _Located(place=place, fault=f"{place.host} does not say what it is now: {error}")
        if digest is None:
            return _Located(place=place, fault=f"{place.host} has no such tag")
        return _Located(place=place, digest=digest)

    def _head(self, place: ImagePlace) -> asyncio.Task[str | None]:
        """Return the registry's answer about a tag: one that is under way, one of the last seconds, or a new one."""
        name, now = str(place), self._clock()
        until, task = self._kept.get(name, (0.0, None))
        if task is not None and (not task.done() or (now < until and _has_digest(task))):
            return task
        self._kept = {key: one for key, one in self._kept.items() if not one[1].done() or one[0] > now}
        if len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        task = asyncio.create_task(self._ask_registry(place))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._kept[name] = now + _KEPT, task
        return task

    async def _ask_registry(self, place: ImagePlace) -> str | None:
        async with asyncio.timeout(_KEPT), self._heads:
            return await self._intake.locate(place)

    def _rule(self, image: str, where: _Located, verdict: PlaceVerdict | None, *, asked: bool) -> ImageRuling:
        answer = verdict.answer if verdict is not None else Answer.UNKNOWN
        ruling = ImageRuling(image=one_line(image, _LONGEST_NAME), answer=answer, is_allowed=True, digest=where.digest)
        if where.is_denied:
            return evolve(ruling, is_allowed=False, message=f"{ruling.image}: {where.fault}")
        if answer is Answer.PASS:
            return ruling
        reasons = [where.fault or "it is not known yet", "a scan was asked for: try again in a minute" if asked else ""]
        said = verdict.reasons if verdict is not None else [one for one in reasons if one]
        message = one_line(f"{ruling.image}{self._link(where)}: {', '.join(said)}", _LONGEST_MESSAGE)
        if answer is Answer.FAIL:
            return evolve(ruling, is_allowed=False, message=message)
        rule = self._settings.unknown
        told = "" if rule is UnknownRule.ALLOW else message
        return evolve(ruling, is_allowed=rule is not UnknownRule.DENY, message=told)

    def _link(self, where: _Located) -> str:
        """Return what was looked at: its page, else its digest; empty where nothing was."""
        if where.place is None or not where.digest:
            return ""
        if not self._external_url:
            return f" ({where.digest})"
        return f" ({self._external_url}/r/{where.place.host}/{where.place.repository}@{where.digest})"

    def _ask(self, where: _Located) -> bool:
        """Ask for a scan beside the answer; return whether it was, now or within the last minute."""
        place = where.place
        if place is None:
            return False
        now, name = self._clock(), f"{place}@{where.digest}"
        while self._asked and self._asked[0][0] <= now - _MINUTE:
            self._asked.popleft()
        if any(name == one for _, one in self._asked):
            return True
        if len(self._asked) >= _MOST_ASKED:
            return False
        self._asked.append((now, name))
        self._begin(self._ask_for(place))
        return True

    async def _ask_for(self, place: ImagePlace) -> None:
        asked = await self._intake.ask_for(place, by=_BY, reason=Reason.ADMISSION)
        await self._note([asked.image_id])

    async def _note(self, ids: Sequence[int]) -> None:
        """Note that a cluster wants images now: they are kept, and scanned on."""
        async with self._store.writing() as db:
            await db.execute(update(images).where(images.c.id.in_(ids)).values(admission_at=database_now()))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the answer."""
        task = asyncio.create_task(_try(work))
        self._working.add(task)
        task.add_done_callback(self._working.discard)


async def _try(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except PortusError as error:  # the cluster asks again
        logger.warning("what a cluster wants to run was not asked for: %s", error)


def _key(where: _Located) -> ImagePlaceKey | None:
    place = where.place
    return (place.host, place.repository, where.digest) if place is not None and where.digest else None


def _has_digest(task: asyncio.Task[str | None]) -> bool:
    return not task.cancelled() and task.exception() is None and task.result() is not None
