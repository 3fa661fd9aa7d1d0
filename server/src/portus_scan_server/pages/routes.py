"""The pages: who asks for which, what is read for it, and what becomes of it.

Every page is complete without script. Nothing here asks a scanner or a registry, but where somebody asks for a scan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial, wraps
from typing import Any

from aiohttp import web
from attrs import evolve
from portus_images import ImageNotFoundError, PortusError
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import VIEWER, Role, Viewer
from ..intake import Intake, confirm_removals
from ..requests import ask_again
from ..store import Store, StoreDamagedError, StoreUnavailableError
from ..summaries import Rules
from ..views import (
    CursorError,
    ImageName,
    Page,
    Reports,
    ReportsBusyError,
    RequestState,
    count_requests,
    has_image,
    list_registries,
    list_repositories,
    list_repository_images,
    list_requests,
    load_image_view,
    load_request,
    load_tag,
    open_vulnerability,
)
from .page_addresses import Addresses, PlaceName, with_query
from .renderer import prepare, ratings_of, render, style
from .row_filter import RowFilter
from .tag_page import TagPage

_REFRESH = 10
"""Seconds after which a page is read again on which something is being scanned."""
_ROWS = 50
_MOVING = {RequestState.QUEUED, RequestState.RUNNING}
_LONGEST_SEARCH = 200
_YEAR = 31_536_000

Handler = Callable[["ServicePages", web.Request], Awaitable[web.Response]]


def add_routes(application: web.Application, store: Store, rules: Rules, reports: Reports, intake: Intake) -> None:
    """Let an application show pages to whom `access_middleware` has let in; see `ServicePages`."""
    pages = ServicePages(store, rules, reports, intake)
    application.on_startup.append(lambda _application: asyncio.to_thread(prepare))
    router = application.router
    router.add_get("/", pages.repositories, name="pages")
    router.add_get("/style/{name}", pages.style)
    router.add_get("/r/{place:.+}", pages.place)
    router.add_get("/v", pages.find)
    router.add_get("/v/{name:.+}", pages.vulnerability)
    router.add_get("/queue", pages.queue)
    router.add_post("/queue/again", pages.try_again)
    router.add_post("/queue/confirm", pages.confirm)
    router.add_post("/ask", pages.ask)


class PageFaultError(Exception):
    """There is no such page, or what was asked for was not done.

    Args:
        status: The status of the answer.
        title: What it is.
        reason: Why, in a sentence.
    """

    def __init__(self, status: int, title: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.title, self.reason = status, title, reason


def _page(handler: Handler) -> Handler:
    """Let the faults of a handler become pages."""

    @wraps(handler)
    async def answer(self: ServicePages, request: web.Request) -> web.Response:
        try:
            return await handler(self, request)
        except PageFaultError as error:
            fault = error
        except CursorError:
            fault = PageFaultError(400, "No such page", "The address does not name a page of this list.")
        except (StoreUnavailableError, ReportsBusyError) as error:
            fault = PageFaultError(503, "Not now", str(error))
        except StoreDamagedError as error:
            fault = PageFaultError(500, "Something is lost", f"{error}. Ask for a scan of the image.")
        values = {"title": fault.title, "reason": fault.reason}
        return await _show("failure.html", fault.status, **self._common(request), **values)

    return answer


class ServicePages:
    """The handlers.

    Args:
        store: The database.
        rules: The rules of now.
        reports: Makes lists of vulnerabilities; of large images away from the loop.
        intake: Asks for the scans that people want.
    """

    def __init__(self, store: Store, rules: Rules, reports: Reports, intake: Intake) -> None:
        self._store = store
        self._rules = rules
        self._reports = reports
        self._intake = intake

    async def style(self, request: web.Request) -> web.Response:
        """Answer with the style; its name changes when it does."""
        name, content = style()
        if request.match_info["name"] != name:
            raise web.HTTPNotFound
        headers = {"Cache-Control": f"private, max-age={_YEAR}, immutable"}
        return web.Response(body=content, content_type="text/css", charset="utf-8", headers=headers)

    def _common(self, request: web.Request, *, refresh: bool = False, looked_for: str = "") -> dict[str, Any]:
        """Return what every page shows."""
        return {
            "to": _addresses(request),
            "shown": self._shown,
            "viewer": request[VIEWER],
            "now": datetime.now(UTC),
            "refresh": _REFRESH if refresh and request.query.get("refresh") != "off" else 0,
            "still": str(request.rel_url.update_query(refresh="off")),
            "looked_for": looked_for,
        }

    def _shown(self, host: str) -> str:
        """Return the address by which people pull from a registry."""
        watched = self._intake.registries.find(host)
        return host if watched is None else str(watched.pull)

    @_page
    async def repositories(self, request: web.Request) -> web.Response:
        """Show the repositories."""
        search, after = request.query.get("name", "")[:_LONGEST_SEARCH].strip(), request.query.get("after")
        async with self._store.reading() as db:
            page = await list_repositories(db, request[VIEWER], self._rules, search=search, after=after, limit=_ROWS)
            registries = await list_registries(db, request[VIEWER])
        to = _addresses(request)
        return await _show(
            "repositories.html",
            **self._common(request),
            **_around(to.root, page, after, name=search),
            unwell=[one for one in registries if not one.is_well],
            search=search,
        )

    @_page
    async def place(self, request: web.Request) -> web.Response:
        """Show a repository, a tag, or an image by its digest."""
        place = PlaceName.parse(request.match_info["place"])
        if place is None:
            raise _nothing("The address does not name a repository.")
        if (watched := self._intake.registries.find(place.host)) is not None:  # people know it by other names as well
            place = evolve(place, host=watched.host)
        return await (self._image(request, place) if place.ending else self._repository(request, place))

    async def _repository(self, request: web.Request, place: PlaceName) -> web.Response:
        after = request.query.get("after")
        async with self._store.reading() as db:
            page = await list_repository_images(
                db, request[VIEWER], self._rules, place.host, place.repository, after=after, limit=_ROWS
            )
        if page is None:
            raise _nothing("No repository that you may see has this name.")
        here = _addresses(request).place(place)
        moving = any(one.security.activity for one in page.rows)
        return await _show(
            "digests.html",
            **self._common(request, refresh=moving),
            **_around(here, page, after),
            host=place.host,
            name=place.repository,
        )

    async def _image(self, request: web.Request, place: PlaceName) -> web.Response:
        viewer, to = request[VIEWER], _addresses(request)
        name = ImageName(host=place.host, repository=place.repository, tag=place.tag)
        async with self._store.reading() as db:
            page = await self._read_image(db, viewer, place)
            plan = await self._reports.plan(db, viewer, page.image, name)
            if plan.findings:
                plan = await self._reports.read(db, plan, compare=True)
        page = evolve(page, filter=RowFilter.read(request.query), to=to)
        common = self._common(request, refresh=page.security.activity is not None)
        common |= {"here": to.place(place), "may_ask": viewer.may_ask(place.host, place.repository)}
        if plan.findings:
            page = evolve(page, found=await self._reports.choose(plan, page.filter.choice))
        return await _show("tag.html", **common, page=page)

    async def _read_image(self, db: AsyncConnection, viewer: Viewer, place: PlaceName) -> TagPage:
        """Return what is known of an image, without its findings."""
        if place.tag:
            tag = await load_tag(db, viewer, self._rules, place.host, place.repository, place.tag)
            if tag is None:
                raise _nothing("No tag that you may see has this name.")
            return TagPage(place=place, image=tag.image, history=tag.history, gone_at=tag.gone_at)
        image = await load_image_view(db, viewer, self._rules, place.digest)
        if image is None or not await has_image(db, viewer, image.id, place.host, place.repository):
            raise _nothing("No image that you may see has this digest in this repository.")
        return TagPage(place=place, image=image)

    async def find(self, request: web.Request) -> web.Response:
        """Lead from the form on every page to the page of a vulnerability."""
        name = request.query.get("id", "").strip()
        address = _addresses(request).vulnerability(name)
        raise web.HTTPSeeOther(address or _addresses(request).root)

    @_page
    async def vulnerability(self, request: web.Request) -> web.Response:
        """Show a vulnerability, and where it is."""
        name, after, viewer = request.match_info["name"], request.query.get("after"), request[VIEWER]
        here = _addresses(request).vulnerability(name)
        if not here:
            raise _nothing("The address does not name a vulnerability.")
        async with self._store.reading() as db:
            found, page = await open_vulnerability(db, viewer, self._rules, name, after=after, limit=_ROWS)
        return await _show(
            "vulnerability.html",
            **self._common(request, looked_for=name),
            found=found,
            ratings=ratings_of(found.findings) if found else (),
            **_around(here, page, after),
        )

    @_page
    async def queue(self, request: web.Request) -> web.Response:
        """Show the requests in one state, with their reasons."""
        viewer, after, to = request[VIEWER], request.query.get("after"), _addresses(request)
        known = {one.value: one for one in RequestState}
        async with self._store.reading() as db:
            numbers = await count_requests(db, viewer)
            urgent = RequestState.RUNNING if numbers[RequestState.RUNNING] else RequestState.QUEUED
            state = known.get(request.query.get("state", ""), urgent)
            page = await list_requests(db, viewer, state, after=after, limit=_ROWS)
            registries = await list_registries(db, viewer)
        return await _show(
            "queue.html",
            **self._common(request, refresh=any(numbers[one] for one in _MOVING)),
            **_around(to.queue(), page, after, state=state.value),
            registries=registries,
            state=state,
            states=[*numbers.items()],
            may_ask={row.id for row in page.rows if state in _ENDED and _may_ask(viewer, row.names)},
            may_ask_any=viewer.may_write and (viewer.is_admin or Role.OPERATOR in viewer.roles.values()),
        )

    @_page
    async def ask(self, request: web.Request) -> web.Response:
        """Ask for a scan of what a reference names, for those who may, and lead to its page."""
        text = str((await request.post()).get("reference", "")).strip()
        viewer = request[VIEWER]
        try:
            place = self._intake.find(text)
        except PortusError as error:
            raise PageFaultError(400, "Not asked for", str(error)) from error
        if not viewer.may_ask(place.host, place.repository):
            raise PageFaultError(403, "Not asked for", "You may not ask for scans of this repository's images.")
        try:
            await self._intake.ask_for(place, by=viewer.name)
        except ImageNotFoundError as error:
            raise PageFaultError(404, "Not asked for", str(error)) from error
        except StoreUnavailableError:
            raise
        except PortusError as error:
            raise PageFaultError(502, "Not asked for", f"The registry does not answer: {error}") from error
        name = PlaceName(host=place.host, repository=place.repository, tag=place.tag, digest=place.digest)
        raise web.HTTPSeeOther(_addresses(request).place(name))

    @_page
    async def try_again(self, request: web.Request) -> web.Response:
        """Queue a request again that is dead or has failed, for those who may."""
        request_id, viewer = _number((await request.post()).get("request")), request[VIEWER]
        async with self._store.reading() as db:
            row = await load_request(db, viewer, request_id)
        if row is None:
            raise _nothing("No request that you may see has this number.")
        if not _may_ask(viewer, row.names):
            raise PageFaultError(403, "Not asked for", "You may not ask for scans of this image.")
        async with self._store.writing() as db:
            await ask_again(db, request_id, by=viewer.name)
        raise web.HTTPSeeOther(_addresses(request).queue())

    @_page
    async def confirm(self, request: web.Request) -> web.Response:
        """Let tags of a registry go that a sync has held back, as many as an admin has been shown."""
        form, viewer = await request.post(), request[VIEWER]
        if not viewer.may_administer:
            raise PageFaultError(403, "Not confirmed", "Only an admin may let tags go.")
        async with self._store.writing() as db:
            confirmed = await confirm_removals(db, str(form.get("registry", "")), _number(form.get("tags")))
        if not confirmed:
            raise PageFaultError(409, "Not confirmed", "Nothing is held back there, or more than the page has shown.")
        raise web.HTTPSeeOther(_addresses(request).queue())


_ENDED = {RequestState.DEAD, RequestState.FAILED}
_LONGEST_NUMBER = 9


def _number(value: object) -> int:
    """Return what a form has as a number; 0 for what is none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else 0


def _may_ask(viewer: Viewer, names: Iterable[ImageName]) -> bool:
    return any(viewer.may_ask(one.host, one.repository) for one in names)


def _nothing(reason: str) -> PageFaultError:
    return PageFaultError(404, "Not found", reason)


def _addresses(request: web.Request) -> Addresses:
    return Addresses(request.app.router["pages"].url_for().path)


def _around(path: str, page: Page[Any], after: str | None, **query: str) -> dict[str, Any]:
    """Return a page of a list, and the addresses of the first one and of the next one."""
    more = {**query, "after": page.next_cursor} if page.next_cursor else None
    return {"page": page, "first": with_query(path, query) if after else "", "next": more and with_query(path, more)}


async def _show(template: str, status: int = 200, **values: object) -> web.Response:
    """Return a page, made in a thread: a long one would hold the loop."""
    body = await asyncio.to_thread(partial(render, template, **values))
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")
