"""How the program is started: how often at once, with which arguments, and what it is given besides."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from portus_scanner_trivy import TrivyScanner, TrivySettings
from portus_scanner_trivy.database import UPDATE_INTERVAL, DatabaseKeeper
from portus_scanners import Engine, Image, Layer, Outcome, Reference, Secret, Settings
from portus_scanners_testing import RecordingContext, ScriptedProgram, StandInContext, StandInRegistry, open_engine
from portus_scanners_testing.images import debian_image

from .reports import VERSIONS, os_result, report, vulnerability

SCRIPT = """#!/bin/sh
echo begin >> {log}
case "$1" in
version) cat {versions} ;;
*) sleep 0.05; cp {report} report.json ;;
esac
echo end >> {log}
"""
IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1"),
    digest="sha256:" + "a" * 64,
    layers=(Layer(digest="sha256:" + "b" * 64),),
)


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
    """Those that ask for versions and for a newer database included."""
    program, log = write_program(tmp_path)
    settings = {"program": str(program), "cache": str(tmp_path), "concurrency": str(limit)}
    async with StandInRegistry() as registry:
        registry.push("team/app", "1", debian_image({"bash": "5.2-1"}))
        async with open_engine(TrivyScanner, settings) as engine:
            image = await engine.resolve(registry.reference("team/app", "1"))
            reports = await asyncio.gather(*(engine.scan(image) for _ in range(50)))
    assert {Outcome.OK} == {run.outcome for report in reports for run in report.results}
    assert limit == most_at_once(log.read_text())
    assert 52 == log.read_text().count("begin")


def scripted(tmp_path: Path) -> ScriptedProgram:
    """Return a program that answers whatever it is asked."""
    program = ScriptedProgram(tmp_path)
    program.script("image", files={"report.json": report(os_result(vulnerability()))})
    program.script("version", VERSIONS)
    return program


async def test_arguments(tmp_path: Path) -> None:
    """What makes a report that can be trusted; listed arguments come after it, the image last, by its digest."""
    program = scripted(tmp_path)
    settings = TrivySettings(
        program=str(program.path), cache="/cache", offline=True, insecure=True, timeout=10, arguments=("--parallel=1",)
    )
    await TrivyScanner(settings, StandInContext()).scan(IMAGE)
    expected = (
        "image --format json --output report.json --scanners vuln --list-all-pkgs --no-progress --cache-dir /cache "
        "--timeout 40s --insecure --skip-db-update --skip-java-db-update --offline-scan --parallel=1 "
        f"--image-src remote registry.example/team/app@{IMAGE.digest}"
    )
    assert expected == " ".join(program.calls[0].arguments)


async def test_with_a_server(tmp_path: Path) -> None:
    """The token is in the environment; no database is asked for on this side."""
    program = scripted(tmp_path)
    settings = TrivySettings(
        program=str(program.path), server="http://a.example:4954/", token=Secret("opensesame"), ca_file="/ca.pem"
    )
    await TrivyScanner(settings, StandInContext()).scan(IMAGE)
    (call,) = program.calls
    assert ("--server", "http://a.example:4954") == call.arguments[-5:-3]
    assert ("opensesame", "/ca.pem") == (call.environment["TRIVY_TOKEN"], call.environment["SSL_CERT_FILE"])
    assert not {"--skip-db-update", "opensesame"} & set(call.arguments)


async def test_the_database_is_asked_for_once(tmp_path: Path) -> None:
    """Before the first scan, for all; its repository is the one in the settings."""
    program = scripted(tmp_path)
    settings = TrivySettings(program=str(program.path), cache="/cache", database_repository="db.example/trivy-db:2")
    scanner = TrivyScanner(settings, StandInContext())
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

    database = DatabaseKeeper(updates=True, clock=lambda: now[0])
    for moment in (0.0, UPDATE_INTERVAL - 1, UPDATE_INTERVAL + 1):
        now[0] = moment
        await database.update(Program())  # type: ignore[arg-type]
    assert [0.0, UPDATE_INTERVAL + 1] == asked


CREDENTIALS = [("basic", "auth"), ("token", "registrytoken")]


@pytest.mark.parametrize(("auth", "key"), CREDENTIALS, ids=[auth for auth, _ in CREDENTIALS])
async def test_credentials_are_for_one_host_and_in_a_private_file(tmp_path: Path, auth: str, key: str) -> None:
    """Credentials are neither arguments nor in the environment; no others are looked for."""
    program = tmp_path / "trivy"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = version ] && exec cat {tmp_path}/versions\n'
        f'cp "$DOCKER_CONFIG/config.json" {tmp_path}/seen; stat -c %a "$DOCKER_CONFIG/config.json" > {tmp_path}/mode\n'
        f"env > {tmp_path}/env; cp {tmp_path}/report report.json\n"
    )
    program.chmod(0o755)
    (tmp_path / "versions").write_text(json.dumps(VERSIONS))
    (tmp_path / "report").write_text(json.dumps(report(os_result(vulnerability()))))
    async with StandInRegistry(auth=auth) as registry:  # type: ignore[arg-type]
        registry.push("team/app", "1", debian_image({"bash": "5.2-1"}))
        login = {registry.host: {"username": registry.username, "password": registry.password}}
        document = {
            "security": {"trivy": {"enabled": True, "program": str(program), "skip_update": True}},
            "registries": login,
        }
        async with Engine(Settings.from_mapping(document)) as engine:
            (run,) = (await engine.scan(registry.reference("team/app", "1"))).results
    assert Outcome.OK is run.outcome, run.error
    auths = json.loads((tmp_path / "seen").read_text())["auths"]
    assert ({registry.host: {key}}, "600\n") == (
        {host: set(entry) for host, entry in auths.items()},
        (tmp_path / "mode").read_text(),
    )
    assert registry.password not in (tmp_path / "env").read_text()
    assert auths[registry.host][key] not in (tmp_path / "env").read_text()


async def test_steps_are_progress(tmp_path: Path) -> None:
    """Each line that Trivy logs is a step."""
    program = scripted(tmp_path)
    lines = "2099-01-01T00:00:00Z\tINFO\t[vuln] on\n2099-01-01T00:00:00Z\tINFO\tDetected OS\tfamily=x\nodd\n"
    program.script("image", stderr=lines, files={"report.json": report(os_result())})
    context = RecordingContext()
    await TrivyScanner(TrivySettings(program=str(program.path), offline=True), context).scan(IMAGE)
    assert [(1, 0, "step"), (2, 0, "step")] == context.calls_of("progress")
