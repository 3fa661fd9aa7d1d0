"""``portus-scan image``, with the engine and the dummy scanner, in this process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import Result
from portus_scan.commands import image
from portus_scan.scanning import SilentDisplay
from portus_scanners import Engine, Outcome, Progress, ReportDocument, load_document, load_settings

from . import plugins
from .conftest import StubRegistry

APP = "registry.example/team/app:1"
OTHER = "registry.example/team/other:1"
MISSING = "registry.example/missing:1"
EMPTY = {"behaviour": "empty"}

Run = Callable[..., Result]
Config = Callable[..., str]


def outcomes(result: Result) -> list[list[str]]:
    """Return the outcomes in a printed document, image by image."""
    return [[run.outcome.value for run in report.results] for report in load_document(result.stdout).reports]


def test_table(run: Run, config: Config) -> None:
    """A scan that found something is 0, and the page says what."""
    result = run("image", APP, "--config", config())
    assert (0, "", True) == (result.exit_code, result.stderr, "vulnerable: 3 vulnerabilities" in result.stdout)


def test_json(run: Run, config: Config) -> None:
    """With -o json nothing but the document is on stdout."""
    result = run("image", APP, "--config", config(), "-o", "json")
    document = json.loads(result.stdout)
    assert (0, 1, 1, []) == (
        result.exit_code,
        document["schema_version"],
        len(document["reports"]),
        document["errors"],
    )


def test_json_is_the_document_of_the_engine(run: Run, config: Config, registry: StubRegistry) -> None:
    """Who embeds the engine gets what the command writes: `Engine.document`; the times of the runs apart."""

    async def ask() -> ReportDocument:
        async with Engine(load_settings(file), registry=registry) as engine:  # type: ignore[arg-type]
            return await engine.document([MISSING, APP, OTHER])

    def timeless(document: ReportDocument) -> ReportDocument:
        runs = [[evolve(run, started=None, waited=0, elapsed=0) for run in one.results] for one in document.reports]
        reports = [evolve(one, results=tuple(each)) for one, each in zip(document.reports, runs, strict=True)]
        return evolve(document, reports=tuple(reports), created=None)

    file = config()
    written = load_document(run("image", MISSING, APP, OTHER, "--config", file, "-o", "json").stdout)
    assert timeless(asyncio.run(ask())) == timeless(written)


def test_environment_configures(run: Run) -> None:
    """Without --config the environment alone enables a scanner."""
    result = run("image", APP, "-o", "json", env={"PORTUS_SECURITY_DUMMY_SERVER": "here"})
    assert (0, [["ok"]]) == (result.exit_code, outcomes(result))


def test_order_of_the_arguments(run: Run, config: Config) -> None:
    """Reports stand in the order of the arguments, however long each took; the same image twice is there twice."""
    script = config({"image": APP, "delay": 0.05, **EMPTY}, EMPTY)
    result = run("image", APP, OTHER, APP, "--config", script, "-o", "json")
    assert [APP, OTHER, APP] == [report.image.reference.text for report in load_document(result.stdout).reports]


def test_at_most_four_at_once(run: Run, config: Config, registry: StubRegistry, monkeypatch: Any) -> None:
    """Never more than four images are under way."""
    display = RecordingDisplay()
    monkeypatch.setattr(image, "make_display", lambda total, *, verbose: display)
    run("image", *(f"{APP}{number}" for number in range(9)), "--config", config({"delay": 0.001, **EMPTY}))
    assert (9, 4) == (display.begun, display.most)


@pytest.mark.parametrize("format_name", ["table", "json"])
def test_unresolved_beside_scanned(run: Run, config: Config, format_name: str) -> None:
    """An image that can't be resolved is one line on stderr; the others are scanned, and the code is 3."""
    result = run("image", MISSING, APP, "--config", config(EMPTY), "-o", format_name)
    line = f"portus-scan: {MISSING}: there is no such tag; look at its name\n"
    assert (3, line, True) == (result.exit_code, result.stderr, APP in result.stdout)


@pytest.mark.parametrize(
    ("name", "make", "hint"),
    [
        ("missing.tar", "missing.tar", "; there is a file of that name here: docker-archive:missing.tar"),
        ("missing.txt", "missing.txt", "; if it lists images: portus-scan image $(cat missing.txt)"),
        ("missing", "missing/index.json", "; there is a folder of that name here: oci:missing"),
        ("missing", "missing/main.py", ""),
        ("missing:1", "missing:1", ""),
        ("missing", "other", ""),
    ],
    ids=["file", "list", "layout", "another folder", "colon", "nothing"],
)
def test_a_file_that_is_called_like_an_image(
    run: Run, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, make: str, hint: str
) -> None:
    """When no registry has it, the line on stderr says how a local image of that name is written."""
    script = config(EMPTY)
    (tmp_path / "here" / make).parent.mkdir(parents=True)
    (tmp_path / "here" / make).touch()
    monkeypatch.chdir(tmp_path / "here")
    result = run("image", name, "--config", script)
    line = f"portus-scan: {name}: there is no such tag; look at its name{hint}\n"
    assert (4, line) == (result.exit_code, result.stderr)


def test_nothing_resolved(run: Run, config: Config) -> None:
    """With no image resolved the code is 4, and the document says at which step."""
    result = run("image", MISSING, "--config", config(), "-o", "json")
    errors = [(error.reference, error.step) for error in load_document(result.stdout).errors]
    assert (4, [(MISSING, "manifest")]) == (result.exit_code, errors)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [("failed", 4), ("crash", 4), ("exit", 4), ("nothing", 4), ("unsupported", 4), ("incomplete", 3), ("empty", 0)],
)
def test_code_of_one_scanner(run: Run, config: Config, behaviour: str, code: int) -> None:
    """A scanner that does not end ok is never 0."""
    assert code == run("image", APP, "--config", config({"behaviour": behaviour})).exit_code


def test_failed_beside_ok(run: Run, config: Config) -> None:
    """One scanner of two failed: 3, a result for each, and with JSON the reason on stderr too."""
    script = config(EMPTY, other=[{"behaviour": "failed", "message": "the disk is full"}])
    result = run("image", APP, "--config", script, "-o", "json")
    line = f"portus-scan: {APP}: other: failed: the disk is full\n"
    assert (3, [["ok", "failed"]], line) == (result.exit_code, outcomes(result), result.stderr)


def test_helm_chart(run: Run, config: Config) -> None:
    """A Helm chart has a result of every scanner, unsupported, and is not clean."""
    result = run("image", "registry.example/chart:1", "--config", config(EMPTY, other=[EMPTY]), "-o", "json")
    assert (4, [["unsupported", "unsupported"]]) == (result.exit_code, outcomes(result))


def test_select_scanners(run: Run, config: Config) -> None:
    """Only the scanners named with --scanner are asked."""
    script = config(EMPTY, one=[EMPTY], two=[EMPTY])
    result = run("image", APP, "--config", script, "--scanner", "two", "--scanner", "dummy", "-o", "json")
    (report,) = load_document(result.stdout).reports
    assert ["dummy", "two"] == sorted(one.scanner for one in report.results)


def test_platform_goes_to_the_registry(run: Run, config: Config, registry: StubRegistry) -> None:
    """The platform is what the registry is asked for."""
    run("image", APP, "--config", config(EMPTY), "--platform", "linux/arm/v7")
    assert [(APP, "linux/arm/v7")] == [(text, str(platform)) for text, platform in registry.asked]


def test_timeout_of_a_scan(run: Run, config: Config) -> None:
    """A scanner that is not done in time is timed out; what the other found is there, and the code is 3."""
    script = config(EMPTY, other=[{"behaviour": "hang", "keep": True}])
    result = run("image", APP, "--config", script, "--timeout", "3", "-o", "json")
    (report,) = load_document(result.stdout).reports
    assert (3, ["ok", "timed_out"], 3) == (
        result.exit_code,
        [one.outcome.value for one in report.results],
        len(report.vulnerabilities),
    )


def test_timeout_is_for_all_images(run: Run, config: Config) -> None:
    """When the time is up, images whose turn did not come are named, not passed over."""
    images = [f"{APP}{number}" for number in range(6)]
    result = run("image", *images, "--config", config({"behaviour": "hang"}), "--timeout", "1", "-o", "json")
    document = load_document(result.stdout)
    steps = [error.step for error in document.errors]
    assert (4, 4, ["timeout", "timeout"]) == (result.exit_code, len(document.reports), steps)


def test_timeout_while_resolving(run: Run, config: Config) -> None:
    """A registry that does not answer in time is an error of that image."""
    result = run("image", "registry.example/endless:1", "--config", config(), "--timeout", "1", "-o", "json")
    assert (4, ["resolve"]) == (result.exit_code, [error.step for error in load_document(result.stdout).errors])


class TestNoScanner:
    """No scanner is enabled."""

    def test_says_how_to_enable(self, run: Run, registry: StubRegistry) -> None:
        """The code is 4, one line says how to enable one of those installed, no registry is asked."""
        result = run("image", APP)
        said = all(word in result.stderr for word in ("no scanner is enabled", "PORTUS_SECURITY_", "dummy", "--config"))
        assert (4, True, 1, []) == (result.exit_code, said, len(result.stderr.splitlines()), registry.asked)

    def test_document_names_every_image(self, run: Run) -> None:
        """The document has no report and an error for each reference."""
        document = load_document(run("image", APP, OTHER, "-o", "json").stdout)
        errors = [(error.reference, error.step) for error in document.errors]
        assert ((), [(APP, "scanners"), (OTHER, "scanners")]) == (document.reports, errors)

    def test_table_is_not_clean(self, run: Run) -> None:
        """The table says that nothing was scanned."""
        page = run("image", APP).stdout
        assert (f"{APP}: not scanned: no scanner is enabled\n", False) == (page, "clean" in page)

    def test_none_installed(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without any plugin the extras of this distribution are named."""
        monkeypatch.setattr("portus_scan.installed.discover", lambda: ())
        result = run("image", APP)
        assert (4, True) == (result.exit_code, "pip install one of 'portus-scan[all]', " in result.stderr)


class TestUsage:
    """What is wrong before anything is scanned."""

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ([], "REF"),
            ([APP, "-o", "xml"], "there is no such format; installed: "),
            ([APP, "-o", "jsno"], "did you mean json?"),
            ([APP, "-o", "json="], "names no file; write -o json for stdout"),
            ([APP, "-o", "report.json"], "write -o json=report.json"),
            ([APP, "-o", "report.txt"], "write -o FORMAT or -o FORMAT=PATH"),
            ([APP, "-o", "\x1b[31m"], "FORMAT=PATH"),
            ([APP, "-o", "json", "-o", "jsonl=-"], "json and jsonl would both go to stdout"),
            ([APP, "--format", "json"], "write -o json, or -o json=PATH"),
            ([APP, "--min-severity", "worse"], "worse"),
            ([APP, "--baseline", "/nonexistent.json"], "can't read '/nonexistent.json'"),
            ([APP, "--timeout", "0"], "above 0"),
            ([APP, "--timeout", "-1"], "above 0"),
            ([APP, "--timeout", "nan"], "above 0"),
            ([APP, "--timeout", "inf"], "above 0"),
            ([APP, "--timeout", "soon"], "above 0"),
            ([APP, "--platform", "amd64"], "linux/amd64"),
            ([APP, "--nonsense"], "--nonsense"),
            ([APP, "--scanner", "acme"], "acme"),
            ([APP, "--scanner", "dummy"], "PORTUS_SECURITY_DUMMY_SERVER"),
            ([APP, "--config", "/nonexistent.yml"], "/nonexistent.yml"),
            ([APP, "-o", "json=/nonexistent/report.json"], "name another file with -o"),
            ([APP, "-o", "json=/"], "name another file with -o"),
            (["Team/App"], "lower case"),
            (["\x1b[31mapp"], r"\x1b[31mapp"),
            (["app:\udcff"], "udcff"),
        ],
    )
    def test_one_line_and_2(self, run: Run, registry: StubRegistry, arguments: list[str], words: str) -> None:
        """The code is 2, one line on stderr says what is wrong, nothing is on stdout, no registry is asked."""
        result = run("image", *arguments)
        assert (2, "", 1, True, []) == (
            result.exit_code,
            result.stdout,
            len(result.stderr.splitlines()),
            words in result.stderr and "Traceback" not in result.stderr,
            registry.asked,
        )

    def test_every_malformed_reference_is_named(self, run: Run, config: Config, registry: StubRegistry) -> None:
        """Each malformed reference has its line, and the good ones are not scanned."""
        result = run("image", "A", APP, "b@c", "--config", config())
        assert (2, 2, []) == (result.exit_code, len(result.stderr.splitlines()), registry.asked)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("security: {dummy: {server: x, sever: y}}", "sever"),
            ("security: {dummy: {server: x, timeout: false}}", "security.dummy.timeout"),
            ("security: {dummy: {server: [a]}}", "security.dummy.server"),
            ("security: [", "not YAML"),
            ("- a", "mapping"),
        ],
    )
    def test_configuration(self, run: Run, tmp_path: Path, registry: StubRegistry, text: str, words: str) -> None:
        """A fault of the configuration is one line that names the key."""
        path = tmp_path / "config.yml"
        path.write_text(text)
        result = run("image", APP, "--config", str(path))
        assert (2, "", 1, True, []) == (
            result.exit_code,
            result.stdout,
            len(result.stderr.splitlines()),
            words in result.stderr,
            registry.asked,
        )

    def test_each_fault_of_the_configuration_has_a_line(self, run: Run, tmp_path: Path) -> None:
        """Two faults are two lines."""
        path = tmp_path / "config.yml"
        path.write_text("security: {dummy: {server: x, timeout: soon, concurrency: many}}")
        result = run("image", APP, "--config", str(path))
        assert (2, 2) == (result.exit_code, len(result.stderr.splitlines()))


class TestOutput:
    """``-o`` with a path."""

    def test_document_goes_to_the_file(self, run: Run, config: Config, tmp_path: Path) -> None:
        """The file has the whole document and its time, stdout nothing, and no other file is left."""
        path = tmp_path / "out" / "report.json"
        path.parent.mkdir()
        result = run("image", APP, "--config", config(), "-o", f"json={path}")
        document = load_document(path.read_text())
        assert (0, "", 1, [path]) == (
            result.exit_code,
            result.stdout,
            len(document.reports),
            list(path.parent.iterdir()),
        )
        assert document.created is not None

    def test_several_at_once(self, run: Run, config: Config, tmp_path: Path) -> None:
        """One run writes several formats, one of them to stdout; all are of the same document."""
        first, second = tmp_path / "a.json", tmp_path / "a=b.jsonl"
        result = run("image", APP, "--config", config(), "-o", f"json={first}", "-o", "table", "-o", f"jsonl={second}")
        documents = [load_document(path.read_text()) for path in (first, second)]
        assert (0, True, True) == (result.exit_code, APP in result.stdout, documents[0] == documents[1])

    def test_written_on_failure_too(self, run: Run, config: Config, tmp_path: Path) -> None:
        """The document is written when nothing was scanned, and the reason is on stderr."""
        path = tmp_path / "report.txt"
        result = run("image", APP, "--config", config({"behaviour": "failed"}), "-o", f"table={path}")
        assert (4, True, True) == (result.exit_code, "failed" in path.read_text(), "dummy: failed" in result.stderr)

    def test_nothing_is_lost_when_writing_fails(
        self, run: Run, config: Config, tmp_path: Path, registry: StubRegistry
    ) -> None:
        """When the folder is gone after the scan, the JSON is on stdout, that is said, and the code is 2."""
        folder, other = tmp_path / "out", tmp_path / "other.jsonl"
        folder.mkdir()
        registry.on_resolve = lambda _: folder.rmdir()
        script = config(EMPTY)
        result = run("image", APP, "--config", script, "-o", f"table={folder / 'report'}", "-o", f"jsonl={other}")
        assert (2, [["ok"]], True) == (result.exit_code, outcomes(result), "is on stdout as JSON" in result.stderr)
        assert 1 == len(load_document(other.read_text()).reports)

    def test_dash_is_stdout(self, run: Run, config: Config) -> None:
        """A dash means stdout."""
        assert APP in run("image", APP, "--config", config(EMPTY), "-o", "table=-").stdout


class RecordingDisplay(SilentDisplay):
    """Counts images, and calls `react` on each change."""

    shows_progress = True

    def __init__(self, react: Callable[[Progress], object] = lambda _: None) -> None:
        self.begun = self.running = self.most = 0
        self.lines: list[str] = []
        self.calls: list[str] = []
        self._react = react

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def begin(self, index: int, reference: str) -> None:
        self.begun += 1
        self.running += 1
        self.most = max(self.most, self.running)

    def end(self, index: int) -> None:
        self.running -= 1

    def update(self, index: int, progress: Progress) -> None:
        self._react(progress)

    def say(self, line: str) -> None:
        self.lines.append(line)


class TestInterruption:
    """Ctrl-C and SIGTERM."""

    @pytest.fixture
    def interrupting(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RecordingDisplay]:
        """``interrupting(number)`` sends a signal as soon as the scanner ``other`` has made its first step."""

        def arrange(number: int = signal.SIGINT) -> RecordingDisplay:
            def react(progress: Progress) -> None:
                if (progress.scanner, progress.state, progress.what) == ("other", "scanning", "step"):
                    os.kill(os.getpid(), number)

            display = RecordingDisplay(react)
            monkeypatch.setattr(image, "make_display", lambda total, *, verbose: display)
            return display

        return arrange

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("behaviour", ["hang", "stubborn"])
    def test_what_was_found_is_written(
        self, run: Run, config: Config, interrupting: Callable[..., RecordingDisplay], number: int, behaviour: str
    ) -> None:
        """The first signal ends the scans: finished runs and kept findings are there, the rest is cancelled."""
        display = interrupting(number)
        script = config(EMPTY, other=[{"behaviour": behaviour, "steps": 1, "keep": True}])
        result = run("image", APP, "--config", script, "-o", "json")
        (report,) = load_document(result.stdout).reports
        assert (130, {"dummy": Outcome.OK, "other": Outcome.CANCELLED}, 3, 1) == (
            result.exit_code,
            {one.scanner: one.outcome for one in report.results},
            len(report.vulnerabilities),
            len(display.lines),
        )

    def test_images_not_begun(self, run: Run, config: Config, interrupting: Callable[..., RecordingDisplay]) -> None:
        """Images whose turn did not come, or that were being resolved, are errors with the step "interrupted"."""
        interrupting()
        images = [APP, *(f"registry.example/endless:{number}" for number in range(4))]
        script = config(EMPTY, other=[{"behaviour": "hang", "steps": 1}])
        result = run("image", *images, "--config", script, "-o", "json")
        document = load_document(result.stdout)
        assert (130, [APP], ["interrupted"] * 4) == (
            result.exit_code,
            [report.image.reference.text for report in document.reports],
            [error.step for error in document.errors],
        )

    def test_while_a_scanner_starts(self, run: Run, install: Callable[..., Path]) -> None:
        """A signal while a scanner is being started ends that too; no image was begun."""
        source = plugins.scanner().replace(
            "    async def check_health",
            "    async def start(self):\n"
            "        import asyncio, os, signal\n"
            "        os.kill(os.getpid(), signal.SIGINT)\n"
            "        await asyncio.Event().wait()\n\n"
            "    async def check_health",
        )
        install("acme", source)
        result = run("image", APP, "-o", "json", env={"PORTUS_SECURITY_ACME_SERVER": "x"})
        errors = [(error.reference, error.step) for error in load_document(result.stdout).errors]
        assert (130, [(APP, "interrupted")]) == (result.exit_code, errors)

    def test_handlers_are_put_back(
        self, run: Run, config: Config, interrupting: Callable[..., RecordingDisplay]
    ) -> None:
        """After the command the signals do again what they did before."""
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        interrupting()
        run("image", APP, "--config", config(EMPTY, other=[{"behaviour": "hang", "steps": 1}]))
        assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_display_is_stopped_before_the_report(run: Run, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """The live display is started and stopped, and what it drew is gone when the page is printed."""
    display = RecordingDisplay()
    monkeypatch.setattr(image, "make_display", lambda total, *, verbose: display)
    monkeypatch.setattr(
        "portus_scan.delivery.reporting.judge_document", lambda *_: display.calls.append("written") or 0
    )
    run("image", APP, "--config", config(EMPTY))
    assert ["start", "stop", "written"] == display.calls


def test_configuration_fault_stops_the_display(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that only the plugin's settings class finds leaves no display behind."""
    display = RecordingDisplay()
    monkeypatch.setattr(image, "make_display", lambda total, *, verbose: display)
    path = tmp_path / "config.yml"
    path.write_text("security: {dummy: {server: x, unheard_of: y}}")
    assert (2, ["start", "stop"]) == (run("image", APP, "--config", str(path)).exit_code, display.calls)


def test_log_is_silent_by_default(run: Run, config: Config) -> None:
    """A crash of a plugin leaves no traceback on stderr."""
    assert "Traceback" not in run("image", APP, "--config", config({"behaviour": "crash"})).stderr
