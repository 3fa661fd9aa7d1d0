"""What the documentation says works: links and configurations."""

from __future__ import annotations

import re
from types import ModuleType

import portus_images.errors
import portus_scanners.errors
import pytest
import yaml
from pages import NAMES, ROOT, blocks
from portus_scanners import Settings, discover


@pytest.mark.parametrize("page", [page for page in NAMES if blocks(page, "yaml")])
def test_every_configuration_shown_is_valid(page: str) -> None:
    """Each YAML block of the documentation is a configuration that is accepted, its enabled scanners' settings too."""
    plugins = {plugin.name: plugin for plugin in discover()}
    for block in blocks(page, "yaml"):
        for section in Settings.from_mapping(yaml.safe_load(block)).enabled:
            assert section.structure(plugins[section.plugin].load().settings_class).server is not None


@pytest.mark.parametrize("page", NAMES)
def test_every_link_leads_somewhere(page: str) -> None:
    """Each relative link of the documentation names a file that is there."""
    path = ROOT / page
    targets = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", path.read_text())]
    assert [] == [link for link in targets if link and "://" not in link and not (path.parent / link).exists()]


_STEP = re.compile(r"^\| .+ \| (images|core|policy|cli) \| (`.+`) \|$", re.MULTILINE)


def test_the_way_of_an_image_leads_through_files_that_are_there() -> None:
    """Each step on the page about the architecture names modules or folders of its distribution."""
    page = (ROOT / "docs/explanation/architecture.md").read_text()
    steps = [(folder, path) for folder, paths in _STEP.findall(page) for path in re.findall(r"`(.+?)`", paths)]
    assert steps
    assert [] == [step for step in steps if not list(ROOT.glob(f"{step[0]}/src/*/{step[1]}"))]


def test_the_start_page_names_every_page() -> None:
    """A reader finds each page under docs/ from its start page."""
    start = (ROOT / "docs/index.md").read_text()
    pages = [page.removeprefix("docs/") for page in NAMES if page.startswith("docs/")]
    assert ["index.md"] == [page for page in pages if f"]({page})" not in start]


@pytest.mark.parametrize("module", [portus_images.errors, portus_scanners.errors], ids=["images", "core"])
def test_the_tree_of_errors_is_that_of_the_module(module: ModuleType) -> None:
    """The page about errors draws the same tree as each module of errors does."""
    tree = (module.__doc__ or "").partition("::\n\n")[2].partition("\n\n")[0]
    assert tree.startswith("    PortusError")
    assert tree in (ROOT / "docs/reference/errors.md").read_text()
