"""The main job on an embedded default: images in a registry, scanned with every plugin through the real command.

Registry, Clair and zypper-docker are stand-ins on loopback, made for the tests; the command, the core and the plugins
are the real ones. Started by ``scripts/demo``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from portus_scanners.testing.images import (
    alpine_layer,
    debian_image,
    filler_layer,
    make_helm_chart,
    make_image,
    opensuse_image,
)
from portus_scanners.testing.registry.registry import StandInRegistry
from standins.clair import StandInClair
from standins.zypper_docker import StandInZypperDocker, failed, patch, scanned

COMMAND = str(Path(sys.executable).with_name("portus-scan"))
SOME_NOT_OK = 3
"""The command's exit code here: no scanner can read every one of these images."""

NEXT = """
That were stand-ins. With servers of your own, the same command:

  PORTUS_SECURITY_CLAIR_SERVER=http://clair.example:6060 \\
  PORTUS_SECURITY_ZYPPER_SERVER=http://zypper-docker.example:3000 \\
      .venv/bin/portus-scan image registry.example:5000/team/app:1.0

or with the file that Portus already has: portus-scan image --config config.yml REF...
"""


def fill(registry: StandInRegistry) -> list[str]:
    """Put the images in the registry and return their references."""
    images = {
        "team/shop": debian_image({"bash": "5.2-1", ("libc6", "glibc"): "2.36-9", ("libssl3", "openssl"): "3.0.1-1"}),
        "team/api": make_image(alpine_layer({"musl": "1.2.5-r0"}), filler_layer("application")),
        "team/legacy": opensuse_image(),
        "team/chart": make_helm_chart(),
    }
    for repository, image in images.items():
        registry.push(repository, "1.0", image)
    return [registry.reference(repository, "1.0") for repository in images]


def teach(clair: StandInClair, zypper: StandInZypperDocker, references: list[str]) -> None:
    """Tell the stand-ins what is vulnerable: all made up."""
    clair.add_vulnerability("debian:12", "CVE-2099-0001", "Critical", fixed_in={"openssl": "3.0.2-1"})
    clair.add_vulnerability("debian:12", "CVE-2099-0002", "Medium", fixed_in={"bash": "5.2-2"})
    clair.add_vulnerability("debian:12", "CVE-2099-0003", "Low", fixed_in={"glibc": "None"})
    clair.add_vulnerability("alpine:v3.19", "CVE-2099-0004", "High", fixed_in={"musl": "1.2.5-r0"})
    shop, api, legacy, _chart = references
    expat = patch("openSUSE-2099-1", summary="Security update for expat", description="Fixes CVE-2099-0005 (bsc#1)")
    zypper.script(legacy, scanned(expat, patch("openSUSE-2099-2", "low", summary="Recommended update for bash")))
    for reference in (shop, api):
        zypper.script(reference, failed("command exited with status 127"))


def write_config(folder: Path, clair: StandInClair, zypper: StandInZypperDocker) -> Path:
    """Write the configuration (JSON is YAML); the dummy's made-up findings are for the first image only."""
    security = {
        "clair": {"server": clair.url, "health_port": clair.health_port},
        "zypper": {"server": zypper.url},
        "dummy": {"enabled": True, "script": [{"image": "*/shop:*"}, {"behaviour": "empty"}]},
    }
    path = folder / "config.yml"
    path.write_text(json.dumps({"security": security}, indent=2))
    return path


async def run(*arguments: str) -> int:
    """Show a command and run it."""
    print(f"\n$ portus-scan {' '.join(arguments)}", flush=True)
    process = await asyncio.create_subprocess_exec(COMMAND, *arguments)
    return await process.wait()


async def main() -> int:
    """Start the stand-ins, scan, and say how to go on; 0 when everything ended as it should."""
    with tempfile.TemporaryDirectory() as folder:
        async with StandInRegistry() as registry, StandInClair() as clair, StandInZypperDocker() as zypper:
            references = fill(registry)
            teach(clair, zypper, references)
            config = str(write_config(Path(folder), clair, zypper))
            print(f"stand-in registry: {registry.url}   stand-in Clair: {clair.url}   stand-in zypper: {zypper.url}")
            codes = [await run("scanners", "--config", config), await run("health", "--config", config)]
            codes.append(await run("image", "--config", config, *references))
    print(NEXT)
    return 0 if codes == [0, 0, SOME_NOT_OK] else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
