"""Rows 6: what the command takes to start, against Python importing click or aiohttp alone.

CPU time of whole processes, as a shell starts them.
"""

from __future__ import annotations

import asyncio
import os
import pty
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen
from importlib_metadata import distributions

from .house import open_servers
from .rows import BenchmarkRow, RunSize, repeat

INSTALLED = 300
"""Distributions that the command looks through: those of .venv, and as many as that takes of made-up ones."""
PLUGINS = 12
"""Made-up distributions that bring a scanner."""
_REQUIREMENTS = 12
_DESCRIPTION = "This distribution was made up for a benchmark; its description is as long as those of real ones. " * 80
_IMPORT_CLICK = "import click"
_FIND_POINTS = (
    "import attrs, click; from importlib_metadata import distributions\n"
    "for one in distributions(): one.read_text('METADATA'), one.read_text('entry_points.txt')"
)
"""The least that ``scanners`` has to do."""
_IMPORT_AIOHTTP = "import aiohttp"
_IMPORT_LIBRARIES = "import aiohttp, attrs, cattrs, click"
"""The least that a scan has to do."""
Timer = Callable[[], float]


@frozen
class _Plan:
    runs: int
    version: float
    scanners: float
    image: float


_PLANS: dict[RunSize, _Plan] = {"small": _Plan(1, 4, 8, 4), "full": _Plan(31, 1.3, 5, 1.6)}


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the rows; the small size differs in the number of runs, and in wider limits."""
    return asyncio.run(_measure(_PLANS[size]))


async def _measure(plan: _Plan) -> list[BenchmarkRow]:
    async with open_servers(1, 2, 1) as (_, ready):
        with TemporaryDirectory(prefix="portus-scanners-bench-") as folder:
            write_distributions(Path(folder), max(INSTALLED - _count_installed(), PLUGINS))
            environ = plain_environ() | {"PYTHONPATH": folder, "TERM": "xterm-256color"}
            _check(environ)
            timers = _timers(environ, ready["references"][0])
            for timer in timers.values():
                timer()  # everything is compiled
            seconds = [{name: timer() for name, timer in timers.items()} for _ in repeat("6", plan.runs)]

    def ratios(name: str, of: str = "click") -> list[float]:
        return [one[name] / one[of] for one in seconds]

    points, libraries = ratios("points"), ratios("libraries", "aiohttp")
    listing, image = f"6 scanners, {INSTALLED} distributions", "6 image by the dummy, of importing aiohttp"
    return [
        BenchmarkRow(name="6 --version, of importing click", limit=plan.version, runs=ratios("version")),
        BenchmarkRow(name=f"{listing}, of importing click", limit=plan.scanners, runs=ratios("pipe"), floor=points),
        BenchmarkRow(name=f"{listing}, on a terminal", limit=plan.scanners, runs=ratios("terminal"), floor=points),
        BenchmarkRow(name=image, limit=plan.image, runs=ratios("image", "aiohttp"), floor=libraries),
    ]


def _timers(environ: Mapping[str, str], reference: str) -> dict[str, Timer]:
    """Return what is measured, one after the other in each run."""
    python, portus_scan, plain = [sys.executable, "-c"], [command()], plain_environ()
    dummy = plain | {"PORTUS_SECURITY_DUMMY_SERVER": "on"}
    return {
        "click": partial(cpu_seconds, [*python, _IMPORT_CLICK], environ),
        "version": partial(cpu_seconds, [*portus_scan, "--version"], environ),
        "pipe": partial(cpu_seconds, [*portus_scan, "scanners"], environ),
        "terminal": partial(_cpu_on_terminal, [*portus_scan, "scanners"], environ),
        "points": partial(cpu_seconds, [*python, _FIND_POINTS], environ),
        "aiohttp": partial(cpu_seconds, [*python, _IMPORT_AIOHTTP], plain),
        "image": partial(cpu_seconds, [*portus_scan, "image", reference], dummy),
        "libraries": partial(cpu_seconds, [*python, _IMPORT_LIBRARIES], plain),
    }


def command() -> str:
    """Return the console script, which users start, beside our Python."""
    return str(Path(sys.executable).with_name("portus-scan"))


def _count_installed() -> int:
    return len({one.metadata["Name"] for one in distributions(path=[p for p in sys.path if "site-packages" in p])})


def plain_environ() -> dict[str, str]:
    """Return the environment of all processes: nothing that configures us or Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PORTUS_", "PYTHON", "COLUMNS"))}


def _check(environ: Mapping[str, str]) -> None:
    """Check that the made-up scanners are found.

    Raises:
        RuntimeError: They are not found.
    """
    listed = subprocess.run([command(), "scanners"], env=environ, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    if listed.stdout.count("made-up-") != PLUGINS:
        raise RuntimeError(f"expected {PLUGINS} made-up scanners in:\n{listed.stdout}")


def cpu_seconds(words: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return the CPU time of a process and its children, its output in a pipe."""
    begin = _cpu_of_children()
    subprocess.run(words, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=True)  # noqa: S603
    return _cpu_of_children() - begin


def _cpu_on_terminal(words: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return the CPU time of a process, its output on a terminal."""
    ours, theirs = pty.openpty()
    begin = _cpu_of_children()
    try:
        with subprocess.Popen(words, env=environ, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:  # noqa: S603
            os.close(theirs)
            with suppress(OSError):  # EIO: the other end is no longer open
                while os.read(ours, 65536):
                    pass
    finally:
        os.close(ours)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return _cpu_of_children() - begin


def _cpu_of_children() -> float:
    """Return the CPU time of the children that have ended: not of the servers, which go on."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_distributions(folder: Path, count: int) -> None:
    """Write the metadata of made-up distributions, 8 KB each: every third has commands, 12 a scanner, most neither.

    Args:
        folder: The folder that is put on the path of the measured processes.
        count: The number of distributions, 12 at least.
    """
    for number in range(count):
        info = folder / f"made_up_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(_metadata(number))
        if points := _entry_points(number):
            (info / "entry_points.txt").write_text(points)


def _metadata(number: int) -> str:
    requirements = "".join(f"Requires-Dist: made-up-{number + other}>=1\n" for other in range(_REQUIREMENTS))
    return f"Metadata-Version: 2.1\nName: made-up-{number}\nVersion: 1.0\n{requirements}\n{_DESCRIPTION}\n"


def _entry_points(number: int) -> str:
    commands = f"[console_scripts]\nmade-up-{number} = made_up_{number}:main\n" if number % 3 == 0 else ""
    scanner = f"[portus.scanners]\nmade_up_{number} = made_up_{number}:Scanner\n" if number < PLUGINS else ""
    return commands + scanner
