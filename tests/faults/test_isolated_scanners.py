"""``isolation: process``: what no task can stop ends its own run alone, and an honest scanner notices no difference."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from portus_images import Images
from portus_scanners import (
    Engine,
    ImageReport,
    Outcome,
    Progress,
    ScannerRun,
    ScannerSection,
    Settings,
    SettingsError,
    Verdict,
)
from portus_scanners.plugins import Plugin
from portus_scanners_isolation.conversation import Conversation
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.contract.leaks import Holdings, check_nothing_left
from portus_scanners_testing.images import make_artifact

from .cells import PLUGINS
from .conftest import ENTRY_POINTS, PROJECT, hostile, names_of
from .scenes import IMAGE as PUSHED, open_scene
from .test_hostile_scanners import FOUND, IMAGE
from .test_programs import make_trivy

ISOLATED: dict[str, Any] = {"isolation": "process"}
ESCAPING = names_of("escaping")
EVERY = os.environ.get("PORTUS_FAULTS") == "all"
PATIENT = 60
"""Seconds for what ends by itself."""
SAYS = {
    "spins": "no result within",
    "spins_deaf": "no result within",
    "stops": "no result within",
    "leaves": "left with the exit code 0",
    "crashes": "ended by SIGSEGV",
    "replaces_python": "exit code",
    "sends_garbage": "not a message",
    "sends_lies": "a message of another form",
    "floods": "not a message, or one of 15,",
    "closes_everything": "no longer answered",
    "eats": "MemoryError",
}
"""What the errors say; those that are not here end well."""
HARMLESS = [name for name in ENTRY_POINTS if name not in {*ESCAPING, "settings_odd"}][:: 1 if EVERY else 9]

ENDING = {"loop_stopped", "task_exits"}
"""Those that end an event loop: the command's own goes on, that of a process is its end."""


def plugin_of(name: str, value: str) -> Plugin:
    """Return the plugin of a class, as an installed one."""
    return Plugin(name=name, value=value, distribution="hostile", version="1")


def open_engine(values: dict[str, str], grace: float = 1, **settings: Any) -> Engine:
    """Return an engine with these classes, each in processes of its own."""
    sections = {
        name: ScannerSection(
            name=name, plugin=name, enabled=True, values={"timeout": limit_of(name), **ISOLATED, **settings}
        )
        for name in values
    }
    return Engine(
        Settings(scanners=sections), plugins=[plugin_of(name, value) for name, value in values.items()], grace=grace
    )


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files: empty at first."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def scan_with(engine: Engine) -> ImageReport:
    """Open an engine, and scan with all of its scanners."""
    async with engine:
        report = await engine.scan(IMAGE)
        assert () == engine.abandoned
    return report


async def scan_alone(value: str, **settings: Any) -> ScannerRun:
    """Scan with one class of ``telling``."""
    async with open_engine({"bad": f"portus_scanner_hostile.telling:{value}"}, **settings) as engine:
        (run,) = (await engine.scan(IMAGE)).results
    return run


def test_what_no_task_can_stop_ends_its_own_run_alone(scratch: Path) -> None:
    """Each ends as it must, with words for it, by its deadline; another scanner's result stands; nothing is left."""
    before = Holdings.now(scratch)
    sections, plugins = {}, []
    for name in ESCAPING:
        values = {**ISOLATED, "timeout": limit_of(name), "memory_limit": 512}
        sections[name] = ScannerSection(name=name, plugin=name, enabled=True, values=values)
        plugins.append(plugin_of(name, ENTRY_POINTS[name]))
    sections["dummy"] = ScannerSection(name="dummy", plugin="dummy", enabled=True, values={"enabled": True})
    report = asyncio.run(scan_with(Engine(Settings(scanners=sections), plugins=[*plugins, *PLUGINS], grace=1)))
    ends = {run.scanner: run for run in report.results}
    expected = {name: hostile_outcome(name) for name in ESCAPING} | {"dummy": Outcome.OK}
    assert expected == {name: run.outcome for name, run in ends.items()}
    assert {} == {name: ends[name].error for name, words in SAYS.items() if words not in (ends[name].error or "")}
    assert Verdict.VULNERABLE is report.verdict
    check_nothing_left(before, scratch, "after the scan")
    assert set() == processes_in(scratch)


def hostile_outcome(name: str) -> Outcome:
    """Return how the run of an entry point's scanner is to end."""
    found: Outcome = hostile(name).outcome
    return found


def limit_of(name: str) -> int:
    """Return the seconds that a scanner has: a few, if it never ends."""
    return 3 if name in ENTRY_POINTS and hostile_outcome(name) is Outcome.TIMED_OUT else PATIENT


def test_other_hostile_scanners_end_as_in_one_process(scratch: Path) -> None:
    """What a scanner returns, raises and leaves behind means the same, and none needs to be stopped."""
    before = Holdings.now(scratch)
    values = {name: ENTRY_POINTS[name] for name in HARMLESS}
    report = asyncio.run(scan_with(open_engine(values)))
    expected = {name: Outcome.FAILED if name in ENDING else hostile_outcome(name) for name in HARMLESS}
    assert expected == {run.scanner: run.outcome for run in report.results}
    check_nothing_left(before, scratch, "after the scan")


async def test_a_plugin_whose_import_ends_the_process_is_a_failed_run() -> None:
    """None of its code runs in the process of the engine, and the engine opens."""
    async with open_engine({"fatal": "portus_scanner_hostile.fatal:Any"}) as engine:
        (run,) = (await engine.scan(IMAGE)).results
    assert (Outcome.FAILED, "its process left with the exit code 3 before it had answered") == (run.outcome, run.error)
    assert "portus_scanner_hostile.fatal" not in sys.modules


async def test_a_fault_in_its_settings_is_an_error_of_the_configuration() -> None:
    """The process converts them, and its words name the key; the engine's own two are checked before."""
    given = {"flavor: unknown key": {"flavor": "x"}, "isolation: expected one of": {"isolation": "no"}}
    for fault, settings in given.items():
        with pytest.raises(SettingsError, match=fault):
            await scan_alone("Long", **settings)


async def test_its_own_settings_hold() -> None:
    """The defaults of its class are those that the engine acts on."""
    plugin = plugin_of("long", "portus_scanner_hostile.telling:Long")
    section = ScannerSection(name="long", plugin="long", enabled=True, values={**ISOLATED, "flavour": "mint"})
    async with Engine(Settings(scanners={"long": section}), plugins=[plugin]) as engine:
        (run,) = (await engine.scan(IMAGE)).results
        assert engine._crew is not None
        assert ["mint", 7.5] == [*(run.report.notes if run.report else ()), engine._crew.scanners[0].timeout]


async def test_what_was_last_known_decides_at_the_deadline(strike: Callable[[], None]) -> None:
    """Progress, what is kept, and that the backend is still working cross as they are told."""
    told: list[Progress] = []

    def hear(progress: Progress) -> None:
        told.append(progress)
        if progress.done:
            strike()

    async with open_engine({"bad": "portus_scanner_hostile.telling:Working"}) as engine:
        (run,) = (await engine.scan(IMAGE, on_progress=hear)).results
    assert (Outcome.PENDING, True) == (run.outcome, (run.error or "").endswith(", at layer 1 of 3"))
    assert run.report is not None
    assert FOUND.complete is not run.report.complete
    assert ["CVE-2099-0009"] == [one.id for one in run.report.findings]
    assert [(0, 0), (1, 3)] == list(dict.fromkeys((one.done, one.total) for one in told))


async def test_a_request_that_must_be_finished_is_finished(tmp_path: Path, strike: Callable[[], None]) -> None:
    """The run ends at its deadline; its process lives until the request has ended."""
    for name in ("go", "finished"):
        os.mkfifo(tmp_path / name)
    async with open_engine({"bad": "portus_scanner_hostile.telling:Finishing"}, server=str(tmp_path)) as engine:
        (run,) = (await engine.scan(IMAGE, on_progress=lambda told: strike() if told.done else None)).results
        finished = asyncio.create_task(asyncio.to_thread((tmp_path / "finished").read_bytes))
        assert (Outcome.TIMED_OUT, False) == (run.outcome, finished.done())
        await asyncio.to_thread((tmp_path / "go").write_bytes, b"go")
        assert b"finished" == await finished


async def test_secrets_cross_by_the_channel_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither arguments nor the environment of a process have the settings; what they name is known; it can log."""
    monkeypatch.setenv("TELLING_PASSWORD", "canary-1")
    monkeypatch.setenv("PORTUS_SECURITY_X_TOKEN", "canary-2")
    for given in ({"password": "canary-0"}, {"password_env": "TELLING_PASSWORD"}):
        run = await scan_alone("Surroundings", server="http://127.0.0.1:1", username="u", **given)
        assert run.report is not None
        (told,) = (dict(one.details) for one in run.report.findings)
        assert "canary" not in told["seen"]
        assert told["password"][::-1] in {"canary-0", "canary-1"}
        assert told["home"] == told["temporary"] != os.environ["HOME"]
    assert ["it was here"] * 2 == [one.message for one in caplog.records if one.name == "portus_scanners.scanner.bad"]


async def test_questions_about_an_image_are_answered_by_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a context has comes as in one process, with the error of the registry as well."""
    async with StandInRegistry(auth="token") as registry:
        registry.referrers = True
        registry.push("team/app", "1.0", PUSHED)
        registry.push("team/app", "", make_artifact(PUSHED, "application/spdx+json", b'{"sbom": 1}'))
        reports = []
        for isolation in ("none", "process"):
            settings = Settings.from_mapping(
                {"registries": {registry.host: {"username": registry.username, "password": registry.password}}}
            )
            section = ScannerSection(
                name="r", plugin="r", enabled=True, values={"enabled": True, "isolation": isolation}
            )
            plugin = plugin_of("r", "portus_scanner_hostile.telling:Registries")
            async with Engine(evolve(settings, scanners={"r": section}), plugins=[plugin]) as engine:
                (run,) = (await engine.scan(registry.reference("team/app", "1.0"))).results
            assert (Outcome.OK, None) == (run.outcome, run.error)
            reports.append(run.report)
    assert reports[0] == reports[1]
    assert "ImageNotFoundError" in dict(reports[0].findings[0].details)["error"]


async def test_a_layer_is_written_to_the_folder_of_the_process_alone(tmp_path: Path, scratch: Path) -> None:
    """The engine writes no file where a process says: elsewhere, through a link, upwards."""
    async with StandInRegistry() as registry:
        registry.push("team/app", "1.0", PUSHED)
        async with open_engine({"bad": "portus_scanner_hostile.telling:Writes"}, server=str(tmp_path)) as engine:
            (run,) = (await engine.scan(registry.reference("team/app", "1.0"))).results
    assert run.report is not None
    told = dict(run.report.findings[0].details)
    assert {"outside", "dots", "link"} == {name for name, said in told.items() if "its own folder" in said}
    assert [scratch] == list(tmp_path.iterdir())
    assert [] == list(scratch.iterdir())


async def test_a_question_that_fails_in_the_engine_is_no_unsupported_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """What our own code raises says nothing about the image: the run has failed."""
    monkeypatch.setattr(Images, "blob", None)
    async with StandInRegistry() as registry:
        registry.push("team/app", "1.0", PUSHED)
        async with open_engine({"bad": "portus_scanner_hostile.telling:Registries"}) as engine:
            (run,) = (await engine.scan(registry.reference("team/app", "1.0"))).results
    assert (Outcome.FAILED, "this can't be answered (TypeError)") == (run.outcome, run.error)


async def test_one_body_at_a_time_is_in_memory_for_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many it asks for at once: each may have 64 MiB, and as much again on the way."""
    under_way, most = 0, 0

    async def fetch(*_arguments: object, **_named: object) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(100):
            await asyncio.sleep(0)
        under_way -= 1
        return b"body"

    monkeypatch.setattr(Images, "fetch", fetch)
    async with open_engine({"bad": "portus_scanner_hostile.telling:Fetches"}) as engine:
        (run,) = (await engine.scan(IMAGE)).results
    assert (Outcome.OK, 1) == (run.outcome, most)


async def test_words_of_a_process_about_its_settings_are_lines() -> None:
    """They go to a terminal: no control characters, and not megabytes of them."""
    heard = Conversation(None, None, None, None, None)  # type: ignore[arg-type]
    bad = "a\x1b[2J\n" * 100_000
    fault, _ = await heard._take(["configured", bad, "", 1.0, 1])
    with pytest.raises(SettingsError) as raised:
        await heard._take(["settings", [bad] * 1000])
    said = [fault, *raised.value.faults]
    assert all(one.isprintable() and len(one) < 10_000 for one in said)
    assert 1000 > len(said)


@pytest.mark.parametrize("name", ["clair", "zypper", "osv", "harbor"])
async def test_a_scanner_reports_the_same(name: str) -> None:
    """In a process of its own, a scanner of a server has the same outcome, report and health."""
    async with open_scene(name) as scene:
        ends = []
        for isolation in ("process", "none"):
            scene.security[name] = {**scene.security[name], "isolation": isolation, "timeout": PATIENT}
            async with Engine(scene.settings.select([name]), plugins=PLUGINS) as engine:
                (run,), (health,) = (await engine.scan(scene.reference)).results, await engine.check_health()
                ends.append((run.outcome, run.error, run.report, health.healthy, health.message, health.database))
    assert ends[0] == ends[1]
    assert Outcome.OK is ends[0][0]


async def test_a_scanner_of_a_program_reports_the_same(tmp_path: Path) -> None:
    """Trivy's program, and the dummy, in processes of their own."""
    program = make_trivy(tmp_path, "image", ":", anywhere=True)
    trivy = {"enabled": True, "skip_update": True, "program": str(program), "cache": str(tmp_path / "cache")}
    ends = []
    async with StandInRegistry() as registry:
        registry.push("team/app", "1.0", PUSHED)
        for isolation in ("process", "none"):
            document = {"trivy": {**trivy, "isolation": isolation}, "dummy": {"enabled": True, "isolation": isolation}}
            async with Engine(Settings.from_mapping({"security": document}), plugins=PLUGINS) as engine:
                report = await engine.scan(registry.reference("team/app", "1.0"))
                ends.append([(run.outcome, run.error, run.report) for run in report.results])
    assert ends[0] == ends[1]
    assert [Outcome.OK] * 2 == [outcome for outcome, _, _ in ends[0]]


_HOST = """
import asyncio, sys
from faults.test_isolated_scanners import open_engine, IMAGE

async def main():
    async with open_engine({"bad": "portus_scanner_hostile.telling:SpinsInTheEnd"}) as engine:
        await engine.scan(IMAGE, on_progress=lambda told: told.done and print("it spins", flush=True))

asyncio.run(main())
"""


def test_nothing_outlives_an_engine_that_is_killed(scratch: Path) -> None:
    """SIGKILL for the engine's process is the end of all others, even of one that spins, and of their folders."""
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(PROJECT.parent.parent)}
    with subprocess.Popen([sys.executable, "-c", _HOST], env=environment, stdout=subprocess.PIPE) as host:
        try:
            assert host.stdout is not None
            assert b"it spins\n" == host.stdout.readline()
            watched = [os.pidfd_open(process) for process in processes_in(scratch) - {host.pid}]
        finally:
            host.kill()
    assert 3 == len(watched)  # what the others are forked from, the keeper, and the one that spins
    for process in watched:
        assert [process] == select.select([process], [], [], PATIENT)[0]
        os.close(process)
    assert [] == list(scratch.iterdir())


def processes_in(scratch: Path) -> set[int]:
    """Return the processes that have been started with this folder for temporary files."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is not ours
            if f"TMPDIR={scratch}\0".encode() in path.read_bytes():
                found.add(int(path.parent.name))
    return found
