"""The benchmark's rows, table and command line; what it measures is measured by itself."""

from __future__ import annotations

import asyncio
import json
from math import ceil, log2
from pathlib import Path

import pytest
from portus_scanner_clair.findings import make_report
from portus_scanner_clair.wire import read_layer

from benchmarks import __main__ as command
from benchmarks.groups import GROUPS, Size, load_group
from benchmarks.house import open_house
from benchmarks.large_answer import NAME, make_answer
from benchmarks.rows import Row, make_table
from benchmarks.scanning import measure_new_and_known


def test_a_row_is_the_median_of_its_runs() -> None:
    """It holds as long as that is within the limit; a single run beyond it is no matter."""
    row = Row(name="1 x", limit=2, runs=[1, 9, 2])
    assert {"name": "1 x", "ratio": 2, "limit": 2, "holds": True, "runs": [1, 9, 2]} == row.document()
    assert not Row(name="1 x", limit=1.99, runs=[2]).holds


def test_the_table_has_the_spread() -> None:
    """Median, lowest and highest, and in capitals what does not hold."""
    head, line = make_table([Row(name="1 x", limit=1, runs=[1, 2.5, 2])]).splitlines()
    assert ["row", "median", "spread", "runs", "limit", "holds"] == head.split()
    assert ["1", "x", "2", "1", "-", "2.500", "3", "1", "NO"] == line.split()


def test_every_group_can_be_loaded() -> None:
    """Each number has a module with a function `measure`."""
    assert all(callable(load_group(number)) for number in GROUPS)


@pytest.mark.parametrize("holds", [True, False])
def test_the_command_writes_json_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], holds: bool
) -> None:
    """Whether a row holds or not: it is told, and the command does not fail."""

    def measure(size: Size) -> list[Row]:
        return [Row(name=f"4 {size}", limit=1, runs=[0 if holds else 2])]

    monkeypatch.setattr(command, "load_group", lambda number: {"4": measure}[number])
    command.main(["--size", "small", "--only", "4", "--json", str(tmp_path / "rows.json")])
    (row,) = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert ("4 small", holds) == (row["name"], row["holds"])
    assert "4 small" in capsys.readouterr().out


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
