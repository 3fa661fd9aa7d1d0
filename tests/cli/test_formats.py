"""Formats of third parties: found, listed, run; what they do wrong is said and stops no other."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from portus_scanners import load_document

from . import plugins

APP = "registry.example/team/app:1"
EMPTY: dict[str, Any] = {"image": "*", "behaviour": "empty"}
Run = Callable[..., Result]
Config = Callable[..., str]
Install = Callable[..., Path]


def listed(result: Result) -> dict[str, dict[str, Any]]:
    """Return the rows of ``formats --format json``, by name."""
    return {row["name"]: row for row in json.loads(result.stdout)["formats"]}


class TestList:
    """``portus-scan formats``."""

    def test_a_third_party_is_found(self, run: Run, install: Install) -> None:
        """A format in a distribution of its own is listed with what it says of itself."""
        install("verdicts", plugins.VERDICTS, kind="reporter")
        expected = {
            "name": "verdicts", "writes": "file", "description": "one line an image",
            "distribution": "portus-reporter-verdicts", "version": "2.0", "problem": None,
        }  # fmt: skip
        assert expected == listed(run("formats", "--format", "json"))["verdicts"]

    def test_table(self, run: Run, install: Install) -> None:
        """The table says of a folder that it is one, and why a format can't be used; the code is 3."""
        install("pages", plugins.PAGES, kind="reporter")
        install("acme", "import a_module_that_is_not_there", kind="reporter")
        result = run("formats", env={"COLUMNS": "400"})
        rows = {line.split()[0]: line for line in result.stdout.splitlines()}
        assert (3, "folder", True, "file") == (
            result.exit_code,
            rows["pages"].split()[1],
            "can't be used: " in rows["acme"] and "ModuleNotFoundError" in rows["acme"],
            rows["json"].split()[1],
        )

    @pytest.mark.parametrize(
        ("source", "problem"),
        [
            ("import sys; sys.exit(0)", "can't be imported (SystemExit: 0)"),
            ("TheReporter = 5", "is not a subclass of portus_scan.Reporter"),
            ("from portus_scanners import Scanner as TheReporter", "is not a subclass of portus_scan.Reporter"),
            (plugins.reporter("pass", contract="contract=2"), "is written for contract 2; this core knows 1"),
            (plugins.reporter("pass", base="Reporter"), "derives from neither portus_scan.TextReporter nor"),
            (plugins.reporter("pass").replace("render", "rendre"), "is abstract: it does not define render()"),
            (plugins.reporter("pass").replace('"one line an image"', "5"), "has a description that is not a string"),
        ],
        ids=["exits", "no class", "scanner", "contract", "neither", "abstract", "description"],
    )  # fmt: skip
    def test_what_is_no_format_is_a_row(self, run: Run, install: Install, source: str, problem: str) -> None:
        """A format that can't be used is listed with the reason, and the others are as they were."""
        install("acme", source, kind="reporter")
        rows = listed(run("formats", "--format", "json"))
        assert (True, None, None) == (
            problem in rows["acme"]["problem"],
            rows["acme"]["writes"],
            rows["json"]["problem"],
        )

    def test_two_of_one_name(self, run: Run, install: Install, config: Config) -> None:
        """Two distributions that register one name: neither is used, and both are named."""
        install("acme", plugins.VERDICTS, kind="reporter")
        install("acme", plugins.VERDICTS, "portus-reporter-other", kind="reporter")
        result = run("image", APP, "--config", config(EMPTY), "-o", "acme")
        assert (2, True) == (
            result.exit_code,
            "portus-reporter-acme 2.0 and portus-reporter-other 2.0" in result.stderr,
        )

    def test_a_scanner_of_that_name_is_no_conflict(self, run: Run, install: Install) -> None:
        """Scanners and formats have names of their own; the lists of scanners leave no format out."""
        install("verdicts", plugins.VERDICTS, kind="reporter")
        install("verdicts", plugins.scanner())
        rows = listed(run("formats", "--format", "json", env={"PORTUS_SCANNERS_ONLY": ""}))
        assert rows["verdicts"]["problem"] is None


class TestUse:
    """``-o``."""

    def test_a_third_party_writes(self, run: Run, config: Config, install: Install) -> None:
        """The format gets the document, and its text is on stdout."""
        install("verdicts", plugins.VERDICTS, kind="reporter")
        result = run("image", APP, "--config", config(EMPTY), "-o", "verdicts")
        assert (0, f"{APP} clean\n") == (result.exit_code, result.stdout)

    def test_a_folder_is_written(self, run: Run, config: Config, install: Install, tmp_path: Path) -> None:
        """A format that is a folder writes its files there."""
        install("pages", plugins.PAGES, kind="reporter")
        result = run("image", APP, "--config", config(EMPTY), "-o", f"pages={tmp_path / 'out'}")
        assert (0, "", b"<p>", b"b") == (
            result.exit_code,
            result.stdout,
            (tmp_path / "out/index.html").read_bytes(),
            (tmp_path / "out/a/b.txt").read_bytes(),
        )

    def test_a_folder_needs_a_path(self, run: Run, install: Install) -> None:
        """A folder can't go to stdout; that is said before anything is scanned."""
        install("pages", plugins.PAGES, kind="reporter")
        for wish in ("pages", "pages=-"):
            result = run("image", APP, "-o", wish)
            assert (2, True) == (result.exit_code, "write -o pages=FOLDER" in result.stderr)

    def test_what_a_format_prints_spoils_nothing(self, run: Run, config: Config, install: Install) -> None:
        """What it prints while it is imported and while it runs goes to stderr."""
        source = 'print("imported")\n' + plugins.reporter("print('rendering'); yield 'text\\n'")
        install("acme", source, kind="reporter")
        result = run("image", APP, "--config", config(EMPTY), "-o", "acme")
        assert ("text\n", ["imported", "rendering"]) == (result.stdout, result.stderr.splitlines())

    def test_remarks_are_said_on_stderr(self, run: Run, config: Config, install: Install) -> None:
        """What a user has to know of an output does not stand in it; it is made safe."""
        install("acme", plugins.reporter("yield 'text\\n'", remarks="['too\x1b long']"), kind="reporter")
        result = run("image", APP, "--config", config(EMPTY), "-o", "acme")
        assert ("text\n", ["portus-scan: format 'acme': too\\x1b long"]) == (result.stdout, result.stderr.splitlines())

    @pytest.mark.parametrize(
        ("remarks", "words"),
        [("[1]", "it gives a int where a str belongs"), ("None", "it raised TypeError"), ("1 / 0", "it raised Zero")],
    )
    def test_remarks_that_are_none(self, run: Run, config: Config, install: Install, remarks: str, words: str) -> None:
        """A format whose remarks fail is not written, since nobody knows what it would have said."""
        install("acme", plugins.reporter("yield 'text\\n'", remarks=remarks), kind="reporter")
        result = run("image", APP, "--config", config(EMPTY), "-o", "acme")
        assert (2, True) == (result.exit_code, words in result.stderr)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("yield 'half'; raise ValueError('\\x1b[31mred\\nblue')", "it raised ValueError: [31mred blue"),
            ("raise OSError(28, 'No space')", "it raised OSError"),
            ("yield 'half'; sys.exit(0)", "it raised SystemExit: 0"),
            ("return next(iter(()))", "it raised StopIteration"),
            ("return 5", "it raised TypeError"),
            ("yield b'bytes'", "it gives a bytes where a str belongs"),
            ("return ()", "it gives nothing at all"),
            ("return None", "it raised TypeError"),
        ],
    )
    def test_one_that_fails_stops_no_other(
        self, run: Run, config: Config, install: Install, tmp_path: Path, body: str, words: str
    ) -> None:
        """It is one line on stderr and the code 2; its old file is unharmed, and the others are written."""
        install("acme", plugins.reporter(body), kind="reporter")
        old, other = tmp_path / "old", tmp_path / "report.json"
        old.write_text("before")
        result = run("image", APP, "--config", config(EMPTY), "-o", f"acme={old}", "-o", f"json={other}", "-o", "table")
        assert (2, "before", 1, True, True) == (
            result.exit_code,
            old.read_text(),
            len(result.stderr.splitlines()),
            f"format 'acme' is not written, or not all of it: {words}" in result.stderr,
            APP in result.stdout and len(load_document(other.read_text()).reports) == 1,
        )

    def test_a_string_of_a_derived_class_is_its_characters(self, run: Run, config: Config, install: Install) -> None:
        """What Jinja gives is written as it is, and what exits when it is encoded can't exit."""
        body = "yield type('Text', (str,), {'encode': sys.exit, '__str__': sys.exit, '__bool__': sys.exit})('all\\n')"
        install("acme", plugins.reporter(body), kind="reporter")
        result = run("image", APP, "--config", config(EMPTY), "-o", "acme")
        assert (0, "all\n") == (result.exit_code, result.stdout)

    def test_the_traceback_is_in_the_log(
        self, run: Run, config: Config, install: Install, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What a format raised can be looked into with -v."""
        install("acme", plugins.reporter("raise ValueError('x')"), kind="reporter")
        with caplog.at_level(logging.ERROR):
            run("image", APP, "--config", config(EMPTY), "-o", "acme")
        assert "ValueError: x" in caplog.text

    def test_a_folder_that_leads_outside(self, run: Run, config: Config, install: Install, tmp_path: Path) -> None:
        """A file outside of the folder is refused, and the whole answer is on stdout instead."""
        body = "yield ReportFile(path='../evil', content=b'x')"
        install("pages", plugins.reporter(body, base="FolderReporter"), kind="reporter")
        result = run("image", APP, "--config", config(EMPTY), "-o", f"pages={tmp_path / 'out'}")
        assert (2, False, 1) == (
            result.exit_code,
            (tmp_path / "evil").exists(),
            len(load_document(result.stdout).reports),
        )

    @pytest.mark.parametrize(
        ("content", "code"),
        [("(b'a', b'b')", 0), ("(1 / 0 for _ in '1')", 2), ("(b'a', 'b')", 2), ("7", 2), ("None", 2)],
    )
    def test_a_file_in_pieces(
        self, run: Run, config: Config, install: Install, tmp_path: Path, content: str, code: int
    ) -> None:
        """A file may come in pieces of bytes; pieces of something else, and none, are the format's fault."""
        body = f"yield ReportFile(path='a', content={content})"
        install("pages", plugins.reporter(body, base="FolderReporter"), kind="reporter")
        result = run("image", APP, "--config", config(EMPTY), "-o", f"pages={tmp_path / 'out'}")
        written = [path.read_bytes() for path in (tmp_path / "out").iterdir()]
        assert (code, [] if code else [b"ab"]) == (result.exit_code, written)

    @pytest.mark.parametrize("source", ["raise RuntimeError('x')", plugins.reporter("pass") + "    __init__ = None\n"])
    def test_a_broken_one_is_refused_before_the_scan(
        self, run: Run, install: Install, registry: Any, config: Config, source: str
    ) -> None:
        """A format that can't be loaded or made is a usage error, and nothing is scanned."""
        install("acme", source, kind="reporter")
        result = run("image", APP, "--config", config(EMPTY), "-o", "acme")
        assert (2, "", []) == (result.exit_code, result.stdout, registry.asked)
