"""``zypper-docker serve``: answers scripted for each image.

async with StandInZypperDocker() as zypper:
    zypper.script("127.0.0.1:5000/team/app:1.0", working(), scanned(patch("openSUSE-2016-695", "important")))
    zypper.script("opensuse:42.1", recorded("images-real-2016-zypper-200"))
    zypper.pull("127.0.0.1:5000/team/app:1.0", image, scanned())    # as its Docker daemon knows a pulled image
    zypper.url
"""

from __future__ import annotations

import asyncio
import posixpath
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web
from attrs import field, frozen
from portus_scanners_testing import LoopbackServer
from portus_scanners_testing.images import BuiltImage, BuiltIndex, digest_of

from .exchanges import exchange
from .go_http import go_json, send_body

_NOTHING_THERE = "Something wrong happenned..."
_JSON = {"Content-Type": "application/json"}


@frozen(kw_only=True)
class ZypperAnswer:
    """One answer to ``GET /images?image=...``."""

    body: bytes = field(repr=False)
    status: int = 200
    headers: Mapping[str, str] = _JSON
    release: asyncio.Event | None = None
    """The scan goes on until this is set."""


def scanned(
    *patches: Mapping[str, Any],
    updates: int | None = None,
    security: int | None = None,
    error: str = "",
    release: asyncio.Event | None = None,
) -> ZypperAnswer:
    """Return a 200 with these patches; the counters agree with the list unless they are given."""
    secure = sum(bool(item.get("IsSecurity")) for item in patches)
    counts = (len(patches) - secure if updates is None else updates, secure if security is None else security)
    return ZypperAnswer(body=_result(*counts, error, patches), release=release)


def patch(
    name: str, severity: str = "important", *, is_security: bool = False, summary: str = "", description: str = ""
) -> dict[str, Any]:
    """Return one item of the list; a real zypper never makes the server set *is_security*."""
    return {
        "Name": name,
        "IsSecurity": is_security,
        "Severity": severity,
        "Kind": "patch",
        "Summary": summary,
        "Description": description,
    }


def failed(error: str, *, status: int = 404) -> ZypperAnswer:
    """Return a failure; ``command exited with status 127`` is an image without zypper."""
    return ZypperAnswer(body=_result(0, 0, error, ()), status=status)


def working(*, retry_after: str = "") -> ZypperAnswer:
    """Return a 202: no version of the server sends it; Portus' client takes it for "still working"."""
    headers = {**_JSON, "Retry-After": retry_after} if retry_after else _JSON
    return ZypperAnswer(body=_result(0, 0, "", ()), status=202, headers=headers)


def recorded(name: str) -> ZypperAnswer:
    """Return the answer of a recorded exchange, by the name of its file."""
    response = exchange("zypper_docker", name)["response"]
    return ZypperAnswer(body=response["body_text"].encode(), status=response["status"])


class StandInZypperDocker(LoopbackServer):
    """A server of the newest version (afbf1abc).

    Args:
        tls: Makes it an https server.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.in_flight = 0
        """Scans going on now; a client that hangs up does not end one."""
        self.most_in_flight = 0
        self.asked: list[str] = []
        """The images asked for, in order."""
        self._scripts: dict[str, list[ZypperAnswer]] = {}

    @property
    def targets(self) -> list[str]:
        """The targets of all requests as they stood in the request line."""
        return [request.target for request in self.requests]

    def script(self, image: str, *answers: ZypperAnswer) -> None:
        """Set the answers for an image, one a request; the last one is repeated. Others: ``No such image``."""
        self._scripts[image] = list(answers)

    def pull(
        self,
        name: str,
        image: BuiltImage,
        *answers: ZypperAnswer,
        index: BuiltIndex | None = None,
        classic: bool = True,
    ) -> None:
        """Set the answers for an image that the Docker daemon has pulled: under each name that it has there.

        Args:
            name: Repository and tag, which an image that was pulled before loses.
            image: What was pulled.
            *answers: As for `script`.
            index: What the tag stands for, if it is an index: of the two digests, the daemon keeps that one.
            classic: Docker's classic image store, where an image's id is the digest of its configuration; with the
                containerd store it is that of what was pulled.
        """
        pulled = (index or image).digest
        given = list(answers)
        ident = digest_of(image.config) if classic else pulled
        for known in (ident, ident.removeprefix("sha256:"), f"{name.rpartition(':')[0]}@{pulled}", name):
            self._scripts[known] = given

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path, question_mark, query = request.raw_path.partition("?")
        clean = posixpath.normpath(re.sub("/+", "/", path)) + ("/" if path.endswith("/") and path.strip("/") else "")
        if clean != path:
            return web.Response(status=301, headers={"Location": clean + question_mark + query})
        if (request.method, path) == ("GET", "/"):
            return web.Response(headers=_JSON)
        if (request.method, path) == ("GET", "/images"):
            return await self._images(request, query)
        return await _send(request, failed(_NOTHING_THERE))

    async def _images(self, request: web.BaseRequest, query: str) -> web.StreamResponse:
        images = _images_asked(query)
        if len(images) != 1:
            return await _send(request, failed("expecting an 'image' query parameter"))
        if not images[0]:
            return await _send(request, failed("no image name specified"))
        return await _send(request, await self._scan(images[0]))

    async def _scan(self, image: str) -> ZypperAnswer:
        self.asked.append(image)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            answer = self._next_answer(image)
            if answer.release is not None:
                await answer.release.wait()
            return answer
        finally:
            self.in_flight -= 1

    def _next_answer(self, image: str) -> ZypperAnswer:
        answers = self._scripts.get(image)
        if not answers:
            return failed(f"Error: No such image: {image}")
        return answers.pop(0) if len(answers) > 1 else answers[0]


def _images_asked(query: str) -> list[str]:
    """Return the values of ``image``, as Go reads a query: a part with a semicolon is lost."""
    parts = (part.partition("=") for part in query.split("&") if ";" not in part)
    return [unquote_plus(value) for key, _, value in parts if unquote_plus(key) == "image"]


async def _send(request: web.BaseRequest, answer: ZypperAnswer) -> web.StreamResponse:
    return await send_body(request, answer.status, answer.body, answer.headers)


def _result(updates: int, security: int, error: str, patches: tuple[Mapping[str, Any], ...]) -> bytes:
    return go_json({"Updates": updates, "Security": security, "Error": error, "List": patches or None})
