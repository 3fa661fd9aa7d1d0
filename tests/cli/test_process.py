"""The whole program in a process of its own: sockets, signals, pipes, terminals."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from portus_scanners import load_document
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.contract.leaks import Holdings

from . import plugins
from .conftest import Process, run_here

Start = Callable[..., Awaitable[Process]]
Config = Callable[..., str]

EMPTY = {"behaviour": "empty"}
HANG = {"behaviour": "hang", "steps": 3, "keep": True}


async def test_image_from_a_registry(start: Start, config: Config, real_registry: StandInRegistry) -> None:
    """An image is resolved over a socket and scanned; nothing is on stderr when it is piped."""
    reference = real_registry.reference("team/app", "1.0")
    ended = await (await start("image", reference, "--config", config(), "-o", "json")).end()
    (report,) = load_document(ended.stdout).reports
    assert (0, "", "vulnerable", 1) == (ended.code, ended.stderr, report.verdict.value, len(report.image.layers))


async def test_tag_that_is_not_there(config: Config, real_registry: StandInRegistry) -> None:
    """A tag that the registry does not have is one line on stderr; the other image is scanned."""
    gone, app = real_registry.reference("team/app", "2.0"), real_registry.reference("team/app", "1.0")
    ended = await run_here("image", gone, app, "--config", config(EMPTY))
    assert (3, 1, True, True) == (ended.code, len(ended.stderr.splitlines()), gone in ended.stderr, app in ended.stdout)


async def test_registry_that_is_not_there(config: Config, real_registry: StandInRegistry) -> None:
    """A registry that can't be reached is one line, 4, and an error in the document."""
    reference = real_registry.reference("team/app", "1.0")
    await real_registry.stop()
    ended = await run_here("image", reference, "--config", config(), "-o", "json")
    (error,) = load_document(ended.stdout).errors
    assert (4, 1, reference) == (ended.code, len(ended.stderr.splitlines()), error.reference)


async def test_wrong_credentials(config: Config) -> None:
    """A registry that refuses is one line without a traceback, and 4."""
    async with StandInRegistry(auth="basic") as registry:
        ended = await run_here("image", registry.reference("a", "1"), "--config", config())
    assert (4, 1, False) == (ended.code, len(ended.stderr.splitlines()), "Traceback" in ended.stderr)


async def test_helm_chart(config: Config, real_registry: StandInRegistry) -> None:
    """A Helm chart is unsupported for every scanner, and the words are not clean."""
    reference = real_registry.reference("team/chart", "1.0")
    ended = await run_here("image", reference, "--config", config(EMPTY))
    assert (4, True, False) == (ended.code, "1 of 1 scanner can't read it" in ended.stdout, "clean" in ended.stdout)


async def test_reader_that_goes_away(start: Start, config: Config, real_registry: StandInRegistry) -> None:
    """A closed pipe on stdout is no traceback."""
    read, write = os.pipe()
    os.close(read)
    reference = real_registry.reference("team/app", "1.0")
    script = config({"count": 5000})
    ended = await (await start("image", reference, "--config", script, "-o", "json", stdout=write)).end()
    os.close(write)
    assert (0, "") == (ended.code, ended.stderr)


async def test_full_disk(start: Start, config: Config, real_registry: StandInRegistry) -> None:
    """A stdout on a full disk is one line and 2."""
    with Path("/dev/full").open("wb") as full:
        reference = real_registry.reference("team/app", "1.0")
        ended = await (await start("image", reference, "--config", config(), stdout=full)).end()
    line = "portus-scan: can't write to stdout: No space left on device; write to a file: -o FORMAT=FILE\n"
    assert (2, line) == (ended.code, ended.stderr)


async def test_thread_that_does_not_end(
    start: Start, install: Callable[..., Path], real_registry: StandInRegistry
) -> None:
    """A thread that a timed out scanner left behind does not keep the program from ending."""
    source = plugins.scanner(scan="import asyncio; await asyncio.to_thread(threading.Event().wait)")
    environment = {**os.environ, "PYTHONPATH": str(install("acme", source)), "PORTUS_SECURITY_ACME_SERVER": "x"}
    reference = real_registry.reference("team/app", "1.0")
    ended = await (await start("image", reference, "--timeout", "3", env=environment)).end()
    assert (4, True) == (ended.code, "timed out" in ended.stdout)


@pytest.mark.parametrize("source", [plugins.BLOCKING, plugins.BLOCKING_IN_C], ids=["python", "c"])
async def test_second_signal_leaves_even_a_blocked_loop(
    start: Start, install: Callable[..., Path], real_registry: StandInRegistry, source: str
) -> None:
    """A plugin that blocks the main thread can't take Ctrl-C away: the second signal leaves at once."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(install("acme", source)),
        "PORTUS_SECURITY_ACME_SERVER": "x",
    }
    process = await start("image", real_registry.reference("team/app", "1.0"), env=environment)
    await process.read_stderr("blocked")
    process.interrupt(signal.SIGINT)
    process.interrupt(signal.SIGTERM)
    ended = await process.end()
    assert (130, "") == (ended.code, ended.stdout)


@pytest.mark.parametrize("name", ["health", "doctor"])
async def test_a_health_check_can_be_interrupted(start: Start, install: Callable[..., Path], name: str) -> None:
    """A signal ends a health check at once, with 130 and without a traceback."""
    source = plugins.scanner(health="import asyncio; print('asked', flush=True); await asyncio.Event().wait()")
    environment = {**os.environ, "PYTHONPATH": str(install("acme", source)), "PORTUS_SECURITY_ACME_SERVER": "x"}
    process = await start(name, "--timeout", "600", env=environment)
    await process.read_stderr("asked")
    process.interrupt()
    ended = await process.end()
    assert (130, "", "asked\n") == (ended.code, ended.stdout, ended.stderr)


@pytest.mark.parametrize(
    "arguments",
    [["image", "REFERENCE", "-o", "json"], ["scanners", "--load", "--format", "json"],
     ["health", "--format", "json"], ["doctor", "--json"]],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
async def test_what_a_plugin_prints_spoils_no_json(
    start: Start, install: Callable[..., Path], real_registry: StandInRegistry, arguments: list[str]
) -> None:
    """A plugin that prints while it is imported prints to stderr; stdout is JSON and nothing else."""
    site = install("acme", plugins.CHATTY)
    environment = {**os.environ, "PYTHONPATH": str(site), "PORTUS_SECURITY_ACME_SERVER": "x"}
    reference = real_registry.reference("team/app", "1.0")
    words = [reference if word == "REFERENCE" else word for word in arguments]
    ended = await (await start(*words, env=environment)).end()
    assert (1, "imported") == (json.loads(ended.stdout)["schema_version"], ended.stderr.split()[0])


async def test_an_import_that_ends_the_process_is_named(start: Start, install: Callable[..., Path]) -> None:
    """With -v the log's last line names the plugin whose import took the program along."""
    site = install("acme", "import os; os._exit(77)")
    ended = await (await start("-v", "doctor", env={**os.environ, "PYTHONPATH": str(site)})).end()
    last = ended.stderr.splitlines()[-1]
    assert (77, True) == (ended.code, last.endswith("importing portus_scanner_acme:TheScanner of portus-scanner-acme"))


@pytest.mark.parametrize(
    "arguments",
    [["image", "REFERENCE"], ["health"], ["doctor"], ["scanners", "--load"]],
    ids=lambda arguments: arguments[0],
)
async def test_an_import_that_hangs_can_be_interrupted(
    start: Start, install: Callable[..., Path], real_registry: StandInRegistry, arguments: list[str]
) -> None:
    """Ctrl-C ends the program with 130 while a plugin is imported, without a traceback."""
    site = install("acme", plugins.HANGING_IMPORT)
    environment = {**os.environ, "PYTHONPATH": str(site), "PORTUS_SECURITY_ACME_SERVER": "x"}
    reference = real_registry.reference("team/app", "1.0")
    process = await start(*(reference if word == "REFERENCE" else word for word in arguments), env=environment)
    await process.read_stderr("importing")
    process.interrupt()
    ended = await process.end()
    assert (130, False) == (ended.code, "Traceback" in ended.stderr)


class Terminal:
    """A terminal that a program is on, and what the program has written to it."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self.text = ""

    async def read_until(self, words: str) -> None:
        """Read until these words have been drawn."""
        while words not in self.text:
            await self._read()

    async def read_all(self) -> None:
        """Read until the program has gone."""
        os.close(self.theirs)
        try:
            while True:
                await self._read()
        except OSError:
            return  # EIO: the other side is closed

    async def _read(self) -> None:
        data = await asyncio.to_thread(os.read, self._ours, 65536)
        self.text += data.decode(errors="replace")

    def close(self) -> None:
        """Let go of our side."""
        os.close(self._ours)


@pytest.fixture
async def terminal(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Terminal]:
    """A pseudo-terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    made = Terminal()
    yield made
    made.close()


async def test_progress_on_a_terminal(
    start: Start, config: Config, real_registry: StandInRegistry, terminal: Terminal
) -> None:
    """On a terminal each scanner's state is drawn while it goes on; stdout in a pipe has the document alone."""
    reference = real_registry.reference("team/app", "1.0")
    script = config(HANG, other=[EMPTY])
    process = await start("image", reference, "--config", script, "-o", "json", stderr=terminal.theirs)
    await terminal.read_until("dummy: step 3/3")
    await terminal.read_until("other: done")
    process.interrupt()
    ended = await process.end()
    await terminal.read_all()
    (report,) = load_document(ended.stdout).reports
    assert (130, {"dummy": "cancelled", "other": "ok"}, 3, True, True) == (
        ended.code,
        {run.scanner: run.outcome.value for run in report.results},
        len(report.vulnerabilities),
        "stopping, what was found is kept" in terminal.text,
        terminal.text.rindex("\x1b[?25h") > terminal.text.rindex("\x1b[?25l"),
    )


async def test_no_progress_in_a_pipe(
    start: Start, install: Callable[..., Path], real_registry: StandInRegistry
) -> None:
    """In a pipe nothing is drawn, and SIGTERM ends the scan with what was found."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(install("acme", plugins.ENDLESS)),
        "PORTUS_SECURITY_ACME_SERVER": "x",
    }
    reference = real_registry.reference("team/app", "1.0")
    process = await start("image", reference, "-o", "json", env=environment)
    await process.read_stderr("scanning")
    process.interrupt(signal.SIGTERM)
    ended = await process.end()
    lines = [
        "scanning",
        "portus-scan: stopping, what was found is kept; press Ctrl-C again to leave at once",
        f"portus-scan: {reference}: acme: cancelled: stopped on request",
    ]
    assert (130, lines, 1) == (ended.code, ended.stderr.splitlines(), len(load_document(ended.stdout).reports))


@pytest.mark.parametrize("method", ["start", "aclose"])
async def test_a_scanner_that_hangs_can_not_take_ctrl_c_away(
    start: Start, install: Callable[..., Path], real_registry: StandInRegistry, method: str
) -> None:
    """Neither while it is started nor while it is closed: `image` ends as `registry` does, and prints its answer."""
    hang = "import asyncio; print('here', file=sys.stderr, flush=True); await asyncio.Event().wait()"
    source = plugins.scanner() + f"\n    async def {method}(self):\n        {hang}\n"
    environment = {**os.environ, "PYTHONPATH": str(install("acme", source)), "PORTUS_SECURITY_ACME_SERVER": "x"}
    process = await start("image", real_registry.reference("team/app", "1.0"), "-o", "json", env=environment)
    await process.read_stderr("here")
    process.interrupt()
    async with asyncio.timeout(15):
        ended = await process.end()
    assert (130, method == "start") == (ended.code, bool(load_document(ended.stdout).errors))


async def test_table_on_a_terminal(
    start: Start, config: Config, real_registry: StandInRegistry, terminal: Terminal
) -> None:
    """On a terminal the table has colour, and the width of the terminal."""
    reference = real_registry.reference("team/app", "1.0")
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS"}}
    process = await start("image", reference, "--config", config(), stdout=terminal.theirs, env=environment)
    ended = await process.end()
    await terminal.read_all()
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.text)
    assert (0, True, True) == (
        ended.code,
        "\x1b[31mhigh" in terminal.text,
        max(len(line) for line in plain.splitlines()) <= 80,
    )


async def test_python_m(start: Start) -> None:
    """The program has the same name however it is started."""
    ended = await (await start("--version")).end()
    assert (0, "portus-scan 0.1.0\n") == (ended.code, ended.stdout)


async def test_list_is_quick_to_read(start: Start) -> None:
    """In a pipe the list of scanners is JSON that names each plugin once."""
    ended = await (await start("scanners", "--format", "json")).end()
    names: list[Any] = [row["name"] for row in json.loads(ended.stdout)["scanners"]]
    assert (0, len(set(names))) == (ended.code, len(names))


async def test_a_plugin_that_exits_in_a_task_of_its_own_ends_nothing(
    start: Start, install: Callable[..., Path], real_registry: StandInRegistry
) -> None:
    """sys.exit in a plugin's own task or callback is its failed run; the other scanner's answer is given."""
    variables = {"PORTUS_SECURITY_ACME_SERVER": "x", "PORTUS_SECURITY_DUMMY_SERVER": "x"}
    environment = {**os.environ, "PYTHONPATH": str(install("acme", plugins.EXITING)), **variables}
    reference = real_registry.reference("team/app", "1.0")
    ended = await (await start("image", reference, "-o", "json", env=environment)).end()
    (report,) = load_document(ended.stdout).reports
    assert (3, {"acme": "failed", "dummy": "ok"}) == (
        ended.code,
        {run.scanner: run.outcome.value for run in report.results},
    )
    health = await (await start("health", "--format", "json", env=environment)).end()
    assert (3, [False, True]) == (health.code, sorted(one["healthy"] for one in json.loads(health.stdout)["scanners"]))


async def test_an_absurd_width_loses_no_answer(start: Start, config: Config, real_registry: StandInRegistry) -> None:
    """A COLUMNS of thousands of digits is no traceback after the scan."""
    reference = real_registry.reference("team/app", "1.0")
    environment = {**os.environ, "COLUMNS": "9" * 5000}
    ended = await (await start("image", reference, "--config", config(EMPTY), env=environment)).end()
    assert (0, "", True) == (ended.code, ended.stderr, reference in ended.stdout)


async def test_output_may_be_a_pipe(start: Start, config: Config, real_registry: StandInRegistry) -> None:
    """-o table=/dev/stdout writes to the pipe that stdout is."""
    reference = real_registry.reference("team/app", "1.0")
    ended = await (await start("image", reference, "--config", config(EMPTY), "-o", "table=/dev/stdout")).end()
    assert (0, True) == (ended.code, reference in ended.stdout)


async def test_a_help_text_that_cannot_be_written_is_one_line(start: Start) -> None:
    """A full disk under --help is a line on stderr and 2, no traceback."""
    with Path("/dev/full").open("w") as full:
        ended = await (await start("image", "--help", stdout=full)).end()
    assert (2, 1) == (ended.code, len(ended.stderr.splitlines()))


async def test_a_process_of_a_test_that_was_broken_off_leaves_no_pipe(config: Config, tmp_path: Path) -> None:
    """The fixture ends a process although coroutines still read its output, as after a timeout of the test."""
    before = Holdings.now(tmp_path)
    process = await Process("image", "app:1", "--config", config(HANG)).start()
    readers = [asyncio.create_task(read) for read in (process.read_stderr("never said"), process.end())]
    await asyncio.sleep(0)
    await process.stop()
    await asyncio.wait(readers)
    assert "it has ended" in str(readers[0].exception())
    assert [] == [one for one in Holdings.now(tmp_path).added_since(before) if one.startswith(("pipe", "process"))]
