"""The files of a new project, filled in, and written: all of them or none, and never over what is there."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

import portus_scanners

from .names import Kind, PluginNames

_SUFFIX = ".in"
_SERIES = re.compile(r"(\d+)\.(\d+)")


def make_files(names: PluginNames, kind: Kind) -> dict[str, str]:
    """Return the content of every file of a project by its path, with ``/``, relative to the project."""
    values = {
        "name": names.name,
        "upper": names.name.upper(),
        "cls": names.cls,
        "title": names.title,
        "host": names.name.replace("_", "-"),
        "distribution": names.distribution,
        "package": names.package,
        "range": _range(portus_scanners.__version__),
    }
    templates = files(__package__) / "templates"
    return {
        path: text
        for folder in ("shared", kind.value)
        for path, text in _filled(templates / folder, "", values, names.package)
    }


def _filled(folder: Traversable, prefix: str, values: Mapping[str, str], package: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        name = entry.name.replace("PACKAGE", package)
        path = f"{prefix}.{name.removeprefix('dot-')}" if name.startswith("dot-") else f"{prefix}{name}"
        if entry.is_dir():
            yield from _filled(entry, f"{path}/", values, package)
        elif name.endswith(_SUFFIX):
            yield path.removesuffix(_SUFFIX), Template(entry.read_text(encoding="utf-8")).substitute(values)


def _range(core: str) -> str:
    """Return the versions of the core that keep what this one promises: before 1.0 those of one minor release."""
    match = _SERIES.match(core)
    assert match is not None, core  # noqa: S101 (our own version)
    major, minor = match.groups()
    return f"~={major}.{minor}.0" if major == "0" else f"~={major}.{minor}"


def write_project(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder that is new or empty. When that fails, or is interrupted, what was made is removed.

    Args:
        folder: Made where it does not exist, with the folders above it.
        texts: The content of each file by its path, with ``/``, relative to the folder.

    Raises:
        FileExistsError: The folder is not empty, or something else has its name; nothing was changed.
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
