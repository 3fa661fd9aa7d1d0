"""The files of a new project, filled in. Reads the templates; writes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template

from importlib_metadata import version

from .kinds import Kind
from .names import PluginNames

__all__ = ["make_files"]

_SUFFIX = ".in"
_SERIES = re.compile(r"(\d+)\.(\d+)")


def make_files(names: PluginNames, kind: Kind) -> dict[str, str]:
    """Return the text of every file of a project by its path, with ``/``, relative to the project."""
    values = {
        "name": names.name,
        "upper": names.name.upper(),
        "cls": names.cls,
        "title": names.title,
        "host": names.name.replace("_", "-"),
        "distribution": names.distribution,
        "package": names.package,
        "range": _range(version("portus-scanners")),
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
