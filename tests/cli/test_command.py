"""The command as a whole: help, version, faults, log."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Callable

import click
import pytest
from click.testing import Result
from portus_scan import exits
from portus_scan.command import command
from portus_scan.terminal import SafeFormatter, set_up_logging

Run = Callable[..., Result]


def test_without_arguments(run: Run) -> None:
    """Without a sub-command the help is on stderr, and the code is 2."""
    result = run()
    assert (2, "", True) == (result.exit_code, result.stdout, "portus-scan image" in result.stderr)


def test_version(run: Run) -> None:
    """The version is that of the distribution."""
    assert (0, "portus-scan 0.1.0\n") == (run("--version").exit_code, run("--version").stdout)


CONTEXT = click.Context(command, info_name="portus-scan")


@pytest.mark.parametrize("name", command.list_commands(CONTEXT))
def test_help_teaches(run: Run, name: str) -> None:
    """Each help text has examples and exit codes."""
    page = run(name, "--help").stdout
    assert (True, True) == ("Examples:" in page, "Exit codes" in page)


@pytest.mark.parametrize("name", command.list_commands(CONTEXT))
def test_the_examples_of_a_help_text_are_right(name: str) -> None:
    """What is taught has the options and arguments that the sub-commands take."""
    described = command.get_command(CONTEXT, name)
    assert described is not None
    examples = re.findall(r"^  .*?portus-scan .+$", (described.help or "").partition("Examples:")[2], re.MULTILINE)
    assert examples
    for sub_name, arguments in re.findall(r"portus-scan ([a-z-]+)([^|;>\n]*)", "\n".join(examples)):
        used = command.get_command(CONTEXT, sub_name)
        assert used is not None
        used.make_context(sub_name, shlex.split(arguments, comments=True), parent=CONTEXT)


def test_help_lists_the_sub_commands(run: Run) -> None:
    """The help of the command names all sub-commands with a line each."""
    lines = {" ".join(line.split()[:2]) for line in run("--help").stdout.splitlines()}
    assert {"image Scan", "scanners List", "health Check", "doctor Find", "new-plugin Write"} <= lines


def test_unknown_sub_command(run: Run) -> None:
    """An unknown sub-command is 2 and one line that names the help."""
    result = run("xyz")
    expected = "portus-scan: there is no sub-command 'xyz'; see: portus-scan --help\n"
    assert (2, expected) == (result.exit_code, result.stderr)


def test_interrupted_before_anything(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C outside a scan is 130, without a traceback."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("portus_scanners.load_settings", interrupt, raising=False)
    result = run("scanners")
    assert (130, "", "portus-scan: interrupted") == (result.exit_code, result.stdout, result.stderr.strip())


def test_fault_has_a_line_for_each() -> None:
    """A fault of several lines keeps them apart."""
    assert ("one", "two") == exits.CommandFault(["one", "two"]).lines


def test_verbose_logs_tracebacks(run: Run, config: Callable[..., str]) -> None:
    """With -v the traceback of a broken plugin is on stderr."""
    result = run("-v", "image", "registry.example/app:1", "--config", config({"behaviour": "crash"}))
    assert (4, True) == (result.exit_code, "RuntimeError: dummy: scripted to end as 'crash'" in result.stderr)


def test_log_lines_are_safe() -> None:
    """Hostile text in a message or an error can't repaint the terminal or forge a line of the log."""
    error = ValueError("\x1b[2J")
    record = logging.LogRecord("x", logging.INFO, "", 0, "a\nb %s", ("\u202e",), (ValueError, error, None))
    text = SafeFormatter("%(message)s").format(record)
    assert (r"a\nb \u202e", r"ValueError: \x1b[2J") == (text.splitlines()[0], text.splitlines()[-1])


def test_quiet_without_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    """Without -v not even an error is logged to stderr."""
    logging.getLogger().handlers[:] = []
    set_up_logging(verbose=False)
    logging.getLogger("portus_scanners").error("secret trouble")
    assert ("", "") == capsys.readouterr()
