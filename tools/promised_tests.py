"""A griffe extension: the tests of the contract have their docstrings from the kit's list of promises."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import griffe

_LIST = Path(__file__).parents[1] / "kit/src/portus_scanners_testing/contract/promises.toml"


class PromisedTests(griffe.Extension):
    """Gives each test of a class the promise of the chapter that has all tests of the class, as the kit itself does."""

    def on_class(self, *, cls: griffe.Class, **_kwargs: Any) -> None:
        """Change one class, if its tests are those of the contract."""
        tests = {name: member for name, member in cls.members.items() if name.startswith("test_")}
        promises = next((each for each in _chapters() if tests.keys() <= each.keys()), {})
        for name in tests.keys() & promises.keys():
            tests[name].docstring = griffe.Docstring(promises[name])


@cache
def _chapters() -> list[dict[str, str]]:
    return [chapter["promises"] for chapter in tomllib.loads(_LIST.read_text()).values()]
