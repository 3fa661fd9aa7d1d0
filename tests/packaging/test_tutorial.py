"""The tutorial, from the first line to the last, as a reader does it: in an empty folder, with nothing but wheels."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen
from pages import ROOT
from portus_scan.scaffold import Kind, PluginNames, make_files

from .conftest import plain_environ
from .projects import TUTORIAL

pytestmark = pytest.mark.timeout(600)

PAGE = ROOT / "docs" / "tutorial" / "write-a-scanner.md"
MOST_LINES = 60
_MADE = "python3 -m venv .venv\n"
_ACTIVATED = ". .venv/bin/activate\n"
_BLOCK = re.compile(
    r"(?:^`(?P<path>[\w./]+)`[^\n]*:\n\n<!-- run by: [\w-]+ -->\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@frozen
class Step:
    """Commands of the page, and what it says that they print."""

    commands: str
    printed: str = ""


def steps() -> list[Step]:
    """Return the page's commands in order; files that it shows are commands that write them."""
    found: list[Step] = []
    for block in _BLOCK.finditer(PAGE.read_text()):
        if block["path"]:
            assert TUTORIAL[block["path"]] == block["code"]
            found.append(Step(f"cat > {block['path']} <<'END OF FILE'\n{block['code']}END OF FILE\n"))
        elif block["language"] == "sh":
            found.append(Step(block["code"]))
        elif block["language"] == "text":
            found[-1] = Step(found[-1].commands, block["code"])
    return found


def fitting(printed: str, output: str) -> list[str]:
    """Return the lines of the page that the output does not have; ``...`` is any text, blanks count once."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    patterns = [re.escape(" ".join(line.split())).replace(r"\.\.\.", ".*") for line in printed.splitlines()]
    return [pattern for pattern in patterns if not any(re.fullmatch(pattern, line) for line in lines)]


@pytest.fixture(scope="module")
def outputs(wheels: Path, foreign: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Step, str, int]]:
    """Each step with what it printed and its exit status: one shell runs them all.

    The reader's environment has pip and what ours need of others before pip installs ours: Python takes seconds to
    unpack its own pip, and pip a quarter of a minute to choose and unpack the rest; `test_wheels` proves that our
    distributions ask for all of it.
    """
    folder = tmp_path_factory.mktemp("tutorial")
    script = "".join(f'{step.commands}\necho "== end: $?"\n' for step in steps())
    assert (1, 1) == (script.count(_MADE), script.count(_ACTIVATED))
    script = script.replace(_MADE, _MADE.replace("venv .venv", "venv --without-pip .venv")).replace(
        _ACTIVATED, f"{_ACTIVATED}cp -al {shlex.quote(str(foreign))}/. .venv/lib/python*/site-packages\n"
    )
    environ = {
        **{name: value for name, value in plain_environ().items() if not name.startswith("PORTUS_")},
        "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COMPILE": "1",  # some of it is never imported here
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    ended = subprocess.run(
        ["sh"], input=script, cwd=folder, env=environ, text=True, check=False, timeout=500,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    parts = re.split(r"^== end: (\d+)\n", ended.stdout, flags=re.MULTILINE)
    assert len(steps()) == len(parts) // 2, ended.stdout
    return list(zip(steps(), parts[::2], map(int, parts[1::2]), strict=False))


def test_every_step_prints_what_the_page_says(outputs: list[tuple[Step, str, int]]) -> None:
    """Each command of the page works, and prints the lines that the page shows; one is to fail, and does."""
    for step, output, status in outputs:
        assert [] == fitting(step.printed, output), f"{step.commands}\n{output}"
        assert (" failed" in step.printed) == (status != 0), f"{step.commands}\n{output}"


def test_the_author_writes_few_lines() -> None:
    """From ``new-plugin`` to passing tests the tutorial's author adds or changes less than 60 lines, tests included."""
    generated = make_files(PluginNames("lookout"), Kind.HTTP)
    written = [
        line
        for path, text in TUTORIAL.items()
        if path in generated  # try_it.py is not part of the plugin
        for line in difflib.ndiff(generated[path].splitlines(), text.splitlines())
        if line.startswith("+ ")
    ]
    assert len(written) < MOST_LINES, "\n".join([str(len(written)), *written])
