"""The benchmark's rows, table and command line; what it measures is measured by itself."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from math import ceil, log2
from pathlib import Path
from typing import Any

import pytest
from importlib_metadata import distributions
from portus_scanner_clair.findings import make_report
from portus_scanner_clair.wire import read_layer
from portus_scanners import Image, ScannerReport, discover

from benchmarks import __main__ as command, engine_cost, memory, rows as benchmark_rows, scale, start
from benchmarks.clair_scans import measure_new_and_known
from benchmarks.fleet import rate
from benchmarks.fleet_world import End
from benchmarks.house import open_house
from benchmarks.instant import InstantScanner, make_image
from benchmarks.normalization import NAME, make_answer
from benchmarks.rows import GROUPS, BenchmarkRow, RunSize, load_group, table_lines
from benchmarks.start import PLUGINS, write_distributions


def test_a_row_is_the_median_of_its_runs() -> None:
    """It holds as long as that is within the limit; a single run beyond it is no matter."""
    row = BenchmarkRow(name="1 x", limit=2, runs=[1, 9, 2])
    assert {"name": "1 x", "ratio": 2, "limit": 2, "holds": True, "runs": [1, 9, 2]} == row.document()
    assert not BenchmarkRow(name="1 x", limit=1.99, runs=[2]).holds
    told = BenchmarkRow(name="1 x", runs=[2])
    assert [None, "-", "-"] == [told.holds, *list(table_lines([told]))[1].split()[-2:]]


def test_the_table_has_spread_and_floor() -> None:
    """Median, lowest and highest, the floor's median where there is one, and in capitals what does not hold."""
    rows = [
        BenchmarkRow(name="1 x", limit=1, runs=[1, 2.5, 2]),
        BenchmarkRow(name="1 y", limit=1, runs=[1], floor=[0.5, 3, 1]),
    ]
    head, first, second = (line.split() for line in table_lines(rows))
    assert ["row", "median", "floor", "spread", "runs", "limit", "holds"] == head
    assert ["1", "x", "2", "-", "1", "-", "2.500", "3", "1", "NO"] == first
    assert ["1", "y", "1", "1", "1", "-", "1", "1", "1", "yes"] == second


@pytest.mark.parametrize("number", GROUPS)
def test_every_group_has_plans_for_both_sizes(number: str) -> None:
    """Each number has a module with a function `measure`, and says for both sizes how much is measured how often."""
    module = sys.modules[load_group(number).__module__]
    plans = [value for name, value in vars(module).items() if name in {"_PLANS", "_RUNS"}]
    assert [{"small", "full"}] == [set(plan) for plan in plans]


@pytest.mark.parametrize("holds", [True, False])
def test_the_command_writes_json_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], holds: bool
) -> None:
    """Whether a row holds or not: it is told, and the command does not fail."""

    def measure(size: RunSize) -> list[BenchmarkRow]:
        return [BenchmarkRow(name=f"4 {size}", limit=1, runs=[0 if holds else 2])]

    monkeypatch.setattr(command, "load_group", lambda number: {"4": measure}[number])
    command.main(["--size", "small", "--only", "4", "--json", str(tmp_path / "rows.json")])
    figure = 0 if holds else 2
    row = {"name": "4 small", "ratio": figure, "limit": 1, "holds": holds, "runs": [figure]}
    assert {"rows": [row]} == json.loads((tmp_path / "rows.json").read_text())
    assert "4 small" in capsys.readouterr().out


def test_what_is_measured_until_ctrl_c_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each row is printed when it is measured, and the file has those that were."""

    def measure(_: RunSize) -> Iterator[BenchmarkRow]:
        yield BenchmarkRow(name="4 first", limit=1, runs=[1])
        assert "4 first" in capsys.readouterr().out
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "load_group", lambda _: measure)
    with pytest.raises(KeyboardInterrupt):
        command.main(["--only", "4", "--json", str(tmp_path / "rows.json")])
    assert ["4 first"] == [row["name"] for row in json.loads((tmp_path / "rows.json").read_text())["rows"]]


def test_a_file_that_can_t_be_written_is_said_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Minutes are not spent on figures that nobody gets."""
    monkeypatch.setattr(command, "load_group", None)
    with pytest.raises(SystemExit) as ended:
        command.main(["--json", str(tmp_path / "nowhere" / "rows.json")])
    assert (2, True) == (ended.value.code, "there is no folder" in capsys.readouterr().err)


@pytest.mark.parametrize("size", ["small", "full"])
def test_rows_6_have_a_figure_each(size: RunSize, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was measured is set in relation to importing click or aiohttp, run by run; each size has its limits."""
    seconds = {"click": 2.0, "version": 4.0, "pipe": 6.0, "terminal": 8.0, "points": 5.0}
    seconds |= {"aiohttp": 4.0, "image": 6.0, "libraries": 5.0}

    @asynccontextmanager
    async def no_servers(*_: int) -> AsyncIterator[tuple[None, dict[str, list[str]]]]:
        yield None, {"references": ["registry.example/app:1"]}

    monkeypatch.setattr(start, "open_servers", no_servers)
    monkeypatch.setattr(start, "_timers", lambda *_: {name: lambda one=one: one for name, one in seconds.items()})
    monkeypatch.setattr(start, "_check", lambda _: None)
    rows = start.measure(size)
    assert [(2, ()), (3, (2.5,)), (4, (2.5,)), (1.5, (1.25,))] == [(row.ratio, row.floor[:1]) for row in rows]
    assert {"small": [4, 8, 8, 4], "full": [1.3, 5, 5, 1.6]}[size] == [row.limit for row in rows]


@pytest.mark.parametrize("size", ["small", "full"])
def test_rows_7_have_a_figure_each(size: RunSize, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one more image takes is the difference to the command with one image, divided."""

    @asynccontextmanager
    async def no_servers(*_: int) -> AsyncIterator[tuple[None, dict[str, Any]]]:
        yield None, {"references": ["registry.example/app:1"] * scale._PLANS[size].images, "clair": ""}

    def seconds(words: list[str], _environ: object) -> float:
        if "--results" in words:
            Path(words[-1]).write_text("{}\n" * scale._PLANS[size].tags)
            return 2.0
        return 1.0 if "--max-tags" in words or (words[1] == "image" and len(words) == 5) else 1.5

    monkeypatch.setattr(scale, "open_servers", no_servers)

    async def fetched(_references: object) -> float:
        return 0.5

    monkeypatch.setattr(scale, "cpu_seconds", seconds)
    monkeypatch.setattr(scale, "_fetch_alone", fetched)
    plan, rows = scale._PLANS[size], scale.measure(size)
    expected = [1000 / plan.tags, 500 / plan.tags, 500 / (plan.images - 1)]
    assert pytest.approx(expected) == [row.ratio for row in rows]
    assert [(plan.tag, 0.5), (plan.line, None), (plan.image, None)] == [
        (row.limit, row.floor[0] if row.floor else None) for row in rows
    ]


def test_made_up_distributions_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dozen of them bring a scanner, all of them have a name and a version."""
    write_distributions(tmp_path, 20)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = [plugin for plugin in discover(refresh=True) if plugin.distribution.startswith("made-up-")]
    assert [(PLUGINS, {"1.0"}, {None})] == [(len(found), {one.version for one in found}, {one.error for one in found})]
    assert 20 == len({one.name for one in distributions(path=[str(tmp_path)])})


def test_memory_is_measured_after_each_count() -> None:
    """A process of its own says its peak and its objects after so many images, none of them under way."""
    sizes = memory._in_process(5, 10)
    assert [5, 10] == list(sizes)
    assert 0 < sizes[5].peak <= sizes[10].peak
    assert sizes[5].objects > 0


def test_both_loops_of_row_3_scan_every_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine and the loop written by hand ask three scanners for each image, and make its report."""
    asked: list[str] = []

    async def scan(_: InstantScanner, image: Image) -> ScannerReport:
        asked.append(image.digest)
        return ScannerReport()

    monkeypatch.setattr(InstantScanner, "scan", scan)
    images = [make_image(number) for number in range(6)]
    counts = []
    for loop in (engine_cost._scan_by_hand, engine_cost._scan_with_engine):
        asyncio.run(loop(images))
        counts.append((len(asked), len(set(asked))))
        asked.clear()
    assert [(18, 6), (18, 6)] == counts


def test_a_rate_leaves_out_the_start_and_the_end() -> None:
    """It begins when the last worker has ended something, and is over when places begin to be free."""
    ends = [End(owner, datetime(2026, 1, 1, 0, 0, second)) for second, owner in enumerate("aaaabaabbabab")]
    assert 1.0 == rate(ends, 4)
    assert 2.0 == rate([*ends[:4], *(End("b", ends[4].at + number * timedelta(seconds=0.5)) for number in range(9))], 4)
    late = [*ends[:6], End("c", ends[11].at)]
    assert pytest.approx(6 / 11) == rate(late, 4)


def test_long_runs_say_how_far_they_are(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A line on stderr when some seconds have passed since the last one."""
    clock = iter([0.0, 1.0, 6.0, 6.0, 7.0])
    monkeypatch.setattr(benchmark_rows.time, "monotonic", lambda: next(clock))
    assert [0, 1, 2] == list(benchmark_rows.repeat("5", 3))
    assert "rows 5: run 2 of 3\n" == capsys.readouterr().err


def test_the_large_answer_has_what_it_says() -> None:
    """Four findings a feature, none of them lost to another; the same bytes each time."""
    body = make_answer(50)
    assert (200, body) == (len(make_report(read_layer(body, NAME), ()).findings), make_answer(50))


def test_requests_are_counted_where_they_come_in() -> None:
    """Three images of five layers sharing three: we post 9 layers, Portus' sequence 15; known, it is 1 GET an image."""

    async def measure() -> list[tuple[int, int]]:
        async with open_house(3, 5, 3) as house:
            ours, theirs = await measure_new_and_known(house, "we"), await measure_new_and_known(house, "portus")
            return [(one.requests, one.posts) for one in (*ours, *theirs)]

    (new, posts), known, *portus = asyncio.run(measure())
    assert (9, (3, 0), [(18, 15), (18, 15)]) == (posts, known, portus)
    assert new <= 9 + 3 * 2 + 3 * ceil(log2(5))
