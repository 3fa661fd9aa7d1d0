"""Docker's ``config.json`` and podman's ``auth.json``: the same form, but podman's keys may name a repository.

Sources: ``docker/cli``, ``cli/config/configfile/file.go``; ``containers/image``, ``pkg/docker/config/config.go``.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from ...blobs import BlobAccess
from ...manifests import JsonObject, TwiceError, read_members
from ...reference import DOCKER_HUB
from ...settings import Secret
from ..hosts import name_registry
from .model import Credentials, SourceError

HUB_KEY = "https://index.docker.io/v1/"
"""Docker Hub's key in these files and for credential helpers, for all time."""
_LARGEST_FILE = 1024 * 1024
_ENTRY = ("username", "password", "auth", "identitytoken", "registrytoken")
_KEY = r"(?:https?://)?([^/]+)(?:/|/v[12]/?)?"


@frozen
class AuthFile:
    """One file, parsed."""

    path: Path
    by_path: bool
    auths: Mapping[str, Any] = field(repr=False)
    helpers: Mapping[str, Any] = field(repr=False)
    """``credHelpers``: the names of programs by host."""
    helper: str
    """``credsStore``: the program for all other hosts; empty for none."""

    def find(self, registry: str, repository: str) -> Credentials | None:
        """Return the credentials that the file itself has, the most specific key's.

        Raises:
            SourceError: An entry can't be read.
        """
        for key in self._keys_of(self.auths, registry, repository):
            if credentials := _read_entry(self.auths[key], f"{self.path}, entry {key!r}"):
                return credentials
        return None

    def parts_of(self, registry: str, repository: str) -> list[str]:
        """Return the keys of what is below this in the registry, five at most."""
        above = f"{registry}/{repository}/" if repository else f"{registry}/"
        keys = (key for key in self.auths if key.startswith(above) and not re.fullmatch(_KEY, key))
        return sorted(keys)[:5] if self.by_path else []

    def find_helper(self, registry: str) -> str | None:
        """Return the name of the program that keeps a registry's credentials, if there is one."""
        named = (self.helpers[key] for key in self._keys_of(self.helpers, registry, ""))
        return next((name for name in named if isinstance(name, str) and name), self.helper or None)

    def _keys_of(self, entries: Mapping[str, Any], registry: str, repository: str) -> Iterator[str]:
        """Yield the keys that mean a repository: its own, those of its parents, its registry's, the exact one first."""
        if self.by_path:
            parts = repository.split("/") if repository else []
            paths = ("/".join([registry, *parts[:count]]) for count in range(len(parts), 0, -1))
            yield from (path for path in paths if path in entries)
        name = name_registry(registry)
        exact = [HUB_KEY, registry] if name == DOCKER_HUB else [registry]
        yield from (key for key in exact if key in entries)
        for key in entries:
            match = re.fullmatch(_KEY, key)
            if key not in exact and match and name_registry(match[1]) == name:
                yield key


class AccessDeniedError(SourceError):
    """A file that this user may not read: in another user's home, for instance."""


def load_auth_file(location: Location) -> AuthFile | None:
    """Return a file, parsed; None where there is none. Blocks.

    Raises:
        AccessDeniedError: This user may not read it.
        SourceError: It can't be read, is longer than 1 MiB, or does not have the form; the message names the file.
    """
    document = _load(location.path)
    if document is None:
        return None
    written = _read_members(document, ("auths", "credHelpers", "credsStore"), str(location.path))
    members = {name: written.get(name) or {} for name in ("auths", "credHelpers")}
    helper = written.get("credsStore") or ""
    if not all(isinstance(value, dict) for value in members.values()) or not isinstance(helper, str):
        raise SourceError(f"{location.path} can't be read: it has another form than Docker's: fix it, or log in again")
    return AuthFile(location.path, location.by_path, members["auths"], members["credHelpers"], helper)


def _load(path: Path) -> dict[str, Any] | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except PermissionError as error:
        raise AccessDeniedError(f"{path} can't be read: {error.strerror}") from error
    except OSError as error:
        raise SourceError(f"{path} can't be read: {error.strerror}") from error
    if len(content) > _LARGEST_FILE:
        raise SourceError(f"{path} can't be read: it is longer than {_LARGEST_FILE} bytes")
    document = _parse(content)
    if document is None:
        raise SourceError(f"{path} can't be read: it is not a JSON object: fix it, or log in again")
    return document


def _parse(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object, or None where it is not one: the error itself would hold the file's content."""
    try:
        document = json.loads(content, object_pairs_hook=JsonObject)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _read_entry(entry: object, origin: str) -> Credentials | None:
    """Return the credentials of one entry; None for an empty one, whose secret lies in a credential helper."""
    if not isinstance(entry, dict):
        return None
    entry = _read_members(entry, _ENTRY, origin)
    username, password = _string_of(entry, "username"), _string_of(entry, "password")
    if auth := entry.get("auth"):
        username, password = _decode_auth(auth, origin)
    for name, kind in (("registrytoken", "registry_token"), ("identitytoken", "identity_token")):
        if token := _string_of(entry, name):
            return Credentials(username=username, origin=origin, **{kind: Secret(token)})
    if not username or not (password or auth or "password" in entry):
        return None
    return Credentials(username=username, password=Secret(password), origin=origin)


def _read_members(value: dict[str, Any], names: tuple[str, ...], origin: str) -> dict[str, Any]:
    """Return the members that have one of these names to Docker, which matches them without regard to case.

    Raises:
        SourceError: One is there twice.
    """
    try:
        return read_members(value, names)
    except TwiceError as error:
        raise SourceError(f"{origin}: {error}") from error


def _string_of(entry: Mapping[Any, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _decode_auth(auth: object, origin: str) -> tuple[str, str]:
    username, colon, password = _decode_base64(auth).partition(":")
    if not colon:
        raise SourceError(f"auth in {origin} is not the Base64 of NAME:PASSWORD: log in again")
    return username, password.rstrip("\0")


def _decode_base64(text: object) -> str:
    """Return the decoded string, or an empty one: the error itself would hold a part of the password.

    Line ends are passed over as in Go: some programs wrap what they encode.
    """
    try:
        return b64decode(str(text).replace("\r", "").replace("\n", ""), validate=True).decode()
    except ValueError:
        return ""


@frozen
class Location:
    """A file that may be there."""

    path: Path
    by_path: bool
    """Its keys may name a repository, or the beginning of one: ``registry.example/team``."""


def find_locations(environ: Mapping[str, str]) -> list[Location]:
    """Return the files that may hold credentials, in the order in which they count: Docker's, then podman's."""
    home = environ.get("HOME")
    found = []
    if folder := environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else ""):
        found.append(Location(Path(folder, "config.json"), by_path=False))
    if named := environ.get("REGISTRY_AUTH_FILE"):
        return [*found, Location(Path(named), by_path=True)]
    configuration = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    folders = filter(None, (environ.get("XDG_RUNTIME_DIR"), configuration))
    return found + [Location(Path(folder, "containers", "auth.json"), by_path=True) for folder in folders]


def docker_config(registry: str, access: BlobAccess) -> tuple[Secret, tuple[Secret, ...]]:
    """Return a ``config.json`` of Docker's for one registry alone, and the secrets in it, which must not be shown.

    A token stands there as ``registrytoken``, which docker, and programs built on go-containerregistry, send as it is.
    """
    header = next((value for name, value in access.headers.items() if name.casefold() == "authorization"), "")
    kind, _, value = header.partition(" ")
    key = {"basic": "auth", "bearer": "registrytoken"}.get(kind.casefold())
    try:
        password = b64decode(value, validate=True).decode().partition(":")[2]
    except ValueError:  # a token
        password = ""
    auths = {HUB_KEY if registry == DOCKER_HUB else registry: {key: value}} if key else {}
    return Secret(json.dumps({"auths": auths})), tuple(Secret(one) for one in (value, password) if one)
