"""The parser of WWW-Authenticate."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st
from portus_images.registry.access.challenge import Challenge, parse_challenges

REALM = "https://auth.example/token"

CASES = [
    ('Basic realm="x"', [("basic", {"realm": "x"})]),
    ("Basic", [("basic", {})]),
    (
        f'Bearer realm="{REALM}",service="r.example",scope="repository:a/b:pull,push"',
        [("bearer", {"realm": REALM, "service": "r.example", "scope": "repository:a/b:pull,push"})],
    ),
    (f'Bearer realm="{REALM}"', [("bearer", {"realm": REALM})]),
    (f'BEARER REALM="{REALM}" , Service = "s"', [("bearer", {"realm": REALM, "service": "s"})]),
    (
        'Basic realm="a", Bearer realm="b",service="c"',
        [("basic", {"realm": "a"}), ("bearer", {"realm": "b", "service": "c"})],
    ),
    ('Negotiate, Basic realm="a"', [("negotiate", {}), ("basic", {"realm": "a"})]),
    ('NTLM TlRMTVNTUAAB==, Basic realm="a"', [("ntlm", {}), ("basic", {"realm": "a"})]),
    (r'Basic realm="a \"quoted\" \\ word"', [("basic", {"realm": r'a "quoted" \ word'})]),
    ("Bearer realm=https://auth.example/token,service=s", [("bearer", {"realm": REALM, "service": "s"})]),
    ('Bearer realm="a" service="b"', [("bearer", {"realm": "a", "service": "b"})]),
    ('Bearer realm="a",realm="b"', [("bearer", {"realm": "a"})]),
    (',, Basic realm="a",,', [("basic", {"realm": "a"})]),
    ('Bearer realm="a",error="invalid_token"', [("bearer", {"realm": "a", "error": "invalid_token"})]),
    ('Bearer realm="unterminated', [("bearer", {})]),
    ("", []),
    ('"', []),
    ("=", []),
    ('realm="a"', []),
    ("\x00", []),
]


@pytest.mark.parametrize(("value", "expected"), CASES)
def test_a_header_is_read_as_the_rfc_has_it(value: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    """Schemes, parameters, quotes, lists and nonsense."""
    assert expected == [(challenge.scheme, challenge.parameters) for challenge in parse_challenges([value])]


def test_several_headers_are_one_list() -> None:
    """The headers of an answer follow each other."""
    assert ["basic", "bearer"] == [found.scheme for found in parse_challenges(["Basic realm=a", "Bearer realm=b"])]


_NAME = st.from_regex(r"\A[A-Za-z][A-Za-z0-9-]{0,8}\Z")
_CHALLENGES = st.lists(
    st.builds(
        Challenge,
        _NAME.map(str.lower),
        st.dictionaries(
            _NAME.map(str.lower), st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])), max_size=4
        ),
    ),
    max_size=4,
)


def write(challenge: Challenge) -> str:
    """Return a challenge as it stands in a header."""
    quoted = ((name, re.sub(r'(["\\])', r"\\\1", value)) for name, value in challenge.parameters.items())
    return f"{challenge.scheme} " + ", ".join(f'{name}="{value}"' for name, value in quoted)


@given(_CHALLENGES)
def test_what_is_written_is_read_again(challenges: list[Challenge]) -> None:
    """Any list of challenges survives being a header, commas and quotes in values included."""
    assert tuple(challenges) == parse_challenges([", ".join(map(write, challenges))])


@given(st.text())
def test_no_text_breaks_the_parser(value: str) -> None:
    """Any header gives challenges or none."""
    assert all(challenge.scheme for challenge in parse_challenges([value]))
