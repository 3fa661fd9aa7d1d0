"""Which credentials belong to which registry: who is asked, in which order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from yarl import URL

from ...errors import RegistryAuthError
from ...reference import DOCKER_HUB
from ...single_flight import SingleFlight
from ..hosts import HostSettings, name_registry
from .auth_file import HUB_KEY, AccessDeniedError, AuthFile, load_auth_file
from .configured import SourceError, read_configured
from .helper import ask_helper
from .locations import find_locations
from .model import Credentials, Search

HELPER_KEPT = 30.0
"""Seconds for which a credential helper's answer is good: a ``docker login`` is seen after that."""
_LOGGER = logging.getLogger("portus_images.registry")


class CredentialStore:
    """Finds the credentials for a registry, each time anew: a ``docker login`` meanwhile is seen, soon after at most.

    In this order: the configuration's ``registries``; Docker's ``config.json`` (``auths``, ``credHelpers``,
    ``credsStore``); podman's ``auth.json``; none.

    Args:
        settings: The configuration's.
        environ: The environment: it says where the files are, and is that of the helpers.
        flights: Where searches and helpers run; a new one where None.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        settings: HostSettings,
        environ: Mapping[str, str],
        flights: SingleFlight | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._flights = SingleFlight(share_errors=True) if flights is None else flights
        self._clock = clock
        self._answers: dict[tuple[str, str], tuple[float, Credentials | None]] = {}
        """What helpers said, and when."""

    async def find(self, registry: str, repository: str = "") -> Search:
        """Return the credentials for a repository. Who asks meanwhile for the same shares the search.

        A credential helper that fails, or a file of another user's, is no error here, since the registry may let
        everybody in: see `Search.fault`.

        Args:
            registry: The registry's name.
            repository: Podman's file may have credentials for it alone; empty for the registry as a whole.

        Raises:
            RegistryAuthError: There are some, and they can't be read or can't be sent.
        """
        key = self, "search", registry, repository
        return await self._flights.run(key, lambda: self._search(registry, repository))

    async def _search(self, registry: str, repository: str) -> Search:
        try:
            return _check(await self._ask_all(registry, repository))
        except SourceError as error:
            fault, cause = str(error), error.__cause__
        message = f"{registry}, token: {fault}"
        raise RegistryAuthError(message, registry=registry, step="token") from cause

    async def _ask_all(self, registry: str, repository: str) -> Search:
        settings = self._settings.find(registry)
        if found := await asyncio.to_thread(read_configured, settings, registry, self._environ):
            return Search(credentials=found)
        # credentials of a name are not for another host to which the configuration sends us
        owner = URL(settings.url).raw_authority if settings.url else registry
        return await self._search_files(owner, repository)

    async def _search_files(self, registry: str, repository: str) -> Search:
        faults: list[str] = []
        for location in find_locations(self._environ):
            try:
                file = await asyncio.to_thread(load_auth_file, location)
            except AccessDeniedError as error:
                _note(faults, registry, str(error))
                continue
            if file and (found := file.find(registry, repository) or await self._ask_helper(file, registry, faults)):
                return Search(credentials=found)
        return Search(fault="; ".join(faults))

    async def _ask_helper(self, file: AuthFile, registry: str, faults: list[str]) -> Credentials | None:
        """Ask the helper that a file names, if it names one; its failure is noted."""
        name = file.find_helper(registry)
        if name is None:
            return None
        server = HUB_KEY if name_registry(registry) == DOCKER_HUB else registry
        try:
            return await self._kept_answer(name, server)
        except SourceError as error:
            _note(faults, registry, f"{error} (named in {file.path})")
            return None

    async def _kept_answer(self, name: str, server: str) -> Credentials | None:
        """Ask a helper, and not again for a while: who walks a registry asks for each of its repositories."""
        key = name, server
        now = self._clock()
        if key in self._answers and now - self._answers[key][0] < HELPER_KEPT:
            return self._answers[key][1]
        answer = await self._flights.run((self, "helper", *key), lambda: ask_helper(name, server, self._environ))
        self._answers[key] = now, answer
        return answer


def _note(faults: list[str], registry: str, fault: str) -> None:
    """Remember what could not be asked, as Docker does: it matters only where nobody gets in without a log-in."""
    faults.append(fault)
    _LOGGER.warning("%s: %s", registry, fault)


def _check(search: Search) -> Search:
    """Return a search whose credentials can be sent."""
    if search.credentials and (fault := search.credentials.fault):
        raise SourceError(f"the credentials in {search.credentials.origin} {fault}: mend them")
    return search
