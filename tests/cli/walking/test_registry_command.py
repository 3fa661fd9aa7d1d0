"""``portus-scan registry`` with a stand-in registry and the dummy scanner; where it is interrupted, in a process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from portus_scanners import ReportDocument, load_document
from portus_scanners_testing import Reply, ScriptedServer, StandInRegistry, Status
from portus_scanners_testing.images import filler_layer, make_image

from .. import plugins
from ..conftest import Process, run_here

Start = Callable[..., Awaitable[Process]]
Config = Callable[..., str]
EMPTY = {"behaviour": "empty"}
HANG = {"behaviour": "hang"}
IMAGES = {"team/app": ("1.9", "1.10", "latest"), "team/base": ("1",), "other": ("1",)}


@pytest.fixture
async def stocked() -> AsyncIterator[StandInRegistry]:
    """A registry with five images, all different."""
    async with StandInRegistry() as server:
        for repository, tags in IMAGES.items():
            for tag in tags:
                server.push(repository, tag, make_image(filler_layer(f"{repository}:{tag}")))
        yield server


def read(path: Path) -> ReportDocument:
    """Read a file of results."""
    return load_document(path.read_bytes())


def names(document: ReportDocument, server: StandInRegistry) -> list[str]:
    """Return the references of the reports, without the registry, sorted."""
    return sorted(report.image.reference.text.removeprefix(f"{server.host}/") for report in document.reports)


ALL = sorted(f"{repository}:{tag}" for repository, tags in IMAGES.items() for tag in tags)


async def test_all_images_of_a_registry(start: Start, config: Config, stocked: StandInRegistry, tmp_path: Path) -> None:
    """A line an image, a summary, a file of results that is a document; nothing on stderr."""
    path = tmp_path / "r.jsonl"
    ended = await (await start("registry", stocked.host, "--config", config(), "--results", str(path))).end()
    lines = ended.stdout.splitlines()
    assert (0, "") == (ended.code, ended.stderr)
    assert ALL == names(read(path), stocked)
    assert 5 == len([line for line in lines if line.startswith(stocked.host) and "vulnerable: 3" in line])
    assert ["5 images: 5 vulnerable", "dummy: 5 ok"] == [lines[-3], lines[-1]]


@pytest.mark.parametrize(
    ("place", "options", "expected"),
    [
        ("/team", [], [name for name in ALL if name.startswith("team/")]),
        ("", ["--include", "team/*", "--exclude", "*:latest"], ["team/app:1.10", "team/app:1.9", "team/base:1"]),
        ("", ["--max-tags", "1"], ["other:1", "team/app:1.10", "team/base:1"]),
    ],
)
async def test_what_is_wanted(
    config: Config,
    stocked: StandInRegistry,
    tmp_path: Path,
    place: str,
    options: list[str],
    expected: list[str],
) -> None:
    """A namespace, patterns, the newest versions."""
    path = tmp_path / "r.jsonl"
    arguments = ("registry", f"{stocked.host}{place}", "--config", config(EMPTY), "--results", str(path), *options)
    ended = await run_here(*arguments)
    assert (0, expected) == (ended.code, names(read(path), stocked))


async def test_a_registry_without_a_list(config: Config, stocked: StandInRegistry, tmp_path: Path) -> None:
    """It is said what to do; with the names of the repositories it works, one of which may have a tag."""
    stocked.catalog = False
    ended = await run_here("registry", stocked.host, "--config", config(EMPTY))
    assert (4, True) == (ended.code, "name the repositories instead" in ended.stderr)
    (tmp_path / "list").write_text("team/base\nteam/app:latest\n")
    path = tmp_path / "r.jsonl"
    arguments = ("--config", config(EMPTY), "--results", str(path), "--repositories", str(tmp_path / "list"))
    ended = await run_here("registry", stocked.host, *arguments)
    assert (0, ["team/app:latest", "team/base:1"]) == (ended.code, names(read(path), stocked))


async def test_one_bad_image_stops_nothing(config: Config, stocked: StandInRegistry, tmp_path: Path) -> None:
    """What can't be scanned is a line, a record and exit code 3; the others are scanned."""
    (tmp_path / "list").write_text("team/app\ngone\nteam/base:none\n")
    script = config({"image": "*:1.9", "behaviour": "failed"}, EMPTY)
    path = tmp_path / "r.jsonl"
    arguments = ("--config", script, "--results", str(path), "--repositories", str(tmp_path / "list"))
    ended = await run_here("registry", stocked.host, *arguments)
    document = read(path)
    assert (3, 3, 2) == (ended.code, len(document.reports), len(document.errors))
    assert 2 == ended.stdout.count("not scanned: ")
    assert "5 images: 2 clean, 1 unknown, 2 not scanned" in ended.stdout


async def test_the_gate_judges_each_image(config: Config, stocked: StandInRegistry, tmp_path: Path) -> None:
    """It fails with 1 and names the images; results have the marks of suppressions; a rule that fits none is named."""
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "suppressions:\n"
        f"  - {{id: CVE-2016-6304, image: '{stocked.host}/team/**', reason: accepted}}\n"
        "  - {id: CVE-2000-1, reason: long gone}\n"
    )
    path = tmp_path / "r.jsonl"
    arguments = ("--config", config(), "--fail-on", "high", "--suppressions", str(rules), "--results", str(path))
    ended = await run_here("registry", stocked.host, *arguments)
    document = read(path)
    assert document.gate is not None
    assert (1, [f"{stocked.host}/other:1"]) == (ended.code, [one.reference for one in document.gate.violations])
    marked = [
        report.image.reference.text for report in document.reports for one in report.vulnerabilities if one.suppressed
    ]
    assert 4 == len(marked)
    assert ["rules.yml:3"] == [Path(one.rule).name for one in document.unused_rules]
    assert ("gate: FAILED" in ended.stdout, "1 suppression did not apply" in ended.stdout) == (True, True)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
async def test_an_interrupted_walk_goes_on(
    start: Start, config: Config, stocked: StandInRegistry, tmp_path: Path, ending: signal.Signals
) -> None:
    """No finished image is lost and none is scanned again: after kill -9, and after Ctrl-C."""
    path = tmp_path / "r.jsonl"
    script = config({"image": "*:latest", **HANG}, EMPTY)
    process = await start("registry", stocked.host, "--config", script, "--results", str(path))
    await process.read_lines(4)
    process.interrupt(ending)
    ended = await process.end()
    assert (-9 if ending is signal.SIGKILL else 130) == ended.code
    before = path.read_bytes().splitlines()[:4]

    asked = len(stocked.requests)
    ended = await run_here("registry", stocked.host, "--config", config(), "--resume", str(path))
    manifests = [request.path for request in list(stocked.requests)[asked:] if "/manifests/" in request.path]
    assert (0, before) == (ended.code, path.read_bytes().splitlines()[:4])
    assert (ALL, ["/v2/team/app/manifests/latest"]) == (names(read(path), stocked), manifests)
    assert "5 images: 1 vulnerable, 4 clean" in ended.stdout


async def test_an_interrupted_walk_is_not_the_whole_registry(
    start: Start, config: Config, stocked: StandInRegistry, tmp_path: Path
) -> None:
    """Whoever reads its results sees that something is missing."""
    path = tmp_path / "r.jsonl"
    script = config({"image": "*:latest", **HANG}, EMPTY)
    arguments = ("--config", script, "--results", str(path), "--fail-on", "high")
    process = await start("registry", stocked.host, *arguments)
    await process.read_lines(4)
    process.interrupt()
    ended = await process.end()
    document = read(path)
    (error,) = document.errors
    assert (130, "interrupted", True) == (ended.code, error.step, "1 more image stopped" in ended.stdout)
    assert document.gate is not None
    assert ["scanned"] == [one.rule for one in document.gate.violations]


async def test_an_image_that_is_named_twice_is_scanned_once(
    config: Config, stocked: StandInRegistry, tmp_path: Path
) -> None:
    """A registry that is written to repeats names on its pages; a user may name a repository and a tag of it."""
    (tmp_path / "list").write_text("team/app\nteam/app:1.9\n")
    path = tmp_path / "r.jsonl"
    arguments = ("--config", config(EMPTY), "--repositories", str(tmp_path / "list"), "--results", str(path))
    await run_here("registry", stocked.host, *arguments)
    assert ["team/app:1.10", "team/app:1.9", "team/app:latest"] == names(read(path), stocked)


async def test_a_registry_does_not_list_tags_as_repositories(config: Config) -> None:
    """What only a user may write is no repository's name where a registry says it, and nothing is asked for."""
    async with ScriptedServer() as server:
        host = server.url.removeprefix("http://")
        server.script("/v2/_catalog", Reply(body=b'{"repositories": ["team/app:1"]}'))
        ended = await run_here("registry", host, "--config", config(EMPTY))
        asked = [request.path for request in server.requests if "team" in request.path]
    assert (4, True, []) == (ended.code, "not a valid repository name" in ended.stdout, asked)


async def test_a_list_that_breaks_off_loses_nothing_before_that(config: Config) -> None:
    """The repositories of the pages before it are scanned, and the exit code says that there may be more."""
    async with ScriptedServer() as server:
        host = server.url.removeprefix("http://")
        first = Reply(body=b'{"repositories": ["a"]}', headers={"Link": '</v2/_catalog?n=100&last=a>; rel="next"'})
        server.script("/v2/_catalog", first, Status(404))
        server.script("/v2/a/tags/list", Reply(body=b'{"name": "a", "tags": ["1"]}'))
        ended = await run_here("registry", host, "--config", config(EMPTY))
    assert (4, True) == (ended.code, f"{host}/a:1  not scanned" in ended.stdout)


async def test_a_list_without_an_end_can_be_interrupted(start: Start, config: Config) -> None:
    """Each page names a next one that was not there yet, and none has a repository."""
    third = asyncio.Event()

    async def page(request: web.BaseRequest) -> web.StreamResponse:
        number = int(request.query.get("last", "0")) + 1
        if number == 3:
            third.set()
        link = f'</v2/_catalog?n=100&last={number}>; rel="next"'
        return web.json_response({"repositories": []}, headers={"Link": link})

    async with ScriptedServer() as server:
        server.script("/v2/_catalog", page)
        process = await start("registry", server.url.removeprefix("http://"), "--config", config(EMPTY))
        await third.wait()
        process.interrupt()
        ended = await process.end()
    assert (130, True) == (ended.code, "0 images: nothing was scanned" in ended.stdout)


@pytest.mark.parametrize("method", ["start", "aclose"])
async def test_a_scanner_that_hangs_can_not_take_ctrl_c_away(
    start: Start, install: Callable[..., Path], stocked: StandInRegistry, tmp_path: Path, method: str
) -> None:
    """Neither while it is started nor while it is closed, which each may take half a minute; results are written."""
    body = "import asyncio; print('here', file=sys.stderr, flush=True); await asyncio.Event().wait()"
    source = plugins.scanner() + f"\n    async def {method}(self):\n        {body}\n"
    environment = {**os.environ, "PYTHONPATH": str(install("acme", source)), "PORTUS_SECURITY_ACME_SERVER": "x"}
    path = tmp_path / "r.jsonl"
    process = await start("registry", stocked.host, "--results", str(path), env=environment)
    await process.read_stderr("here")
    process.interrupt()
    async with asyncio.timeout(15):
        ended = await process.end()
    assert (130, method == "aclose") == (ended.code, "5 images: 5 clean" in ended.stdout)
    assert (method == "start") == bool(read(path).errors)


async def test_a_thread_of_a_scanner_that_was_stopped_is_not_waited_for(
    start: Start, install: Callable[..., Path], stocked: StandInRegistry
) -> None:
    """Python can't end a thread, and waits for it when it ends itself."""
    source = plugins.scanner(
        "import asyncio; print('here', flush=True); await asyncio.to_thread(threading.Event().wait)"
    )
    environment = {**os.environ, "PYTHONPATH": str(install("acme", source)), "PORTUS_SECURITY_ACME_SERVER": "x"}
    process = await start("registry", stocked.host, env=environment)
    await process.read_stderr("here")
    process.interrupt()
    async with asyncio.timeout(15):
        ended = await process.end()
    assert (130, True) == (ended.code, "stopped before the end" in ended.stdout)


async def test_the_gate_fails_for_an_image_that_nobody_looked_into(config: Config, stocked: StandInRegistry) -> None:
    """The exit code says the same as the summary."""
    script = config({"image": "*:1.9", "behaviour": "failed"}, EMPTY)
    ended = await run_here("registry", stocked.host, "--config", script, "--fail-on", "high")
    assert (1, True) == (ended.code, "gate: FAILED" in ended.stdout)


async def test_what_a_resumed_walk_had_finished_is_unchanged_next_time(
    start: Start, config: Config, stocked: StandInRegistry, tmp_path: Path
) -> None:
    """An image is remembered from the file of results too, be its scanners those of now."""
    since, path = str(tmp_path / "since.json"), tmp_path / "r.jsonl"
    script = config({"image": "*:latest", **HANG}, EMPTY)
    process = await start("registry", stocked.host, "--config", script, "--since-file", since, "--results", str(path))
    await process.read_lines(4)
    process.interrupt(signal.SIGKILL)
    await process.end()
    arguments = ("--config", config(EMPTY), "--since-file", since, "--resume", str(path))
    ended = await run_here("registry", stocked.host, *arguments)
    assert (0, 5) == (ended.code, len(json.loads(Path(since).read_text())["digests"]))


async def test_only_what_has_changed(config: Config, stocked: StandInRegistry, tmp_path: Path) -> None:
    """The second time, only a tag that is new or points to another image; one that failed is tried again."""
    since = str(tmp_path / "since.json")
    script = config({"image": "*other:1", "behaviour": "failed"}, EMPTY)
    first = await run_here("registry", stocked.host, "--config", script, "--since-file", since)
    stocked.push("team/base", "1", make_image(filler_layer("new")))
    stocked.push("team/new", "1", make_image(filler_layer("other")))
    path = tmp_path / "r.jsonl"
    arguments = ("--config", config(EMPTY), "--since-file", since, "--results", str(path))
    ended = await run_here("registry", stocked.host, *arguments)
    assert (3, 0) == (first.code, ended.code)
    assert ["other:1", "team/base:1", "team/new:1"] == names(read(path), stocked)
    assert "3 more images unchanged since the last time" in ended.stdout
    assert f"{stocked.host}/other:1" in json.loads(Path(since).read_text())["digests"]
    ended = await run_here("registry", stocked.host, *arguments[:4], "--fail-on", "low")
    assert (0, False) == (ended.code, "gate:" in ended.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["http://registry.example"], "is not a registry"),
        (["registry.example", "--results", "a", "--resume", "b"], "leave --results out"),
        (["registry.example", "--max-tags", "0"], "not a number above 0"),
        (["registry.example", "--repositories", "/none"], "can't read '/none'"),
        (["registry.example", "--resume", "/none"], "without --resume it is made"),
        (["docker.io/library"], "Docker Hub does not list its repositories"),
        (["mydocker.io", "--results", "/none/r"], "can't open '/none/r'"),
    ],
)
def test_mistakes(run: Callable[..., Any], config: Config, arguments: list[str], said: str) -> None:
    """Each is one line that says what to do, and 2."""
    result = run("registry", *arguments, "--config", config(EMPTY))
    assert (2, 1, True) == (result.exit_code, len(result.stderr.splitlines()), said in result.stderr)


def test_no_scanner(run: Callable[..., Any]) -> None:
    """Nothing is asked of the registry, and it is said how to enable one."""
    result = run("registry", "registry.example")
    assert (4, True) == (result.exit_code, "no scanner is enabled" in result.stderr)


async def test_nothing_is_wanted(config: Config, stocked: StandInRegistry) -> None:
    """A walk that selects nothing is no success."""
    ended = await run_here("registry", stocked.host, "--config", config(EMPTY), "--include", "none")
    assert (4, True) == (ended.code, "no image of this registry is wanted" in ended.stderr)
