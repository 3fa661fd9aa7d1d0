"""The promises that the contract's tests check, from ``promises.toml``: chapters, docstrings, what may be refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from attrs import frozen

ContractT = TypeVar("ContractT", bound=type)


@frozen
class Chapter:
    """The promises of one kind of scanner.

    Attributes:
        promises: What each test says, by the test's name.
        refusable: The tests that an author may refuse with a reason.
    """

    promises: Mapping[str, str]
    refusable: frozenset[str]


def read_chapters() -> Mapping[str, Chapter]:
    """Return the chapters of the list, by name, in its order."""
    text = Path(__file__).with_name("promises.toml").read_text(encoding="utf-8")
    return {
        name: Chapter(chapter["promises"], frozenset(chapter.get("refusable", ())))
        for name, chapter in tomllib.loads(text).items()
    }


CHAPTERS = read_chapters()
REFUSABLE = frozenset[str]().union(*(chapter.refusable for chapter in CHAPTERS.values()))


def promised(contract: ContractT) -> ContractT:
    """Give each test of a class its promise as docstring; decorates the classes of the contract.

    Raises:
        LookupError: No chapter has all tests of the class.
    """
    tests = {name: test for name, test in vars(contract).items() if name.startswith("test_")}
    chapter = next((one for one in CHAPTERS.values() if tests.keys() <= one.promises.keys()), None)
    if chapter is None:
        msg = f"no chapter of promises.toml has all tests of {contract.__name__}"
        raise LookupError(msg)
    for name, test in tests.items():
        test.__doc__ = chapter.promises[name]
    return contract
