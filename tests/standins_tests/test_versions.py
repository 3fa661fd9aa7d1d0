"""Debian's order of versions."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st
from standins.versions import compare, is_valid, version_key

ASCENDING = [
    "0~~",
    "0~~a",
    "0~",
    "0",
    "0.9a~",
    "0.9a",
    "0.9a.b",
    "0.9.1",
    "1.0~beta1~svc1245",
    "1.0~beta1",
    "1.0-1~deb12u1",
    "1.0-1",
    "1.0-1+b1",
    "1.0-1.1",
    "1.0-2",
    "1.0-10",
    "1.0a-1",
    "1.0+dfsg-1",
    "1.0.1-1",
    "1.9",
    "1.10",
    "5.2.15-2+b7",
    "7.52.1-5+deb9u9",
    "7.52.1-5+deb9u10",
    "2019b-0+deb9u1",
    "1:0.1",
    "2:0.1",
]
EQUAL = [("1.0", "1.0-0"), ("0:1.0", "1.0"), ("1.00", "1.0"), ("1.0-01", "1.0-1"), ("", "0")]

versions = st.builds(
    lambda epoch, upstream, revision: f"{epoch}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:", "2:"]),
    st.text("019aZ.+~", max_size=6).map(lambda text: f"1{text}"),
    st.one_of(st.just(""), st.text("019aZ.+~", min_size=1, max_size=4).map(lambda text: f"-{text}")),
)


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ASCENDING)))
def test_each_is_lower_than_the_next(lower: str, higher: str) -> None:
    """The table ascends."""
    assert (-1, 1) == (compare(lower, higher), compare(higher, lower))


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_other_spellings_of_one_version(left: str, right: str) -> None:
    """An absent epoch or revision is zero; leading zeros mean nothing."""
    assert 0 == compare(left, right) == compare(right, left)


@given(versions, versions)
def test_order_is_antisymmetric(left: str, right: str) -> None:
    """One is lower exactly when the other one is higher."""
    assert compare(left, right) == -compare(right, left)


@given(versions, versions, versions)
def test_order_is_transitive(one: str, two: str, three: str) -> None:
    """It is a total order: sorted, each is at most as high as all that follow."""
    low, middle, high = sorted((one, two, three), key=version_key)
    assert max(compare(low, middle), compare(middle, high), compare(low, high)) <= 0


@given(versions)
def test_version_equals_itself(version: str) -> None:
    """Every version is valid and equal to itself; a tilde makes it lower, a plus higher."""
    assert is_valid(version)
    assert 0 == compare(version, version)
    assert (-1, 1) == (compare(f"{version}~", version), compare(f"{version}+", version))


@pytest.mark.parametrize("text", ["", "x1", "1 2", "1_2", "é", "a:1"])
def test_what_is_no_version(text: str) -> None:
    """Packages with such versions are left out of package lists."""
    assert not is_valid(text)
