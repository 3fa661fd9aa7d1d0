"""Credentials from the configuration: given there, in a file that it names, or in an environment variable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...secret import Secret
from ...settings import RegistrySettings
from .model import Credentials

_LARGEST_SECRET = 64 * 1024


class SourceError(Exception):
    """A source of credentials that can't be read; the message has no content of it."""


def read_configured(settings: RegistrySettings, registry: str, environ: Mapping[str, str]) -> Credentials | None:
    """Return the credentials that the configuration has for a registry, or None. Blocking where they are in a file.

    Args:
        settings: The registry's section.
        registry: Its name, for messages.
        environ: Where ``password_env`` and the like are looked up.

    Raises:
        SourceError: A file can't be read, or a variable is not set.
    """
    origin = f"registries: {registry}: of the configuration"
    secrets = {
        name: _read(settings, name, environ, origin) for name in ("password", "identity_token", "registry_token")
    }
    if not any(secrets.values()):
        return None
    return Credentials(username=settings.username, origin=origin, **secrets)


def _read(settings: RegistrySettings, name: str, environ: Mapping[str, str], origin: str) -> Secret:
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
        reason = getattr(error, "strerror", None) or "this is no path"
        raise SourceError(f"{path} can't be read ({place}): {reason}") from error


def _decode(content: bytes) -> str:
    """Return the text without the line end that editors add; empty for what is none: the error would hold a part."""
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        return ""
