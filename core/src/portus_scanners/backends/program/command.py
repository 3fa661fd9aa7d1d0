"""What a program is given: its command line, which every user can see, and its environment, which may have secrets."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from portus_images import Secret, one_line

from ...errors import ScannerError, ScannerUnavailableError

_PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_PROXIES = (*_PROXY_NAMES, *(name.lower() for name in _PROXY_NAMES))
"""Their URLs may contain passwords."""
_INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", *_PROXIES)
OWN_FOLDERS = {
    "HOME": "home",
    "TMPDIR": "tmp",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_DATA_HOME": "home/.local/share",
}
"""Variables that name a folder in the workspace."""
_FOR_NOW = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})


def find_program(program: str) -> str:
    """Return the absolute path of a program, looked up now.

    Raises:
        ScannerUnavailableError: There is no such program, or it may not be executed.
    """
    found = shutil.which(program)
    if found is None:
        msg = f"the program {_shown(program)} was not found, or may not be executed: {_advice(program)}"
        raise ScannerUnavailableError(msg, retry=False)
    return str(Path(found).absolute())  # the program runs in another folder


def start_error(program: str, error: OSError) -> ScannerError:
    """Return the scanner error for an operating system error at a program's start."""
    reason = os.strerror(error.errno or 0)
    if error.errno == errno.E2BIG:
        return ScannerError(f"the arguments for {_shown(program)} are too long")
    if error.errno in _FOR_NOW:
        return ScannerUnavailableError(f"the program {_shown(program)} could not be started: {reason}")
    msg = f"the program {_shown(program)} can't be started ({reason}): {_advice(program)}"
    return ScannerUnavailableError(msg, retry=False)


def check_arguments(program: str, arguments: Iterable[object], secrets: Collection[str]) -> list[str]:
    """Return the arguments as strings, none of which contains a secret: every user of the machine sees them.

    Raises:
        TypeError: An argument is a `Secret`, or neither a string nor a path.
        ScannerError: An argument that can't be passed, or that contains a secret; it is not shown.
    """
    return [
        _checked(f"argument {place} for {_shown(program)}", each, secrets) for place, each in enumerate(arguments, 1)
    ]


def _checked(name: str, argument: object, secrets: Collection[str]) -> str:
    if not isinstance(argument, (str, Path)):
        got = type(argument).__name__
        raise TypeError(f"{name} must be a string or a path, got {got}; secrets go into the environment or a file")
    text = str(argument)
    if "\0" in text:
        raise ScannerError(f"{name} contains a NUL character")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise ScannerError(f"{name} contains a character that can't be passed to a program") from error
    if any(secret in text for secret in secrets):
        msg = f"{name} contains a secret, and every user can see arguments: give it in the environment or a file"
        raise ScannerError(msg)
    return text


def _shown(program: str) -> str:
    return one_line(program) or "''"


def _advice(program: str) -> str:
    return f"install {_shown(Path(program).name)}, or say where it is with program: in the configuration"


def shared_folders() -> tuple[Path, ...]:
    """Return where this user's processes meet, for lock files: the runtime folder, if any, and the cache folder.

    Raises:
        RuntimeError: The user has no home folder.
    """
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (runtime, cache) if runtime.is_absolute() and runtime.is_dir() else (cache,)


def inherited() -> dict[str, str]:
    """Return the variables of our own environment that a process is given."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def make_environment(folder: Path, given: Mapping[str, str | Secret]) -> dict[str, str]:
    """Return the whole environment of a program: what it inherits, its own folders, and what is given, which overrides.

    Raises:
        ScannerError: An environment can't have such a name or value; the value is not shown.
    """
    environment = inherited() | {name: str(folder / place) for name, place in OWN_FOLDERS.items()}
    for name, value in given.items():
        environment[name] = _value(name, value)
    return environment


def proxy_passwords() -> Iterator[str]:
    """Yield the passwords in the URLs of proxies, both percent-encoded as they are there and decoded."""
    for name in _PROXIES:
        try:
            password = urlsplit(os.environ.get(name, "")).password
        except ValueError:  # not a URL
            continue
        if password:
            yield password
            yield unquote(password)


def _value(name: str, value: str | Secret) -> str:
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        raise TypeError(f"the environment variable {name} must be a string or a Secret, got {type(text).__name__}")
    if not name or "=" in name or not _can_be_passed(name):
        raise ScannerError(f"{name!r} can't be the name of an environment variable")
    if not _can_be_passed(text):
        raise ScannerError(f"the value of the environment variable {name} contains a NUL or a lone surrogate")
    return text


def _can_be_passed(text: str) -> bool:
    """Return whether the operating system can pass this string to a program."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
