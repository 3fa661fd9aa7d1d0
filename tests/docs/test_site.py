"""How pages get onto the site: links, navigation, nothing from other hosts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import site_pages
import site_privacy


def turned(markdown: str, page: str) -> str:
    """Return the Markdown of a page as the site gets it."""
    stand_in: Any = SimpleNamespace(file=SimpleNamespace(src_uri=page))
    unused: Any = None
    return site_pages.on_page_markdown(markdown, page=stand_in, config=unused, files=unused)


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("reference/configuration.md", "[C](../../plugins/clair/README.md)", "[C](../scanners/clair.md)"),
        ("reference/configuration.md", "[C](../../plugins/clair/README.md#a)", "[C](../scanners/clair.md#a)"),
        ("scanners/clair.md", "[home](../../README.md)", "[home](../index.md)"),
        ("scanners/clair.md", "[J](../../docs/reference/json.md)", "[J](../reference/json.md)"),
        ("changes.md", "[`changes/`](changes/)", "`changes/`"),
        ("explanation/architecture.md", "[`e`](../../core/src/portus_scanners/errors.py)", "`e`"),
        ("reference/json.md", "[O](outcomes.md)", "[O](outcomes.md)"),
        ("reference/json.md", "[O](#severities)", "[O](#severities)"),
        ("reference/json.md", "[O](https://host.example/x)", "[O](https://host.example/x)"),
        ("reference/json.md", "[O](../../nowhere.py)", "[O](../../nowhere.py)"),
    ],
)
def test_links_across_the_border_of_docs(page: str, link: str, expected: str) -> None:
    """Links to pages go to their place on the site, those to other files are words, broken ones stay to be reported."""
    assert expected == turned(f"See {link}.", page).removeprefix("See ").removesuffix(".")


def test_folders_in_the_navigation() -> None:
    """A folder stands for its pages that are not named; a section without pages is left out."""
    nav = [{"A": ["a/2.md", "a/", {"B": ["a/b/"]}]}, {"C": ["c/"]}, "index.md"]
    pages = ["a/1.md", "a/2.md", "a/b/3.md", "index.md"]
    expanded = list(site_pages._expanded(nav, pages, set(site_pages._named(nav))))
    assert [{"A": ["a/2.md", "a/1.md", "a/b/3.md", {"B": ["a/b/3.md"]}]}, "index.md"] == expanded


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<script src="https://cdn.example/x.js"></script>', ["https://cdn.example/x.js"]),
        ('<link rel="stylesheet" href="//fonts.example/css">', ["//fonts.example/css"]),
        ('<a href="https://host.example">words</a><img src="a.png">', []),
    ],
)
def test_what_a_page_would_load_from_other_hosts(html: str, expected: list[str]) -> None:
    """Scripts, styles and images of other hosts are found; links do not count."""
    assert expected == site_privacy.loads(html)
