"""Which credentials belong to which registry: the configuration's, those of files, those that helpers keep."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, field
from yarl import URL

from ...errors import RegistryAuthError
from ...reference import DOCKER_HUB
from ...settings import RegistrySettings, Secret
from ...single_flight import SingleFlight
from ..hosts import HostSettings, name_registry
from .auth_file import HUB_KEY, AccessDeniedError, AuthFile, find_locations, load_auth_file
from .helper import ask_helper
from .model import Credentials, CredentialSearch, SourceError

HELPER_KEPT = 30.0
"""Seconds for which a credential helper's answer is good: a ``docker login`` is seen after that."""
_LARGEST_SECRET = 64 * 1024
_LOGGER = logging.getLogger("portus_images.registry")


@define(eq=False, repr=False)
class CredentialStore:
    """Finds the credentials for a registry, each time anew, so that a ``docker login`` is seen at once or soon after.

    In this order: the configuration's ``registries``; Docker's ``config.json`` (``auths``, ``credHelpers``,
    ``credsStore``); podman's ``auth.json``; none.

    Args:
        settings: The configuration's, by host.
        environ: The environment, which says where the files are; helpers get it as theirs.
        flights: Where searches and helpers run.
        clock: Monotonic seconds.
    """

    _settings: HostSettings
    _environ: Mapping[str, str]
    _flights: SingleFlight = field(factory=partial(SingleFlight, share_errors=True))
    _clock: Callable[[], float] = time.monotonic
    _answers: dict[tuple[str, str], tuple[float, Credentials | None]] = field(factory=dict, init=False)
    """What helpers said, and when."""

    async def find(self, registry: str, repository: str = "") -> CredentialSearch:
        """Return the credentials for a repository. Callers that ask for the same at one time share the search.

        A credential helper that fails, or a file of another user, is not an error here, since the registry may let
        everybody in: see `CredentialSearch.fault`.

        Args:
            registry: The registry's name.
            repository: The repository: podman's file may have credentials for it alone; empty for the whole registry.

        Raises:
            RegistryAuthError: There are credentials that can't be read, or can't be sent.
        """
        key = self, "search", registry, repository
        return await self._flights.run(key, lambda: self._search(registry, repository))

    async def _search(self, registry: str, repository: str) -> CredentialSearch:
        try:
            return _check(await self._ask_all(registry, repository))
        except SourceError as error:
            fault, cause = str(error), error.__cause__
        message = f"{registry}, token: {fault}"
        raise RegistryAuthError(message, registry=registry, step="token") from cause

    async def _ask_all(self, registry: str, repository: str) -> CredentialSearch:
        settings = self._settings.find(registry)
        if found := await asyncio.to_thread(read_configured, settings, registry, self._environ):
            return CredentialSearch(credentials=found)
        # credentials of a name are not for another host to which the configuration sends us
        owner = URL(settings.url).raw_authority if settings.url else registry
        return await self._search_files(owner, repository)

    async def _search_files(self, registry: str, repository: str) -> CredentialSearch:
        faults: list[str] = []
        of_parts = ""
        for location in find_locations(self._environ):
            try:
                file = await asyncio.to_thread(load_auth_file, location)
            except AccessDeniedError as error:
                _note(faults, registry, str(error))
                continue
            if file and (found := file.find(registry, repository) or await self._ask_helper(file, registry, faults)):
                return CredentialSearch(credentials=found)
            if file and (parts := file.parts_of(registry, repository)):
                of_parts = f"{file.path} has some for parts of it: {', '.join(parts)}"
        return CredentialSearch(fault="; ".join(faults), of_parts=of_parts)

    async def _ask_helper(self, file: AuthFile, registry: str, faults: list[str]) -> Credentials | None:
        """Return the answer of the helper that a file names, if it names one; a failure is noted."""
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
        """Return a helper's answer, kept for a while: a walk through a registry asks for each of its repositories."""
        key = name, server
        now = self._clock()
        if key in self._answers and now - self._answers[key][0] < HELPER_KEPT:
            return self._answers[key][1]
        answer = await self._flights.run((self, "helper", *key), lambda: ask_helper(name, server, self._environ))
        self._answers[key] = now, answer
        return answer


async def credentials_origin(
    registry: str, registries: Mapping[str, RegistrySettings], *, environ: Mapping[str, str] | None = None
) -> str | None:
    """Return where the credentials for a registry come from, as a user would name it; None where there are none.

    Args:
        registry: Its host, with its port where it has one.
        registries: What the configuration says of registries, by host.
        environ: The environment; that of the process where None.

    Raises:
        RegistryAuthError: There are credentials that can't be read, or can't be sent; or none were found, and a helper
            or a file that may have some can't be asked.
    """
    store = CredentialStore(HostSettings(registries), os.environ if environ is None else environ)
    found = await store.find(registry)
    if found.credentials is None and found.fault:
        raise RegistryAuthError(f"{registry}, token: {found.fault}", registry=registry, step="token")
    return found.credentials.origin if found.credentials else None


def credentials_files(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Return the files in which credentials are looked up, in this order; they need not exist.

    Args:
        environ: The environment; that of the process where None.
    """
    return tuple(one.path for one in find_locations(os.environ if environ is None else environ))


def _note(faults: list[str], registry: str, fault: str) -> None:
    """Note a source that could not be asked, as Docker does: it matters only where the registry wants a log-in."""
    faults.append(fault)
    _LOGGER.warning("%s: %s", registry, fault)


def _check(search: CredentialSearch) -> CredentialSearch:
    """Return a search, if its credentials can be sent."""
    if search.credentials and (fault := search.credentials.fault):
        raise SourceError(f"the credentials in {search.credentials.origin} {fault}: fix them")
    return search


def read_configured(settings: RegistrySettings, registry: str, environ: Mapping[str, str]) -> Credentials | None:
    """Return the credentials that the configuration has for a registry; None where it has none. Reading files blocks.

    Raises:
        SourceError: A file can't be read, or a variable is not set.
    """
    origin = f"registries: {registry}: of the configuration"
    names = ("password", "identity_token", "registry_token")
    secrets = {name: read_secret(settings, name, environ, origin) for name in names}
    if not any(secrets.values()):
        return None
    return Credentials(username=settings.username, origin=origin, **secrets)


def read_secret(settings: Any, name: str, environ: Mapping[str, str], origin: str) -> Secret:
    """Return a secret of a server's settings, which may be in a file or a variable; an empty one if none is given.

    Args:
        settings: Has the settings ``NAME``, ``NAME_file``, ``NAME_env``.
        name: The secret's name.
        environ: The environment.
        origin: Where the settings are, for messages.

    Raises:
        SourceError: The file can't be read, or the variable is not set.
    """
    if path := getattr(settings, f"{name}_file"):
        return Secret(_read_file(path, f"{name}_file of {origin}"))
    if variable := getattr(settings, f"{name}_env"):
        return Secret(_read_variable(variable, environ, f"{name}_env of {origin}"))
    given: Secret = getattr(settings, name)
    return given


def _read_variable(variable: str, environ: Mapping[str, str], place: str) -> str:
    if not environ.get(variable):
        raise SourceError(f"the environment variable {variable} is not set, or empty ({place}): set it")
    return environ[variable]


def _read_file(path: str, place: str) -> str:
    content = _load(path, place)
    if len(content) > _LARGEST_SECRET:
        raise SourceError(f"{path} is longer than {_LARGEST_SECRET} bytes ({place})")
    text = _decode(content)
    if not text:
        raise SourceError(f"{path} is empty, or not UTF-8 ({place})")
    return text


def _load(path: str, place: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_LARGEST_SECRET + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is not a valid path"
        raise SourceError(f"{path} can't be read ({place}): {reason}") from error


def _decode(content: bytes) -> str:
    """Return a secret without the line end that editors add; empty if it is not UTF-8: the error would hold a part."""
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        return ""
