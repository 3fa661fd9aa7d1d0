"""The account for a server that is not a registry, such as a scanner's backend: sent with every request, unasked."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from math import inf
from operator import attrgetter
from typing import Any, Self

import aiohttp
from yarl import URL

from ...errors import SettingsError
from ...settings import Secret
from .model import Credentials, SourceError
from .store import read_secret

FILE_LASTS = 60.0
"""Seconds for which a secret from a file is good: a rotated one is seen after that."""
_SECRETS = ("password", "token")
_ORIGIN = attrgetter("scheme", "host", "port")


class ServerAccount:
    """Puts an account into the requests of a session to one server: Basic or Bearer. A middleware of aiohttp.

    Requests to another server, by another scheme or to another port get nothing, and one that has an ``Authorization``
    keeps it.

    Args:
        settings: Has ``username``; and ``password`` and ``token``, each with its ``_file`` and ``_env``.
        server: The server's URL.
        environ: The environment; that of the process where None.

    Raises:
        SettingsError: A secret can't be read, or can't be sent. A file is read again after a minute: then a request
            raises this.
    """

    def __init__(self, settings: Any, server: str, environ: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._server = _ORIGIN(URL(server))
        self._environ = os.environ if environ is None else environ
        self._lasts = FILE_LASTS if settings.password_file or settings.token_file else inf
        self._header = self._read()
        self._read_at = time.monotonic()

    @classmethod
    def of(cls, settings: Any, server: str) -> Self | None:
        """Return the account in a server's settings; None if there is none. Reading files blocks.

        Raises:
            SettingsError: A secret can't be read, or can't be sent.
        """
        given = any(getattr(settings, f"{name}{way}") for name in _SECRETS for way in ("", "_file", "_env"))
        return cls(settings, server) if given and server else None

    async def __call__(self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        """Send a request, with the account if it goes to the server."""
        if _ORIGIN(request.url) == self._server and "Authorization" not in request.headers:
            request.headers["Authorization"] = (await self._current()).reveal()
        return await send(request)

    async def _current(self) -> Secret:
        if time.monotonic() - self._read_at > self._lasts:
            self._header = await asyncio.to_thread(self._read)
            self._read_at = time.monotonic()
        return self._header

    def _read(self) -> Secret:
        try:
            password, token = (read_secret(self._settings, name, self._environ, "the settings") for name in _SECRETS)
        except SourceError as error:
            raise SettingsError(str(error)) from error.__cause__
        found = Credentials(
            username=self._settings.username, password=password, registry_token=token, origin="the settings"
        )
        grant = found.make_bearer() or found.make_basic()
        if grant is None or found.fault:
            raise SettingsError(f"the username, password or token {found.fault or 'are missing'}: fix it")
        return grant.header
