"""What a program is given, and what comes back."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from portus_scanners import (
    InvalidReportError,
    ProgramScannerSettings,
    ScannerError,
    ScannerUnavailableError,
    Secret,
)
from portus_scanners.backends import ProgramBackend
from portus_scanners.backends.program import backend as backend_module
from portus_scanners_testing import StandInContext

Backend = Callable[..., ProgramBackend]


async def test_arguments_stdin_and_output(backend: Backend) -> None:
    """Arguments reach the program as they are, without a shell; stdin is fed; stdout, stderr and status come back."""
    text = """
        import json, sys
        json.dump([sys.argv[1:], sys.stdin.read()], sys.stdout)
        sys.stderr.write("warning\\n")
        sys.exit(3)
    """
    answer = await backend(text).run("$HOME; *", "", "ü", Path("/a b"), stdin="in ü".encode())
    assert [["$HOME; *", "", "ü", "/a b"], "in ü"] == answer.json()
    assert (3, b"warning\n", "exit status 3") == (answer.status, answer.stderr, answer.ending)


async def test_without_stdin_there_is_nothing_to_read(backend: Backend) -> None:
    """A program that reads stdin sees its end at once."""
    assert b"0" == (await backend("import sys; print(len(sys.stdin.read()), end='')").run()).stdout


@pytest.mark.parametrize("text", ["pass", "import sys; sys.stdin.close(); print('x')", "import os; os.close(0)"])
async def test_stdin_that_is_not_read_is_no_error(backend: Backend, text: str) -> None:
    """A program may end, or close its stdin, before it has read the megabytes that it is given."""
    assert 0 == (await backend(text).run(stdin=bytes(10_000_000))).status


@pytest.mark.parametrize("status", [0, 1, 127, 255])
async def test_exit_statuses_are_not_judged(backend: Backend, status: int) -> None:
    """Each exit status is an answer."""
    assert status == (await backend(f"import sys; sys.exit({status})").run()).status


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, "signal SIGKILL"), (signal.SIGSEGV, "signal SIGSEGV"), (40, "signal 40")],
    ids=["kill", "segv", "real-time"],
)
async def test_a_signal_is_a_negative_status(backend: Backend, number: int, words: str) -> None:
    """A program that a signal ends has its negative number as status, and its name in words."""
    answer = await backend(f"import os; os.kill(os.getpid(), {int(number)})").run()
    assert (-number, words) == (answer.status, answer.ending)


async def test_the_environment_is_clean(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ours the program sees what the reference page lists; its folders are its own; the plugin's variables win."""
    for name in [name for name in os.environ if name.lower().endswith("proxy") or name.startswith("SSL_CERT")]:
        monkeypatch.delenv(name)
    for name, value in {"PORTUS_SECRET": "x", "LD_PRELOAD": "", "LANG": "C.UTF-8", "https_proxy": "http://p"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_CTYPE", raising=False)
    made = backend(
        "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]))",
        environment={"A": "1", "B": Secret("one"), "TMPDIR": "/elsewhere"},
    )
    async with made.open_workspace() as workspace:
        folder, seen = (await workspace.run(environment={"B": Secret("two")})).json()
        place = str(workspace.folder)
    seen.pop("LC_CTYPE", None)  # Python's own doing (PEP 538)
    assert place == folder
    assert {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "https_proxy": "http://p",
        "HOME": f"{place}/home",
        "TMPDIR": "/elsewhere",
        "XDG_CACHE_HOME": f"{place}/home/.cache",
        "XDG_CONFIG_HOME": f"{place}/home/.config",
        "XDG_DATA_HOME": f"{place}/home/.local/share",
        "A": "1",
        "B": "two",
    } == seen


async def test_no_descriptor_is_inherited(backend: Backend, tmp_path: Path) -> None:
    """What we have open is not open in the program."""
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        text = f"import os\ntry: os.fstat({file.fileno()})\nexcept OSError: print('closed', end='')"
        assert b"closed" == (await backend(text).run()).stdout


async def test_a_name_is_looked_up_on_the_path(
    program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A name is found on PATH when it is run, also where PATH and the name are relative to our own folder."""
    path = Path(program("print('found', end='')"))
    monkeypatch.chdir(tmp_path)
    context = StandInContext()
    for name, search in ((path.name, str(tmp_path)), (path.name, "."), (f"./{path.name}", "")):
        monkeypatch.setenv("PATH", search)
        assert b"found" == (await ProgramBackend(context, name).run()).stdout


@pytest.mark.parametrize("name", ["no-such-program", "/no/such/program", "", "nul\0", "file", "folder", "interpreter"])
async def test_a_program_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What is missing or can't be executed is unavailable, is not tried again, and the message says what to do."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("no program")
    Path("folder").mkdir()
    Path("interpreter").write_text("#!/no/such/interpreter")
    Path("interpreter").chmod(0o755)
    backend = ProgramBackend(
        StandInContext(), f"./{name}" if (tmp_path / name.rstrip("\0")).exists() and name else name
    )
    with pytest.raises(ScannerUnavailableError, match="program: in the configuration") as raised:
        await backend.run(stdin=b"x")
    assert (False, True) == (raised.value.retry, str(raised.value).isprintable())


async def test_a_program_for_another_machine(tmp_path: Path) -> None:
    """The system's error at the start is in the message, and is its cause."""
    path = tmp_path / "alien"
    path.write_bytes(b"\x7fELFnonsense")
    path.chmod(0o755)
    with pytest.raises(ScannerUnavailableError, match=r"can't be started \(Exec format error\)") as raised:
        await ProgramBackend(StandInContext(), str(path)).run()
    assert isinstance(raised.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("argument", "text"),
    [("a\0b", "argument 2 for .* contains a NUL"), ("\ud800", "can't be passed"), ("x" * 3_000_000, "are too long")],
    ids=["nul", "surrogate", "long"],
)
async def test_arguments_that_no_program_can_get(backend: Backend, argument: str, text: str) -> None:
    """An argument that the system can't pass is an error that names it."""
    with pytest.raises(ScannerError, match=text):
        await backend("").run("first", argument)


@pytest.mark.parametrize("argument", [Secret("hunter2"), 5, b"x", None], ids=["secret", "number", "bytes", "none"])
async def test_arguments_are_texts_and_paths(backend: Backend, argument: object) -> None:
    """A Secret, and everything else that is no text, is refused."""
    with pytest.raises(TypeError, match="argument 1 for") as raised:
        await backend("").run(argument)  # type: ignore[arg-type]
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("where", ["backend", "run", "file"])
async def test_no_argument_contains_a_secret(backend: Backend, where: str) -> None:
    """The text of a Secret that was given in the environment or a file is refused in an argument, and not shown."""
    secret = {"P": Secret("hunter2")}
    made = backend("", environment=secret if where == "backend" else {})
    async with made.open_workspace() as workspace:
        if where == "file":
            workspace.write("password", secret["P"])
        with pytest.raises(ScannerError, match="contains a secret") as raised:
            await workspace.run("--password=hunter2", environment=secret if where == "run" else {})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"), [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "hunter2\0"), ("A", Secret("hunter2\ud800"))]
)
async def test_variables_that_no_environment_can_hold(backend: Backend, name: str, value: str | Secret) -> None:
    """A name or value that can't be passed is an error without the value."""
    with pytest.raises(ScannerError, match="environment variable") as raised:
        await backend("").run(environment={name: value})
    assert "hunter2" not in str(raised.value)


async def test_stdout_has_a_limit(backend: Backend) -> None:
    """Output of exactly the limit is accepted; endless output ends the program, and the report is invalid."""
    made = backend("import sys; sys.stdout.write(sys.argv[1])", max_output=1000)
    assert 1000 == len((await made.run("x" * 1000)).stdout)
    with pytest.raises(InvalidReportError, match="wrote more than 1000 bytes to stdout"):
        await made.run("x" * 1001)
    with pytest.raises(InvalidReportError, match="wrote more than 1000 bytes to stdout"):
        await backend("while True: print('x' * 4096)", max_output=1000).run()


async def test_only_the_end_of_stderr_is_kept(backend: Backend) -> None:
    """200 MB of stderr do not end the program, and 64 KiB of them are kept: the last."""
    text = """
        import os
        for _ in range(200): os.write(2, b"x" * 999_999 + b"\\n")
        os.write(2, b"the end\\n")
    """
    answer = await backend(text).run()
    assert (0, 65536, "the end") == (answer.status, len(answer.stderr), answer.excerpt.rpartition("; ")[2])


async def test_binary_output(backend: Backend) -> None:
    """Bytes that are no text come back as they are, and harmless in the excerpt and in lines."""
    text = "import os; b = bytes(range(256)) * 9; os.write(1, b); os.write(2, b)"
    lines: list[str] = []
    answer = await backend(text).run(on_line=lines.append)
    assert (bytes(range(256)) * 9,) * 2 == (answer.stdout, answer.stderr)
    assert [True] * (len(lines) + 1) == [line.isprintable() for line in [*lines, answer.excerpt]]


async def test_lines_are_told_as_they_come(backend: Backend, fifo: Path) -> None:
    """on_line hears each line of stderr while the program runs: carriage returns end one, terminal codes are gone."""
    text = """
        import sys
        sys.stderr.write("\\x1b[31mone\\x1b[0m\\r\\n\\n10 %\\r20 %\\rtwo \\x07\\tthree\\n")
        sys.stderr.flush()
        sys.stdout.write("no progress\\n")
        sys.stderr.write(open(sys.argv[1]).read())
    """
    lines: list[str] = []

    def hear(line: str) -> None:
        lines.append(line)
        if line == "two three":  # else the program would wait for ever
            fifo.write_text("the last")

    await backend(text).run(fifo, on_line=hear)
    assert ["one", "10 %", "20 %", "two three", "the last"] == lines


async def test_a_line_without_end_is_bounded(backend: Backend) -> None:
    """Of a line of 10 MB 4096 characters are told."""
    lines: list[str] = []
    await backend("import os; os.write(2, b'x' * 10_000_000)").run(on_line=lines.append)
    assert ["x" * 4096] == lines


@pytest.mark.parametrize(
    ("stdout", "stderr", "excerpt"),
    [
        ("", "", ""),
        ("out\n", "", "out"),
        ("out\n", " \n---\n", "out"),
        ("out", "one\ntwo\n\nthree\n====\nfour\n", "two; three; four"),
        ("", "long " * 100 + "\nfatal\n", "fatal"),
        ("", "y" * 400, "y" * 300 + "..."),
    ],
    ids=["nothing", "stdout", "rule", "lines", "long-before", "long"],
)
async def test_the_excerpt(backend: Backend, stdout: str, stderr: str, excerpt: str) -> None:
    """The last lines that say something, of stderr before stdout, three at most and 300 characters."""
    answer = await backend("import sys; sys.stdout.write(sys.argv[1]); sys.stderr.write(sys.argv[2])").run(
        stdout, stderr
    )
    assert excerpt == answer.excerpt


@pytest.mark.parametrize(
    ("stdout", "words"), [("", "it is empty; fatal"), ("<html>", "<html>"), ("{", "{"), ("[" * 100_000, r"\[\[\[")]
)
async def test_stdout_that_is_not_json(backend: Backend, stdout: str, words: str) -> None:
    """json() of anything else says how the program ended and what it wrote, and not more than that."""
    text = "import sys; sys.stdout.write(sys.stdin.read()); sys.exit('fatal')"
    answer = await backend(text).run(stdin=stdout.encode())
    with pytest.raises(InvalidReportError, match=f"exit status 1, and stdout is not JSON: {words}") as raised:
        answer.json()
    assert len(str(raised.value)) < 400


async def test_fifty_runs_at_once(backend: Backend) -> None:
    """Fifty runs of one backend at the same time do not mix."""
    made = backend("import json, os, sys; print(json.dumps([sys.argv[1], os.listdir('.')]))")
    answers = await asyncio.gather(*(made.run(str(number)) for number in range(50)))
    assert [[str(number), ["home", "tmp"]] for number in range(50)] == [
        [number, sorted(names)] for number, names in (json.loads(answer.stdout) for answer in answers)
    ]


async def test_other_systems_are_told(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no process groups the error says so."""
    monkeypatch.setattr(backend_module, "_POSIX", False)
    with pytest.raises(ScannerError, match="POSIX systems only"):
        await backend("").run()


def test_settings_of_a_program() -> None:
    """A scanner of this kind needs no server; the program is named by its settings."""
    settings = ProgramScannerSettings(program="trivy")
    assert ("trivy", "", None) == (settings.program, settings.server, settings.enabled)


async def test_asyncio_in_debug_mode_logs_nothing_of_the_output(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio logs slow callbacks with their arguments: what a program writes is none of them."""
    loop = asyncio.get_running_loop()
    loop.set_debug(enabled=True)
    loop.slow_callback_duration = 0.0
    caplog.set_level(logging.DEBUG)
    answer = await ProgramBackend(StandInContext(), "sh").run(
        "-c", "echo canary; echo canary >&2; cat", stdin=b"canary"
    )
    assert b"canary\ncanary" == answer.stdout
    assert "Executing" in caplog.text
    assert "canary" not in caplog.text
