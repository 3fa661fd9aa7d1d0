"""``/api/v1``: what is asked for, who may have it, and how it is answered. `openapi.yaml` is its description."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from hashlib import blake2b
from importlib.resources import files
from typing import Any, TypeAlias, TypeVar

from aiohttp import hdrs, web
from portus_images import Reference

from ..access import VIEWER, Viewer, public
from ..intake import INTAKE, confirm_removals
from ..store import Store
from ..summaries import Rules
from ..views import (
    CONTENT_TYPES,
    MOST,
    ImageName,
    Page,
    Reports,
    RequestState,
    find_vulnerability,
    list_registries,
    list_repositories,
    list_repository_images,
    list_requests,
    list_tags,
    load_image_view,
    load_repository,
    load_request,
    load_tag,
    load_verdict,
    load_vulnerability,
    see_image,
)
from .documents import document
from .problems import ERRORS, RequestError, problem

ResultT = TypeVar("ResultT")
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Load: TypeAlias = Callable[..., Awaitable[ResultT]]
Words: TypeAlias = Callable[[web.Request], Sequence[str]]

_LIMIT = 50
_LONGEST, _LONGEST_NAME = 200, 1_000
_MOST_SCANNERS = 50
_MOST_TAGS = 2**31
_DIGEST = r"[a-z0-9]{1,20}:[0-9a-f]{32,128}"
_NUMBER = r"[1-9][0-9]{0,8}"
_ZIP = "application/zip"
_PLACE = "/repositories/{registry}/{repository:.+}"


def make_api(store: Store, reports: Reports, rules: Rules) -> web.Application:
    """Return `ServiceApi` as an application, for a prefix; that around it has the intake under `INTAKE`."""
    application = web.Application()
    application[ERRORS] = problem
    api = ServiceApi(store, reports, rules)
    for path, handler in (
        ("/openapi.yaml", openapi),
        ("/registries", api.registries),
        ("/repositories", api.repositories),
        (f"{_PLACE}/-/images", api.lists(list_repository_images, _place)),
        (f"{_PLACE}/-/tags", api.lists(list_tags, _place)),
        (f"{_PLACE}/-/tags/{{tag}}", api.shows(load_tag, _place, _tag)),
        (f"{_PLACE}/-/tags/{{tag}}/verdict", api.tag_verdict),
        (_PLACE, api.shows(load_repository, _place)),
        ("/images/{digest}", api.shows(load_image_view, _digest)),
        ("/images/{digest}/report", api.report),
        ("/images/{digest}/verdict", api.shows(load_verdict, _digest)),
        ("/vulnerabilities/{id}", api.shows(load_vulnerability, _id)),
        ("/vulnerabilities/{id}/images", api.lists(find_vulnerability, _id)),
        ("/requests", api.requests),
        ("/requests/{id}", api.request),
    ):
        application.router.add_get(path, handler)
    application.router.add_post("/registries/{registry}/confirm-removals", api.confirm_removals)
    application.router.add_post("/scans", api.scan)
    return application


@public
async def openapi(request: web.Request) -> web.Response:
    """Answer with the description."""
    return web.Response(text=_description(), content_type="application/yaml", charset="utf-8")


@cache
def _description() -> str:
    return files(__package__).joinpath("openapi.yaml").read_text("utf-8")


class ServiceApi:
    """The handlers.

    Args:
        store: The database.
        reports: Makes reports.
        rules: The rules of now.
    """

    def __init__(self, store: Store, reports: Reports, rules: Rules) -> None:
        self._store = store
        self._reports = reports
        self._rules = rules

    async def registries(self, request: web.Request) -> web.Response:
        """List registries."""
        _Query(request)
        async with self._store.reading() as db:
            return _listed(request, Page(tuple(await list_registries(db, request[VIEWER]))))

    async def confirm_removals(self, request: web.Request) -> web.Response:
        """Let tags go that a sync has held back, as many as somebody has been shown."""
        _Query(request)
        if not request[VIEWER].may_administer:
            raise RequestError(403, "only an admin may let tags go")
        wish = await _read_body(request, {"tags"}, '{"tags": 30}, as many as are held back')
        if not isinstance(tags := wish.get("tags"), int) or not 0 < tags < _MOST_TAGS:
            raise RequestError(400, "tags: expected how many are held back")
        host = _configured(request, request.match_info["registry"])
        async with self._store.writing() as db:
            confirmed = await confirm_removals(db, host, tags) if host.isprintable() else 0
        if not confirmed:
            raise RequestError(409, "nothing is held back there, or more than that")
        return web.json_response({"confirmed": confirmed}, status=202)

    async def repositories(self, request: web.Request) -> web.Response:
        """List repositories."""
        query = _Query(request, "search", "after", "limit")
        search = query.text("search")
        page = await self._read(list_repositories, request, search=search, **query.page())
        return _listed(request, page)

    def shows(self, load: Load[object], *words: Words) -> Handler:
        """Return a handler that answers with what a query of `views` finds for whoever asks, or with 404.

        Args:
            load: The query.
            words: What it is told out of the address.
        """

        async def answer(request: web.Request) -> web.Response:
            _Query(request)
            found = await self._read(load, request, *(one for read in words for one in read(request)))
            return _answer(request, _found(found))

        return answer

    def lists(self, load: Load[Page[Any] | None], *words: Words) -> Handler:
        """Return a handler that answers with a page of what a query of `views` lists; see `shows`."""

        async def answer(request: web.Request) -> web.Response:
            page = _Query(request, "after", "limit").page()
            found = await self._read(load, request, *(one for read in words for one in read(request)), **page)
            return _listed(request, _found(found))

        return answer

    async def tag_verdict(self, request: web.Request) -> web.Response:
        """Say whether what a tag names may be used."""
        _Query(request)
        found = _found(await self._read(load_tag, request, *_place(request), *_tag(request)))
        return _answer(request, _found(await self._read(load_verdict, request, found.image.digest)))

    async def report(self, request: web.Request) -> web.Response:
        """Answer with the report of an image in a format; what is not JSON is for a file, not for a browser to show."""
        query = _Query(request, "format", "name")
        (digest,), form = _digest(request), query.text("format") or "json"
        name = _name(request, query.text("name", _LONGEST_NAME))
        async with self._store.reading() as db:
            image = _found(await see_image(db, request[VIEWER], digest))
            plan = await self._reports.plan(db, request[VIEWER], image, name)
            tag = f'W/"{plan.key}-{blake2b(form.encode(), digest_size=4).hexdigest()}"'
            if _is_known(request, tag):
                return _not_modified(tag)
            plan = await self._reports.read(db, plan) if form == "json" else plan
        rendered = await self._reports.render(plan, form)
        kind = _ZIP if rendered.is_archive else CONTENT_TYPES.get(form, "text/plain")
        headers = _cached(tag)
        if form != "json":
            ending = "zip" if rendered.is_archive else form
            headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{digest.partition(":")[2][:12]}.{ending}"'
        charset = None if rendered.is_archive else "utf-8"
        return web.Response(body=rendered.content, content_type=kind, charset=charset, headers=headers)

    async def requests(self, request: web.Request) -> web.Response:
        """List the requests in one state."""
        query = _Query(request, "state", "after", "limit")
        words = [one.value for one in RequestState]
        word = query.text("state") or RequestState.QUEUED.value
        if word not in words:
            raise RequestError(400, f"state: one of {', '.join(words)}")
        async with self._store.reading() as db:
            page = await list_requests(db, request[VIEWER], RequestState(word), **query.page())
        return _listed(request, page)

    async def request(self, request: web.Request) -> web.Response:
        """Show a request."""
        _Query(request)
        number = request.match_info["id"]
        if not re.fullmatch(_NUMBER, number):
            raise _nothing()
        return _answer(request, _found(await self._load_request(request[VIEWER], int(number))))

    async def scan(self, request: web.Request) -> web.Response:
        """Ask for a scan of what a registry has under a name now."""
        _Query(request)
        text, scanners = await _read_wish(request, self._rules)
        intake, viewer = request.config_dict[INTAKE], request[VIEWER]
        place = intake.find(text)
        if not viewer.may_ask(place.host, place.repository):
            if viewer.may_see(place.host, place.repository):
                raise RequestError(403, "you may see this repository, but not ask for scans of it")
            raise _nothing()
        asked = await intake.ask_for(place, by=viewer.name, scanners=scanners)
        made = document(_found(await self._load_request(viewer, asked.request_id)))
        where = str(request.rel_url.with_query(None)).rpartition("/")[0]
        return web.json_response(made, status=202, headers={hdrs.LOCATION: f"{where}/requests/{asked.request_id}"})

    async def _read(self, load: Load[ResultT], request: web.Request, *words: str, **more: Any) -> ResultT:
        """Return what a query of `views` finds for whoever asks."""
        async with self._store.reading() as db:
            return await load(db, request[VIEWER], self._rules, *words, **more)

    async def _load_request(self, viewer: Viewer, number: int) -> Any:
        async with self._store.reading() as db:
            return await load_request(db, viewer, number)


class _Query:
    """The parameters of a request; each at most once, and none that is not known."""

    def __init__(self, request: web.Request, *known: str) -> None:
        for key in set(request.query):
            if key not in known:
                raise RequestError(400, f"there is no parameter {key[:40]!r} here")
            if len(request.query.getall(key)) > 1:
                raise RequestError(400, f"{key}: give it once")
        self._values = request.query

    def text(self, key: str, longest: int = _LONGEST) -> str:
        """Return a parameter; empty where it is not given."""
        value = self._values.get(key, "")
        if len(value) > longest or not value.isprintable():
            raise RequestError(400, f"{key}: {longest} characters at most, all of them printable")
        return value

    def page(self) -> dict[str, Any]:
        """Return which page is asked for."""
        limit = self._values.get("limit", str(_LIMIT))
        if not re.fullmatch(r"[1-9][0-9]{0,3}", limit) or int(limit) > MOST:
            raise RequestError(400, f"limit: 1 to {MOST}")
        return {"after": self.text("after", _LONGEST_NAME) or None, "limit": int(limit)}


async def _read_body(request: web.Request, keys: set[str], example: str) -> dict[str, Any]:
    """Return the JSON object of a request, which has no other keys than these."""
    if request.content_type != "application/json":
        raise RequestError(415, "write JSON: Content-Type: application/json")
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise RequestError(400, "the body is not JSON") from None
    if not isinstance(body, dict) or not set(body) <= keys:
        raise RequestError(400, f"expected {example}")
    return body


async def _read_wish(request: web.Request, rules: Rules) -> tuple[str, tuple[str, ...]]:
    """Return the image and the scanners that somebody asks for."""
    expected = '{"image": "registry/repository:tag"}, and "scanners" if not all'
    wish = await _read_body(request, {"image", "scanners"}, expected)
    text, scanners = wish.get("image"), wish.get("scanners", [])
    if not isinstance(text, str) or not text.isprintable():
        raise RequestError(400, "image: expected the name of an image")
    if not isinstance(scanners, list) or not all(one in rules.enabled for one in scanners if isinstance(one, str)):
        raise RequestError(
            400, f"scanners: a list of {', '.join(rules.enabled) or 'enabled ones, of which there are none'}"
        )
    if not all(isinstance(one, str) for one in scanners) or len(scanners) > _MOST_SCANNERS:
        raise RequestError(400, "scanners: a list of names")
    return text, tuple(scanners)


def _place(request: web.Request) -> tuple[str, str]:
    """Return registry and repository of an address; the registry by any of its names."""
    host, repository = request.match_info["registry"], request.match_info["repository"]
    if not (host.isprintable() and repository.isprintable()):
        raise _nothing()
    return _configured(request, host), repository


def _configured(request: web.Request, host: str) -> str:
    """Return the host that a registry has in the configuration."""
    watched = request.config_dict[INTAKE].registries.find(host)
    return watched.host if watched else host


def _name_in(key: str, request: web.Request) -> tuple[str]:
    """Return a part of an address that is a name of something."""
    text = request.match_info[key]
    if len(text) > _LONGEST or not text.isprintable():
        raise _nothing()
    return (text,)


_tag, _id = partial(_name_in, "tag"), partial(_name_in, "id")


def _digest(request: web.Request) -> tuple[str]:
    digest = request.match_info["digest"]
    if not re.fullmatch(_DIGEST, digest):
        raise _nothing()
    return (digest,)


def _name(request: web.Request, text: str) -> ImageName | None:
    """Return the name under which a report is wanted."""
    if not text:
        return None
    given = Reference.parse(text)
    return ImageName(host=_configured(request, given.registry), repository=given.repository, tag=given.tag or "")


def _nothing() -> RequestError:
    return RequestError(404, "there is no such thing, or you may not see it")


def _found(value: ResultT | None) -> ResultT:
    if value is None:
        raise _nothing()
    return value


def _listed(request: web.Request, page: Page[Any]) -> web.Response:
    """Answer with a page of a list, and where the next one is."""
    response = _answer(request, page)
    if page.next_cursor is not None:
        where = request.rel_url.update_query(after=page.next_cursor)
        response.headers[hdrs.LINK] = f'<{where}>; rel="next"'
    return response


def _answer(request: web.Request, found: object) -> web.Response:
    """Answer with what was found, or with nothing to whoever has it already."""
    body = json.dumps(document(found), separators=(",", ":")).encode()
    tag = f'W/"{blake2b(body, digest_size=16).hexdigest()}"'
    if _is_known(request, tag):
        return _not_modified(tag)
    return web.Response(body=body, content_type="application/json", headers=_cached(tag))


def _is_known(request: web.Request, tag: str) -> bool:
    known: Sequence[Any] = request.if_none_match or ()
    return any(one.value == "*" or f'W/"{one.value}"' == tag for one in known)


def _not_modified(tag: str) -> web.Response:
    return web.Response(status=304, headers=_cached(tag))


def _cached(tag: str) -> dict[str, str]:
    return {hdrs.ETAG: tag, hdrs.CACHE_CONTROL: "private, no-cache"}
