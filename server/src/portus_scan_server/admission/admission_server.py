"""The listener that a cluster asks: HTTPS alone, its certificates read anew when their files change.

A cluster proves itself by a certificate of a client, by a path that only it knows, or by both. Whatever can't be
decided is an error, 400 or 500, so that the webhook's ``failurePolicy`` decides; never an answer that allows.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from portus_images import SettingsError

from ..chores import doing_again_and_again
from ..settings import is_same_secret
from ..store import StoreDamagedError, StoreUnavailableError
from .admission_settings import AdmissionSettings
from .reviews import ReviewError, read_review, write_review
from .rulings import ImageJudge

logger = logging.getLogger("portus_scan_server.admission")

PATH = "/v1/admission"
_LARGEST_BODY = 4 * 1024 * 1024
"""Bytes; etcd takes objects of 1.5 MiB, and an update has two of them."""
_READING = 5.0
"""Seconds in which a body has to be there."""
_LOOK = 10.0
"""Seconds between two looks at the certificates' files."""
_TIMEOUT = 10.0
"""Seconds that Kubernetes waits where it does not say."""
_SHARE = 0.8
"""The part of them in which the answer is there."""
_DURATION = r"(?P<number>[0-9]{1,6}(\.[0-9]{1,9})?)(?P<unit>ms|s)"


class Certificates:
    """The server's side of TLS; connections that begin later have what the files hold then.

    Args:
        settings: Which files, and whose certificates clients have to have.

    Raises:
        SettingsError: They can't be used.
    """

    def __init__(self, settings: AdmissionSettings) -> None:
        self._settings = settings
        self._seen = self._marks()
        self._current = self.context = self._load()
        self.context.sni_callback = self._choose

    async def renew(self) -> None:
        """Use what the files hold now; where that can't be used, what they held goes on, and the log says so."""
        if (marks := await asyncio.to_thread(self._marks)) == self._seen:
            return
        self._seen = marks
        try:
            self._current = await asyncio.to_thread(self._load)
        except SettingsError as error:
            logger.warning("the certificates before are used on: %s", error)
        else:
            logger.info("the certificates of admission have been renewed")

    def _choose(self, connection: Any, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current

    def _marks(self) -> list[tuple[int, ...]]:
        """Return what changes with the files."""
        found: list[tuple[int, ...]] = []
        for name in filter(None, (self._settings.certificate, self._settings.key, self._settings.client_ca)):
            try:
                stat = Path(name).stat()
            except OSError:
                found.append((0,))
            else:
                found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
        return found

    def _load(self) -> ssl.SSLContext:
        settings = self._settings
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=None)
        context.options |= ssl.OP_NO_TICKET  # a resumed session would be as good as a certificate that is no longer
        context.num_tickets = 0
        try:
            context.load_cert_chain(settings.certificate, settings.key, password=_no_password)
            if settings.client_ca:
                context.load_verify_locations(cafile=settings.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ValueError) as error:  # SSLError is an OSError
            raise SettingsError(f"admission: the certificate, its key or client_ca can't be used: {error}") from error
        return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")


class AdmissionServer:
    """Answers a cluster."""

    def __init__(self, settings: AdmissionSettings, judge: ImageJudge, certificates: Certificates) -> None:
        self._settings = settings
        self._judge = judge
        self._certificates = certificates

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Answer as long as the block runs; yield the port.

        Raises:
            SettingsError: The address can't be had.
        """
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_post(PATH, self.review)
        application.router.add_post(f"{PATH}/{{token:.*}}", self.review)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        host, _, port = self._settings.listen.rpartition(":")
        try:
            async with doing_again_and_again([(self._certificates.renew, _LOOK, None)], logger):
                site = web.TCPSite(runner, host.strip("[]"), int(port), ssl_context=self._certificates.context)
                try:
                    await site.start()
                except OSError as error:
                    msg = f"admission: it can't listen on {self._settings.listen}: {error.strerror}"
                    raise SettingsError(msg) from error
                yield runner.addresses[0][1]
        finally:
            await runner.cleanup()
            await self._judge.close()

    async def review(self, request: web.Request) -> web.Response:
        """Answer one review: 200 where it is decided; 4xx and 500 where it is not."""
        if not self._is_known(request):
            raise web.HTTPNotFound
        try:
            async with asyncio.timeout(_seconds(request.query.get("timeout", "")) * _SHARE):
                return await self._answer(request)
        except TimeoutError:
            return _failed(500, "it could not be decided in time")

    async def _answer(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return _failed(415, "expected application/json")
        try:
            async with asyncio.timeout(_READING):
                body = await request.read()
        except TimeoutError:
            return _failed(408, "the body did not come in time")
        try:
            asked = read_review(body)
        except ReviewError as error:
            return _failed(400, str(error))
        try:
            rulings = await self._judge.judge(asked)
        except StoreUnavailableError as error:
            logger.warning("a review was not decided: %s", error)
            return _failed(500, "the database can't be used")
        except StoreDamagedError:
            logger.exception("a review was not decided")
            return _failed(500, "what is stored is damaged: see the log")
        denied = [one.message for one in rulings if not one.is_allowed]
        if denied:
            logger.info("denied: %s", "; ".join(denied))
        return web.Response(body=json.dumps(write_review(asked.uid, rulings)), content_type="application/json")

    def _is_known(self, request: web.Request) -> bool:
        """Return whether a request comes from the cluster: TLS has looked at the certificate, but not at its names."""
        if not is_same_secret(request.match_info.get("token", ""), self._settings.token.reveal()):
            return False
        names = self._settings.client_names
        if not names:
            return True
        certificate = request.transport.get_extra_info("peercert") if request.transport is not None else None
        return bool(set(names).intersection(_names_of(certificate or {})))


def _names_of(certificate: Any) -> set[str]:
    common = {value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"}
    return common | {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}


def _seconds(timeout: str) -> float:
    """Return how long Kubernetes waits, as its parameter says: ``10s``."""
    match = re.fullmatch(_DURATION, timeout)
    if match is None:
        return _TIMEOUT
    return float(match["number"]) / (1000 if match["unit"] == "ms" else 1)


def _failed(status: int, why: str) -> web.Response:
    return web.Response(status=status, text=f"{why}\n")
