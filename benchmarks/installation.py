"""Rows 13: what ``pip install 'portus-scan[clair]'`` puts on a disk: the core, the command and the plugin for Clair.

Nothing is installed for it: the distributions are those of this environment which these need, and their files those
that each one lists. Ours are here as a clone has them, and count as their packages. MB include the bytecode that pip
makes of every module, as it would be in a file.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen
from packaging.requirements import Requirement

from .rows import BenchmarkRow, RunSize

WANTED = "portus-scan[clair]"
_OURS = "portus-"


@frozen
class _Plan:
    distributions: float
    megabytes: float


_PLANS: dict[RunSize, _Plan] = {"small": _Plan(20, 27), "full": _Plan(20, 27)}


def measure(size: RunSize) -> Iterator[BenchmarkRow]:
    """Yield the rows, which are the same in both sizes."""
    plan, names = _PLANS[size], sorted(_needed(WANTED, set()))
    foreign = [name for name in names if not name.startswith(_OURS)]
    limit = plan.distributions
    yield BenchmarkRow(name=f"13 {WANTED}: distributions of others", limit=limit, runs=[len(foreign)])
    sizes = sum(_size_of(path) for name in names for path in _files_of(name))
    yield BenchmarkRow(name=f"13 {WANTED}: MB on the disk", limit=plan.megabytes, runs=[sizes / 1e6])


def _needed(text: str, seen: set[tuple[str, str]]) -> set[str]:
    """Return the names of what a requirement needs, itself included."""
    wanted = Requirement(text)
    for extra in ("", *wanted.extras):
        if (wanted.name.lower(), extra) in seen:
            continue
        seen.add((wanted.name.lower(), extra))
        for line in distribution(wanted.name).requires or ():
            if (marker := Requirement(line).marker) is None or marker.evaluate({"extra": extra}):
                _needed(line, seen)
    return {name for name, _ in seen}


def _files_of(name: str) -> Iterator[Path]:
    """Yield the files that a distribution installs, without bytecode."""
    if name.startswith(_OURS):
        spec = find_spec(name.replace("-", "_"))
        assert spec is not None, name
        roots = map(Path, spec.submodule_search_locations or ())
        yield from (path for root in roots for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
        return
    listed = distribution(name).files or ()
    yield from (Path(str(file.locate())) for file in listed if file.suffix != ".pyc")


def _size_of(path: Path) -> int:
    """Return the bytes of a file, and of the bytecode where it is a module."""
    size = path.stat().st_size
    if path.suffix != ".py":
        return size
    try:
        code = compile(path.read_bytes(), path, "exec", dont_inherit=True)
    except SyntaxError:  # a template of a module
        return size
    return size + len(marshal.dumps(code))
