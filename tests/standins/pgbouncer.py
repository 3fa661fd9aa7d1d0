"""A real PgBouncer before a PostgreSQL: Debian's program in a temporary folder, on loopback, without privileges."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .ports import free_port
from .postgresql import PASSWORD, REQUIRE, UNPRIVILEGED, USER, PostgreSql

_PROGRAM = Path("/usr/sbin/pgbouncer")


@contextmanager
def pooled(server: PostgreSql, address: str, mode: str) -> Iterator[str]:
    """Run a pooler as long as the block does and yield the address of a database by way of it.

    Args:
        server: Where the database is.
        address: The database's own address.
        mode: ``transaction`` or ``session``.
    """
    if not _PROGRAM.exists():
        (pytest.fail if os.environ.get(REQUIRE) == "1" else pytest.skip)(f"{_PROGRAM} is not installed")
    name, port, folder = address.rpartition("/")[2], free_port(), Path(tempfile.mkdtemp(prefix="portus-pgbouncer-"))
    try:
        (folder / "users").write_text(f'"{USER}" "{PASSWORD}"\n')
        (folder / "ini").write_text(
            f"[databases]\n{name} = host=127.0.0.1 port={server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = plain\nauth_file = {folder}/users\n"
            f"pool_mode = {mode}\ndefault_pool_size = 5\n"
        )
        user: dict[str, str] = {}
        if os.geteuid() == 0:  # it refuses to run as root
            user = {"user": UNPRIVILEGED, "group": UNPRIVILEGED}
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, UNPRIVILEGED)
        command = [str(_PROGRAM), "-q", str(folder / "ini")]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=folder, **user)
        try:
            _until_it_listens(process, port)
            yield f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/{name}"
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder)


def _until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    pytest.fail(f"PgBouncer ended with {process.returncode}")
