"""Credential helpers: the protocol, real programs on PATH."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from portus_images import RegistrySettings
from portus_images.registry.credentials import CredentialSearch, CredentialStore, helper as helper_module
from portus_images.registry.hosts import HostSettings
from portus_images.single_flight import SingleFlight
from portus_scanners import RegistryAuthError, Secret
from portus_scanners_testing.registry import StandInRegistry

from .conftest import BUILT, Connect, reference_on

NOT_FOUND = "import sys; print('credentials not found in native keychain'); sys.exit(1)"


HANG = "pipe.write('x'), pipe.flush(), os.fork(), time.sleep(1000)"


@define
class Alive:
    """Both ends of a named pipe."""

    pipe: FileIO
    keep_open: FileIO

    async def read_first(self) -> bytes:
        """Wait until a helper runs."""
        return await asyncio.to_thread(self.pipe.read, 1) or b""

    async def read_rest(self) -> bytes:
        """Wait until nobody else has the pipe open, and return what was not the sign of a start."""
        self.keep_open.close()
        return (await asyncio.to_thread(self.pipe.readall)).strip(b"x")


@define
class Machine:
    """A folder with programs and files, as the user who runs us has it."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """The environment."""
        return {"PATH": str(self.folder), "DOCKER_CONFIG": str(self.folder)}

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The calls of all helpers so far."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def configure(self, **members: Any) -> None:
        """Write Docker's file."""
        (self.folder / "config.json").write_text(json.dumps(members))

    def install(self, name: str, code: str) -> None:
        """Install a helper that writes down its call, then runs some Python."""
        path = self.folder / f"docker-credential-{name}"
        path.write_text(
            f"#!{sys.executable} -I\nimport json, os, sys\nserver = sys.stdin.read()\n"
            f"with open({str(self.folder / 'calls')!r}, 'a') as file:\n"
            "    call = {'argv': sys.argv[1:], 'server': server, 'pid': os.getpid(), 'group': os.getpgrp()}\n"
            f"    file.write(json.dumps(call) + '\\n')\n{code}\n"
        )
        path.chmod(0o755)

    def answer(self, name: str, username: str, secret: str) -> None:
        """Install a helper that knows one answer."""
        self.install(name, f"print(json.dumps({ {'ServerURL': 'x', 'Username': username, 'Secret': secret}!r}))")

    async def search(
        self, registry: str = "r.example", settings: dict[str, RegistrySettings] | None = None
    ) -> CredentialSearch:
        """Look for credentials."""
        return await CredentialStore(HostSettings(settings or {}), self.environ).find(registry, "team/app")

    async def find(self, registry: str = "r.example") -> str | None:
        """Return ``name:password``."""
        found = (await self.search(registry)).credentials
        return f"{found.username}:{found.password.reveal()}" if found else None


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A user's machine."""
    return Machine(tmp_path)


async def test_a_helper_is_asked_as_docker_asks(machine: Machine) -> None:
    """The argument is ``get``, stdin the host and nothing more; it has a process group of its own."""
    machine.configure(credsStore="store")
    machine.answer("store", "me", "s3cret")

    assert "me:s3cret" == await machine.find("r.example:5000")
    (call,) = machine.calls
    assert (["get"], "r.example:5000") == (call["argv"], call["server"])
    assert call["pid"] == call["group"] != os.getpgrp()


@pytest.mark.parametrize("registry", ["docker.io", "index.docker.io"])
async def test_docker_hubs_name_is_the_old_address(machine: Machine, registry: str) -> None:
    """Under which ``docker login`` stores it."""
    machine.configure(credsStore="store")
    machine.answer("store", "me", "s3cret")
    await machine.find(registry)

    assert ["https://index.docker.io/v1/"] == [call["server"] for call in machine.calls]


async def test_a_hosts_helper_comes_before_the_general_one(machine: Machine) -> None:
    """``credHelpers``, then ``credsStore``; credentials in the file itself before both."""
    auths = {"own.example": {"username": "file", "password": "1"}}
    machine.configure(auths=auths, credHelpers={"r.example": "special", "own.example": "special"}, credsStore="store")
    machine.answer("special", "special", "2")
    machine.answer("store", "store", "3")

    assert "file:1" == await machine.find("own.example")
    assert "special:2" == await machine.find("r.example")
    assert "store:3" == await machine.find("other.example")


async def test_an_identity_token_is_known_by_its_name(machine: Machine) -> None:
    """``<token>`` in the place of a name."""
    machine.configure(credsStore="store")
    machine.answer("store", "<token>", "refresh")
    found = (await machine.search()).credentials

    assert found is not None
    assert ("", "", "refresh") == (found.username, found.password.reveal(), found.identity_token.reveal())


async def test_without_an_entry_the_next_source_is_asked(machine: Machine) -> None:
    """The helper says so in the words of the protocol."""
    machine.configure(credsStore="store")
    machine.install("store", NOT_FOUND)
    podman = machine.folder / "auth.json"
    podman.write_text(json.dumps({"auths": {"r.example": {"username": "podman", "password": "1"}}}))
    store = CredentialStore(HostSettings({}), {**machine.environ, "REGISTRY_AUTH_FILE": str(podman)})
    found = await store.find("r.example", "app")

    assert found.credentials is not None
    assert ("podman", "") == (found.credentials.username, found.fault)
    assert CredentialSearch() == await machine.search()


async def test_the_configuration_asks_no_helper(machine: Machine) -> None:
    """What stands there is enough."""
    machine.configure(credsStore="store")
    machine.answer("store", "me", "s3cret")
    settings = {"r.example": RegistrySettings(username="ours", password=Secret("1"))}
    found = (await machine.search(settings=settings)).credentials

    assert found is not None
    assert ("ours", []) == (found.username, machine.calls)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print('canary'); sys.exit(3)", r"failed \(status 3\)"),
        ("print('canary')", "no answer that can be used"),
        ('print(\'{"Username": "canary"}\')', "no answer that can be used"),
        ('print(\'{"Username": "canary", "Secret": 5}\')', "no answer that can be used"),
        ("print('[]')", "no answer that can be used"),
        ("sys.stdout.write('canary' * 100_000)", "no answer that can be used|failed"),
        ("while True: sys.stdout.write('canary' * 1000)", "no answer that can be used|failed"),
        ("print('canary', file=sys.stderr); os.kill(os.getpid(), 9)", r"failed \(status -9\)"),
    ],
)
async def test_a_helper_that_fails_is_named_without_its_words(machine: Machine, code: str, words: str) -> None:
    """It may have written the secret; the advice shows how to see its words."""
    machine.configure(credsStore="store")
    machine.install("store", code)
    search = await machine.search()

    assert search.credentials is None
    assert "docker-credential-store" in search.fault
    assert "config.json" in search.fault
    assert "canary" not in search.fault
    assert any(word.replace("\\", "") in search.fault for word in words.split("|"))


@pytest.mark.parametrize("name", ["missing", "../store", "/bin/sh", "a b", "-x", "x" * 100, "store\n"])
async def test_a_helper_that_is_not_there_is_named(machine: Machine, name: str) -> None:
    """Only plain names are looked up, on PATH."""
    machine.configure(credsStore=name)
    machine.answer("store", "me", "s3cret")
    search = await machine.search()

    assert search.credentials is None
    assert "is not on PATH: install it" in search.fault


async def test_a_helper_that_cannot_be_run_is_named(machine: Machine) -> None:
    """Its interpreter is missing."""
    machine.configure(credsStore="store")
    machine.answer("store", "me", "s3cret")
    path = machine.folder / "docker-credential-store"
    path.write_text("#!/nonexistent/interpreter\n")

    assert "can't be run: No such file" in (await machine.search()).fault


@pytest.fixture
def alive(machine: Machine) -> Iterator[Alive]:
    """A pipe that a helper with `HANG` writes to: a byte when it runs, the end when all of it is gone."""
    path = machine.folder / "alive"
    os.mkfifo(path)
    with FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as pipe:
        os.set_blocking(pipe.fileno(), True)
        machine.configure(credsStore="store")
        machine.install("store", f"import time\npipe = open({str(path)!r}, 'w')\n{HANG}")
        with FileIO(str(path), "w") as keep_open:  # else a read before the helper's start would be the end
            yield Alive(pipe, keep_open)


async def test_a_helper_that_hangs_is_ended_with_its_children(
    machine: Machine, alive: Alive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the deadline, and nothing of its group is left."""
    monkeypatch.setattr(helper_module, "DEADLINE", 1.0)
    search = await machine.search()

    assert "did not answer within 1 s" in search.fault
    assert b"" == await alive.read_rest()


async def test_a_search_that_is_cancelled_leaves_no_helper_behind(machine: Machine, alive: Alive) -> None:
    """Closing the client ends it."""
    flights = SingleFlight(share_errors=True)
    search = asyncio.create_task(CredentialStore(HostSettings({}), machine.environ, flights).find("r.example", "app"))
    await alive.read_first()
    await flights.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await search

    assert b"" == await alive.read_rest()


async def test_a_helper_that_does_not_read_will_do(machine: Machine) -> None:
    """Some know one registry only."""
    machine.configure(credsStore="store")
    path = machine.folder / "docker-credential-store"
    path.write_text('#!/bin/sh\nexec <&-\necho \'{"Username": "me", "Secret": "s3cret"}\'\n')
    path.chmod(0o755)

    assert "me:s3cret" == await machine.find()


async def test_many_who_wait_ask_a_helper_once(machine: Machine) -> None:
    """Some need seconds, or a finger on a key."""
    machine.configure(credsStore="store")
    machine.answer("store", "me", "s3cret")
    store = CredentialStore(HostSettings({}), machine.environ)
    found = await asyncio.gather(*(store.find("r.example", "app") for _ in range(20)))

    assert {"me"} == {one.credentials.username for one in found if one.credentials}
    assert 1 == len(machine.calls)


async def test_a_helper_is_asked_once_for_many_repositories_and_again_later(machine: Machine) -> None:
    """Who walks a registry does not start a program for each repository; a new log-in is seen after 30 seconds."""
    machine.configure(credsStore="store")
    machine.answer("store", "me", "s3cret")
    seconds = [0.0]
    store = CredentialStore(HostSettings({}), machine.environ, clock=lambda: seconds[0])
    for number in range(5):
        await store.find("r.example", f"app{number}")
    assert 1 == len(machine.calls)

    machine.answer("store", "you", "s3cret")
    seconds[0] = 31.0
    assert "you" == (await store.find("r.example", "app0")).credentials.username  # type: ignore[union-attr]


async def test_a_public_image_needs_no_helper(connect: Connect, machine: Machine) -> None:
    """As with ``docker pull``: its failure matters where the registry wants credentials, and is named there."""
    machine.configure(credsStore="missing")
    async with StandInRegistry(auth="token") as server:
        server.push("team/app", "1", BUILT)
        server.tokens.anonymous = True
        found = await connect(**machine.environ).resolve(reference_on(server))
        server.tokens.anonymous = False
        with pytest.raises(RegistryAuthError, match=r"no credentials.*docker-credential-missing.*or docker login"):
            await connect(**machine.environ).resolve(reference_on(server))

    assert BUILT.digest == found.digest


async def test_a_scan_logs_in_with_what_a_helper_knows(connect: Connect, machine: Machine) -> None:
    """The whole way, with Basic authentication."""
    async with StandInRegistry(auth="basic") as server:
        server.push("team/app", "1", BUILT)
        machine.configure(credHelpers={server.host: "store"})
        machine.answer("store", server.username, server.password)
        found = await connect(**machine.environ).resolve(reference_on(server))

    assert BUILT.digest == found.digest


async def test_a_helpers_answer_is_read_as_docker_reads_it(machine: Machine) -> None:
    """Members in any case."""
    machine.install("small", "print(json.dumps({'username': 'me', 'secret': 'x'}))")
    machine.configure(credsStore="small")
    assert "me:x" == await machine.find()
