"""The service as a process: it starts, says whether it is ready, is alone in its folder, and ends."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner
from portus_scan.command import command as portus_scan
from portus_scan_server.service import ServiceOptions
from portus_scan_server.store import Store, sqlite_url, tables
from portus_scan_server.supervisor import Orders
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from sqlalchemy import select
from standins.certificates import make_certificate

from .admission.asking import TOKEN, Cluster
from .processes import command, gone, kill, serving
from .test_runner import pushed, until_idle

pytestmark = pytest.mark.timeout(180)
DUMMY = "security: {dummy: {server: any}}\n"
REPLACED_WHEN_TOLD = """
import asyncio, pathlib
from portus_scan_server.supervisor import Supervisor
async def wait(self, seconds):
    while not pathlib.Path({path!r}).exists(): await asyncio.sleep(0.05)
    return True
Supervisor._wait = wait
"""
"""A service that replaces a runner which has died once there is a file: a test sees it without one, however slow."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with the dummy."""
    path = tmp_path / "config.yml"
    path.write_text(DUMMY)
    return path


async def test_from_start_to_sigterm(
    empty_database: str, tmp_path: Path, config: Path, registry: StandInRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes its schema, scans what is asked for, refuses a second one, and ends with its runner: exit code 0."""
    host = registry.reference("x", "y").partition("/")[0]
    config.write_text(f"{DUMMY}registries: {{'{host}': {{insecure: true}}}}\n")
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    async with serving(tmp_path, empty_database, config) as service:
        assert (200, {"status": "alive"}) == await service.get("/healthz")
        await service.until_ready()
        runner = service.runner
        assert runner is not None
        async with Store.open(empty_database) as store:
            image_id = await pushed(store, registry, "team/app:1.0", digest)
            await until_idle(store)
            async with store.reading() as db:
                query = select(tables.summaries.c.verdict).where(tables.summaries.c.image_id == image_id)
                assert "vulnerable" == await db.scalar(query)
        monkeypatch.setattr("portus_scan_server.service._LOCK_TIMEOUT", 0.0)  # nobody is about to leave the folder
        ended = await asyncio.to_thread(ran, *command(tmp_path, empty_database, config)[3:])
        assert 2 == ended[0]
        assert ended[1].endswith(
            f"portus-scan: another service uses the folder {tmp_path}\n"
        )  # after the password's warning
        service.process.send_signal(signal.SIGTERM)
        assert 0 == await service.process.wait()
        await gone(runner)


async def test_a_runner_that_dies_is_replaced(tmp_path: Path, config: Path) -> None:
    """The service answers on without its runner, says so, and starts another one; killed itself, it takes it along.

    Its figures and its log say so too.
    """
    database = sqlite_url(tmp_path / "portus-scan.db")
    waiting = REPLACED_WHEN_TOLD.format(path=str(tmp_path / "go-on"))
    async with serving(tmp_path, database, config, more=("--log", "json"), changed=waiting) as service:
        await service.until_ready()
        before = await service.text("/metrics")
        assert 'portus_scan_up{part="runner"} 1.0' in before
        assert 'portus_scan_scanner_healthy{scanner="dummy"} 1.0' in before
        assert 'portus_scan_http_request_seconds_count{method="GET",route="/readyz",status="200"}' in before
        first = service.runner
        assert first is not None
        kill(first)
        await service.until(503)
        assert (503, ["the runner does not run"]) == _reasons(await service.get("/readyz"))
        (tmp_path / "go-on").touch()
        await service.until_ready()
        assert "portus_scan_runner_deaths_total 1.0" in await service.text("/metrics")
        second = service.runner
        assert second not in {None, first}
        kill(service.process.pid)
        await gone(second or 0)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {"time", "level", "logger", "message"} == {name for line in lines for name in line}
    assert [] != [line for line in lines if line["message"].startswith("the runner has died")]
    async with serving(tmp_path, database, config) as service:
        await service.until_ready()


def ran(*words: str) -> tuple[int, str]:
    """Run a command to its end, in this process; return its exit code and what it said on stderr."""
    ended = CliRunner().invoke(portus_scan, words, prog_name="portus-scan")
    return ended.exit_code, ended.stderr


def _reasons(answer: tuple[int, dict[str, object]]) -> tuple[int, object]:
    return answer[0], answer[1].get("reasons")


def test_mistakes_are_said_in_one_line(tmp_path: Path, config: Path) -> None:
    """A wrong address, database or folder is a line and exit code 2, without a password."""
    folder = str(tmp_path / "data")
    for words, expected in (
        (("serve", "--listen", "8080"), "write it as HOST:PORT"),
        (("serve", "--data", folder, "--database", "mysql://me@h/d"), "sqlite:///FILE or postgresql://"),
        (
            ("serve", "--data", folder, "--database", "postgresql://me@127.0.0.1:1/d"),
            "the database can't be used",
        ),
        (("db", "check", "--data", folder), "there is no database in"),
        (("serve", "--data", str(config)), "is a file"),
    ):
        ended = CliRunner().invoke(portus_scan, words, prog_name="portus-scan")
        assert (2, 1) == (ended.exit_code, ended.stderr.count("\n")), ended.output
        assert expected in ended.stderr
        assert "secret" not in ended.output


def test_a_password_on_the_command_line_is_warned_of(tmp_path: Path) -> None:
    """Whoever can list processes reads it; the line says what to do instead, and does not repeat it."""
    words = ("db", "check", "--data", str(tmp_path), "--database", "postgresql://me:canary@127.0.0.1:1/d")
    code, said = ran(*words)
    assert (2, 2) == (code, said.count("\n")), said
    assert "PGPASSFILE" in said
    assert "canary" not in said


def test_what_says_the_address_of_the_database_hides_it() -> None:
    """It may have a password, and an object is soon in a log or a traceback."""
    address = "postgresql://portus:canary@db.example/portus"
    options = ServiceOptions(data=Path(), database=address), Orders(database=address, owner="me")
    assert [] == [one for one in map(repr, options) if "canary" in one]


async def test_clusters_are_answered(
    tmp_path: Path, config: Path, registry: StandInRegistry, unused_tcp_port: int
) -> None:
    """With the section ``admission:`` the service answers on its own port, from what its runner has stored."""
    certificate = await make_certificate(tmp_path / "webhook")
    (tmp_path / "path").write_text(TOKEN)
    config.write_text(
        f"{DUMMY}registries: {{'{registry.host}': {{insecure: true, name: main}}}}\nexternal_url: https://scan.example/\n"
        f"admission: {{listen: '127.0.0.1:{unused_tcp_port}', certificate: {certificate.certificate_file},\n"
        f"  key: {certificate.key_file}, token_file: {tmp_path / 'path'}}}\n"
    )
    registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    async with serving(tmp_path, sqlite_url(tmp_path / "portus-scan.db"), config):
        cluster = Cluster(unused_tcp_port, certificate)
        name = registry.reference("team/app", "1.0")
        while (said := await cluster.ask(name))["auditAnnotations"]["verdict"] != "fail":
            assert not said["allowed"]
            await asyncio.sleep(0.05)
        assert "https://scan.example/r/" in said["status"]["message"]
