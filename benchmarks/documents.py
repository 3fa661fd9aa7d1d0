"""Rows 9: documents. What that of a large answer takes; that memory does not grow with the images of a file.

Each peak is that of a process of its own. Files have so many images that none of them is kept in memory as a whole.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen
from portus_images import Reference
from portus_scan.command import command
from portus_scanner_clair.findings import make_report
from portus_scanner_clair.wire import read_layer
from portus_scanners import Finding, Image, Outcome, Package, ReportDocument, ScannerReport, ScannerRun, Severity
from portus_scanners.merge import make_image_report
from portus_scanners.serialize import document_pieces, dump_line

from .memory import read_peak, run_in_process
from .normalization import NAME, make_answer
from .rows import BenchmarkRow, RunSize, repeat

_FINDINGS = 4
_TEXT = "A flaw was found in the way that it handles data. " * 640
_KEPT = 300
"""Bytes that may be kept of an image."""
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_EACH = tuple(
    (name,) for name in ["table", "json", "jsonl", "csv", "sarif", "junit", "gitlab", "markdown", "html", "cyclonedx"]
)


@frozen
class _Plan:
    packages: int
    output: float
    """MB of the document, at most."""
    peak: float
    """MB of the process, at most."""
    few: int
    many: int
    formats: tuple[tuple[str, ...], ...]
    """Those that are written by one process."""
    pages: tuple[int, int]
    """Images of one repository, of which pages are made: so few, and so many."""
    runs: int


_PLANS: dict[RunSize, _Plan] = {
    "small": _Plan(1000, 6, 100, 12, 60, (("csv", "cyclonedx"),), (12, 60), runs=1),
    "full": _Plan(5000, 30, 150, 200, 2000, _EACH, (2000, 20_000), runs=3),
}


def measure(size: RunSize) -> Iterator[BenchmarkRow]:
    """Yield the rows, each when it is measured."""
    plan = _PLANS[size]
    with tempfile.TemporaryDirectory() as folder:
        yield from _measure_large(plan, Path(folder))
        yield from _measure_many(plan, Path(folder))
        yield _measure_pages(plan, Path(folder))


def _measure_large(plan: _Plan, folder: Path) -> Iterator[BenchmarkRow]:
    answer = folder / "answer.json"
    answer.write_bytes(make_answer(plan.packages))
    runs = [run_in_process(__name__, "large", str(answer)) for _ in repeat("9", plan.runs)]
    yield BenchmarkRow(name="9 large answer: MB of JSON", limit=plan.output, runs=[run["output"] for run in runs])
    yield BenchmarkRow(name="9 large answer: peak, MB", limit=plan.peak, runs=[run["peak"] for run in runs])


def _measure_many(plan: _Plan, folder: Path) -> Iterator[BenchmarkRow]:
    written = [str(_write_images(folder / f"{count}.jsonl", count)) for count in (plan.few, plan.many)]
    works = {
        " and ".join(names): ("convert", *(f"--output={one}={folder / one}" for one in names)) for names in plan.formats
    }
    works |= {"diff": ("diff",), "explain": ("explain", f"CVE-2099-{plan.few:05}")}
    for work, arguments in works.items():
        files = [[name, name] if work == "diff" else [name] for name in written]
        peaks, times = [], []
        for _ in repeat("9", plan.runs):
            few, many = (run_in_process(__name__, "command", *arguments, *given) for given in files)
            peaks.append(many["peak"] / few["peak"])
            times.append(many["seconds"] / plan.many / (few["seconds"] / plan.few))
        yield BenchmarkRow(name=f"9 {work}: peak of {plan.many} images, of {plan.few}", limit=1.3, runs=peaks)
        if "cyclonedx" in work:
            yield BenchmarkRow(name=f"9 {work}: time an image, many, of few", limit=1.3, runs=times)


def _measure_pages(plan: _Plan, folder: Path) -> BenchmarkRow:
    """Return how pages of many small images grow: all are on one page, and no two have a vulnerability in common."""
    peaks = []
    for count in plan.pages:
        file = _write_images(folder / f"{count}-small.jsonl", count, text=_TEXT[:600], apart=_FINDINGS)
        peaks.append(run_in_process(__name__, "command", "convert", f"--output=html={folder / 'pages'}", str(file)))
    few, many = (one["peak"] - _KEPT * count / 1024**2 for one, count in zip(peaks, plan.pages, strict=True))
    name = f"9 html: peak of {plan.pages[1]} small images, of {plan.pages[0]}"
    return BenchmarkRow(name=name, limit=1.3, runs=[many / few])


def _write_images(path: Path, count: int, text: str = _TEXT, apart: int = 1) -> Path:
    """Write JSON Lines of so many images, some 130 kB each; the first finding of each is so far from the last one's."""
    with path.open("w") as file:
        for number in range(count):
            reference = Reference.parse(f"registry.example/team/app:{number}")
            image = Image(reference=reference, digest=f"sha256:{number:064x}")
            findings = [
                Finding(
                    id=f"CVE-2099-{each:05}",
                    severity=Severity.HIGH,
                    package=Package(f"package-{each}", "1.0", "debian:12"),
                    description=f"{number} {text}",
                )
                for each in range(apart * number, apart * number + _FINDINGS)
            ]
            run = ScannerRun(scanner="one", plugin="one", outcome=Outcome.OK, report=ScannerReport(findings=findings))
            file.write(dump_line(make_image_report(image, [run])))
        file.write(dump_line(ReportDocument(created=_NOW)))
    return path


def _large(answer: str) -> dict[str, float]:
    """Return the MB that a document of one large answer has, and the peak of all that makes it."""
    report = make_report(read_layer(Path(answer).read_bytes(), NAME), ())
    outcome = Outcome.OK if report.complete else Outcome.INCOMPLETE
    error = None if report.complete else "it has no layers"
    run = ScannerRun(scanner="clair", plugin="clair", outcome=outcome, error=error, report=report)
    image = Image(reference=Reference.parse("registry.example/team/app:1"), digest=f"sha256:{0:064x}")
    document = ReportDocument(reports=(make_image_report(image, [run]),), created=_NOW)
    return {"output": sum(map(len, document_pieces(document))) / 1e6}


def _command(*arguments: str) -> dict[str, float]:
    """Run the command, what it prints aside, and return how long its code took."""
    sys.stdout = Path("/dev/null").open("w")  # noqa: SIM115 (until the process ends)
    begin = time.process_time()
    command.main(arguments, standalone_mode=False)
    return {"seconds": time.process_time() - begin}


if __name__ == "__main__":
    figures = _large(sys.argv[2]) if sys.argv[1] == "large" else _command(*sys.argv[2:])
    print(json.dumps(figures | {"peak": read_peak() / 1024}), file=sys.__stdout__)
