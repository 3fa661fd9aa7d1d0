"""Which credentials belong to which registry.

In this order: the configuration's ``registries``; ``auths`` in the ``config.json`` of Docker, in ``$DOCKER_CONFIG`` or
``~/.docker``; none. Source of the latter: ``docker/cli``, ``cli/config/configfile/file.go``.
"""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from ..errors import RegistryAuthError
from ..secret import Secret
from .answers import Grant
from .hosts import HostSettings, name_registry
from .reference import DOCKER_HUB

HUB_KEY = "https://index.docker.io/v1/"
"""Docker Hub's key in ``config.json``, for ever."""
_LARGEST_FILE = 1024 * 1024
_UNSENDABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_KEY = re.compile(r"(?:https?://)?([^/]+)(?:/|/v[12]/?)?")


@frozen(kw_only=True)
class Credentials:
    """A name and a password."""

    username: str
    password: Secret
    origin: str
    """Where they come from, for messages."""

    def make_grant(self) -> Grant:
        """Return the header of Basic authentication (RFC 7617)."""
        pair = f"{self.username}:{self.password.reveal()}".encode()
        encoded = b64encode(pair).decode()
        hidden = (Secret(encoded), self.password)
        return Grant(header=Secret(f"Basic {encoded}"), hidden=hidden, username=self.username)


class CredentialStore:
    """Finds the credentials for a registry, each time anew: a ``docker login`` meanwhile is seen.

    Args:
        settings: The configuration's.
        environ: The environment: ``DOCKER_CONFIG`` and ``HOME``.
    """

    def __init__(self, settings: HostSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ

    async def find(self, registry: str) -> Credentials | None:
        """Return the credentials for a registry, or None where nobody has any.

        Raises:
            RegistryAuthError: There are some, and they can't be read or can't be sent.
        """
        settings = self._settings.find(registry)
        if settings.username:
            origin = f"registries: {registry}: of the configuration"
            found: Credentials | None = Credentials(
                username=settings.username, password=settings.password, origin=origin
            )
        else:
            found = await self._ask_docker(registry)
        if found:
            _check_sendable(found, registry)
        return found

    async def _ask_docker(self, registry: str) -> Credentials | None:
        path = docker_file(self._environ)
        return None if path is None else await asyncio.to_thread(_find_in_docker, path, registry)


def docker_file(environ: Mapping[str, str]) -> Path | None:
    """Return Docker's file of credentials, whether it exists or not; None for whoever has no home."""
    folder, home = environ.get("DOCKER_CONFIG"), environ.get("HOME")
    return Path(folder or f"{home}/.docker", "config.json") if folder or home else None


def _check_sendable(credentials: Credentials, registry: str) -> None:
    """Refuse what would break out of the header, or mean something else in it."""
    fault = ""
    if _UNSENDABLE.search(credentials.username + credentials.password.reveal()):
        fault = "hold a control character or a line break"
    elif ":" in credentials.username:
        fault = "have a colon in the username"
    if fault:
        raise _make_error(registry, f"the credentials in {credentials.origin} {fault}: mend them")


def _find_in_docker(path: Path, registry: str) -> Credentials | None:
    """Look a registry up in Docker's file. Blocking."""
    auths = _load_auths(path)
    if auths is None:
        raise _make_error(registry, f"{path} can't be read, or is not Docker's JSON: mend it, or log in again")
    for key in _keys_of(auths, registry):
        if credentials := _read_entry(auths[key], f"{path}, entry {key!r}", registry):
            return credentials
    return None


def _load_auths(path: Path) -> dict[str, Any] | None:
    """Return ``auths`` of Docker's file, empty when there is no file; None when it can't be read."""
    try:
        if not path.is_file():
            return {}
        with path.open("rb") as file:
            document = json.loads(file.read(_LARGEST_FILE))
    except (OSError, ValueError, RecursionError):
        return None
    auths = (document.get("auths") or {}) if isinstance(document, dict) else None
    return auths if isinstance(auths, dict) else None


def _keys_of(auths: Mapping[str, Any], registry: str) -> Iterator[str]:
    """Yield the keys that mean a registry, the exact ones first."""
    name = name_registry(registry)
    exact = [HUB_KEY] if name == DOCKER_HUB else []
    exact += [registry]
    yield from (key for key in exact if key in auths)
    for key in auths:
        match = _KEY.fullmatch(key)
        if key not in exact and match and name_registry(match[1]) == name:
            yield key


def _read_entry(entry: object, origin: str, registry: str) -> Credentials | None:
    """Return the credentials of one entry; an empty one (its secret lies in a credential helper) has none."""
    if not isinstance(entry, Mapping):
        return None
    username, password = entry.get("username"), entry.get("password")
    if auth := entry.get("auth"):
        username, password = _decode_auth(auth, origin, registry)
    if not isinstance(username, str) or not isinstance(password, str) or not username:
        return None
    return Credentials(username=username, password=Secret(password), origin=origin)


def _decode_auth(auth: object, origin: str, registry: str) -> tuple[str, str]:
    username, colon, password = _decode_base64(auth).partition(":")
    if not colon:
        raise _make_error(registry, f"auth in {origin} is no Base64 of NAME:PASSWORD: log in again")
    return username, password.rstrip("\0")


def _decode_base64(text: object) -> str:
    """Return the text, or an empty one: the error itself would hold a part of the password."""
    try:
        return b64decode(str(text), validate=True).decode()
    except ValueError:
        return ""


def _make_error(registry: str, message: str) -> RegistryAuthError:
    return RegistryAuthError(f"{registry}: {message}", registry=registry, step="token")
