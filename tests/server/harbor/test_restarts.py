"""Two services behind one address, on one PostgreSQL, restarted in turn while Harbor waits for a scan."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from attrs import field, frozen
from portus_scan_server.store import Store
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from portus_scanners_testing.registry import USERNAME
from sqlalchemy import select
from standins.postgresql import PostgreSql, find_programs

from ..processes import Serving, serving
from ..test_runner import tables
from .harbors import KEY, TOKEN, Harbor, headers_of, registration

pytestmark = pytest.mark.timeout(600)  # five processes start, one after the other
PASSWORD = "canary-$+:of-a-robot"
PATIENT = "from portus_scan_server.harbor import harbor_routes; harbor_routes._PATIENCE = 60"
"""A service that does not take a busy machine for a database that is gone."""


@frozen
class Balancer:
    """One address for several services: each connection goes to the next one of them."""

    behind: list[Serving] = field(factory=list)
    used: list[str] = field(factory=list)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Yield the address as long as the block runs."""
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.behind.append(service := self.behind.pop(0))
        self.used.append(service.url)
        other, to_other = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]))
        await asyncio.gather(_copy(reader, to_other), _copy(other, writer), return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def configure(folder: Path, registry: StandInRegistry, dummy: str) -> Path:
    """Write a configuration with a dummy of these settings, a Harbor, and its key."""
    folder.mkdir()
    (folder / "harbor.key").write_text(f"{KEY}\n")
    (folder / "token").write_text(f"{TOKEN}\n")
    main = f"{{host: '{registry.host}', url: '{registry.url}', access: basic, token_file: {folder / 'token'}}}"
    path = folder / "config.yml"
    path.write_text(
        f"security: {{dummy: {{server: any, {dummy}}}}}\naccess: open\n"
        f"harbor: {{key_file: {folder / 'harbor.key'}, registrations: {{main: {main}}}}}\n"
    )
    return path


async def test_harbor_waits_through_restarts(postgresql: PostgreSql, tmp_path: Path) -> None:
    """Each poll is answered by whoever is there, the scan is begun again, and no log and no back-up has a secret."""
    database, balancer, account = postgresql.make_database(), Balancer(), f"{USERNAME}:{PASSWORD}"
    async with StandInRegistry(auth="token", password=PASSWORD) as registry, balancer.listening() as url:
        digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
        harbor = Harbor(f"{url}/harbor/main", registry, headers_of(registration(registry)))
        hangs = configure(tmp_path / "one", registry, "script: [{delay: 170}]")
        answers = configure(tmp_path / "two", registry, "script: []")
        more = ("--concurrency", "0")
        async with serving(tmp_path / "two", database, answers, more=more, changed=PATIENT) as second:
            balancer.behind.append(second)
            async with (
                serving(tmp_path / "one", database, hangs, changed=PATIENT) as first,
                Store.open(database) as store,
            ):
                balancer.behind.append(first)
                uid = await harbor.submit(harbor.request("team/app", digest, account))
                waiting = asyncio.create_task(harbor.wait(uid))
                while await states(store) != [("asked", "running")]:  # noqa: ASYNC110 (nobody tells it)
                    await asyncio.sleep(0.05)
                dumped = await asyncio.to_thread(dump, database)
                balancer.behind.remove(first)
                first.process.send_signal(signal.SIGTERM)
                await first.until(503)  # two signals at once may be one
                first.process.send_signal(signal.SIGTERM)
                assert 0 == await first.process.wait()
                assert [("asked", "queued")] == await states(store)
            async with serving(tmp_path / "one", database, answers) as third:
                balancer.behind.append(third)
                balancer.behind.remove(second)
                second.process.send_signal(signal.SIGTERM)
                assert 0 == await second.process.wait()
                report = await waiting
    assert 3 == len(report["vulnerabilities"])
    assert {first.url, second.url, third.url} == set(balancer.used)
    assert uid in dumped
    told = dumped + "".join(path.read_text() for path in tmp_path.glob("*/log"))
    for secret in (PASSWORD, base64.b64encode(account.encode()).decode(), KEY, TOKEN, json.dumps(PASSWORD)[1:-1]):
        assert secret not in told


async def states(store: Store) -> list[tuple[str, str]]:
    """Return the states of what Harbor has asked for, with those of the requests."""
    scans, requests = tables.harbor_scans, tables.requests
    joined = scans.join(requests, requests.c.id == scans.c.request_id)
    async with store.reading() as db:
        rows = (await db.execute(select(scans.c.state, requests.c.state).select_from(joined))).all()
    return [tuple(row) for row in rows]


def dump(database: str) -> str:
    """Return a back-up of a database."""
    programs = find_programs()
    assert programs is not None
    done = subprocess.run((programs / "pg_dump", "--dbname", database), capture_output=True, check=True, text=True)
    return done.stdout
