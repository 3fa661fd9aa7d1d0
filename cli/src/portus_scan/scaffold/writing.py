"""Writing a new project: all of it or nothing, and never over what is there."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

__all__ = ["write_project"]


def write_project(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder that is new or empty. When that fails, or is interrupted, what was made is removed.

    Args:
        folder: It is made, with those above it.
        texts: By path, with ``/``, relative to the folder.

    Raises:
        FileExistsError: There is something in the folder, or it is none; nothing was changed.
        OSError: It can't be written; nothing is left.
    """
    if (folder.exists() or folder.is_symlink()) and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(errno.EEXIST, "it is there already, and not an empty folder")
    made: list[Path] = []
    try:
        for name, text in texts.items():
            path = folder / name
            _make_folder(path.parent, made)
            with path.open("x", encoding="utf-8", newline="\n") as file:  # never over a file that came meanwhile
                made.append(path)
                file.write(text)
    except BaseException:
        _remove(made)
        raise


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir()
        made.append(each)


def _remove(made: list[Path]) -> None:
    """Remove files and folders, the last first; a folder in which somebody else has put something stays."""
    for path in reversed(made):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
