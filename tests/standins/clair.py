"""Clair v2.0.9: its API, its health port, its state, and the ways in which it fails.

    async with StandInClair() as clair:
        clair.add_vulnerability("debian:12", "CVE-2099-0001", "High", fixed_in={"bash": "5.2-2"})
        clair.url, clair.health_url

Not there: further pages of vulnerabilities (``page=``), PUT, notifications, rpm packages.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from attrs import define, field
from portus_scanners_testing import Disconnect, LoopbackServer, RecordedRequest

from .clair_archive import MAX_FILE_SIZE, ArchiveError, read_archive
from .clair_database import (
    INDEXED_BY_VERSION,
    SEVERITIES,
    ClairDatabase,
    InvalidFeatureError,
    StoredVulnerability,
    UnsupportedError,
    sorted_keys,
    vulnerability_document,
    without_empty,
)
from .clair_detection import WANTED, Namespace
from .clair_fetch import FetchError, fetch, open_session
from .clair_http import ApiError, Route, find_route, plain_answer, read_json, send_json

DATABASE_DOWN = "dial tcp 127.0.0.1:55432: connect: connection refused"
QUERY_FAILED = "database: an error occured when querying the backend"
NOT_FOUND = "the resource cannot be found"
TIMED_OUT = '{"Error":{"Message":"Clair failed to respond within the configured timeout window.","Type":"Timeout"}}'
_LONGEST_NAME = 128
_FORMATS = {"docker", "aci"}


@define(kw_only=True)
class LayerPost:
    """One POST of a layer that had a name, a path and a format."""

    name: str
    parent: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    fetched: bool = False
    """Whether Clair asked the registry for it."""
    status: int = 0
    """What was answered; 0 as long as nothing was."""


class _CrashError(Exception):
    """A handler of Clair's that crashes: the connection is closed without an answer."""


class _Health(LoopbackServer):
    """The health port: 500 when some request has found the database down."""

    def __init__(self) -> None:
        super().__init__()
        self.healthy = True

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path.partition("?")[0] != "/health":
            return web.Response(status=404, text="404 page not found\n")
        return web.Response(status=200 if self.healthy else 500, headers={"Server": "clair"})


class StandInClair(LoopbackServer):
    """A Clair with its database, empty at first."""

    def __init__(self) -> None:
        super().__init__()
        self.database = ClairDatabase()
        self.posts: list[LayerPost] = []
        """The POSTs of layers in the order of their arrival."""
        self.races = 0
        """How many of the next POSTs of new names end with a failed SQL query."""
        self.timeouts = 0
        """How many of the next requests are answered 503, though Clair does what they ask."""
        self.max_file_size = MAX_FILE_SIZE
        """Bytes of a file that Clair wants to read."""
        self._health = _Health()
        self._database_down = False
        self._session: aiohttp.ClientSession | None = None

    @property
    def health_url(self) -> str:
        """The address of the health port, without ``/health``."""
        return self._health.url

    @property
    def health_port(self) -> int:
        """The health port."""
        return int(self._health.host.rpartition(":")[2])

    @property
    def health_requests(self) -> list[RecordedRequest]:
        """The requests that reached the health port."""
        return self._health.requests

    @property
    def posted(self) -> list[str]:
        """The names of the layers posted, in order."""
        return [post.name for post in self.posts]

    @property
    def fetched(self) -> list[str]:
        """The names of the layers that were fetched, in the order of their POSTs."""
        return [post.name for post in self.posts if post.fetched]

    @property
    def database_down(self) -> bool:
        """Whether PostgreSQL is stopped; the health port says so only after another request has found out."""
        return self._database_down

    @database_down.setter
    def database_down(self, down: bool) -> None:
        self._database_down = down
        self._health.healthy = self._health.healthy or not down

    def add_vulnerability(
        self,
        namespace: str,
        name: str,
        severity: str = "High",
        *,
        fixed_in: Mapping[str, str],
        description: str = "",
        link: str = "",
        metadata: Mapping[str, Any] = {},
        version_format: str = "dpkg",
    ) -> None:
        """Enter a vulnerability as Clair's updater does.

        Args:
            namespace: ``debian:12``, ``alpine:v3.19``.
            name: ``CVE-...``; the entry of the same namespace and name is replaced.
            severity: One of `SEVERITIES`.
            fixed_in: The first fixed version by (source) package; ``None`` (the word) if there is no fix.
            description: Left out of answers when empty.
            link: Left out of answers when empty.
            metadata: Free-form; left out of answers when empty.
            version_format: Of the namespace.
        """
        self.database.add_namespace(Namespace(namespace, version_format))
        self.database.add_vulnerability(
            StoredVulnerability(
                name=name,
                namespace=namespace,
                severity=severity,
                description=description,
                link=link,
                metadata=metadata,
                fixed_in=fixed_in,
            )
        )

    def remove_vulnerability(self, namespace: str, name: str) -> None:
        """Delete a vulnerability: it is gone from the next GET."""
        del self.database.vulnerabilities[namespace, name]

    async def __aenter__(self) -> Self:
        self._session = open_session()
        await self._health.__aenter__()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close both ports: from then on, connections are refused."""
        await super().stop()
        await self._health.stop()
        if self._session is not None:
            await self._session.close()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        late = self.timeouts > 0
        self.timeouts -= late
        route = find_route(request.method, request.raw_path)
        if route.status:
            return plain_answer(route)
        try:
            status, document = await self._perform(request, route)
        except ApiError as error:
            status, document = error.status, {"Error": {"Message": error.message}}
        except _CrashError:
            return await Disconnect().show(request, self.answer)
        if late:
            return web.Response(status=503, text=TIMED_OUT)
        return await send_json(request, status, document) if document else web.Response(status=status)

    async def _perform(self, request: web.BaseRequest, route: Route) -> tuple[int, dict[str, Any]]:
        match route.handler, request.method:
            case "layers", _:
                return 201, await self._post_layer(request)
            case "layer", "GET":
                return 200, self._get_layer(route.name, request.raw_path)
            case "layer", _:
                return 200, self._delete_layer(route.name)
            case "namespaces", _:
                return 200, self._namespaces()
            case "vulnerabilities", "GET":
                return 200, self._list_vulnerabilities(route.name, request.raw_path)
            case _:
                return 201, await self._post_vulnerability(request)

    async def _post_layer(self, request: web.BaseRequest) -> dict[str, Any]:
        layer = _member(await read_json(request), "Layer", "layer")
        texts = {key: _text(layer, key) for key in ("Name", "Path", "ParentName", "Format")}
        for key in ("Name", "Path", "Format"):
            if not texts[key]:
                raise ApiError(400, f"could not process a layer which does not have a {key.lower()}")
        headers = layer.get("Headers") or {}
        post = LayerPost(name=texts["Name"], parent=texts["ParentName"], path=texts["Path"], headers=headers)
        self.posts.append(post)
        try:
            await self._process(post, texts["Format"])
        except ApiError as error:
            post.status = error.status
            raise
        post.status = 201
        echo = {"Name": post.name, "Path": post.path, "Headers": headers, "ParentName": post.parent}
        echo |= {"Format": texts["Format"], "IndexedByVersion": INDEXED_BY_VERSION}
        return {"Layer": without_empty(echo)}

    async def _process(self, post: LayerPost, image_format: str) -> None:
        """Fetch and store a layer; a known name is left as it is, and nothing else is looked at."""
        self._need_database()
        if post.name in self.database.layers:
            return
        if post.parent and post.parent not in self.database.layers:
            raise ApiError(400, "worker: parent layer is unknown, it must be processed first")
        files = await self._extract(post, image_format)
        self._need_database()
        if self.races > 0 or len(post.name) > _LONGEST_NAME:
            self.races = max(0, self.races - 1)
            raise ApiError(500, QUERY_FAILED)
        try:
            self.database.insert_layer(post.name, post.parent, files)
        except UnsupportedError as error:
            raise ApiError(422, str(error)) from error
        except InvalidFeatureError as error:
            raise ApiError(400, str(error)) from error

    async def _extract(self, post: LayerPost, image_format: str) -> dict[str, bytes]:
        assert self._session is not None
        post.fetched = True
        try:
            download = await fetch(self._session, post.path, post.headers)
        except FetchError as error:
            raise ApiError(400, "could not find layer") from error
        if image_format.lower() not in _FORMATS:
            raise ApiError(400, f"unsupported image format '{image_format}'")
        try:
            limit = self.max_file_size
            files = read_archive(download.data, WANTED, complete=download.complete, max_file_size=limit)
        except ArchiveError as error:
            raise ApiError(422, str(error)) from error
        return files if image_format.lower() == "docker" else {}

    def _get_layer(self, name: str, target: str) -> dict[str, Any]:
        self._need_database()
        keys = {part.partition("=")[0] for part in target.partition("?")[2].split("&")}
        layer = self.database.layer_document(
            name, features="features" in keys, vulnerabilities="vulnerabilities" in keys
        )
        if layer is None:
            raise ApiError(404, NOT_FOUND)
        return {"Layer": layer}

    def _delete_layer(self, name: str) -> dict[str, Any]:
        self._need_database()
        if not self.database.delete_layer(name):
            raise ApiError(404, NOT_FOUND)
        return {}

    def _namespaces(self) -> dict[str, Any]:
        self._need_database()
        known = self.database.namespaces.items()
        return {"Namespaces": [without_empty({"Name": name, "VersionFormat": form}) for name, form in known] or None}

    def _list_vulnerabilities(self, namespace: str, target: str) -> dict[str, Any]:
        """Return the first of a namespace's vulnerabilities; null where there is none (``getVulnerabilities``)."""
        limit = _limit(parse_qs(target.partition("?")[2], keep_blank_values=True))
        self._need_database()
        if namespace not in self.database.namespaces:
            raise ApiError(404, NOT_FOUND)
        known = [one for one in self.database.vulnerabilities.values() if one.namespace == namespace]
        more = {"NextPage": "gAAAAABsomething"} if len(known) > limit else {}
        return {"Vulnerabilities": [vulnerability_document(one) for one in known[:limit]] or None, **more}

    async def _post_vulnerability(self, request: web.BaseRequest) -> dict[str, Any]:
        document = _member(await read_json(request), "Vulnerability", "vulnerability")
        vulnerability = _vulnerability(document)
        if self._database_down:
            self._health.healthy = False
            raise _CrashError
        self.database.add_vulnerability(vulnerability)
        keys = ("Name", "NamespaceName", "Description", "Link", "Severity", "Metadata", "FixedIn")
        echo = {key: document.get(key) for key in keys}
        echo |= {"Severity": vulnerability.severity, "Metadata": sorted_keys(vulnerability.metadata)}
        return {"Vulnerability": without_empty(echo)}

    def _need_database(self) -> None:
        if self._database_down:
            self._health.healthy = False
            raise ApiError(500, DATABASE_DOWN)


def _limit(query: Mapping[str, list[str]]) -> int:
    if "limit" not in query:
        raise ApiError(400, "must provide limit query parameter")
    text = query["limit"][0]
    try:
        limit = int(text)
    except ValueError as error:
        raise ApiError(400, f'invalid limit format: strconv.Atoi: parsing "{text}": invalid syntax') from error
    if limit < 0:
        raise ApiError(400, "limit value should not be less than zero")
    return limit


def _vulnerability(document: Mapping[str, Any]) -> StoredVulnerability:
    severity = next((word for word in SEVERITIES if word.lower() == _text(document, "Severity").lower()), None)
    if severity is None:
        raise ApiError(400, "failed to parse Severity from input")
    fixed_in = document.get("FixedIn") or []
    if any(_text(item, "VersionFormat") not in {"dpkg", "rpm"} for item in fixed_in):
        raise ApiError(400, "unknown version format")
    return StoredVulnerability(
        name=_text(document, "Name"),
        namespace=_text(document, "NamespaceName"),
        severity=severity,
        description=_text(document, "Description"),
        link=_text(document, "Link"),
        metadata=document.get("Metadata") or {},
        fixed_in={_text(item, "Name"): _text(item, "Version") for item in fixed_in},
    )


def _member(document: Any, key: str, word: str) -> Mapping[str, Any]:
    """Return an object's member that has to be an object."""
    member = document.get(key) if isinstance(document, dict) else document
    if isinstance(document, dict) and member is None:
        raise ApiError(400, f"failed to provide {word}")
    if not isinstance(member, dict) or not isinstance(document, dict):
        raise ApiError(400, f"json: cannot unmarshal {_go_kind(member)} into Go value of type v1.{key}")
    return member


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise ApiError(400, f"json: cannot unmarshal {_go_kind(value)} into Go struct field {key} of type string")
    return value or ""


def _go_kind(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
