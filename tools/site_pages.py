"""An mkdocs hook: pages that lie outside `docs/`, links between the two, folders in the navigation.

The Markdown is written for readers of the repository. There a link to `../../plugins/clair/README.md` is right; on the
site the same file is a page of its own. A link to a file that is not a page is shown as its words alone.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(?<!!)\[(?P<words>[^\]]+)\]\((?P<target>[^)#\s]*)(?P<anchor>#[^)\s]*)?\)")
_SITE_HOME = {"README.md": "index.md"}


def guests() -> dict[str, str]:
    """Return the pages from outside `docs/`: their path in the repository, and on the site."""
    found = {
        "CHANGELOG.md": "changes.md",
        "CONTRIBUTING.md": "contributing.md",
        "cli/README.md": "reference/command.md",
    }
    for readme in sorted(ROOT.glob("plugins/*/README.md")):
        found[readme.relative_to(ROOT).as_posix()] = f"scanners/{readme.parent.name}.md"
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the guests, then put the pages of each folder named in the navigation in its place."""
    for source, page in guests().items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    pages = sorted(file.src_uri for file in files.documentation_pages())
    config.nav = list(_expanded(config.nav or [], pages, set(_named(config.nav))))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links that cross the border of `docs/`."""
    origins = {target: source for source, target in guests().items()}
    here = origins.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def turned(match: re.Match[str]) -> str:
        if not match["target"] or "://" in match["target"]:
            return match[0]
        source = posixpath.normpath(posixpath.join(posixpath.dirname(here), match["target"]))
        target = _site_path(source)
        if target is None:
            return match["words"] if (ROOT / source).exists() else match[0]  # mkdocs warns of the latter
        link = os.path.relpath(target, posixpath.dirname(page.file.src_uri) or ".")
        return f"[{match['words']}]({link}{match['anchor'] or ''})"

    return _LINK.sub(turned, markdown)


def _site_path(source: str) -> str | None:
    if source.startswith("docs/"):
        return source.removeprefix("docs/")
    return (guests() | _SITE_HOME).get(source)


def _named(nav: Any) -> Iterator[str]:
    """Yield every path of a navigation."""
    if isinstance(nav, str):
        yield nav
    for item in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _named(item)


def _expanded(nav: list[Any], pages: list[str], named: set[str]) -> Iterator[Any]:
    """Replace `folder/` by the pages in it that are not named themselves; leave out sections without pages."""
    for item in nav:
        if isinstance(item, str) and item.endswith("/"):
            yield from (page for page in pages if page.startswith(item) and page not in named)
        elif isinstance(item, dict) and isinstance(section := next(iter(item.values())), list):
            if inside := list(_expanded(section, pages, named)):
                yield {next(iter(item)): inside}
        else:
            yield item
