"""``portus-scan scanners``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from . import plugins

Run = Callable[..., Result]
Install = Callable[..., Path]


def listed(result: Result) -> dict[str, dict[str, Any]]:
    """Return the printed rows by name."""
    return {row["name"]: row for row in json.loads(result.stdout)["scanners"]}


def test_table(run: Run) -> None:
    """Name, distribution, version, whether it is enabled, and that loading was not tried."""
    result = run("scanners", env={"PORTUS_SECURITY_DUMMY_SERVER": "x"})
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert (0, ["portus-scanner-dummy", "0.1.0", "yes", "not", "tried", "-"]) == (result.exit_code, rows["dummy"])


def test_json(run: Run, install: Install) -> None:
    """The same for programs; what was not tried is null."""
    install("acme", plugins.BROKEN)
    expected = {
        "name": "acme",
        "plugin": "acme",
        "distribution": "portus-scanner-acme",
        "version": "2.0",
        "enabled": False,
        "loads": None,
        "database": None,
        "problem": None,
    }
    assert expected == listed(run("scanners", "--format", "json"))["acme"]


def test_databases(run: Run, tmp_path: Path) -> None:
    """With --database each enabled scanner is asked; one that does not know, or is not there, has none."""
    program = tmp_path / "grype"
    status = {"schemaVersion": "v6.1.10", "built": "2026-11-29T06:12:00Z", "valid": True}
    program.write_text(f"#!/bin/sh\necho '{json.dumps(status)}'\n")
    program.chmod(0o755)
    path = tmp_path / "config.yml"
    path.write_text(
        f"security: {{second: {{scanner: grype, enabled: true, program: {program}}}, dummy: {{server: x}}}}"
    )
    config = ("scanners", "--config", str(path), "--database")
    rows = listed(run(*config, "--format", "json"))
    database = {"identity": "v6.1.10 2026-11-29T06:12:00Z", "updated": "2026-11-29T06:12:00+00:00"}
    assert (database, None, None) == tuple(rows[name]["database"] for name in ("second", "dummy", "grype"))
    assert "v6.1.10 2026-11-29T06:12:00Z" in run(*config).stdout


def test_instances(run: Run, tmp_path: Path) -> None:
    """An instance of another name is listed with the distribution of its plugin."""
    path = tmp_path / "config.yml"
    path.write_text("security: {second: {scanner: dummy, enabled: true}, third: {scanner: gone}}")
    rows = listed(run("scanners", "--config", str(path), "--format", "json"))
    assert [(False, None), (True, "portus-scanner-dummy"), (False, "gone is not installed")] == [
        (rows["dummy"]["enabled"], rows["dummy"]["problem"]),
        (rows["second"]["enabled"], rows["second"]["distribution"]),
        (rows["third"]["enabled"], rows["third"]["problem"]),
    ]


def test_load_says_why_not(run: Run, install: Install) -> None:
    """With --load each one says that it loads, or why it does not; then the code is 3."""
    install("acme", plugins.BROKEN)
    result = run("scanners", "--load", "--format", "json")
    rows = listed(result)
    assert (3, True, False, True) == (
        result.exit_code,
        rows["dummy"]["loads"],
        rows["acme"]["loads"],
        "a_module_that_is_not_there" in rows["acme"]["problem"],
    )


def test_loaded_code_does_not_print_on_stdout(run: Run, install: Install) -> None:
    """What a plugin prints while it is imported does not spoil the list."""
    install("acme", plugins.CHATTY)
    assert listed(run("scanners", "--load", "--format", "json"))["acme"]["loads"]


def test_left_out_by_the_environment(run: Run, install: Install) -> None:
    """A plugin that the environment leaves out is listed with the variable, and is not loaded: no fault."""
    install("acme", plugins.BROKEN)
    environment = {"PORTUS_SCANNERS_DISABLE": "acme"}
    result = run("scanners", "--load", "--format", "json", env=environment)
    row = listed(result)["acme"]
    expected = "PORTUS_SCANNERS_DISABLE leaves it out; try: take acme out of PORTUS_SCANNERS_DISABLE"
    assert (0, None, expected) == (result.exit_code, row["loads"], row["problem"])


def test_conflict_is_shown(run: Run, install: Install) -> None:
    """Two distributions with one name are both listed, with the conflict."""
    install("acme", plugins.BROKEN)
    install("acme", plugins.BROKEN, distribution="acme-again")
    rows = [row for row in json.loads(run("scanners", "--format", "json").stdout)["scanners"] if row["name"] == "acme"]
    problem = (
        "it is registered more than once (acme-again 2.0 and portus-scanner-acme 2.0); "
        "try: pip uninstall acme-again, or pip uninstall portus-scanner-acme"
    )
    assert [problem, problem] == [row["problem"] for row in rows]


def test_listed_in_spite_of_a_wrong_configuration(run: Run) -> None:
    """A wrong configuration is said on stderr and is 2; the installed plugins are listed all the same."""
    result = run("scanners", "--config", "/nonexistent.yml", "--format", "json")
    assert (2, None, True) == (
        result.exit_code,
        listed(result)["dummy"]["enabled"],
        "/nonexistent.yml" in result.stderr,
    )


def test_none_installed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any plugin it says what to install."""
    monkeypatch.setattr("portus_scan.installed.discover", lambda: ())
    result = run("scanners")
    assert (0, "", True) == (result.exit_code, result.stdout, "pip install" in result.stderr)


@pytest.mark.parametrize("arguments", [["scanners"], ["--version"], ["image", "--help"], ["--help"]])
def test_imports_no_plugin_and_no_aiohttp(arguments: list[str], install: Install) -> None:
    """Listing, help and version import neither aiohttp nor any plugin's code."""
    site = install("acme", "import sys; sys.exit('imported')\n")
    program = (
        "import sys; from portus_scan.command import command\n"
        f"sys.path.insert(0, {str(site)!r})\n"
        "try: command.main(sys.argv[1:], prog_name='portus-scan')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "bad = [name for name in sys.modules if name == 'aiohttp' or name.startswith('portus_scanner_')]\n"
        "print(*bad, file=sys.stderr)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=50
    )
    assert "" == ended.stderr.strip()


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["image", "--help"]])
def test_help_and_version_import_little(arguments: list[str]) -> None:
    """Version and help import neither rich, asyncio, attrs nor the core."""
    program = (
        "import sys; from portus_scan.command import command\n"
        "try: command.main(sys.argv[1:], prog_name='portus-scan')\n"
        "except SystemExit: pass\n"
        "heavy = {'rich', 'asyncio', 'portus_scanners', 'attrs', 'cattrs', 'yaml', 'aiohttp'}\n"
        "print(*sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=50
    )
    assert "" == ended.stderr.strip()


def test_listing_imports_little() -> None:
    """A list in a pipe, without a configuration, imports neither the contracts nor what they and a terminal need."""
    program = (
        "import sys; from portus_scan.command import command\n"
        "try: command.main(['scanners'], prog_name='portus-scan')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'rich', 'asyncio', 'cattrs', 'yaml', 'portus_scanners.models', 'portus_scanners.scanner'}\n"
        "print(*sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PORTUS_")}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=50, env=environ
    )
    assert "" == ended.stderr.strip()


def test_a_distribution_s_name_is_found_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """A header in other letters or with another blank counts, one in the text below it does not."""
    for folder, head in (("first", "NAME: acme-hidden"), ("second", "Name:\tAcme_Hidden")):
        info = tmp_path / folder / "acme_hidden-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{head}\nVersion: 1.0\n\nName: not this\n")
        (info / "entry_points.txt").write_text(f"[portus.scanners]\n{folder} = m:X\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second"), *sys.path])
    names = run("scanners").stdout.split()
    assert (True, False) == ("first" in names, "second" in names)
