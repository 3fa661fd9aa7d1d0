"""OSV.dev's API with records that a test writes; SBOMs."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from portus_scanners_testing import LoopbackServer


class StandInOsv(LoopbackServer):
    """Knows records by package: ``known["Debian:12 openssl"]`` or ``known["pkg:pypi/jinja2@2.4.1"]``.

    Args:
        page_size: Vulnerabilities of one query on one page.
    """

    def __init__(self, page_size: int = 1000) -> None:
        super().__init__()
        self.known: dict[str, list[dict[str, Any]]] = {"pkg:pypi/jinja2@2.4.1": []}
        self.queries: list[list[dict[str, Any]]] = []
        """The queries of each batch."""
        self.unknown: set[str] = set()
        """Ecosystems, or types of package URLs, that the server rejects, and all queries with them."""
        self._page_size = page_size

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path = request.raw_path
        if (request.method, path) == ("POST", "/v1/querybatch"):
            queries = json.loads(await request.read())["queries"]
            self.queries.append(queries)
            if self.unknown & {_ecosystem(query["package"]) for query in queries}:
                return _json({"code": 3, "message": "Invalid ecosystem."}, 400)
            return _json({"results": [self._result(query) for query in queries]})
        records = {record["id"]: record for found in self.known.values() for record in found}
        record = records.get(path.removeprefix("/v1/vulns/"))
        return _json({"code": 5, "message": "Bug not found."}, 404) if record is None else _json(record)

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        package = query["package"]
        found = self.known.get(package.get("purl") or f"{package['ecosystem']} {package['name']}", [])
        start = int(query.get("page_token", "0"))
        end = start + self._page_size
        page = [{"id": record["id"], "modified": "2026-01-01T00:00:00Z"} for record in found[start:end]]
        more = {"next_page_token": str(end)} if end < len(found) else {}
        return {**({"vulns": page} if page else {}), **more}


def _ecosystem(package: dict[str, str]) -> str:
    return package.get("ecosystem") or package["purl"].removeprefix("pkg:").partition("/")[0]


def _json(document: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(document).encode(), content_type="application/json")


def record(name: str, word: str = "HIGH", *, package: str = "openssl", ecosystem: str = "Debian:12") -> dict[str, Any]:
    """Return a record of the database."""
    return {
        "schema_version": "1.7.0",
        "id": name,
        "summary": "openssl:\n an overflow",
        "details": "It overflows.",
        "aliases": [],
        "modified": "2026-01-01T00:00:00Z",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0.2-1"}]}],
            },
            {
                "package": {"ecosystem": "Debian:11", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1.1-9"}]}],
            },
        ],
        "references": [{"type": "WEB", "url": "https://one.example/"}],
        "database_specific": {"severity": word},
    }


def cyclonedx(*purls: str) -> dict[str, Any]:
    """Return a CycloneDX document."""
    components = [
        {"type": "library", "name": f"package-{number}", "version": "1", "purl": purl}
        for number, purl in enumerate(purls)
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}


def spdx(*purls: str) -> dict[str, Any]:
    """Return an SPDX document."""
    packages = [
        {
            "name": f"package-{number}",
            "SPDXID": f"SPDXRef-{number}",
            "versionInfo": "1",
            "externalRefs": [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl},
                {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x"},
            ],
        }
        for number, purl in enumerate(purls)
    ]
    return {"spdxVersion": "SPDX-2.3", "packages": packages}
