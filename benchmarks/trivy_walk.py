"""Row 12: a walk of a registry with Trivy, against ``xargs -P2 trivy image`` on the same images.

CPU time of whole processes, our own start included. The images share a Debian of 400 packages, of which 121 are
vulnerable, and 2,000 files; each has a layer of 200 files of its own. Both begin with a cache that has the database and
no layer. The real Trivy comes with the tests' wheel; where there is none for this machine, there is no row.

The floor is the least that a program of Python's can do: a loop of asyncio that asks the registry for each manifest and
configuration, starts the same Trivy processes, two at once, and takes their JSON apart.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import LayerBlob, debian_layer, layer, make_image
from standins.trivy import Advisory, find_trivy, write_database

from .merging import FINDINGS
from .rows import BenchmarkRow, RunSize, repeat
from .start import command, cpu_seconds, plain_environ

_PACKAGES: dict[str | tuple[str, str], str] = {f"package{number}": "1.0-1" for number in range(400)}
_FILE = bytes(range(256)) * 16
_TRIVY = ("--skip-db-update", "--offline-scan", "--scanners", "vuln", "--format", "json", "--quiet")
_LOOP = """
import asyncio, json, sys
import aiohttp

program, cache, listed, *options = sys.argv[1:]
accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"

async def main():
    slots = asyncio.Semaphore(2)
    async with aiohttp.ClientSession(headers={"Accept": accept}) as session:
        async def ask(address):
            async with session.get(address) as answer:
                return json.loads(await answer.read())
        async def scan(reference):
            host, _, rest = reference.partition("/")
            name, _, tag = rest.rpartition(":")
            base = f"http://{host}/v2/{name}"
            async with slots:
                manifest = await ask(f"{base}/manifests/{tag}")
                await ask(f"{base}/blobs/{manifest['config']['digest']}")
                words = [program, "image", "--cache-dir", cache, *options, reference]
                process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
                output, _ = await process.communicate()
            assert json.loads(output)["Results"], reference
        await asyncio.gather(*map(scan, open(listed).read().split()))

asyncio.run(main())
"""


@frozen
class _Plan:
    images: int
    runs: int
    limit: float


_PLANS: dict[RunSize, _Plan] = {"small": _Plan(2, 1, 20.0), "full": _Plan(100, 3, 1.1)}


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the row, if there is a Trivy for this machine."""
    program = find_trivy()
    return [] if program is None else [asyncio.run(_measure(program, _PLANS[size]))]


async def _measure(program: Path, plan: _Plan) -> BenchmarkRow:
    ratios, floor = [], []
    async with StandInRegistry() as registry:
        debian = debian_layer(_PACKAGES)
        base = _files("usr/lib", 2000)
        for number in range(plan.images):
            registry.push("team/app", f"v{number}", make_image(debian, base, _files(f"srv/{number}", 200)))
        references = [registry.reference("team/app", f"v{number}") for number in range(plan.images)]
        for _ in repeat("12", plan.runs):
            with TemporaryDirectory(prefix="portus-scanners-bench-") as folder:
                theirs = await asyncio.to_thread(_by_xargs, Path(folder), program, references)
                least = await asyncio.to_thread(_by_loop, Path(folder), program)
                ours = await asyncio.to_thread(_by_walk, Path(folder), program, registry.host, plan.images)
            ratios.append(ours / theirs)
            floor.append(least / theirs)
    name = f"12 registry of {plan.images} images with Trivy, of xargs -P2 trivy"
    return BenchmarkRow(name=name, limit=plan.limit, runs=ratios, floor=floor)


def _files(folder: str, count: int) -> LayerBlob:
    return layer({f"{folder}/{number}": f"{folder} {number}".encode() + _FILE for number in range(count)})


def _cache(folder: Path, name: str) -> Path:
    """Return a new cache that has the database alone."""
    write_database(
        folder / name,
        (Advisory(id=f"CVE-2099-{one:04}", package=f"package{one}", fixed="1.0-2") for one in range(FINDINGS)),
    )
    return folder / name


def _by_xargs(folder: Path, program: Path, references: list[str]) -> float:
    """Return the seconds of CPU that the programs take alone, two at once."""
    listed, cache = folder / "references", _cache(folder, "theirs")
    listed.write_text("\n".join(references))
    xargs = ["xargs", "-P2", "-n1", "-a", str(listed), str(program), "image", "--cache-dir", str(cache), *_TRIVY]
    return cpu_seconds(xargs, plain_environ())


def _by_loop(folder: Path, program: Path) -> float:
    """Return the seconds of CPU that a loop of asyncio takes with its programs, two at once."""
    words = [program, _cache(folder, "least"), folder / "references"]
    return cpu_seconds([sys.executable, "-c", _LOOP, *map(str, words), *_TRIVY], plain_environ())


def _by_walk(folder: Path, program: Path, host: str, images: int) -> float:
    """Return the seconds of CPU that the command takes with its programs, two at once."""
    results = folder / "results.jsonl"
    trivy = {
        "enabled": "true",
        "program": program,
        "cache": _cache(folder, "ours"),
        "offline": "true",
        "concurrency": 2,
    }
    settings = {f"PORTUS_SECURITY_TRIVY_{name.upper()}": str(value) for name, value in trivy.items()}
    seconds = cpu_seconds([command(), "registry", host, "--results", str(results)], plain_environ() | settings)
    with results.open() as lines:
        if (found := sum('"verdict":"vulnerable"' in line.replace(" ", "") for line in lines)) != images:
            raise RuntimeError(f"expected {images} vulnerable images, found {found}")
    return seconds
