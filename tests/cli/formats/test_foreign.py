"""Foreign text: links that lead to the web, and texts of several lines."""

from __future__ import annotations

import pytest
from cyclonedx.model import XsUri
from hypothesis import given, strategies as st
from portus_scan.formats.foreign import LONGEST_LINK, paragraphs, web_links


@pytest.mark.parametrize(
    "link",
    [
        "http://example.org",
        "https://example.org:8443/a/b?c=d&e=%20#f",
        "https://[2001:db8::1]/x",
        "https://nvd.nist.gov/vuln/detail/CVE-2016-6304",
        "HTTPS://EXAMPLE.ORG/",
    ],
)
def test_links_kept(link: str) -> None:
    """A link to the web is kept as it is."""
    assert [link] == web_links([link, link])


@pytest.mark.parametrize(
    ("link", "encoded"),
    [
        ("https://example.org/a b", "https://example.org/a%20b"),
        ("https://example.org/<x>\"'`\\|()[]{}", "https://example.org/%3Cx%3E%22%27%60%5C%7C%28%29%5B%5D%7B%7D"),
        ("https://example.org/100%", "https://example.org/100%25"),
        ("https://example.org/#a#b", "https://example.org/#a%23b"),
        ("https://example.org/\N{LATIN SMALL LETTER E WITH ACUTE}", "https://example.org/%C3%A9"),
        (" https://example.org/ ", "https://example.org/"),
    ],
)
def test_links_encoded(link: str, encoded: str) -> None:
    """What is not legal in a link is percent-encoded."""
    assert [encoded] == web_links([link])


@pytest.mark.parametrize(
    "link",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//example.org/x",
        "example.org",
        "https://",
        "https://a b/",
        "https://example.org:99999/",
        "https://example.org:x/",
        "https://bank.example@evil.example/",
        "https://example.org\\@evil.example/",
        "https://ex\N{CYRILLIC SMALL LETTER A}mple.org/",
        "https://example.org/a\nb",
        "https://example.org/\u202egnp.exe",
        f"https://example.org/{'x' * LONGEST_LINK}",
    ],
)
def test_links_left_out(link: str) -> None:
    """What does not lead to the web, or not where it seems to, is left out."""
    assert [] == web_links([link])


@given(st.text(max_size=30))
def test_links_are_legal(text: str) -> None:
    """Whatever comes after the host, CycloneDX' library takes what is kept."""
    assert [] == [link for link in web_links([f"https://example.org/{text}"]) if str(XsUri(link)) != link]


def test_paragraphs() -> None:
    """Line ends of all kinds become one, tabs blanks, other controls visible."""
    assert "a\nb\nc    d\\x1b" == paragraphs("\na\r\nb\rc\td\x1b\n")


def test_paragraphs_are_cut() -> None:
    """A long text ends in an ellipsis, within the limit."""
    assert "xxx\N{HORIZONTAL ELLIPSIS}" == paragraphs("x" * 1_000_000, 4)
