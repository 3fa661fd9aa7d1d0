"""Files that are replaced as a whole: who reads one sees the old text or the new one, never a part."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def check_file(path: Path) -> None:
    """Look whether a file can be written; nothing is changed.

    Raises:
        OSError: It can't.
    """
    if path.exists() and not path.is_file() and not path.is_fifo():
        with path.open("ab"):  # a device; a folder raises
            return
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "it is write-protected")
    if path.is_fifo():
        return  # not opened: who reads it would see an end, and without a reader this would wait for one
    _probe(_beside(path))


def check_folder(path: Path) -> None:
    """Look whether files can be written in a folder, or in the nearest one above that exists; nothing is changed.

    Raises:
        OSError: They can't.
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(20, "it is no folder")
    nearest = next(one for one in (path, *path.parents) if one.exists())
    _probe(_beside(nearest / "probe"))


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file from its pieces. When that fails, the old one is unharmed and nothing is left beside it.

    Raises:
        OSError: It can't be written.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            device.writelines(pieces)
        return
    fresh = _beside(path)
    try:
        with os.fdopen(_create(fresh), "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(path, fresh)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _beside(path: Path) -> Path:
    """Return a name in the same folder that nobody else has."""
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.part")


def _probe(path: Path) -> None:
    os.close(_create(path))
    path.unlink()


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # the umask decides, as for any file
