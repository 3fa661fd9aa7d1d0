"""A scanner adapter as Harbor's specification describes it: it pulls the manifest, and says what it was told to say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web
from portus_scanners_testing import LoopbackServer

REPORT = "application/vnd.security.vulnerability.report; version=1.1"
OLD_REPORT = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
MANIFESTS = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]
METADATA = {
    "scanner": {"name": "Acme", "vendor": "Acme Inc.", "version": "1.2.3"},
    "capabilities": [{"type": "vulnerability", "consumes_mime_types": MANIFESTS, "produces_mime_types": [REPORT]}],
    "properties": {"harbor.scanner-adapter/vulnerability-database-updated-at": "2026-08-13T08:16:33.345Z"},
}
"""What an adapter says of itself."""


class StandInAdapter(LoopbackServer):
    """Knows vulnerabilities by repository; the first poll of each scan is told to come again.

    Args:
        polls: How many polls of each scan are told so; None: all.
    """

    def __init__(self, polls: int | None = 1) -> None:
        super().__init__()
        self.metadata: Any = METADATA
        self.known: dict[str, list[Mapping[str, Any]]] = {}
        self.polls = polls
        self.fault = ""
        """Why each scan fails; empty: none does."""
        self.working_headers: Mapping[str, str] = {}
        self.asked: list[dict[str, Any]] = []
        """The scan requests."""
        self.accepted: list[str] = []
        """The ``Accept`` of each poll."""
        self._scans: dict[str, tuple[dict[str, Any], int | None]] = {}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path = request.raw_path
        if (request.method, path) == ("GET", "/api/v1/metadata"):
            return _json(self.metadata)
        if (request.method, path) == ("POST", "/api/v1/scan"):
            return await self._accept(json.loads(await request.read()))
        scan = self._scans.get(path.removeprefix("/api/v1/scan/").removesuffix("/report"))
        return web.Response(status=404) if scan is None else self._report(request, path, scan)

    async def _accept(self, asked: dict[str, Any]) -> web.Response:
        self.asked.append(asked)
        scan_id = f"scan%2F{len(self.asked)}"
        artifact = asked["artifact"]
        document: dict[str, Any] = {"artifact": artifact, "scanner": self.metadata["scanner"], "severity": "High"}
        status = await _pull(asked)
        if self.fault:
            document = {"error": {"message": self.fault}}
        elif status == 200:
            document["vulnerabilities"] = self.known.get(artifact["repository"], [])
        else:
            document = {"error": {"message": f"could not pull with {asked['registry']['authorization']}: {status}"}}
        self._scans[scan_id] = (document, self.polls)
        return _json({"id": scan_id.replace("%2F", "/")}, 202)

    def _report(self, request: web.BaseRequest, path: str, scan: tuple[dict[str, Any], int | None]) -> web.Response:
        self.accepted.append(request.headers["Accept"])
        document, left = scan
        if left is None or left > 0:
            scan_id = path.removeprefix("/api/v1/scan/").removesuffix("/report")
            self._scans[scan_id] = (document, None if left is None else left - 1)
            return web.Response(status=302, headers={"Location": path, **self.working_headers})
        return _json(document, 500 if "error" in document else 200)


async def _pull(asked: Mapping[str, Any]) -> int:
    """Ask the registry for the manifest, as an adapter does; return the status."""
    registry, artifact = asked["registry"], asked["artifact"]
    url = f"{registry['url']}/v2/{artifact['repository']}/manifests/{artifact['digest']}"
    headers = {"Authorization": registry["authorization"], "Accept": artifact["mime_type"]}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status


def _json(document: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(document).encode(), content_type="application/json")


def vulnerability(name: str, severity: str = "High", **more: Any) -> dict[str, Any]:
    """Return an item of a report."""
    return {
        "id": name,
        "package": "openssl",
        "version": "3.0.1-1",
        "fix_version": "3.0.2-1",
        "severity": severity,
        "description": "It overflows.",
        "links": [f"https://avd.example/{name}"],
        "layer": {"digest": "sha256:" + "1" * 64, "diff_id": "sha256:" + "2" * 64},
        "preferred_cvss": {"score_v3": 7.5, "score_v2": None, "vector_v3": "CVSS:3.1/AV:N", "vector_v2": ""},
        "cwe_ids": ["CWE-120", "CWE-787"],
        "vendor_attributes": {"CVSS": {"nvd": {"V3Score": 7.5}}},
        **more,
    }
