"""The pieces of the kit that authors use beside the contract's tests."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import subprocess
import sys
import threading
import urllib.request
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import aiohttp
import portus_scanners_testing
import pytest
from attrs import field, frozen
from hypothesis import given, strategies as st
from portus_scanners import Image, Reference, ScannerReport, ScannerSettings, Secret, SettingsError
from portus_scanners_testing import (
    Chunked,
    Echo,
    Endless,
    Exchange,
    ProgramFault,
    RecordingContext,
    ReplayServer,
    Reply,
    Rewritten,
    ScriptedProgram,
    ScriptedServer,
    StandInRegistry,
    Status,
    StillWorkingError,
    Truncated,
    VirtualTimeLoop,
    open_engine,
    read_exchanges,
    serving,
    virtual_time,
    with_json,
)
from portus_scanners_testing.contract import canaries, mutations
from standins.registry_client import get

IMAGE = Image(reference=Reference.parse("registry.example/app:1"), digest="sha256:" + "a" * 64)
EXCHANGE = {
    "request": {"method": "GET", "url": "http://127.0.0.1:6060/v1/x?a=1", "headers": {}, "body": None},
    "response": {"status": 200, "headers": {"Content-Type": "application/json", "Date": "then"}, "body": {"n": 1}},
}


@pytest.mark.parametrize("name", portus_scanners_testing.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Each name of the kit can be had from its front door."""
    assert getattr(portus_scanners_testing, name) is not None


def test_stand_ins_do_not_import_pytest() -> None:
    """A demonstration can use the servers and images where pytest is not installed."""
    code = (
        "import sys; from portus_scanners_testing import StandInRegistry, open_engine; print('pytest' in sys.modules)"
    )
    assert "False\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


async def test_a_script_answers_in_turn(http: aiohttp.ClientSession) -> None:
    """One answer a request, the last one again and again; faults and functions are answers too."""
    async with ScriptedServer() as server:
        server.script("/a", {"n": 1}, Status(503), Reply("two", 201, "text/plain"), b"last")
        answers = [await get(http, f"{server.url}/a") for _ in range(5)]
    assert [(200, b'{"n": 1}'), (503, b""), (201, b"two"), (200, b"last"), (200, b"last")] == [
        (answer.status, answer.body) for answer in answers
    ]


async def test_what_was_scripted_last_counts(http: aiohttp.ClientSession) -> None:
    """Of several scripts that match a request the latest answers; a pattern with a query looks at the query."""
    async with ScriptedServer() as server:
        server.script("/*", b"any")
        server.script("/scan?image=*app*", b"app")
        server.script("/scan", b"post", method="POST")
        found = [
            (await get(http, f"{server.url}{target}", method=method)).body
            for method, target in (("GET", "/x"), ("GET", "/scan?image=my-app"), ("POST", "/scan"), ("GET", "/scan"))
        ]
        missing = (await get(http, f"{server.url}")).status
    assert ([b"any", b"app", b"post", b"any"], 200) == (found, missing)


async def test_faults_that_change_an_answer(http: aiohttp.ClientSession) -> None:
    """Chunks carry the same body; a rewritten one is another; a request before the fault is due gets the right one."""
    async with ScriptedServer() as server:
        server.script("/a", {"n": 1})
        server.faults.add("/a", Chunked(2), times=1)
        rule = server.faults.add("/a", Rewritten(bytes.upper), skip=1)
        bodies = [(await get(http, f"{server.url}/a")).body for _ in range(3)]
    assert [b'{"n": 1}', b'{"n": 1}', b'{"N": 1}'] == bodies
    assert 1 == rule.shown


async def test_faults_that_answer_by_themselves(http: aiohttp.ClientSession) -> None:
    """An echo has what was sent; endless answers are as long as told, compressed or not; a truncated one is cut."""
    async with ScriptedServer() as server:
        server.script("/a", b"0123456789")
        for path, fault in (
            ("/echo", Echo(400)), ("/plain", Endless(200_000)), ("/packed", Endless(200_000, compressed=True)),
            ("/a", Truncated(4, announced=False)),
        ):  # fmt: skip
            server.faults.add(path, fault)
        echo = await get(http, f"{server.url}/echo", authorization="Basic canary")
        lengths = [len((await get(http, f"{server.url}/{name}")).body) for name in ("plain", "packed", "a")]
    assert (400, True) == (echo.status, b"Basic canary" in echo.body)
    assert [3 * 65536 + 2, 3 * 65536 + 2, 4] == lengths


def test_a_connection_of_the_last_moment_is_closed() -> None:
    """A server that stops closes a connection that it has only just accepted."""
    for _ in range(20):
        server = ScriptedServer()
        with serving(server):
            client = socket.create_connection(("127.0.0.1", int(server.host.rpartition(":")[2])), timeout=60)
        with client, suppress(ConnectionResetError):
            assert b"" == client.recv(1)  # the end; nothing comes where the other side stays open
    gc.collect()  # pytest reports a socket that is collected and was not closed


def test_a_server_in_a_thread_answers_while_this_thread_blocks() -> None:
    """A blocking client in the thread of the test is answered; afterwards connections are refused."""
    server = ScriptedServer()
    server.script("/a", b"here")
    with serving(server):
        url = f"{server.url}/a"
        assert b"here" == urllib.request.urlopen(url).read()  # noqa: S310 (ours)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url)  # noqa: S310 (ours)


async def test_recorded_exchanges_are_answered_again(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    """A recorded request gets its answer without framing and date; another one is refused and named."""
    (tmp_path / "one.json").write_text(json.dumps(EXCHANGE))
    (exchange,) = read_exchanges(tmp_path)
    async with ReplayServer([exchange]) as server:
        answer = await get(http, f"{server.url}/v1/x?a=1")
        other = await get(http, f"{server.url}/v1/x?a=2")
        assert ["GET /v1/x?a=2"] == server.unknown
    assert (200, b'{"n": 1}', "application/json") == (answer.status, answer.body, answer.media_type)
    assert (501, True) == (other.status, b"nothing was recorded" in other.body)


async def test_an_exchange_can_be_adapted(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    """What differs from the recording is changed in the answer; a compressed answer is compressed again."""
    (tmp_path / "one.json").write_text(json.dumps(EXCHANGE))
    exchange = Exchange.read(tmp_path / "one.json")
    server = ReplayServer(
        [exchange],
        matches=lambda _recorded, _asked: True,
        adapt=lambda recorded, asked: with_json(recorded, lambda body: {**body, "for": asked.path}),
    )
    async with server:
        assert {"n": 1, "for": "/y"} == json.loads((await get(http, f"{server.url}/y")).body)


@pytest.mark.parametrize("document", [{}, [], {"request": {}}, {**EXCHANGE, "response": None}])
def test_a_file_that_is_no_exchange_is_named(document: object, tmp_path: Path) -> None:
    """A file of another form is a ValueError with the file's name."""
    (tmp_path / "odd.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=r"odd\.json is not a recorded exchange"):
        Exchange.read(tmp_path / "odd.json")


async def test_a_recording_context_does_not_wait_and_has_limits() -> None:
    """Calls are recorded in order; after so many waits the backend counts as still working."""
    async with RecordingContext(patience=2) as context:
        context.progress(1, 3, "layer")
        context.keep(ScannerReport())
        await context.wait(900.0)
        assert 5 == await context.finish(asyncio.sleep(0, 5))
        await context.wait(1.0)
        with pytest.raises(StillWorkingError):
            await context.wait(1.0)
    assert ["progress", "keep", "wait", "finish", "wait", "wait"] == [call[0] for call in context.calls]
    assert ([900.0, 1.0, 1.0], [(1, 3, "layer")]) == (context.waits, context.calls_of("progress"))


async def test_an_engine_for_a_class_that_is_not_installed() -> None:
    """The class is scanned with under the name `tested`, and its settings are checked as in a configuration."""
    from portus_scanners import Scanner

    class Local(Scanner[ScannerSettings], contract=1):
        async def scan(self, image: Image) -> ScannerReport:
            return ScannerReport(notes=(f"{self.settings.timeout:g}",))

    async with open_engine(Local, {"timeout": "7"}) as engine:
        (run,) = (await engine.scan(IMAGE)).results
    assert ("tested", "ok") == (run.scanner, run.outcome.value)
    assert run.report is not None
    assert ("7",) == run.report.notes
    with pytest.raises(SettingsError, match=r"security\.tested\.flavor: unknown key"):
        async with open_engine(Local, {"flavor": "1"}):
            pass


@virtual_time
async def test_a_day_passes_at_once_in_virtual_time() -> None:
    """Time passes only while every task waits."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(86_400)
    assert 86_400 == loop.time()


def test_the_end_of_threads_has_no_limit_in_virtual_time() -> None:
    """A loop is closed when its threads have ended, though days pass meanwhile on its clock."""
    ended = threading.Event()

    class SlowToEnd(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            if wait:  # in a thread; the loop's end calls it once more
                loop.call_soon_threadsafe(loop.call_later, 86_400, ended.set)
                assert ended.wait(30)
            super().shutdown(wait, cancel_futures=cancel_futures)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        loop = runner.get_loop()
        loop.set_default_executor(SlowToEnd())
    assert ended.is_set()


def test_a_scripted_program_does_what_it_is_told(tmp_path: Path) -> None:
    """Output, files and status are those of the script; the call is recorded; unknown arguments end with 64."""
    program = ScriptedProgram(tmp_path)
    program.script("scan", {"found": []}, stderr="1 of 1\n", status=3, files={"report.txt": "text"})
    work = tmp_path / "work"
    work.mkdir()
    ended = subprocess.run([program.path, "scan", "x"], capture_output=True, cwd=work, env={"A": "1"}, check=False)
    unknown = subprocess.run([program.path, "other"], capture_output=True, check=False)
    assert (3, b'{"found": []}', b"1 of 1\n", 64) == (ended.returncode, ended.stdout, ended.stderr, unknown.returncode)
    assert "text" == (work / "report.txt").read_text()
    call, _ = program.calls
    assert (("scan", "x"), "1", str(work)) == (call.arguments, call.environment["A"], call.folder)


def test_a_scripted_program_runs_with_any_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blanks in the path of the interpreter, and in that of the program, do no harm."""
    interpreter = tmp_path / "it's a python"
    interpreter.symlink_to(Path(sys.executable).resolve())
    monkeypatch.setattr(sys, "executable", str(interpreter))
    program = ScriptedProgram(tmp_path / "a folder")
    program.script("a scan", "fine")
    ended = subprocess.run([program.path, "a scan"], capture_output=True, check=False)
    assert (0, b"fine", b"") == (ended.returncode, ended.stdout, ended.stderr)
    assert [("a scan",)] == [call.arguments for call in program.calls]


def test_a_scripted_program_shows_faults(tmp_path: Path) -> None:
    """A fault is shown instead of the output, until it is taken back; what it writes can be rewritten."""
    program = ScriptedProgram(tmp_path)
    program.script("scan", "fine")
    program.break_with(ProgramFault(status=9, stderr=b"broken"))
    broken = subprocess.run([program.path, "scan"], capture_output=True, check=False)
    program.break_with(ProgramFault(status=9, stderr=b"broken", after_output=True))
    late = subprocess.run([program.path, "scan"], capture_output=True, check=False)
    assert (9, b"broken", b"fine") == (late.returncode, late.stderr, late.stdout)
    program.break_with(None)
    program.rewrite(bytes.upper)
    changed = subprocess.run([program.path, "scan"], capture_output=True, check=False)
    assert (9, b"broken", b"FINE") == (broken.returncode, broken.stderr, changed.stdout)


@frozen(kw_only=True)
class SettingsWithSecrets(ScannerSettings):
    """Credentials of each kind; and what is only called so."""

    token: Secret = field(factory=Secret)
    key: Secret | None = None
    headers: Mapping[str, Secret] = field(factory=dict)
    kind: type[Secret] | None = None


def test_canaries_are_planted_where_one_secret_is_wanted() -> None:
    """Settings that are a `Secret` or None get one; a mapping of them gets none, and is searched all the same."""
    assert ["token", "key"] == list(canaries.secrets_for(SettingsWithSecrets))
    settings = SettingsWithSecrets(key=Secret("opensesame"), headers={"A": Secret("sesameopen"), "B": Secret("1")})
    assert ["opensesame", "sesameopen"] == list(canaries.secrets_in(settings))


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(documents)
def test_every_place_of_a_document_can_be_changed(document: object) -> None:
    """Each path leads to a value; changed there, a copy differs at that path, and the original does not."""
    before = json.dumps(document)
    for path in mutations.paths_of(document):
        value = mutations.value_at(document, path)
        changed = mutations.with_change(document, path, mutations.wrong_type)
        assert type(value) is not type(mutations.value_at(changed, path))
    assert before == json.dumps(document)


@given(documents)
def test_unknown_members_leave_every_value_where_it_was(document: object) -> None:
    """A document with unknown members has all the values of the original."""
    grown = mutations.with_unknown_members(document)
    assert set(mutations.paths_of(document)) <= set(mutations.paths_of(grown))


@given(st.text(min_size=6), st.binary(max_size=8), st.binary(max_size=8))
def test_a_secret_is_found_in_base64(secret: str, before: bytes, after: bytes) -> None:
    """Wherever it stands in what is encoded, with either alphabet."""
    forms = canaries.forms_of([secret], StandInRegistry())
    encoded = [encode(before + secret.encode() + after).decode() for encode in (b64encode, urlsafe_b64encode)]
    assert [] == [one for one in encoded if not canaries.told([one], forms)]
    assert canaries.told([f"https://x/?token={quote(secret, safe='')}", secret.encode().hex()], forms)


def test_maps_get_no_unknown_member() -> None:
    """An object under a name of a map, or in a list there, has data as keys; the objects in it are as all others."""
    document = {"packages": {"1": {"name": "a"}}, "scores": [{"CVE-2099-1": [{"base": 1}]}], "other": {}}
    grown = mutations.with_unknown_members(document, {"packages", "scores", "CVE-2099-1"})
    new = "x-added-by-a-later-version"
    assert {"1"} == set(grown["packages"])
    assert {"name", new} == set(grown["packages"]["1"])
    assert ({"CVE-2099-1"}, {"base"}) == (set(grown["scores"][0]), set(grown["scores"][0]["CVE-2099-1"][0]))
    assert ({new}, True) == (set(grown["other"]), new in grown)
