"""The real Clair v4: what ``scripts/clair`` has built, on a PostgreSQL of the tests, with data of our own.

async with real_clair(tmp_path) as clair:
    await clair.update(Advisory(...))
    clair.url
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import psycopg
import pytest

from ..ports import free_port
from ..postgresql import PostgreSql
from ..programs import end, run
from .advisories import REPOSITORY_CPES, Advisory, write_updates

REQUIRE = "PORTUS_REQUIRE_CLAIR"
"""The environment variable that makes missing programs a failure: ``1``."""
_SCRIPT = Path(__file__).parents[3] / "scripts" / "clair"
_START_TIMEOUT = 40.0
_POLL = 0.05


def find_clair() -> Path | None:
    """Return the folder with the programs; None where they have not been built."""
    match = re.search(r"^version=(\S+)$", _SCRIPT.read_text(), re.MULTILINE)
    assert match is not None, _SCRIPT
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    tools = Path(os.environ.get("PORTUS_TOOLS") or cache / "portus-scanners-tools")
    folder = tools / f"clair-{match[1]}"
    return folder if (folder / "clair").exists() else None


@pytest.fixture
def real_clair(request: pytest.FixtureRequest) -> Callable[..., RealClair]:
    """Makes a Clair with a database of its own; where there is none, the test is skipped, or fails if it has to be."""
    programs = find_clair()
    if programs is None and os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, and scripts/clair has not been run")
    if programs is None:
        pytest.skip("there is no Clair v4: scripts/clair builds it")
    database: PostgreSql = request.getfixturevalue("postgresql")
    return lambda folder, **options: RealClair(programs, database.make_database(), folder, **options)


class RealClair:
    """A Clair in combo mode, without updaters of its own.

    Args:
        programs: The folder with ``clair`` and ``clairctl``.
        dsn: An empty database.
        folder: For its files.
        psk: Base64; empty for none.
        at_once: How many images it indexes at once; 0 for any number.
    """

    def __init__(self, programs: Path, dsn: str, folder: Path, *, psk: str = "", at_once: int = 0) -> None:
        self._programs = programs
        self._dsn = dsn
        self._folder = folder
        self._port, self._introspection = free_port(), free_port()
        self._config = folder / "clair.json"
        self._config.write_text(json.dumps(self._configuration(psk, at_once)))
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where indexer and matcher are."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def introspection_url(self) -> str:
        """Where the introspection port is."""
        return f"http://127.0.0.1:{self._introspection}"

    async def update(self, *advisories: Advisory, ratings: Mapping[str, object] = {}) -> None:
        """Import what updaters bring."""
        path = self._folder / "updates.json"
        path.write_text(write_updates(advisories, ratings))
        await run(str(self._programs / "clairctl"), "-c", str(self._config), "import-updaters", str(path))
        await asyncio.to_thread(self._set_ranges, [one for one in advisories if one.below])

    async def __aenter__(self) -> Self:
        log = (self._folder / "clair.log").open("wb")
        with log:
            self._process = await asyncio.create_subprocess_exec(
                str(self._programs / "clair"), "-conf", str(self._config), "-mode", "combo", stdout=log, stderr=log
            )
        try:
            async with asyncio.timeout(_START_TIMEOUT), aiohttp.ClientSession() as session:
                while not await self._is_ready(session):
                    assert self._process.returncode is None, (self._folder / "clair.log").read_text()[-2000:]
                    await asyncio.sleep(_POLL)
        except BaseException:
            await end(self._process)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        await end(self._process)

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.introspection_url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def _set_ranges(self, advisories: list[Advisory]) -> None:
        """Set the ranges of versions, which the offline import of Clair 4.9 can't write."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            for one in advisories:
                assert one.below is not None
                below = "{0," + ",".join(map(str, one.below)) + ",0,0,0,0,0,0}"
                connection.execute(
                    "UPDATE vuln SET version_kind = 'semver', vulnerable_range = VersionRange(%s, %s, '[)') "
                    "WHERE name = %s AND package_name = %s",
                    ("{0,0,0,0,0,0,0,0,0,0}", below, one.name, one.package),
                )

    def _configuration(self, psk: str, at_once: int) -> dict[str, Any]:
        cpes, names = self._folder / "cpes.json", self._folder / "names.json"
        cpes.write_text(json.dumps(REPOSITORY_CPES))
        names.write_text(json.dumps({"data": {}}))
        database = {"connstring": f"{self._dsn}?sslmode=disable", "migrations": True}
        scanner = {
            "repo": {"rhel-repository-scanner": {"disable_api": True, "repo2cpe_mapping_file": str(cpes)}},
            "package": {"rhel_containerscanner": {"name2repos_mapping_file": str(names)}},
        }
        addresses = {"indexer_addr": f"{self.url}/", "matcher_addr": f"{self.url}/"}
        limit = {"index_report_request_concurrency": at_once} if at_once else {}
        return {
            "http_listen_addr": f"127.0.0.1:{self._port}",
            "introspection_addr": f"127.0.0.1:{self._introspection}",
            "log_level": "warn",
            "indexer": {**database, **limit, "airgap": True, "scanner": scanner},
            "matcher": {**database, "disable_updaters": True, "indexer_addr": f"{self.url}/"},
            "notifier": {**database, **addresses},
            **({"auth": {"psk": {"key": psk, "iss": ["quay"]}}} if psk else {}),
        }
