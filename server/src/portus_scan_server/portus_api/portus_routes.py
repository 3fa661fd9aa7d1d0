"""Answers Portus' clients, with what the viewer may see, by pages with numbers as Portus has them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiohttp import web
from portus_images import PortusError
from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..access import VIEWER, Viewer, public, visible
from ..api import ERRORS, RequestError
from ..intake import INTAKE, ImagePlace
from ..store import Store, StoreUnavailableError, tables
from ..summaries import Rules
from ..views import Reports, VulnerabilityChoice, load_image_view, seen_repositories
from . import portus_documents as documents

logger = logging.getLogger("portus_scan_server.portus_api")

PORTUS_PREFIX = "/compat/portus/api/v1"
_PER_PAGE = 10
_MOST_REPOSITORIES = 1_000
_MOST_TAGS = 200
"""How many tags may be asked for at once: each comes with its vulnerabilities."""
_MOST_VULNERABILITIES = 1_000
"""Of one tag; one with more is marked as incomplete, and says how many there are."""
_ID = r"[1-9][0-9]{0,8}"
_ORDERS = ("asc", "desc")

registries, repositories, tags, images, scanners = (
    tables.registries, tables.repositories, tables.tags, tables.images, tables.scanners
)  # fmt: skip


def make_portus_api(store: Store, reports: Reports, rules: Rules) -> web.Application:
    """Return the application, for `PORTUS_PREFIX`; the application around it has the intake under `INTAKE`.

    Args:
        store: The database.
        reports: Makes reports.
        rules: The rules of now.
    """
    application = web.Application()
    application[ERRORS] = _error
    api = PortusApi(store, reports, rules)
    for path, handler in (
        ("/_ping", ping),
        ("/health", api.health),
        ("/repositories", api.repositories),
        ("/repositories/{id}", api.repository),
        ("/repositories/{id}/tags", api.tags),
        ("/repositories/{id}/tags/grouped", api.grouped),
        ("/repositories/{id}/tags/{tag}", api.tag),
        ("/tags", api.tags),
        ("/tags/{tag}", api.tag),
    ):
        application.router.add_get(path, handler)
    application.router.add_post("/vulnerabilities", api.scan_all)
    application.router.add_post("/vulnerabilities/{tag}", api.scan)
    application.cleanup_ctx.append(api.running)
    return application


def _error(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"message": detail or f"{status}"}, status=status, headers=headers)


@public
async def ping(_request: web.Request) -> web.Response:
    """Say that somebody is here."""
    return web.json_response({})


class PortusApi:
    """What each address is answered with."""

    def __init__(self, store: Store, reports: Reports, rules: Rules) -> None:
        self._store = store
        self._reports = reports
        self._rules = rules
        self._asking: asyncio.Task[None] | None = None

    async def running(self, _application: web.Application) -> AsyncIterator[None]:
        """End what is still being asked for when the application ends."""
        yield
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    @public
    async def health(self, _request: web.Request) -> web.Response:
        """Say whether the database and each scanner's backend work."""
        parts: dict[str, dict[str, object]] = {"database": {"msg": "database is available", "success": True}}
        try:
            async with asyncio.timeout(1.0), self._store.reading() as db:
                for row in await db.execute(select(scanners.c.name, scanners.c.healthy).order_by(scanners.c.name)):
                    words = {True: "is reachable", False: "is not reachable", None: "is not known to be reachable"}
                    parts[row.name] = {"msg": f"{row.name} {words[row.healthy]}", "success": row.healthy is True}
        except (TimeoutError, StoreUnavailableError):
            parts["database"] = {"msg": "database is not available", "success": False}
        return web.json_response(parts, status=200 if all(one["success"] for one in parts.values()) else 503)

    async def repositories(self, request: web.Request) -> web.Response:
        """List repositories."""
        query = _repositories(request[VIEWER])
        sorts = {"id": repositories.c.id, "name": repositories.c.name}
        async with self._store.reading() as db:
            rows, headers = await _page(db, request, query, sorts, _MOST_REPOSITORIES)
        return web.json_response([documents.repository(row) for row in rows], headers=headers)

    async def repository(self, request: web.Request) -> web.Response:
        """Show a repository."""
        async with self._store.reading() as db:
            return web.json_response(documents.repository(await _repository(db, request)))

    async def tags(self, request: web.Request) -> web.Response:
        """List tags: of a repository, or all."""
        rows, headers = await self._list_tags(request, is_whole=False)
        made = await self._tags(request[VIEWER], rows)
        return web.json_response(made, headers=headers)

    async def grouped(self, request: web.Request) -> web.Response:
        """List the tags of a repository in a list for each digest, that of the tag that was pushed last first."""
        rows, _headers = await self._list_tags(request, is_whole=True)
        groups: dict[str, list[documents.Document]] = {}
        for one in await self._tags(request[VIEWER], sorted(rows, key=lambda row: row.pushed_at, reverse=True)):
            groups.setdefault(one["digest"], []).append(one)
        return web.json_response(list(groups.values()))

    async def tag(self, request: web.Request) -> web.Response:
        """Show a tag; Portus ignores the repository before it as well."""
        async with self._store.reading() as db:
            row = await _tag(db, request)
        return web.json_response((await self._tags(request[VIEWER], [row]))[0])

    async def scan_all(self, request: web.Request) -> web.Response:
        """Ask for a scan of every image that has a tag, beside the answer."""
        _check_admin(request[VIEWER])
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(_ask_for_all(request.config_dict[INTAKE]))
        return web.Response(status=202)

    async def scan(self, request: web.Request) -> web.Response:
        """Ask for a scan of what a tag names in the registry now."""
        _check_admin(viewer := request[VIEWER])
        async with self._store.reading() as db:
            row = await _tag(db, request)
        place = ImagePlace(host=row.host, repository=row.repository, tag=row.name)
        await request.config_dict[INTAKE].ask_for(place, by=viewer.name)
        return web.Response(status=202)

    async def _list_tags(self, request: web.Request, *, is_whole: bool) -> tuple[Sequence[Row[Any]], dict[str, str]]:
        sorts = {"id": tags.c.id, "name": tags.c.name, "created_at": tags.c.pushed_at, "updated_at": tags.c.pushed_at}
        query = _tags(request[VIEWER])
        async with self._store.reading() as db:
            if "id" in request.match_info:
                query = query.where(repositories.c.id == (await _repository(db, request)).id)
            return await _page(db, request, query, sorts, _MOST_TAGS, is_whole=is_whole)

    async def _tags(self, viewer: Viewer, rows: Sequence[Row[Any]]) -> list[documents.Document]:
        """Return the documents of tags; what tags have in common is read once."""
        known: dict[str, Any] = {}
        for row in rows:
            if row.digest not in known:
                plan, choice = None, VulnerabilityChoice(limit=_MOST_VULNERABILITIES)
                async with self._store.reading() as db:
                    image = await load_image_view(db, viewer, self._rules, row.digest)
                    if image is not None and image.security.total:
                        plan = await self._reports.plan(db, viewer, image)
                        plan = await self._reports.read(db, plan, compare=True)
                known[row.digest] = image, await self._reports.choose(plan, choice) if plan is not None else None
        made = ((row, *known[row.digest]) for row in rows)
        return [documents.tag(row, image, found) for row, image, found in made if image is not None]


async def _ask_for_all(intake: Any) -> None:
    try:
        asked = await intake.ask_for_all()
    except PortusError as error:
        logger.warning("a scan of everything was not asked for: %s", error)
    else:
        logger.info("a scan of everything: %d images", asked)


def _repositories(viewer: Viewer) -> Select[Any]:
    here = and_(tags.c.repository_id == repositories.c.id, tags.c.gone_at.is_(None))
    joined = seen_repositories().outerjoin(tags, here)
    pushed = tags.c.pushed_at
    query = select(
        *(repositories.c.id, repositories.c.name, registries.c.host, func.count(tags.c.id).label("tags")),
        func.min(pushed, type_=pushed.type).label("first_at"),
        func.max(pushed, type_=pushed.type).label("last_at"),
    )
    return query.select_from(joined).where(visible(viewer)).group_by(repositories.c.id, registries.c.host)


def _tags(viewer: Viewer) -> Select[Any]:
    joined = tags.join(images, images.c.id == tags.c.image_id)
    joined = joined.join(seen_repositories(), repositories.c.id == tags.c.repository_id)
    columns = repositories.c.name.label("repository"), registries.c.host, images.c.digest, images.c.body
    query = select(tags, *columns).select_from(joined)
    return query.where(visible(viewer), tags.c.gone_at.is_(None))


async def _repository(db: AsyncConnection, request: web.Request) -> Row[Any]:
    found = _repositories(request[VIEWER]).where(repositories.c.id == _number(request, "id"))
    return _one((await db.execute(found)).one_or_none())


async def _tag(db: AsyncConnection, request: web.Request) -> Row[Any]:
    found = _tags(request[VIEWER]).where(tags.c.id == _number(request, "tag"))
    return _one((await db.execute(found)).one_or_none())


def _number(request: web.Request, key: str) -> int:
    text = request.match_info[key]
    if not re.fullmatch(_ID, text):
        raise RequestError(404, "Not found")
    return int(text)


def _one(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise RequestError(404, "Not found")
    return row


def _check_admin(viewer: Viewer) -> None:
    if not viewer.may_administer:
        raise RequestError(403, "only an administrator may do this")


async def _page(
    db: AsyncConnection,
    request: web.Request,
    query: Select[Any],
    sorts: Mapping[str, Any],
    most: int,
    *,
    is_whole: bool = False,
) -> tuple[Sequence[Row[Any]], dict[str, str]]:
    """Return the rows of the page that is asked for, and the headers that say where it is."""
    asked = request.query
    is_whole = is_whole or asked.get("all") == "true"
    page, size = _positive(asked.get("page"), 1), _positive(asked.get("per_page"), _PER_PAGE)
    column, order = sorts.get(asked.get("sort_attr", "id")), asked.get("sort_order", "asc")
    if column is None or order not in _ORDERS:
        raise RequestError(400, f"sort_attr: one of {', '.join(sorts)}; sort_order: asc or desc")
    total = int((await db.execute(select(func.count()).select_from(query.subquery()))).scalar_one())
    if (is_whole and total > most) or size > most:
        raise RequestError(400, f"{most} at once are the most: ask for them by page and per_page")
    if is_whole:
        page, size = 1, max(total, 1)
    by = [column.desc() if order == "desc" else column, sorts["id"]]
    rows = (await db.execute(query.order_by(*by).limit(size).offset((page - 1) * size))).all()
    last = max(-(-total // size), 1)
    return rows, _headers(request, page, size, total, last)


def _positive(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not re.fullmatch(_ID, text):
        raise RequestError(400, "page and per_page are numbers from 1 on")
    return int(text)


def _headers(request: web.Request, page: int, size: int, total: int, last: int) -> dict[str, str]:
    near = {"prev": page - 1 if page > 1 else None, "next": page + 1 if page < last else None}
    where = {"first": 1, "last": last, **{name: one for name, one in near.items() if one is not None}}
    links = (f'<{request.rel_url.update_query(page=number)}>; rel="{name}"' for name, number in where.items())
    return {
        "X-Page": str(page),
        "X-Per-Page": str(size),
        "X-Next-Page": str(near["next"] or ""),
        "X-Prev-Page": str(near["prev"] or ""),
        "X-Total": str(total),
        "X-Total-Pages": str(last),
        "Link": ", ".join(links),
    }
