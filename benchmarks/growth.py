"""How time and memory grow with what comes from outside, and how long the loop stands still: ``scripts/growth``.

Each element is made in three sizes, each ten times the one before; linear growth shows as a factor of about ten. What
is bounded (docs/reference/limits.md) stops growing there.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from attrs import define
from portus_images import Reference
from portus_images.manifests.wire import WireTags, parse_object, structure
from portus_scanner_clair.findings import make_report as report_of_clair
from portus_scanner_clair.layers import make_chain
from portus_scanner_clair.wire import read_layer
from portus_scanner_trivy.report import Circumstances, make_report as report_of_trivy
from portus_scanner_trivy.wire import Versions, read_report
from portus_scanner_zypper_docker.findings import make_report as report_of_zypper
from portus_scanner_zypper_docker.wire import read_result
from portus_scanners import (
    Engine,
    Finding,
    Image,
    Layer,
    Outcome,
    Package,
    ReportDocument,
    ScannerReport,
    ScannerRun,
    Settings,
    Severity,
    dump_document,
    load_document,
)
from portus_scanners.backends import HttpAnswer
from portus_scanners.merge import make_image_report

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1.0"),
    digest="sha256:" + "a" * 64,
    layers=(Layer(digest="sha256:" + "b" * 64, size=1),),
)
CHAIN = make_chain(IMAGE.layers, "")
_BEAT = 0.002
_SELDOM = 200_000
"""As the command has it."""


def clair(size: int) -> Callable[[], object]:
    """A result of Clair's with one vulnerability in each package."""
    features = [
        {
            "Name": f"p{n}",
            "Version": "1",
            "NamespaceName": "debian:12",
            "Vulnerabilities": [{"Name": f"CVE-2099-{n}", "NamespaceName": "debian:12", "Severity": "High"}],
        }
        for n in range(size)
    ]
    body = json.dumps({"Layer": {"Name": CHAIN[-1].name, "NamespaceName": "debian:12", "Features": features}}).encode()
    return lambda: report_of_clair(read_layer(body, CHAIN[-1].name), CHAIN)


def trivy(size: int) -> Callable[[], object]:
    """A report of Trivy's with so many vulnerabilities."""
    found = [{"VulnerabilityID": f"CVE-2099-{n}", "PkgName": f"p{n}", "Severity": "HIGH"} for n in range(size)]
    packages = [{"ID": f"p{n}@1", "Name": f"p{n}"} for n in range(size)]
    result = {"Class": "os-pkgs", "Type": "debian", "Packages": packages, "Vulnerabilities": found}
    metadata = {"OS": {"Family": "debian", "Name": "12.1"}}
    body = json.dumps({"SchemaVersion": 2, "Metadata": metadata, "Results": [result]}).encode()
    return lambda: report_of_trivy(read_report(body), IMAGE, Circumstances(versions=Versions(), now=NOW))


def zypper(size: int) -> Callable[[], object]:
    """A list of zypper-docker's with so many patches."""
    patches = [
        {"Name": f"p-{n}", "IsSecurity": True, "Severity": "important", "Summary": "s", "Description": f"CVE-2099-{n}"}
        for n in range(size)
    ]
    body = json.dumps({"Updates": 0, "Security": size, "Error": "", "List": patches}).encode()
    return lambda: report_of_zypper(read_result(HttpAnswer(status=200, headers={}, body=body)), "corrected")


def _run(size: int, scanner: str = "one") -> ScannerRun:
    findings = tuple(
        Finding(id=f"CVE-2099-{n}", severity=Severity.HIGH, package=Package(f"p{n}", "1", "debian:12"))
        for n in range(size)
    )
    return ScannerRun(scanner=scanner, plugin="p", outcome=Outcome.OK, report=ScannerReport(findings=findings))


def merge(size: int) -> Callable[[], object]:
    """What two scanners have found, the same."""
    runs = [_run(size), _run(size, "two")]
    return lambda: make_image_report(IMAGE, runs)


def document(size: int) -> Callable[[], object]:
    """A document that is written and read."""
    made = ReportDocument(reports=(make_image_report(IMAGE, [_run(size)]),), created=NOW)
    return lambda: load_document(dump_document(made))


def tags(size: int) -> Callable[[], object]:
    """A repository's tags in one answer."""
    body = json.dumps({"name": "team/app", "tags": [f"t{n}" for n in range(size)]}).encode()
    return lambda: structure(parse_object(body), WireTags)


ELEMENTS = {one.__name__: one for one in (clair, trivy, zypper, merge, document, tags)}


@define
class Heart:
    """How long the loop stood still, at most, in seconds of the processor: other processes make it no longer."""

    longest: float = 0.0


@contextmanager
def beating() -> Iterator[Heart]:
    """Measure what the process does, in all of its threads, from one beat of the running loop to the next."""
    heart = Heart()

    async def beat() -> None:
        while True:
            begin = time.process_time()
            await asyncio.sleep(_BEAT)
            heart.longest = max(heart.longest, time.process_time() - begin)

    beats = asyncio.create_task(beat())
    try:
        yield heart
    finally:
        beats.cancel()


@contextmanager
def collecting(new_objects: int) -> Iterator[None]:
    """Let Python's collector look for cycles after so many new objects."""
    before = gc.get_threshold()
    gc.set_threshold(new_objects, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def stall(size: int, isolation: str = "none") -> float:
    """Scan with a scanner that finds so much, and return how long the loop stood still."""
    dummy = {"enabled": True, "isolation": isolation, "script": [{"count": size}]}
    settings = Settings.from_mapping({"security": {"dummy": dummy}})
    async with Engine(settings) as engine:
        await engine.scan(IMAGE)
        with beating() as heart:
            await engine.scan(IMAGE)
            await asyncio.sleep(2 * _BEAT)
        return heart.longest


def measure(work: Callable[[], object]) -> float:
    """Return the seconds of the processor, the better of two."""
    taken = []
    for _ in range(2):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def memory(work: Callable[[], object]) -> float:
    """Return the most that was held meanwhile, in MB."""
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def main() -> int:
    """Print a line for each element."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=100_000)
    parser.add_argument("--loop", action="store_true", help="only how long the loop stands still")
    options = parser.parse_args()
    sizes = [options.largest // 100, options.largest // 10, options.largest]
    for name, make in ({} if options.loop else ELEMENTS).items():
        times = [measure(make(size)) for size in sizes]
        held = [memory(make(size)) for size in sizes[:2]]
        told = ", ".join(f"{size:,}: {taken * 1000:.0f} ms" for size, taken in zip(sizes, times, strict=True))
        factors = f"x {times[1] / times[0]:.1f}, x {times[2] / times[1]:.1f}"
        sys.stdout.write(f"growth: {name}: {told} ({factors}); memory {held[0]:.1f}, {held[1]:.1f} MB\n")
        sys.stdout.flush()
    for size in sizes:
        own, process = asyncio.run(stall(size)), asyncio.run(stall(size, "process"))
        with collecting(_SELDOM):
            seldom = asyncio.run(stall(size))
        told = ", ".join(
            f"{name} {longest * 1000:.0f} ms"
            for name, longest in {"": own, "with an isolated scanner": process, "seldom collecting": seldom}.items()
        )
        sys.stdout.write(f"growth: the loop stood still with {size:,} findings for{told}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
