"""The public names are those of public-api.txt: nothing appears or vanishes unannounced."""

from __future__ import annotations

import pytest
from public_api import PATH, breakages, flat, write_text

_OLD = "class A:\n    x: int = 1\n    def f(a: int, *, b: str = ''): ...\ndef g() -> None: ...\n"


def test_the_public_names_are_those_of_the_file() -> None:
    """The sources have the names, members and signatures that the file has."""
    old, new = PATH.read_text(), write_text()
    if old == new:
        return
    gone = [f"- {line}" for line in flat(old) if line not in flat(new)]
    come = [f"+ {line}" for line in flat(new) if line not in flat(old)]
    breaks = [f"! {line}" for line in breakages(old, new)]
    advice = "run scripts/api, and say in a fragment under changes/ what became of these names"
    pytest.fail("\n".join([f"the public names changed: {advice}", *gone, *come, *breaks]), pytrace=False)


def test_a_line_of_the_file_stands_for_itself() -> None:
    """A member is named with its class where lines are compared."""
    assert ["class A:", "A: x: int = 1", "A: def f(a: int, *, b: str = ''): ...", "def g() -> None: ..."] == flat(_OLD)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("def g() -> None: ...\n", "", "g: Public object was removed"),
        (", *, b: str = ''", "", "A.f(b): Parameter was removed"),
        ("a: int,", "a: int, c: int,", "A.f(c): Parameter was added as required"),
        ("b: str = ''", "b: str = '', c: int = 0", None),
        ("x: int = 1", "x: int = 1\n    y: int = 2", None),
    ],
)
def test_what_would_break_is_named(old: str, new: str, expected: str | None) -> None:
    """griffe's rules hold for the file's texts: a removal breaks, an addition with a default does not."""
    assert _OLD.replace(old, new) != _OLD
    assert [expected] * (expected is not None) == breakages(_OLD, _OLD.replace(old, new))


def test_faces_are_compared_one_by_one() -> None:
    """A name that moves from one face to another is gone where it was."""
    old = f"# portus_images\n{_OLD}# portus_scanners\n"
    new = f"# portus_images\n# portus_scanners\n{_OLD}"
    assert ["A: Public object was removed", "g: Public object was removed"] == breakages(old, new)
