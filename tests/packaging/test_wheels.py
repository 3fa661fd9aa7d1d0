"""What is shipped installs alone and works."""

from __future__ import annotations

import json
import tomllib
import zipfile
from pathlib import Path

import pytest

from .conftest import FOLDERS, ROOT, make_environment, run

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("wheels")]

SCAN = """
import asyncio, importlib.util, json
from portus_scanners import Engine, Image, Reference, Settings, discover

async def main():
    settings = Settings.from_mapping({"security": {"dummy": {"server": "any"}}})
    image = Image(reference=Reference.parse("registry.example/app:1"), digest="sha256:" + "a" * 64)
    async with Engine(settings) as engine:
        report = await engine.scan(image)
    print(json.dumps({
        "plugins": [plugin.name for plugin in discover()],
        "found": [one.id for one in report.vulnerabilities],
        "command": importlib.util.find_spec("portus_scan") is not None,
    }))

asyncio.run(main())
"""


def test_the_core_with_one_plugin_is_enough(wheels: Path, tmp_path: Path) -> None:
    """In a clean environment, the core and one plugin from wheels scan an image; nothing else of ours is there."""
    python = make_environment(tmp_path / "venv", wheels, "portus-scanner-dummy")
    answer = json.loads(run(python, "-W", "error", "-c", SCAN))
    assert {
        "plugins": ["dummy"],
        "found": ["CVE-2016-6304", "CVE-2016-7052", "CVE-2016-2178"],
        "command": False,
    } == answer


def test_the_command_with_all_its_extras(wheels: Path, tmp_path: Path) -> None:
    """portus-scan[all] brings every plugin, and the command lists them."""
    python = make_environment(tmp_path / "venv", wheels, "portus-scan[all]")
    listing = json.loads(run(python.with_name("portus-scan"), "scanners", "--format", "json"))
    assert ["clair", "dummy", "trivy", "zypper"] == sorted(one["name"] for one in listing["scanners"])


_PAGES = ROOT / "cli/src/portus_scan/formats/html/templates"
_DATA = {
    "portus-scanners": ["report-v1.schema.json"],
    "portus-scan": [f"formats/html/templates/{path.name}" for path in _PAGES.iterdir()],
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_has_its_types_and_its_license(wheels: Path, name: str) -> None:
    """Every wheel carries py.typed and the license's text; the core's also the JSON Schema, the command's the pages."""
    (wheel,) = wheels.glob(f"{name.replace('-', '_')}-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    wanted = ["py.typed", "LICENSE", *_DATA.get(name, ())]
    assert [] == [end for end in wanted if not any(path.endswith(f"/{end}") for path in names)]


def project_of(folder: str) -> dict[str, object]:
    """Return the [project] table of a distribution."""
    project: dict[str, object] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return project


def test_all_distributions_have_one_version() -> None:
    """One version for all; whoever needs the core, or a plugin, needs exactly this series of it."""
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


@pytest.mark.parametrize("folder", FOLDERS.values())
def test_every_license_is_the_same(folder: str) -> None:
    """Each distribution has a copy of the repository's license."""
    assert (ROOT / "LICENSE").read_bytes() == (ROOT / folder / "LICENSE").read_bytes()


def test_every_name_that_an_entry_point_has_is_an_extra() -> None:
    """portus-scan[NAME] installs the plugin that is called NAME, for each of ours; [all] has them all."""
    extras = project_of("cli")["optional-dependencies"]
    assert isinstance(extras, dict)
    names = {
        name: project["name"]
        for folder in FOLDERS.values()
        if (project := project_of(folder)).get("entry-points")
        for name in project["entry-points"].get("portus.scanners", ())  # type: ignore[attr-defined]
    }
    assert names == {name: extras[name][0].split("~")[0] for name in extras if name != "all"}
    assert [f"portus-scan[{','.join(sorted(names))}]"] == extras["all"]
