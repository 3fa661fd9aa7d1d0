"""What the documentation says works."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import aiohttp
import pytest
import yaml
from portus_scanners import Settings
from portus_scanners.testing.images import debian_image
from portus_scanners.testing.registry.registry import StandInRegistry

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("*/*/README.md")),
]
_DEADLINE = 30.0


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def environ() -> dict[str, str]:
    """The environment of a reader who has enabled the dummy."""
    return {**os.environ, "PORTUS_SECURITY_DUMMY_SERVER": "any", "PYTHONWARNINGS": "error"}


async def test_the_script_of_the_embedding_page(tmp_path: Path, environ: dict[str, str]) -> None:
    """The script prints each run and the verdict, and names an image that is not there."""
    (tmp_path / "script.py").write_text(blocks("docs/how-to/embed.md", "python")[0])
    async with StandInRegistry() as registry:
        registry.push("team/app", "1.0", debian_image({"bash": "5.2-1"}))
        references = [registry.reference("team/app", tag) for tag in ("1.0", "gone")]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(tmp_path / "script.py"), *references, env=environ, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(_DEADLINE):
            output = (await process.communicate())[0].decode().splitlines()
    assert (0, "dummy ok ", f"{references[0]} vulnerable 3") == (process.returncode, output[0], output[1])
    assert output[2].startswith(f"{references[1]} could not be resolved:")


async def test_the_service_of_the_embedding_page(tmp_path: Path, environ: dict[str, str], unused_tcp_port: int) -> None:
    """The service answers with a report, an unresolved image and a 400, and ends when it is told to."""
    (tmp_path / "service.py").write_text(blocks("docs/how-to/embed.md", "python")[1])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", str(tmp_path / "service.py"), env={**environ, "PORT": str(unused_tcp_port)},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_DEADLINE), StandInRegistry() as registry, aiohttp.ClientSession() as session:
            assert process.stdout is not None
            assert b"Running on" in await process.stdout.readline()
            registry.push("team/app", "1.0", debian_image({"bash": "5.2-1"}))
            answers = []
            for image in (registry.reference("team/app", "1.0"), registry.reference("team/app", "gone"), "Not A Name"):
                async with session.get(f"http://127.0.0.1:{unused_tcp_port}/scan", params={"image": image}) as answer:
                    answers.append((answer.status, json.loads(await answer.text())))
    finally:
        process.terminate()
        await process.communicate()
    (_, scanned), (_, unresolved), (status, refused) = answers
    assert "vulnerable" == scanned["reports"][0]["verdict"]
    assert ["manifest"] == [error["step"] for error in unresolved["errors"]]
    assert (400, True) == (status, "is no image reference" in refused["error"])


async def test_the_choice_of_the_discovery_page(environ: dict[str, str]) -> None:
    """The choice by hand runs, and holds the plugins of this project."""
    (block,) = blocks("docs/reference/discovery.md", "python")
    program = f"{block}\nprint(engine.scanners, len(wanted) > 0)\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environ, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(_DEADLINE):
        output, _ = await process.communicate()
    assert (0, "('dummy',) True\n") == (process.returncode, output.decode())


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in PAGES if "```yaml" in page.read_text()])
def test_every_configuration_shown_is_valid(page: str) -> None:
    """Each YAML block of the documentation is a configuration that is accepted, its enabled scanners' settings too."""
    from portus_scanners import discover

    plugins = {plugin.name: plugin for plugin in discover()}
    for block in blocks(page, "yaml"):
        for section in Settings.from_mapping(yaml.safe_load(block)).enabled:
            assert section.structure(plugins[section.plugin].load().settings_class).server is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each relative link of the documentation names a file that is there."""
    targets = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", page.read_text())]
    assert [] == [link for link in targets if link and "://" not in link and not (page.parent / link).exists()]
