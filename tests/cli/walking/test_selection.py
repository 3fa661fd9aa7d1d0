"""Which repositories and tags of a registry are wanted."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from portus_scan.walking.catalog import Selection, version_order

NAMES = ["team/app", "team/base", "teams/app", "other", "team"]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), NAMES),
        (Selection(namespace="team"), ["team/app", "team/base", "team"]),
        (Selection(include=("team/*",)), ["team/app", "team/base"]),
        (Selection(include=("*app",)), ["team/app", "teams/app"]),
        (
            Selection(
                include=(
                    "team/app:1.*",
                    "other",
                )
            ),
            ["team/app", "other"],
        ),
        (Selection(exclude=("team*",)), ["other"]),
        (Selection(exclude=("team/app:*",)), NAMES),
        (Selection(include=("team/*",), exclude=("*base",)), ["team/app"]),
        (Selection(namespace="team", include=("other",)), []),
    ],
)
def test_repositories(selection: Selection, expected: list[str]) -> None:
    """A namespace and patterns; one with a tag does not exclude the repository as a whole."""
    assert expected == [name for name in NAMES if selection.wants_repository(name)]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["1.10", "1.9", "1.9-debug", "latest"]),
        (Selection(max_tags=2), ["1.10", "1.9"]),
        (Selection(include=("team/app:1.*",), max_tags=9), ["1.10", "1.9", "1.9-debug"]),
        (
            Selection(
                exclude=(
                    "*:*-debug",
                    "*:latest",
                )
            ),
            ["1.10", "1.9"],
        ),
        (Selection(include=("other",)), []),
        (Selection(exclude=("team/*",)), []),
    ],
)
def test_tags(selection: Selection, expected: list[str]) -> None:
    """Each once, what fits, so many of the highest versions."""
    chosen = selection.choose_tags("team/app", ["latest", "1.9", "1.10", "1.9-debug", "1.9"])
    assert expected == chosen


@pytest.mark.parametrize(
    "ordered",
    [
        ["1", "1.9", "1.10", "2"],
        ["latest", "1"],
        ["2.0-rc1", "2.0-rc2", "2.0", "2.0.1"],
        ["v1.2", "v1.10", "v2"],
        ["2024-01-09", "2024-01-10"],
        ["9" * 18, "9" * 17 + "99"],
    ],
)
def test_versions_are_in_the_order_of_numbers(ordered: list[str]) -> None:
    """1.10 is above 1.9; a word is below every version, and a number too long to be one is a word."""
    expected = ordered if len(ordered[-1]) < 19 else ordered[::-1]
    assert expected == sorted(ordered, key=version_order)


@given(st.lists(st.text(max_size=6), max_size=6))
def test_any_texts_have_an_order(tags: list[str]) -> None:
    """Hostile tags can be compared, and their order does not depend on where they stood."""
    backwards = tags[::-1]
    assert sorted(tags, key=version_order) == sorted(backwards, key=version_order)
