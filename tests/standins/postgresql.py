"""A real PostgreSQL: Debian's server in a temporary folder, on loopback, as a user without privileges.

    def test_it(postgresql: PostgreSql) -> None:
        dsn = postgresql.make_database()          # postgresql://tester:...@127.0.0.1:PORT/tests_1

The fixture lasts for the session: one server for each process of the tests, a database for each test that asks.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from .ports import free_port

REQUIRE = "PORTUS_REQUIRE_POSTGRESQL"
"""The environment variable that makes a missing server a failure: ``1``."""
USER = "tester"
PASSWORD = "portus-tests"

_FOLDERS = Path("/usr/lib/postgresql")
UNPRIVILEGED = "postgres"
_START_TIMEOUT = 30.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "unix_socket_directories": "",
}


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A running server; the test is skipped where there is none, or fails where there has to be one."""
    programs = find_programs()
    if programs is None and os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, and no {_FOLDERS}/*/bin/postgres is installed")
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    server = PostgreSql(programs)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def find_programs() -> Path | None:
    """Return the folder with the newest server's programs; None where none is installed."""
    found = [one.parent for one in _FOLDERS.glob("*/bin/postgres")]
    return max(found, key=lambda one: int(one.parent.name)) if found else None


class PostgreSql:
    """A server with a temporary folder for its data.

    Args:
        programs: The folder with ``initdb`` and ``pg_ctl``.
    """

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None  # the server refuses to run as root
        self._folder = Path(tempfile.mkdtemp(prefix="portus-postgresql-"))
        self._port = free_port()
        self._numbers = count(1)
        self._runs = False
        self._initialize()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self._port

    def dsn(self, database: str = "postgres") -> str:
        """Return the address of a database, with user and password."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self._port}/{database}"

    def make_database(self, like: str = "") -> str:
        """Make a database and return its address: an empty one, or a copy of one that nobody uses, by its address."""
        name = f"tests_{next(self._numbers)}"
        template = f" template {like.rpartition('/')[2]}" if like else ""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(f"create database {name}{template}".encode())
        return self.dsn(name)

    def start(self) -> None:
        """Start the server and wait until it answers. It is no child of ours: tests count what they have started."""
        options = " ".join(f"-c {name}='{value}'" for name, value in {**_SETTINGS, "port": self._port}.items())
        command = ("start", "-w", "-t", f"{_START_TIMEOUT:.0f}", "-l", str(self._folder / "log"), "-o", options)
        if self._control(*command) != 0:
            pytest.fail(f"PostgreSQL does not start: {(self._folder / 'log').read_text()[-2000:]}")
        self._runs = True

    def start_again(self) -> None:
        """Start the server if it was stopped."""
        if not self._runs:
            self.start()

    def stop(self) -> None:
        """Stop the server at once, as a crash would: sessions are cut, nothing is flushed."""
        if self._runs:
            self._runs = False  # first: one that does not stop in time is started again for those that come after
            self._control("stop", "-w", "-t", "120", "-m", "immediate")

    def remove(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder)

    @property
    def data(self) -> Path:
        """The folder of its databases."""
        return self._folder / "data"

    def _initialize(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            for path in (self._folder, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        options = ["-A", "scram-sha-256", "-U", USER, f"--pwfile={password}", "--no-sync", "-E", "UTF8", "--locale=C"]
        command = [str(self._programs / "initdb"), "-D", str(self.data), *options]
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, timeout=60, **self._as_user())

    def _control(self, *arguments: str) -> int:
        command = [str(self._programs / "pg_ctl"), "-D", str(self.data), *arguments]
        # not captured: the server would keep the pipe open
        ended = subprocess.run(
            command,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            timeout=150,
            **self._as_user(),
        )
        return int(ended.returncode)

    def _as_user(self) -> dict[str, Any]:
        return {} if self._user is None else {"user": self._user, "group": self._user}
