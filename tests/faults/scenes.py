"""For each scanner, the servers that it talks to, each behind a front, and an image in which it finds one thing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from attrs import field, frozen
from portus_scanners import Settings
from portus_scanners_testing import PASSWORD, USERNAME, LoopbackServer, StandInRegistry
from portus_scanners_testing.images import make_artifact, make_image
from standins.clair import StandInClair
from standins.clair_v4 import DEBIAN, Advisory, StandInClairV4, readable_debian
from standins.harbor import StandInAdapter, vulnerability
from standins.osv import StandInOsv, cyclonedx, record
from standins.zypper_docker import StandInZypperDocker, patch, scanned

from .front import Front

CVE = "CVE-2099-0001"
TIMEOUT = 8.0
"""Seconds of each scanner's deadline; the loop's clock jumps over them."""
IMAGE = make_image(readable_debian({"bash": "5.2-1", ("libssl3", "openssl"): "3.0.1-1"}))
_PURL = "pkg:deb/debian/openssl@3.0.1-1?arch=amd64&distro=debian-12&upstream=openssl"


class FrontedRegistry(StandInRegistry):
    """A registry that sends clients for their tokens to its front."""

    outside = ""

    @property
    def realm(self) -> str:
        return f"http://{self.outside}/token"


class _HealthPort(LoopbackServer):
    """Stands for a port that another stand-in has opened."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self._host = host

    @property
    def host(self) -> str:
        return self._host

    async def __aenter__(self) -> _HealthPort:
        return self


@frozen
class Scene:
    """The servers of one scanner."""

    stack: AsyncExitStack
    registry: FrontedRegistry
    fronts: dict[str, Front] = field(factory=dict)
    servers: list[LoopbackServer] = field(factory=list)
    security: dict[str, dict[str, Any]] = field(factory=dict)

    async def put(self, name: str, server: LoopbackServer) -> Front:
        """Start a server and a front before it."""
        self.servers.append(await self.stack.enter_async_context(server))
        front = await self.stack.enter_async_context(Front(server.host))
        self.fronts[name] = front
        return front

    @property
    def reference(self) -> str:
        """The image, by its name at the registry's front."""
        return f"{self.fronts['registry'].host}/team/app:1.0"

    @property
    def settings(self) -> Settings:
        """The scanner, and the dummy beside it, which finds nothing."""
        account = {"username": USERNAME, "password": PASSWORD}
        dummy = {"enabled": True, "script": [{"behaviour": "empty"}]}
        document = {
            "security": {"dummy": dummy, **self.security},
            "registries": {self.fronts["registry"].host: account},
        }
        return Settings.from_mapping(document)


async def clair(scene: Scene) -> None:
    """Clair, which fetches the layers by way of the registry's front."""
    await _put_clair(scene, "debian:12")


async def clair_without_data(scene: Scene) -> None:
    """Clair with data for another distribution alone: no answer to a question about that makes the image clean."""
    await _put_clair(scene, "debian:11")


async def _put_clair(scene: Scene, namespace: str) -> None:
    server = StandInClair()
    server.add_vulnerability(namespace, CVE, fixed_in={"bash": "5.2-2"})
    front = await scene.put("clair", server)
    health = await scene.put("clair health", _HealthPort(server.health_url.removeprefix("http://")))
    port = int(health.host.rpartition(":")[2])
    scene.security["clair"] = {"server": front.url, "health_port": port, "timeout": TIMEOUT, "check_blobs": True}


async def clair_v4(scene: Scene) -> None:
    """Clair v4, which pulls the layers by way of the registry's front; its introspection port is the same one."""
    server = StandInClairV4()
    server.update(Advisory(updater="debian/updater", name=CVE, package="bash", fixed="5.2-2", distribution=DEBIAN))
    front = await scene.put("clair_v4", server)
    scene.security["clair_v4"] = {"server": front.url, "introspection": front.url, "timeout": TIMEOUT}


async def zypper(scene: Scene) -> None:
    """zypper-docker, whose Docker daemon has pulled the image."""
    server = StandInZypperDocker()
    front = await scene.put("zypper", server)
    found = patch("openSUSE-2099-1", summary="Security update for bash", description=f"Fixes {CVE} (bsc#1)")
    server.pull(scene.reference, IMAGE, scanned(found))
    scene.security["zypper"] = {"server": front.url, "timeout": TIMEOUT, "platform": "linux/amd64"}


async def harbor(scene: Scene) -> None:
    """An adapter of Harbor's, which pulls the image by way of the registry's front."""
    server = StandInAdapter()
    server.known["team/app"] = [vulnerability(CVE)]
    front = await scene.put("harbor", server)
    scene.security["harbor"] = {"server": front.url, "timeout": TIMEOUT}


async def osv(scene: Scene) -> None:
    """OSV.dev, asked for what an SBOM lists that is attached to the image."""
    server = StandInOsv()
    server.known["Debian:12 openssl"] = [record(CVE)]
    scene.registry.referrers = True
    sbom = json.dumps(cyclonedx(_PURL)).encode()
    scene.registry.push("team/app", "", make_artifact(IMAGE, "application/vnd.cyclonedx+json", sbom))
    front = await scene.put("osv", server)
    scene.security["osv"] = {"server": front.url, "enabled": True, "timeout": TIMEOUT}


SCENES: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "clair": clair,
    "clair without data": clair_without_data,
    "clair_v4": clair_v4,
    "zypper": zypper,
    "harbor": harbor,
    "osv": osv,
}


@asynccontextmanager
async def open_scene(name: str) -> AsyncIterator[Scene]:
    """Start the servers of a scanner, and the registry that has the image."""
    async with AsyncExitStack() as stack:
        scene = Scene(stack, FrontedRegistry(auth="token"))
        front = await scene.put("registry", scene.registry)
        scene.registry.outside = front.host
        scene.registry.push("team/app", "1.0", IMAGE)
        await SCENES[name](scene)
        yield scene
