"""Clair v4.9: indexer, matcher and introspection port, with state, and the ways in which they fail.

    async with StandInClairV4() as clair:
        clair.update(Advisory(updater="debian/updater", name="CVE-2099-0001", package="bash", distribution=DEBIAN))
        clair.url

Versions are not compared: what is installed in another version than the fixed one is vulnerable. Compared with the real
one by ``tests/plugins/clair_v4/test_real.py``.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web
from portus_scanners_testing import LoopbackServer

from ..go_http import go_json
from .advisories import Advisory
from .images import FoundPackage, IndexingError, LayerContent, pull

INDEX_STATE = "cb31df8269833698891b35a63251a81a"
CVSS = "message/vnd.clair.map.vulnerability; enricher=clair.cvss schema=https://csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema"
_INDEX, _MATCH = "/indexer/api/v1/", "/matcher/api/v1/"
_LEEWAY = 15
_CODES = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 429: "too-many-requests"}


class StandInClairV4(LoopbackServer):
    """A Clair in combo mode, empty at first.

    Args:
        psk: The key of its tokens; empty for none.
        issuers: Who may have signed a token.
    """

    def __init__(self, *, psk: bytes = b"", issuers: Iterable[str] = ("quay",)) -> None:
        super().__init__()
        self.psk = psk
        self.issuers = tuple(issuers)
        self.advisories: list[Advisory] = []
        self.ratings: dict[str, object] = {}
        """CVSS ratings by CVE."""
        self.operations: dict[str, list[dict[str, str]]] = {}
        self.state = INDEX_STATE
        self.healthy = True
        self.ready: bool | None = None
        """Whether the matcher says that it has data; None: when it has."""
        self.cut = 0
        """After how many bytes a report ends, because Clair fails in the middle; 0 for whole ones."""
        self.late = 0
        """How many of the next reports it answers before it has data."""
        self.shows_operations = True
        self.at_once = 0
        """How many images it indexes at once; 0 for any number."""
        self.index_states: list[tuple[str, str]] = []
        """State and error of the next index reports, instead of the right ones."""
        self.pulled: list[str] = []
        """The digests of the layers that it has pulled."""
        self._layers: dict[str, LayerContent] = {}
        self._images: dict[str, dict[str, Any]] = {}
        self._ids: dict[object, str] = {}
        self._indexing = 0
        self._session: aiohttp.ClientSession | None = None

    def update(self, *advisories: Advisory, ratings: Mapping[str, object] = {}) -> None:
        """Enter what updaters bring."""
        self.advisories += advisories
        self.ratings |= ratings
        for one in advisories:
            ref, date = str(uuid.uuid4()), datetime.now(UTC).isoformat()
            operation = {"ref": ref, "updater": one.updater, "fingerprint": ref, "date": date, "kind": ""}
            self.operations[one.updater] = [operation]

    def forget(self, digest: str) -> None:
        """Delete an image, as ``DELETE /indexer/api/v1/index_report`` does; its layers stay."""
        del self._images[digest]

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(force_close=True)  # what a scan leaves behind is not to be Clair's
        self._session = aiohttp.ClientSession(headers={"User-Agent": "clair/v4"}, connector=connector)
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        assert self._session is not None
        await self._session.close()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path = request.raw_path.partition("?")[0]
        if path == "/healthz":  # of the introspection port, which has no authentication
            return web.Response(status=200 if self.healthy else 500, text="ok" if self.healthy else "")
        if not self._is_allowed(request.headers.get("Authorization", "")):
            return web.Response(status=401)
        match request.method, path.rpartition("/")[0] + "/", path.rpartition("/")[2]:
            case "GET", "/indexer/api/v1/", "index_state":
                kind = "application/vnd.clair.index_state.v1+json"
                return self._send(
                    request, 200, {"state": self.state}, {"Etag": f'"{self.state}"', "Content-Type": kind}
                )
            case "POST", "/indexer/api/v1/", "index_report":
                return await self._index(request)
            case "GET", "/matcher/api/v1/vulnerability_report/", digest:
                return self._report(request, digest)
            case "GET", "/matcher/api/v1/internal/", "update_operation" if self.shows_operations:
                refs = [one["ref"] for some in self.operations.values() for one in some]
                return self._send(request, 200, self.operations, {"Etag": f'"{refs[-1]}"'} if refs else {})
        return web.Response(status=404, text="404 page not found\n")

    def _is_allowed(self, authorization: str) -> bool:
        if not self.psk:
            return True
        text, _, signature = authorization.removeprefix("Bearer ").rpartition(".")
        expected = base64.urlsafe_b64encode(hmac.digest(self.psk, text.encode(), hashlib.sha256)).decode().rstrip("=")
        if not hmac.compare_digest(expected, signature):
            return False
        claims = json.loads(base64.urlsafe_b64decode(text.partition(".")[2] + "=="))
        return claims["iss"] in self.issuers and claims["exp"] > time.time() - _LEEWAY

    async def _index(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.at_once and self._indexing >= self.at_once:
            return await _refuse_abruptly(request, "server handling too many requests")
        self._indexing += 1
        try:
            manifest = json.loads(await request.read())
            report = await self._index_report(manifest)
        except IndexingError as error:
            return self._refuse(request, error.status, str(error))
        finally:
            self._indexing -= 1
        headers = {"Etag": f'"{self.state}"', "Content-Type": "text/plain; charset=utf-8"}
        return self._send(request, 201, report, headers)

    async def _index_report(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        digest = manifest["hash"]
        if self.index_states:
            state, error = self.index_states.pop(0)
            empty: dict[str, Any] = dict.fromkeys(("packages", "distributions", "repository", "environments"))
            return {"manifest_hash": digest, "state": state, **empty, "success": False, "err": error}
        if digest not in self._images:
            assert self._session is not None
            for layer in manifest["layers"]:
                if layer["hash"] not in self._layers:
                    self._layers[layer["hash"]] = await pull(self._session, layer)
                    self.pulled.append(layer["hash"])
            self._images[digest] = self._coalesced([layer["hash"] for layer in manifest["layers"]])
        found = {"manifest_hash": digest, "state": "IndexFinished", **self._images[digest]}
        return {**found, "success": True, "err": ""}

    def _coalesced(self, digests: list[str]) -> dict[str, Any]:
        """Return what an image has; of several databases of packages in one place, the uppermost one counts."""
        packages, environments, repositories, distributions = {}, {}, {}, {}
        current = ""
        last = {name: digest for digest in digests for name in self._layers[digest].databases}
        for digest in digests:
            content = self._layers[digest]
            if content.distribution:
                current = self._id(tuple(content.distribution.values()))
                distributions[current] = {"id": current, **content.distribution, "arch": "", "cpe": ""}
            for one in content.packages:
                if last.get(one.database, digest) != digest:
                    continue
                key = self._id(one)
                packages[key] = _package(key, one)
                place = {"package_db": one.database, "introduced_in": digest, "distribution_id": ""}
                environments[key] = [{**place, "repository_ids": None}]
                if one.repository:
                    repository = self._id(one.repository["name"])
                    repositories[repository] = {"id": repository, **one.repository}
                    environments[key][0]["repository_ids"] = [repository]
                else:
                    environments[key][0]["distribution_id"] = current
        return {
            "packages": packages,
            "distributions": distributions,
            "repository": repositories,
            "environments": environments,
        }

    def _id(self, thing: object) -> str:
        return self._ids.setdefault(repr(thing), str(len(self._ids) + 1))

    def _report(self, request: web.BaseRequest, digest: str) -> web.StreamResponse:
        self.late -= 1
        if self.late >= 0 or not (bool(self.advisories) if self.ready is None else self.ready):
            return self._send(request, 202, None, {})
        if digest not in self._images:
            return self._refuse(request, 404, f'index report for manifest "{digest}" not found')
        headers = {"Content-Type": "application/vnd.clair.index_report.v1+json", "Cache-Control": "max-age=21600"}
        return self._send(request, 200, self._matched(digest), headers, cut=self.cut or None)

    def _matched(self, digest: str) -> dict[str, Any]:
        image = self._images[digest]
        vulnerabilities, by_package = {}, {}
        for key, package in image["packages"].items():
            for one in self.advisories:
                if _is_hit(one, package, image, key):
                    number = self._id(one)
                    vulnerabilities[number] = one.row(number)
                    by_package.setdefault(key, []).append(number)
        rated = {
            number: [value for cve, value in self.ratings.items() if cve in row["name"] or cve in row["links"]]
            for number, row in vulnerabilities.items()
        }
        rated = {number: values for number, values in rated.items() if values}
        return {
            "manifest_hash": digest,
            **image,
            "vulnerabilities": vulnerabilities,
            "package_vulnerabilities": by_package,
            "enrichments": {CVSS: [rated] if rated else None},
        }

    def _refuse(self, request: web.BaseRequest, status: int, message: str) -> web.StreamResponse:
        error = {"code": _CODES.get(status, "internal-error"), "message": message}
        return self._send(request, status, error, {"Content-Type": "application/json"})

    def _send(
        self,
        request: web.BaseRequest,
        status: int,
        document: object,
        headers: Mapping[str, str],
        cut: int | None = None,
    ) -> web.StreamResponse:
        """Send JSON in one chunk, gzipped where the client accepts it; None for an empty body."""
        body, more = b"" if document is None else go_json(document)[:cut], {"Trailer": "Clair-Error"}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            body, more = gzip.compress(body, mtime=0), {**more, "Content-Encoding": "gzip"}
        response = web.Response(status=status, body=body, headers={**headers, **more})
        response.enable_chunked_encoding()
        return response


async def _refuse_abruptly(request: web.BaseRequest, message: str) -> web.StreamResponse:
    """Send a 429 whose body breaks off, as that of the real one does."""
    response = web.StreamResponse(status=429, headers={"Content-Type": "application/json", "Trailer": "Clair-Error"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(go_json({"code": _CODES[429], "message": message}))
    assert request.transport is not None
    request.transport.close()
    return response


def _package(key: str, one: FoundPackage) -> dict[str, Any]:
    name, version = one.source
    kind = {"kind": "source"} if name else {}
    source = {"id": f"s{key}", "name": name, "version": version, **kind, "normalized_version": "", "cpe": ""}
    numbers = ".".join([*one.version.split("."), *["0"] * 8][:9])
    normalized = f"pep440:0.{numbers}" if one.repository else ""
    found = {"id": key, "name": one.name, "version": one.version, "kind": "binary", "source": source}
    return {**found, "normalized_version": normalized, "cpe": ""}


def _is_hit(one: Advisory, package: Mapping[str, Any], image: Mapping[str, Any], key: str) -> bool:
    names = {package["name"], package["source"]["name"]}
    fixed = one.fixed.removeprefix("fixed=").partition("&")[0]
    if one.package not in names or fixed in {package["version"], package["source"]["version"]} - {""}:
        return False
    place = image["environments"][key][0]
    if one.repository:
        found = [image["repository"][each]["name"] for each in place["repository_ids"] or ()]
        return one.repository["name"] in found
    distribution = image["distributions"].get(place["distribution_id"], {})
    wanted = one.distribution or {}
    told = ("did", "name", "pretty_name")
    return bool(wanted) and all(distribution.get(member) == wanted[member] for member in told)
