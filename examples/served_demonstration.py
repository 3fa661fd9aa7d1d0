"""The service on the demonstration's registry and scanners, with content. Started by ``scripts/demo --serve``.

Everything is as in ``demonstration.py``. The service finds the images in the catalogue of the registry; one of them is
pushed anew once it was scanned, and the registry, where it is the real one, tells of that: its tag has a history.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from demonstration import COMMAND, SHOP, fill, teach, write_config
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from standins.clair import StandInClair
from standins.docker_registry import DockerRegistry
from standins.programs import missing
from standins.zypper_docker import StandInZypperDocker

_PORT = 8080
_NAME = "demo"
LOOK_AT = """
The images were scanned (all vulnerabilities are made up). Look at

  {url}/
      the repositories
  {shop}
      an image with what each scanner says: one can't be reached, one can't read it
  {url}/v/CVE-2099-0001
      where a vulnerability is
  {url}/queue?state=done
      what was scanned, and why

Ctrl-C ends it, and everything that was stored.
"""


def free_address() -> str:
    """Return where the service listens: port 8080, or any other where somebody has that."""
    for port in (_PORT, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as taken:
                return f"127.0.0.1:{taken.getsockname()[1]}"
        except OSError:
            continue
    raise OSError("no port is free")


def open_registry(address: str, token: str) -> StandInRegistry | DockerRegistry:
    """Return Debian's registry, which tells the service of pushes, or the stand-in, which does not."""
    if missing("docker-registry", "skopeo"):
        return StandInRegistry()
    url, headers = f"http://{address}/v1/events/{_NAME}", {"Authorization": [f"Bearer {token}"]}
    endpoint = {"name": "portus-scan", "url": url, "headers": headers, "timeout": "1s", "threshold": 3, "backoff": "1s"}
    return DockerRegistry(endpoints=[endpoint])


def add_service(config: str, host: str, token: str) -> None:
    """Let the configuration name the registry, its token, and who may see what: everybody on this machine."""
    path = Path(config)
    service = {"registries": {host: {"name": _NAME}}, "events": {_NAME: {"token": token}}, "access": "open"}
    path.write_text(json.dumps({**json.loads(path.read_text()), **service}, indent=2))


@asynccontextmanager
async def serving(config: str, folder: Path, address: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the service as long as the block does."""
    arguments = ("serve", "--config", config, "--data", str(folder / "data"), "--listen", address)
    print(f"\n$ portus-scan {' '.join(arguments)}", flush=True)
    process = await asyncio.create_subprocess_exec(COMMAND, *arguments)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def until_scanned(url: str, least: int) -> None:
    """Wait until so many requests have ended, and none is open."""
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                numbers = [await count_requests(http, url, state) for state in ("done", "queued", "running")]
            except aiohttp.ClientConnectionError:
                numbers = [0, 0, 0]
            if numbers[0] >= least and not any(numbers[1:]):
                return
            await asyncio.sleep(0.5)


async def count_requests(http: aiohttp.ClientSession, url: str, state: str) -> int:
    """Return how many requests are in a state."""
    async with http.get(f"{url}/api/v1/requests", params={"state": state}) as response:
        return len((await response.json())["items"])


async def main() -> int:
    """Start everything, wait until the images were scanned, and serve until Ctrl-C; return the service's exit code."""
    address, token = free_address(), secrets.token_hex(32)
    url = f"http://{address}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with open_registry(address, token) as registry, StandInClair() as clair, StandInZypperDocker() as zypper:
            references = await fill(registry)
            teach(clair, zypper, references)
            host = references[SHOP].partition("/")[0]
            config = write_config(folder, clair, zypper)
            add_service(config, host, token)
            async with serving(config, folder, address) as service:
                await until_scanned(url, len(references))
                if isinstance(registry, DockerRegistry):
                    await registry.push(SHOP, "1.0", debian_image({"bash": "5.2-2", ("libssl3", "openssl"): "3.0.1-1"}))
                    await until_scanned(url, len(references) + 1)
                print(LOOK_AT.format(url=url, shop=f"{url}/r/{references[SHOP]}"), flush=True)
                return await service.wait()


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(130)
