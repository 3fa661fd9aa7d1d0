"""The environment of a program: a few variables of ours, folders of its own, and what the plugin gives."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from portus_images import Secret

from ...errors import ScannerError

__all__ = ["make_environment", "proxy_passwords"]

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_PROXY_NAMES = (*_PROXIES, *(name.lower() for name in _PROXIES))
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", *_PROXY_NAMES)
"""All that a program sees of our own environment."""
OWN_FOLDERS = {
    "HOME": "home",
    "TMPDIR": "tmp",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_DATA_HOME": "home/.local/share",
}
"""Variables that name a folder in the workspace."""


def make_environment(folder: Path, given: Mapping[str, str | Secret]) -> dict[str, str]:
    """Return the whole environment of a program.

    Args:
        folder: The workspace's.
        given: What the plugin gives; it goes before everything else.

    Raises:
        ScannerError: A name or value that no environment can hold; a value is not shown.
    """
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment |= {name: str(folder / place) for name, place in OWN_FOLDERS.items()}
    for name, value in given.items():
        environment[name] = _value(name, value)
    return environment


def proxy_passwords() -> Iterator[str]:
    """Yield the passwords in the proxies' URLs, as they stand there and decoded."""
    for name in _PROXY_NAMES:
        try:
            password = urlsplit(os.environ.get(name, "")).password
        except ValueError:  # no URL
            continue
        if password:
            yield password
            yield unquote(password)


def _value(name: str, value: str | Secret) -> str:
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        msg = f"the environment variable {name} must be a text or a Secret, got {type(text).__name__}"
        raise TypeError(msg)
    if not name or "=" in name or not _can_be_passed(name):
        msg = f"{name!r} can't be the name of an environment variable"
        raise ScannerError(msg)
    if not _can_be_passed(text):
        msg = f"the value of the environment variable {name} holds a NUL or a lone surrogate"
        raise ScannerError(msg)
    return text


def _can_be_passed(text: str) -> bool:
    """Whether the system can give this text to a program."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
