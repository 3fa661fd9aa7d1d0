"""The page about formats: its project, installed, does what the page says."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pages import blocks, marked_block
from portus_scan.command import command
from portus_scanners import ReportDocument, UnresolvedImage, dump_document

PAGE = "docs/how-to/write-a-format.md"
MODULE = "portus_reporter_prometheus"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's distribution on the path, as pip would put it there."""
    (project,) = (tomllib.loads(block) for block in blocks(PAGE, "toml"))
    metadata: dict[str, Any] = project["project"]
    info = tmp_path / f"{MODULE}-{metadata['version']}.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {metadata['name']}\nVersion: {metadata['version']}\n"
    )
    (points,) = metadata["entry-points"].items()
    lines = [f"{name} = {value}" for name, value in points[1].items()]
    info.joinpath("entry_points.txt").write_text("\n".join([f"[{points[0]}]", *lines]))
    (tmp_path / f"{MODULE}.py").write_text(marked_block("write-a-format"))
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_format_is_found_and_writes(site: Path) -> None:
    """The format is listed, and writes an image that was not scanned as not complete."""
    report = site / "report.json"
    error = UnresolvedImage(reference="app:1", step="manifest", message="there is no such tag")
    report.write_text(dump_document(ReportDocument(errors=(error,))))
    written = CliRunner().invoke(command, ["convert", str(report), "-o", "prometheus"])
    assert (4, 'portus_scan_complete{image="app:1"} 0') == (written.exit_code, written.stdout.splitlines()[-1])
    rows = json.loads(CliRunner().invoke(command, ["formats", "--format", "json"]).stdout)["formats"]
    (row,) = (row for row in rows if row["name"] == "prometheus")
    assert ("numbers for Prometheus' textfile collector", None) == (row["description"], row["problem"])


def test_the_test_of_the_page_passes(site: Path) -> None:
    """The test that the page shows passes."""
    names: dict[str, Any] = {}
    exec(compile(marked_block("write-a-format-test"), PAGE, "exec"), names)  # noqa: S102 (it is ours)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    for test in tests:
        test()
    assert 1 == len(tests)
