"""Each run of Trivy's program with each fault: never clean, in time, with a message, and nothing is left."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from portus_scanners import Engine, Settings
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.contract.leaks import Holdings, check_nothing_left
from portus_scanners_testing.images import digest_of

from .cells import PLUGINS, in_report
from .program_faults import HANGS, NOT_PROGRAMS, OUTPUT_FILES, PROGRAM_FAULTS
from .scenes import CVE, IMAGE

EVERY = os.environ.get("PORTUS_FAULTS") == "all"
STEPS = ("version", "image")
_STRIDE = 4
CELLS = [
    (step, fault)
    for at, step in enumerate(STEPS)
    for number, fault in enumerate({**PROGRAM_FAULTS, **(OUTPUT_FILES if step == "image" else {})})
    if EVERY or (at + number) % _STRIDE == 0
]
_VERSION = {
    "Version": "0.76.0",
    "VulnerabilityDB": {
        "Version": 2,
        "NextUpdate": "2099-01-02T06:00:00Z",
        "UpdatedAt": "2099-01-01T06:00:00Z",
        "DownloadedAt": "2099-01-01T07:00:00Z",
    },
}
_REPORT = {
    "SchemaVersion": 2,
    "ArtifactType": "container_image",
    "Metadata": {"OS": {"Family": "debian", "Name": "12.1"}, "ImageID": digest_of(IMAGE.config)},
    "Results": [
        {
            "Class": "os-pkgs",
            "Type": "debian",
            "Packages": [{"ID": "bash@5.2-1", "Name": "bash", "Version": "5.2", "Release": "1"}],
            "Vulnerabilities": [{"VulnerabilityID": CVE, "PkgName": "bash", "Severity": "HIGH"}],
        }
    ],
}
_SCRIPT = """#!/bin/sh
case "$PWD" in {scratch}) ;; *) echo "not in the folder for temporary files" >&2; exit 70;; esac
here={folder}
case "$1" in
version)
    good=$here/version.json; out=$here/told
    (:; {version}; cat "$good" > "$out"); ended=$?
    cat "$out"; exit $ended;;
image)
    good=$here/report.json; out=report.json
    {image}; cat "$good" > "$out";;
esac
"""


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files: empty at first."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def make_trivy(folder: Path, step: str, fault: str, *, anywhere: bool = False) -> Path:
    """Write a program that answers as Trivy does, but for a fault in one of its runs.

    Args:
        folder: Where the program is put.
        step: The run.
        fault: What a shell does in that run.
        anywhere: Whether it may run outside the folder ``scratch``: not for what changes files.
    """
    (folder / "version.json").write_text(json.dumps(_VERSION))
    (folder / "report.json").write_text(json.dumps(_REPORT))
    lines = {**dict.fromkeys(STEPS, ":"), step: fault}
    program = folder / "trivy"
    program.write_text(_SCRIPT.format(folder=folder, scratch="*" if anywhere else f"{folder}/scratch/?*", **lines))
    program.chmod(0o755)
    return program


async def scan(program: Path, known: set[str], **more: object) -> list[str]:
    """Scan an image with the program and the dummy; return what is wrong."""
    dummy = {"enabled": True, "script": [{"behaviour": "empty"}]}
    trivy = {"enabled": True, "skip_update": True, "program": str(program), "cache": str(program.parent / "cache")}
    settings = Settings.from_mapping({"security": {"dummy": dummy, "trivy": {**trivy, **more}}})
    async with StandInRegistry() as registry, Engine(settings, plugins=PLUGINS) as engine:
        registry.push("team/app", "1.0", IMAGE)
        report = await engine.scan(registry.reference("team/app", "1.0"))
        return in_report(report, "trivy", known) + [f"abandoned: {one}" for one in engine.abandoned]


@pytest.mark.parametrize(("step", "fault"), CELLS)
def test_a_program_that_goes_wrong_is_never_clean(step: str, fault: str, tmp_path: Path, scratch: Path) -> None:
    """Whatever the program does: no false clean, and no process, file, pipe or socket is left."""
    program = make_trivy(tmp_path, step, {**PROGRAM_FAULTS, **OUTPUT_FILES}[fault])
    before = Holdings.now(scratch)
    assert [] == asyncio.run(scan(program, {CVE}, **({"timeout": 0.7} if fault in HANGS else {})))
    check_nothing_left(before, scratch, "after the scan")


@pytest.mark.parametrize("kind", NOT_PROGRAMS)
async def test_what_is_not_a_program_is_never_clean(kind: str, tmp_path: Path) -> None:
    """A file that can't be started as a program is a failed run."""
    program, content = tmp_path / "trivy", NOT_PROGRAMS[kind]
    if content is not None:
        program.write_bytes(content[0])
        program.chmod(content[1])
    assert [] == await scan(program, {CVE})


async def test_without_a_fault_all_is_found(tmp_path: Path, scratch: Path) -> None:
    """The program of these tests works, and what they look for would be seen."""
    program = make_trivy(tmp_path, "image", ":")
    assert [] == await scan(program, {CVE})
    assert ["ok, but found ['CVE-2099-0001']"] == await scan(program, set())
