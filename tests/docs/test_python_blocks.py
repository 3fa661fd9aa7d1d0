"""Every Python block of the documentation runs, or is marked and counted here.

A block runs as it stands, after those before it on its page. One that can't (it needs a server, it never ends) has a
mark on the line above: ``<!-- run by: NAME -->`` names the test that runs it in its own way, with
``marked_block("NAME")``; ``<!-- not run: NAME -->`` gives a reason that has to be listed below.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from pages import NAMES, ROOT, blocks, fenced, indented, mark_before, marked
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

NOT_RUN: dict[str, int] = {}
"""How many blocks of all pages have this reason not to be run."""

_LANGUAGES = {"python", "yaml", "toml", "json", "sh", "console", "text", "ini", "nginx"}
_PYTHON = re.compile(
    r"^ *(from \w+ import |import \w+$|(async )?def \w+\(|async with |class \w+[(:]|@frozen)", re.MULTILINE
)


def _evaluate(example: Example) -> None:
    if mark_before(example.document.text[: example.start]) is None:
        PythonEvaluator()(example)


@pytest.mark.parametrize("page", [page for page in NAMES if blocks(page, "python")])
def test_python_blocks_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unmarked Python block of a page runs after those before it; they share one module."""
    monkeypatch.chdir(tmp_path)
    module = ModuleType("documentation_page")  # attrs and typing look for a class's module
    monkeypatch.setitem(sys.modules, module.__name__, module)
    document = Sybil([CodeBlockParser("python", _evaluate)]).parse(ROOT / page)
    document.namespace = vars(module)
    examples = list(document.examples())
    assert len(blocks(page, "python")) == len(examples)
    for example in examples:
        example.evaluate()


def test_blocks_that_do_not_run_are_known() -> None:
    """The blocks that are not run are those that this module lists, no more and no fewer."""
    assert NOT_RUN == Counter(name for page in NAMES for how, name, _ in marked(page) if how == "not run")


def test_blocks_with_a_test_of_their_own_have_it() -> None:
    """Each mark ``run by`` stands once, and some test takes its block."""
    tests = "".join(path.read_text() for path in Path(__file__).parents[1].rglob("*.py"))
    taken = Counter(re.findall(r'marked_block\("([\w-]+)"\)', tests.replace(__doc__ or "", "")))
    assert set(taken) == set(named := [name for page in NAMES for how, name, _ in marked(page) if how == "run by"])
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("page", NAMES)
def test_no_python_hides(page: str) -> None:
    """Python is in fenced blocks that say so; a fenced block has one of the known languages."""
    languages = Counter(language for language, _ in fenced(page))
    assert set() == set(languages) - _LANGUAGES
    others = [code for language, code in fenced(page) if language != "python"]
    assert [] == [code for code in [*others, *indented(page)] if _PYTHON.search(code)]
