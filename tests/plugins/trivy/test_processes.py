"""How the program is started: how often at once, with which arguments, and what it is given besides."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from portus_scanner_trivy import TrivyScanner, TrivySettings, scanner as trivy_scanner
from portus_scanner_trivy.database import UPDATE_INTERVAL, DatabaseKeeper
from portus_scanners import Engine, Outcome, ScannerError, Secret, Settings
from portus_scanners_testing import ScriptedProgram, ScriptedServer, StandInRegistry, open_engine
from portus_scanners_testing.images import debian_image

from .conftest import HoldingContext, ask_nobody, image_of
from .reports import VERSIONS, os_result, report, vulnerability

SCRIPT = """#!/bin/sh
echo begin >> {log}
case "$1" in
version) cat {versions} ;;
*) sleep 0.05; cp {report} report.json ;;
esac
echo end >> {log}
"""
BUILT = debian_image({"bash": "5.2-1"})
IMAGE = image_of(BUILT)


def write_program(folder: Path) -> tuple[Path, Path]:
    """Write a program that does what Trivy does, and logs its begin and its end."""
    names = {name: folder / name for name in ("log", "versions", "report")}
    names["versions"].write_text(json.dumps(VERSIONS))
    names["report"].write_text(json.dumps(report(os_result(vulnerability()))))
    program = folder / "trivy"
    program.write_text(SCRIPT.format(**names))
    program.chmod(0o755)
    return program, names["log"]


def most_at_once(log: str) -> int:
    """Return how many processes ran at once at most."""
    running = most = 0
    for line in log.split():
        running += 1 if line == "begin" else -1
        most = max(most, running)
    return most


@pytest.mark.parametrize("limit", [1, 3])
async def test_fifty_images_start_no_more_processes_than_configured(tmp_path: Path, limit: int) -> None:
    """The one that looks for a newer database included."""
    program, log = write_program(tmp_path)
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "metadata.json").write_text(json.dumps(VERSIONS["VulnerabilityDB"]))
    settings = {"program": str(program), "cache": str(tmp_path), "concurrency": str(limit)}
    async with StandInRegistry() as registry:
        registry.push("team/app", "1", debian_image({"bash": "5.2-1"}))
        async with open_engine(TrivyScanner, settings) as engine:
            image = await engine.resolve(registry.reference("team/app", "1"))
            reports = await asyncio.gather(*(engine.scan(image) for _ in range(50)))
    assert {Outcome.OK} == {run.outcome for report in reports for run in report.results}
    assert limit == most_at_once(log.read_text())
    assert 51 == log.read_text().count("begin"), "a newer database is looked for once, and no versions are asked for"


def scripted(tmp_path: Path) -> ScriptedProgram:
    """Return a program that answers whatever it is asked."""
    program = ScriptedProgram(tmp_path)
    program.script("image", files={"report.json": report(os_result(vulnerability()))})
    program.script("version", VERSIONS)
    return program


def settings_of(program: ScriptedProgram, tmp_path: Path, **more: Any) -> TrivySettings:
    """Return settings with that program, and a cache of the test's own."""
    values = {"program": str(program.path), "cache": str(tmp_path / "cache"), "skip_update": True}
    return TrivySettings(**{**values, **more})


async def test_arguments(tmp_path: Path) -> None:
    """What makes a report that can be trusted; listed arguments come after it, the image last, by its digest."""
    program = scripted(tmp_path)
    settings = settings_of(program, tmp_path, offline=True, insecure=True, timeout=10, arguments=("--parallel=1",))
    await TrivyScanner(settings, HoldingContext(BUILT)).scan(IMAGE)
    expected = (
        f"image --format json --output report.json --scanners vuln --list-all-pkgs --no-progress --cache-dir "
        f"{tmp_path}/cache --timeout 40s --insecure --skip-db-update --skip-java-db-update --offline-scan --parallel=1 "
        f"--skip-files=portus-scanners-NAME --input image-{IMAGE.digest[7:]}"
    )
    assert expected == re.sub(r"-scanners-[0-9a-f]{16}\b", "-scanners-NAME", " ".join(program.calls[0].arguments))


async def test_with_a_server(tmp_path: Path) -> None:
    """The token is in the environment; no database is asked for on this side."""
    program = scripted(tmp_path)
    answer = report(os_result(vulnerability()))
    program.script("image", files={"report.json": {**answer, "Trivy": {"Version": "0.76.0", "Server": VERSIONS}}})
    values = {"server": "http://a.example:4954/", "token": Secret("opensesame"), "ca_file": "/ca.pem"}
    await TrivyScanner(settings_of(program, tmp_path, **values), HoldingContext(BUILT)).scan(IMAGE)
    (call,) = program.calls
    assert "--server http://a.example:4954 " in " ".join(call.arguments)
    assert ("opensesame", "/ca.pem") == (call.environment["TRIVY_TOKEN"], call.environment["SSL_CERT_FILE"])
    assert ("400", "512MiB") == (call.environment["GOGC"], call.environment["GOMEMLIMIT"])
    assert not {"--skip-db-update", "opensesame"} & set(call.arguments)


@pytest.mark.parametrize(("count", "aside"), [(1, False), (300, True)])
async def test_a_large_report_is_read_off_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, *, aside: bool
) -> None:
    """So are its findings made: the event loop goes on meanwhile."""
    program, threads = scripted(tmp_path), []
    found = report(os_result(*(vulnerability(f"CVE-2099-{number:04}") for number in range(count))))
    program.script("image", files={"report.json": found})

    def noted(name: str) -> None:
        original = getattr(trivy_scanner, name)

        def work(*arguments: Any) -> Any:
            threads.append(threading.current_thread())
            return original(*arguments)

        monkeypatch.setattr(trivy_scanner, name, work)

    noted("read_report")
    noted("make_report")
    made = await TrivyScanner(settings_of(program, tmp_path), HoldingContext(BUILT)).scan(IMAGE)
    assert count == len(made.findings)
    assert [aside, aside] == [thread is not threading.main_thread() for thread in threads]


async def test_the_database_is_asked_for_once(tmp_path: Path) -> None:
    """Before the first scan, for all; its repository is the one in the settings."""
    program = scripted(tmp_path)
    settings = settings_of(program, tmp_path, skip_update=False, database_repository="db.example/trivy-db:2")
    scanner = TrivyScanner(settings, HoldingContext(BUILT))
    await asyncio.gather(scanner.scan(IMAGE), scanner.scan(IMAGE))
    updates = [call.arguments for call in program.calls if "--download-db-only" in call.arguments]
    assert [program.calls[0].arguments] == updates
    assert ("--db-repository", "db.example/trivy-db:2") == updates[0][-2:]


async def test_it_is_asked_for_again_after_an_hour(tmp_path: Path) -> None:
    """A service that runs for weeks has the database of today."""
    now = [0.0]
    asked: list[float] = []

    class Program:
        async def update(self) -> None:
            asked.append(now[0])

    database = DatabaseKeeper(TrivySettings(), ask_nobody, clock=lambda: now[0])
    for moment in (0.0, UPDATE_INTERVAL - 1, UPDATE_INTERVAL + 1):
        now[0] = moment
        await database.update(Program())  # type: ignore[arg-type]
    assert [0.0, UPDATE_INTERVAL + 1] == asked


async def test_no_credentials_are_given_to_trivy(tmp_path: Path) -> None:
    """Trivy asks no registry: it finds no credentials, neither the engine's nor the user's."""
    program = scripted(tmp_path)
    async with StandInRegistry(auth="basic") as registry:
        registry.push("team/app", "1", BUILT)
        login = {registry.host: {"username": registry.username, "password": registry.password}}
        trivy = {"enabled": True, "program": str(program.path), "skip_update": True, "cache": str(tmp_path)}
        async with Engine(Settings.from_mapping({"security": {"trivy": trivy}, "registries": login})) as engine:
            (run,) = (await engine.scan(registry.reference("team/app", "1"))).results
    assert Outcome.OK is run.outcome, run.error
    for call in program.calls[:1]:
        assert not Path(call.environment["DOCKER_CONFIG"]).exists()
        assert registry.password not in f"{call.arguments} {call.environment}"


async def test_one_process_an_image(tmp_path: Path) -> None:
    """The versions are in the report and in the cache; what they lack is asked for once for all images."""
    program = scripted(tmp_path)
    metadata = tmp_path / "cache" / "db" / "metadata.json"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(json.dumps(VERSIONS["VulnerabilityDB"]))
    scanner = TrivyScanner(settings_of(program, tmp_path), HoldingContext(BUILT))
    reports = [await scanner.scan(IMAGE) for _ in range(3)]
    assert ["image"] * 3 == [call.arguments[0] for call in program.calls]
    old = report(os_result(vulnerability()), ImageID=IMAGE.config_digest)
    program.script("image", files={"report.json": {**old, "Trivy": {}}})
    reports += [await scanner.scan(IMAGE) for _ in range(3)]
    assert ["image", "version", "image", "image"] == [call.arguments[0] for call in program.calls[3:]]
    assert {("0.76.0", await scanner.database())} == {(one.scanner_version, one.database) for one in reports}
    assert f"2 {VERSIONS['VulnerabilityDB']['UpdatedAt']}" == reports[0].database.identity


@pytest.mark.parametrize("metadata", [None, "{", "[]", '{"UpdatedAt": 5}', '{"UpdatedAt": "2099", "UpdatedAt": ""}'])
async def test_a_database_without_a_date_fails(tmp_path: Path, metadata: str | None) -> None:
    """Neither the cache nor the program says how old it is: that counts as too old, unless any age is allowed."""
    program = scripted(tmp_path)
    program.script("version", {"Version": "0.76.0"})
    file = tmp_path / "cache" / "db" / "metadata.json"
    file.parent.mkdir(parents=True)
    if metadata is not None:
        file.write_text(metadata)
    with pytest.raises(ScannerError, match="nothing says how old"):
        await TrivyScanner(settings_of(program, tmp_path), HoldingContext(BUILT)).scan(IMAGE)
    any_age = settings_of(program, tmp_path, max_database_age=0)
    made = await TrivyScanner(any_age, HoldingContext(BUILT)).scan(IMAGE)
    assert any("does not say how old" in note for note in made.notes)


async def test_a_servers_database_without_a_date_is_asked_for(tmp_path: Path) -> None:
    """A report need not name the server's database: the server is asked, once for all images."""
    program = scripted(tmp_path)
    async with ScriptedServer() as server:
        server.script("/version", json.dumps(VERSIONS).encode())
        context = HoldingContext(BUILT)
        async with context:
            scanner = TrivyScanner(settings_of(program, tmp_path, server=server.url), context)
            made = [await scanner.scan(IMAGE) for _ in range(2)]
        asked = [request.path for request in server.requests]
    assert (["/version"], {2099}) == (asked, {one.database.updated.year for one in made})
    assert ["image"] * 2 == [call.arguments[0] for call in program.calls]


async def test_steps_are_progress(tmp_path: Path) -> None:
    """Each layer is one, and each line that Trivy logs."""
    program = scripted(tmp_path)
    lines = "2099-01-01T00:00:00Z\tINFO\t[vuln] on\n2099-01-01T00:00:00Z\tINFO\tDetected OS\tfamily=x\nodd\n"
    program.script("image", stderr=lines, files={"report.json": report(os_result())})
    context = HoldingContext(BUILT)
    await TrivyScanner(settings_of(program, tmp_path), context).scan(IMAGE)
    assert [(1, 1, "layer"), (1, 0, "step"), (2, 0, "step")] == context.calls_of("progress")
