"""The main job with nothing to set up: images in a registry, scanned with every plugin through the real command.

The command, the core and the plugins are the real ones, and so are Trivy, where its test wheel has a binary, and Grype,
where ``scripts/grype`` has built it, on databases of our own. The registry is Debian's ``docker-registry`` where it is
installed, else a stand-in; Clair and zypper-docker are stand-ins, made for the tests. All on loopback. Started by
``scripts/demo``.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from portus_scanners import load_document
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import (
    BuiltImage,
    alpine_layer,
    debian_image,
    filler_layer,
    make_image,
    opensuse_image,
    static_binary_image,
)
from standins.clair import StandInClair
from standins.docker_registry import DockerRegistry
from standins.grype import Advisory as GrypeAdvisory, System, find_grype, write_database as write_grype_database
from standins.programs import missing
from standins.trivy import Advisory, find_trivy, write_database
from standins.zypper_docker import StandInZypperDocker, failed, patch, scanned

COMMAND = str(Path(sys.executable).with_name("portus-scan"))
SOME_NOT_OK = 3
"""The command's exit code here: one backend is down, and no scanner can read every one of these images."""

SHOP, API, LEGACY, TOOL = "team/shop", "team/api", "team/legacy", "team/tool"
ADVISORIES = (
    Advisory(id="CVE-2099-0001", package="openssl", fixed="3.0.2-1", severity="CRITICAL"),
    Advisory(id="CVE-2099-0002", package="bash", fixed="5.2-2", severity="HIGH"),
    Advisory(id="CVE-2099-0006", package="glibc", severity="LOW", status=5),
    Advisory(id="CVE-2099-0004", package="musl", fixed="1.2.5-r1", severity="HIGH", platform="alpine 3.19"),
)

BOOKWORM = System("debian", "12", "bookworm")
GRYPE_ADVISORIES = (
    GrypeAdvisory(id="CVE-2099-0001", package="openssl", system=BOOKWORM, fixed="3.0.2-1", severity="critical"),
    GrypeAdvisory(id="CVE-2099-0002", package="bash", system=BOOKWORM, fixed="5.2-2", state="fixed"),
)

LOOK_AT = """
What can be seen here (all vulnerabilities are made up):{two_opinions}
  a backend down  clair_old: its runs have failed, and the reports say that there may be more
  unreadable      team/tool is a static binary: no scanner can read it, which does not mean "no vulnerabilities"

Which scanner says what of team/shop, in the JSON document (portus-scan image -o json):"""
TWO_OPINIONS = """
  agreement       CVE-2099-0001, with the same severity. Clair names the source package openssl,
                  Trivy the package libssl3 that was built from it: they meet there
  disagreement    CVE-2099-0002 is rated differently; CVE-2099-0003 and CVE-2099-0006 only one of them knows"""
NO_TRIVY = "Trivy is left out: its test wheel has a binary for x86_64 Linux only."
NO_GRYPE = "Grype is left out: scripts/grype builds it, with Go."
NEXT = """
{what} stand-ins. With servers of your own, and any `trivy` on PATH, the same command:

  PORTUS_SECURITY_CLAIR_SERVER=http://clair.example:6060 \\
  PORTUS_SECURITY_ZYPPER_SERVER=http://zypper-docker.example:3000 \\
  PORTUS_SECURITY_TRIVY_ENABLED=true \\
      .venv/bin/portus-scan image registry.example:5000/team/app:1.0

or with the file that Portus already has: portus-scan image --config config.yml REF...
"""


def make_images() -> Mapping[str, BuiltImage]:
    """Return the images by repository."""
    return {
        SHOP: debian_image({"bash": "5.2-1", ("libc6", "glibc"): "2.36-9", ("libssl3", "openssl"): "3.0.1-1"}),
        API: make_image(alpine_layer({"musl": "1.2.5-r0"}), filler_layer("application")),
        LEGACY: opensuse_image(),
        TOOL: static_binary_image(),
    }


async def fill(registry: StandInRegistry | DockerRegistry) -> dict[str, str]:
    """Put the images in the registry and return their references by repository."""
    for repository, image in make_images().items():
        if isinstance(registry, DockerRegistry):
            await registry.push(repository, "1.0", image)
        else:
            registry.push(repository, "1.0", image)
    return {repository: registry.reference(repository, "1.0") for repository in make_images()}


def teach(clair: StandInClair, zypper: StandInZypperDocker, references: Mapping[str, str]) -> None:
    """Tell the stand-ins what is vulnerable: all made up."""
    clair.add_vulnerability("debian:12", "CVE-2099-0001", "Critical", fixed_in={"openssl": "3.0.2-1"})
    clair.add_vulnerability("debian:12", "CVE-2099-0002", "Medium", fixed_in={"bash": "5.2-2"})
    clair.add_vulnerability("debian:12", "CVE-2099-0003", "Low", fixed_in={"glibc": "None"})
    expat = patch("openSUSE-2099-1", summary="Security update for expat", description="Fixes CVE-2099-0005 (bsc#1)")
    other = patch("openSUSE-2099-2", "low", summary="Recommended update for bash")
    for repository, image in make_images().items():
        answer = scanned(expat, other) if repository == LEGACY else failed("command exited with status 127")
        zypper.pull(references[repository], image, answer)


def write_config(folder: Path, clair: StandInClair, zypper: StandInZypperDocker) -> str:
    """Write the configuration (JSON is YAML) and return its path."""
    security: dict[str, object] = {
        "clair": {"server": clair.url, "health_port": clair.health_port},
        "clair_old": {"scanner": "clair", "server": f"http://127.0.0.1:{free_port()}", "timeout": 3},
        "zypper": {"server": zypper.url},
    }
    if (trivy := find_trivy()) is not None:
        write_database(folder / "trivy", ADVISORIES)
        security["trivy"] = {"program": str(trivy), "cache": str(folder / "trivy"), "offline": True, "enabled": True}
    if (grype := find_grype()) is not None:
        write_grype_database(folder / "grype", GRYPE_ADVISORIES, providers=["nvd", "github"])
        security["grype"] = {
            "program": str(grype),
            "cache": str(folder / "grype"),
            "skip_update": True,
            "enabled": True,
        }
    path = folder / "config.yml"
    path.write_text(json.dumps({"security": security}, indent=2))
    return str(path)


def free_port() -> int:
    """Return a port that no server listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def open_registry() -> StandInRegistry | DockerRegistry:
    """Return Debian's registry where it is installed, else the stand-in."""
    return StandInRegistry() if missing("docker-registry", "skopeo") else DockerRegistry()


async def show_ratings(config: str, reference: str, output: Path) -> int:
    """Scan an image once more into a JSON document, and show what each scanner says of each vulnerability."""
    arguments = ("image", "--config", config, "-o", f"json={output}", reference)
    process = await asyncio.create_subprocess_exec(COMMAND, *arguments, stderr=asyncio.subprocess.DEVNULL)
    code = await process.wait()
    show_document(output)
    return code


def show_document(path: Path) -> None:
    """Show which scanner says what of the first image in a document."""
    for one in load_document(path.read_bytes()).reports[0].vulnerabilities:
        ratings = ", ".join(f"{rating.scanner}: {rating.label}" for rating in one.ratings)
        packages = ", ".join(dict.fromkeys(package.name for package in one.packages))
        print(f"  {one.id}  matched by {one.matched_by.value:<7}  {packages:<16}  {ratings}")


async def run(*arguments: str) -> int:
    """Show a command and run it."""
    print(f"\n$ portus-scan {' '.join(arguments)}", flush=True)
    process = await asyncio.create_subprocess_exec(COMMAND, *arguments)
    return await process.wait()


async def main() -> int:
    """Start the servers, scan, and show how to go on; return 0 if everything ended as expected."""
    trivy = find_trivy()
    with tempfile.TemporaryDirectory() as folder:
        async with open_registry() as registry, StandInClair() as clair, StandInZypperDocker() as zypper:
            references = await fill(registry)
            teach(clair, zypper, references)
            config = write_config(Path(folder), clair, zypper)
            real = isinstance(registry, DockerRegistry)
            print(f"{'docker-registry' if real else 'stand-in registry'}: {registry.url}   stand-in Clair: {clair.url}")
            print(f"stand-in zypper-docker: {zypper.url}   {NO_TRIVY if trivy is None else 'the real Trivy'}")
            print(NO_GRYPE if find_grype() is None else "the real Grype")
            codes = [await run("scanners", "--config", config), await run("health", "--config", config)]
            codes.append(await run("image", "--config", config, *references.values()))
            print(LOOK_AT.format(two_opinions="" if trivy is None else TWO_OPINIONS))
            codes.append(await show_ratings(config, references[SHOP], Path(folder) / "report.json"))
    print(NEXT.format(what="Clair and zypper-docker were" if real else "Registry, Clair and zypper-docker were"))
    return 0 if codes == [0, SOME_NOT_OK, SOME_NOT_OK, SOME_NOT_OK] else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
