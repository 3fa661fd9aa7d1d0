"""What is shipped installs alone and works."""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from .conftest import FOLDERS, ROOT, install, make_environment, run, uninstall
from .sources import imports

pytestmark = pytest.mark.timeout(300)

SCAN = """
import asyncio, json
from portus_scanners import Engine, Image, Reference, Settings, discover

async def main():
    settings = Settings.from_mapping({"security": {"dummy": {"server": "any"}}})
    image = Image(reference=Reference.parse("registry.example/app:1"), digest="sha256:" + "a" * 64)
    async with Engine(settings) as engine:
        report = await engine.scan(image)
    print(json.dumps({
        "plugins": [plugin.name for plugin in discover()],
        "found": [one.id for one in report.vulnerabilities],
    }))

asyncio.run(main())
"""
OURS = """
import importlib, json, sys
from importlib.metadata import distributions
names = sorted(one.name for one in distributions() if one.name.startswith("portus-"))
for package in sys.argv[1:]:
    for name in importlib.import_module(package).__all__:
        getattr(sys.modules[package], name)
print(json.dumps(names))
"""
IMAGES, CORE = {"portus-images"}, {"portus-images", "portus-scanners"}
BROUGHT = {
    "portus-images": IMAGES,
    "portus-scanners": CORE,
    "portus-scanners[testing]": {*CORE, "portus-scanners-testing"},
    "portus-scanners[isolation]": {*CORE, "portus-scanners-isolation"},
    "portus-policy": {*CORE, "portus-policy"},
    "portus-scanners-testing": {*CORE, "portus-scanners-testing"},
    "portus-scan": {*CORE, "portus-policy", "portus-scan"},
    "portus-scan[clair]": {*CORE, "portus-policy", "portus-scan", "portus-scanner-clair"},
    "portus-scan-server": {*CORE, "portus-policy", "portus-scan", "portus-scan-server"},
    "portus-scanner-clair": {*CORE, "portus-scanner-clair"},
    "portus-scanner-clair-v4": {*CORE, "portus-scanner-clair-v4"},
    "portus-scanner-zypper-docker": {*CORE, "portus-scanner-zypper-docker"},
    "portus-scanner-dummy": {*CORE, "portus-scanner-dummy"},
    "portus-scanner-trivy": {*CORE, "portus-scanner-trivy"},
    "portus-scanner-grype": {*CORE, "portus-scanner-grype"},
    "portus-scanner-osv": {*CORE, "portus-scanner-osv"},
    "portus-scanner-report-file": {*CORE, "portus-scanner-report-file"},
}


def test_the_core_with_one_plugin_is_enough(wheels: Path, tmp_path: Path) -> None:
    """In a clean environment, the core and one plugin from wheels scan an image; nothing else of ours is there."""
    python = make_environment(tmp_path / "venv", "--find-links", wheels, "portus-scanner-dummy")
    answer = json.loads(run(python, "-W", "error", "-c", SCAN))
    assert {"plugins": ["dummy"], "found": ["CVE-2016-6304", "CVE-2016-7052", "CVE-2016-2178"]} == answer
    assert BROUGHT["portus-scanner-dummy"] == set(json.loads(run(python, "-I", "-c", OURS)))


@pytest.fixture(scope="module")
def everything(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the command and all its extras."""
    return make_environment(tmp_path_factory.mktemp("everything") / "venv", "--find-links", wheels, "portus-scan[all]")


def test_the_command_with_all_its_extras(everything: Path) -> None:
    """portus-scan[all] brings every plugin, and the command lists them."""
    listing = json.loads(run(everything.with_name("portus-scan"), "scanners", "--format", "json"))
    assert ["clair", "clair_v4", "dummy", "grype", "osv", "report_file", "trivy", "zypper"] == sorted(
        one["name"] for one in listing["scanners"]
    )


MOST_DISTRIBUTIONS = 20
MOST_BYTES = 19_000_000
"""Without bytecode, which takes as much as the sources of Python do."""
_INSTALLED = """
import json
from importlib.metadata import distribution
from packaging.requirements import Requirement

def needed(text, seen):
    wanted = Requirement(text)
    for extra in ("", *wanted.extras):
        if (wanted.name.lower(), extra) not in seen:
            seen.add((wanted.name.lower(), extra))
            for line in distribution(wanted.name).requires or ():
                if (marker := Requirement(line).marker) is None or marker.evaluate({"extra": extra}):
                    needed(line, seen)
    return {name for name, _ in seen}

names = needed("portus-scan[clair]", set())
files = [file for name in names for file in distribution(name).files if file.suffix != ".pyc"]
print(json.dumps([sorted(names), sum(file.locate().stat().st_size for file in files)]))
"""


def test_an_installation_is_small(everything: Path) -> None:
    """The core, the command and the plugin for Clair bring few distributions of others, and few bytes."""
    names, size = json.loads(run(everything, "-I", "-c", _INSTALLED))
    foreign = [name for name in names if not name.startswith("portus-")]
    assert (True, True) == (len(foreign) <= MOST_DISTRIBUTIONS, size <= MOST_BYTES), (foreign, size)


@pytest.fixture(scope="module")
def bare(foreign: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment without anything of ours, but with everything that ours needs of others."""
    return make_environment(tmp_path_factory.mktemp("bare") / "venv", foreign=foreign)


@pytest.mark.parametrize("wanted", BROUGHT)
def test_a_wheel_brings_what_it_needs_of_ours_alone(bare: Path, wheels: Path, wanted: str) -> None:
    """Installed without an index, each distribution works with these of ours: every public name can be had."""
    install(bare, "--no-index", "--find-links", wheels, wanted)
    package = wanted.partition("[")[0].replace("-", "_")
    try:
        assert BROUGHT[wanted] == set(json.loads(run(bare, "-I", "-W", "error", "-c", OURS, package)))
    finally:
        uninstall(bare, *FOLDERS)


_PAGES = ROOT / "cli/src/portus_scan/formats/html/templates"
_SERVED = ROOT / "server/src/portus_scan_server/pages/templates"
_DATA = {
    "portus-scanners": ["report-v1.schema.json"],
    "portus-scan": [f"formats/html/templates/{path.name}" for path in _PAGES.iterdir()],
    "portus-scan-server": [f"pages/templates/{path.name}" for path in _SERVED.iterdir()],
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_has_its_types_and_its_license(wheels: Path, name: str) -> None:
    """Every wheel carries py.typed and the license's text; the core's also the JSON Schema, two carry pages."""
    (wheel,) = wheels.glob(f"{name.replace('-', '_')}-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    wanted = ["py.typed", "LICENSE", *_DATA.get(name, ())]
    assert [] == [end for end in wanted if not any(path.endswith(f"/{end}") for path in names)]


def project_of(folder: str) -> dict[str, object]:
    """Return the [project] table of a distribution."""
    project: dict[str, object] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return project


def test_all_distributions_have_one_version() -> None:
    """All distributions have one version, and require the core and plugins in exactly this series."""
    projects = [project_of(folder) for folder in FOLDERS.values()]
    (version,) = {project["version"] for project in projects}
    needs = [
        line
        for project in projects
        for lines in (project["dependencies"], *project.get("optional-dependencies", {}).values())  # type: ignore[attr-defined]
        for line in lines  # type: ignore[attr-defined]
        if line.startswith("portus-scanner") and "[" not in line
    ]
    assert {f"~={version}"} == {line.removeprefix(line.split("~")[0]) for line in needs}


def needed(folder: str) -> set[str]:
    """Return the folders of the distributions of ours that one requires, in no extra."""
    dependencies = project_of(folder)["dependencies"]
    assert isinstance(dependencies, list)
    names = {re.split(r"[\[~=]", line)[0] for line in dependencies}
    return {FOLDERS[name] for name in names if name in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS.values())
def test_a_distribution_requires_what_it_imports_of_ours(folder: str) -> None:
    """What a distribution imports of ours is among its requirements, and nothing else of ours."""
    targets = {one.target.partition(".")[0].replace("_", "-") for one in imports() if one.source.folder == folder}
    assert needed(folder) == {FOLDERS[name] for name in targets} - {folder}


PAGES = ("*.md", "docs/**/*.md", "plugins/*/*.md", "examples/*/*.md")
CLONE = re.compile(r"pip install ((?:\./\S+ ?){2,})")


def test_an_install_from_a_clone_names_all_that_it_needs() -> None:
    """Where a page installs several folders of a clone, those that they need of ours are among them."""
    lines = [found[1] for pattern in PAGES for page in ROOT.glob(pattern) for found in CLONE.finditer(page.read_text())]
    assert [] != lines
    for line in lines:
        folders = {word.strip("`./)") for word in line.split()}
        assert set().union(*map(needed, folders)) <= folders, line


@pytest.mark.parametrize("folder", FOLDERS.values())
def test_every_license_is_the_same(folder: str) -> None:
    """Each distribution has a copy of the repository's license."""
    assert (ROOT / "LICENSE").read_bytes() == (ROOT / folder / "LICENSE").read_bytes()


_OWN_EXTRAS = ("cyclonedx", "versions")
"""Extras of the command that are not plugins."""


def test_every_name_that_an_entry_point_has_is_an_extra() -> None:
    """portus-scan[NAME] installs the plugin that is called NAME, for each of ours; [all] has all but the service."""
    extras = project_of("cli")["optional-dependencies"]
    assert isinstance(extras, dict)
    names = {
        name: project["name"]
        for folder in FOLDERS.values()
        if (project := project_of(folder)).get("entry-points")
        for name in project["entry-points"].get("portus.scanners", ())  # type: ignore[attr-defined]
    }
    plugins = extras.keys() - {"all", "server", *_OWN_EXTRAS}
    assert names == {name: extras[name][0].split("~")[0] for name in plugins}
    assert [f"portus-scan[{','.join([*_OWN_EXTRAS, *sorted(names)])}]"] == extras["all"]
