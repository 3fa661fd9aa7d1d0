"""Messages on their way: signed, told again with the same id, dead in the end, and shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, field
from click.testing import CliRunner
from portus_images import Secret, SettingsError
from portus_scan_server.answers import MadeWith
from portus_scan_server.news import (
    Notifications,
    Teller,
    list_deliveries,
    look,
    open_channels,
    read_notifications,
    send_again,
)
from portus_scan_server.notify_commands import notify
from portus_scan_server.requests import Reason, ask
from portus_scan_server.store import Store, database_now, tables, upgrade
from portus_scanners import Severity, discover
from portus_scanners.settings import read_yaml
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import debian_image
from sqlalchemy import insert, select, update
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from standins.postgresql import PostgreSql

from ..processes import serving
from ..test_runner import configuration, pushed, running, until_idle
from ..views.world import found, ok, tagged
from .newsroom import end, ended, taken

SECRET = "whsec_c2VjcmV0IG9mIHRoZSByZWNlaXZlciBvZiBuZXdz"


@define
class Receiver:
    """Somebody who is told, by HTTP, and checks signatures with the library of Standard Webhooks."""

    server: TestServer
    statuses: list[int] = field(factory=list)
    headers: dict[str, str] = field(factory=dict)
    got: list[tuple[str, Any]] = field(factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        """Answer a POST."""
        body = await request.read()
        said = Webhook(SECRET).verify(body, dict(request.headers))
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body + b" ", dict(request.headers))
        self.got.append((request.headers["webhook-id"], said))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 204, headers=self.headers)

    def write(self, folder: Path, url: str = "") -> Path:
        """Write a configuration that names the receiver."""
        (folder / "secret").write_text(f"{SECRET}\n")
        path = folder / "config.yml"
        hook = f"{{url: '{url or self.server.make_url('/hook')}', secret_file: {folder / 'secret'}}}"
        path.write_text(f"notifications: {{severity: low, webhooks: {{team: {hook}}}}}\n")
        return path


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    application = web.Application()
    server = TestServer(application, host="127.0.0.1")
    made = Receiver(server)
    application.router.add_post("/hook", made.receive)
    async with server:
        yield made


async def send(store: Store, notifications: Notifications) -> None:
    """Send everything that is due, and let what has to wait be due."""
    async with open_channels(notifications) as channels:
        await Teller(store, notifications).send_some(channels)
    async with store.writing() as db:
        await db.execute(update(tables.deliveries).values(due_at=database_now()))


async def write_news(store: Store) -> None:
    """Let a scan end that brings a message."""
    await tagged(store, 1, "team/app:1.0")
    await ended(store, 1, ok("clair"), ok("trivy"))
    await end(store, 1, ok("clair", *found("CVE-1")), ok("trivy"))


async def test_a_message_is_signed_and_told_until_it_has_arrived(
    store: Store, tmp_path: Path, receiver: Receiver
) -> None:
    """A receiver that fails or redirects is told again, with the same id and body, until it has got it."""
    notifications = read_notifications(read_yaml(receiver.write(tmp_path)), {})
    await write_news(store)
    receiver.statuses[:] = [500, 302, 429]
    for _ in range(5):
        await send(store, notifications)
    assert 4 == len(receiver.got)
    assert 1 == len({(message_id, str(body)) for message_id, body in receiver.got})
    assert "vulnerability.new" == receiver.got[0][1]["type"]
    async with store.reading() as db:
        assert [] == await list_deliveries(db)


async def test_two_services_tell_each_news_once(postgresql: PostgreSql, tmp_path: Path, receiver: Receiver) -> None:
    """Scans of one repository that end at once make one news, and of two services one sends each message."""
    database = postgresql.make_database()
    upgrade(database)
    notifications = read_notifications(read_yaml(receiver.write(tmp_path)), {})
    async with Store.open(database) as one, Store.open(database) as other:
        for number in range(1, 9):
            await tagged(one, number, f"team/app:{number}")
            await ended(one, number, ok("clair"), ok("trivy"))
        new = [ok("clair", *found("CVE-1")), ok("trivy", *found("CVE-1"))]
        await asyncio.gather(*(end((one, other)[number % 2], number, *new) for number in range(1, 9)))
        async with one.reading() as db:
            assert ["CVE-1"] == (await db.execute(select(tables.news.c.about))).scalars().all()
        for number in range(1, 9):
            await end(one, number, ok("clair", *found("CVE-1", f"CVE-1{number}")), ok("trivy"))
        async with open_channels(notifications) as channels:
            tellers = [Teller(store, notifications) for store in (one, other)]
            assert 9 == sum(await asyncio.gather(*(teller.send_some(channels) for teller in tellers)))
    assert 9 == len({message for message, _ in receiver.got}) == len(receiver.got)


async def test_a_dead_message_is_shown_and_can_be_sent_again(store: Store, tmp_path: Path, receiver: Receiver) -> None:
    """After ten tries, or at once where the receiver is gone, nobody sends it; it is listed with the reason."""
    notifications = read_notifications(read_yaml(receiver.write(tmp_path)), {})
    await write_news(store)
    for statuses, tries in (([500] * 10, 10), ([410], 1)):
        receiver.got.clear()
        receiver.statuses[:] = statuses
        for _ in range(12):
            await send(store, notifications)
        async with store.writing() as db:
            (row,) = await list_deliveries(db)
            assert ("dead", tries, f"team answered {statuses[0]}") == (row.state, row.tries, row.error)
            assert tries == len(receiver.got)
            assert 1 == await send_again(db)
    await send(store, notifications)
    assert 2 == len(receiver.got)


async def test_a_sender_that_died_leaves_nothing_unsent(store: Store, tmp_path: Path, receiver: Receiver) -> None:
    """What was claimed by a service that died is sent by the next one once its time has passed, not before."""
    notifications = read_notifications(read_yaml(receiver.write(tmp_path)), {})
    await write_news(store)

    class Died:
        async def tell(self, _message: object) -> None:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Teller(store, notifications).send_some({"team": Died()})
    async with open_channels(notifications) as channels:
        assert 0 == await Teller(store, notifications).send_some(channels)
    async with store.writing() as db:
        await db.execute(update(tables.deliveries).values(due_at=database_now()))
    await send(store, notifications)
    assert 1 == len(receiver.got)


async def test_conditions_are_told_once_while_they_last(store: Store, tmp_path: Path, receiver: Receiver) -> None:
    """A dead request, a backend that is down for long, and old data; what is not known ends none of them."""
    notifications = read_notifications(read_yaml(receiver.write(tmp_path)), {})
    image_id = await tagged(store, 1, "team/app:1.0")
    states = tables.scanners
    async with store.writing() as db:
        request = await ask(db, image_id, Reason.PUSH)
        await db.execute(update(tables.requests).values(state="dead", error="its process died 3 times"))
        for name, healthy in (("clair", False), ("trivy", True)):
            await db.execute(insert(states).values(name=name, plugin=name, healthy=healthy, message="no route\nto it"))
        await db.execute(
            update(states).where(states.c.name == "trivy").values(database_updated=database_now(-4 * 86_400))
        )
    for _ in range(2):
        await look(store, notifications)
    async with store.reading() as db:
        rows = {row.kind: row for row in await list_deliveries(db)}
    assert ["request.dead", "scanner.down", "scanner.outdated"] == sorted(rows)
    async with store.writing() as db:  # clair answers again before anybody was told; of trivy nothing is known
        await db.execute(update(states).where(states.c.name == "clair").values(healthy=True))
        await db.execute(update(states).where(states.c.name == "trivy").values(healthy=None, database_updated=None))
    await look(store, notifications)
    messages = {one["type"]: one["data"] for one in await taken(store)}
    assert ["request.dead", "scanner.outdated"] == sorted(messages)
    assert (request, "its process died 3 times") == (
        messages["request.dead"]["request"],
        messages["request.dead"]["error"],
    )
    async with store.writing() as db:
        await db.execute(update(states).values(healthy=False, database_updated=database_now(-4 * 86_400)))
        await db.execute(update(tables.requests).values(state="queued"))
    await look(store, notifications)
    again = {one["type"] for one in await taken(store)}
    assert {"scanner.down", "scanner.outdated"} == again  # clair's data is old as well now; trivy's was told


async def test_the_command_sends_a_test(tmp_path: Path, receiver: Receiver) -> None:
    """It says who has got it; one who has not is exit code 1, with the reason and without a secret."""
    config = str(receiver.write(tmp_path))
    run = CliRunner().invoke
    result = await asyncio.to_thread(run, notify, ["test", "--config", config], standalone_mode=False)
    assert ("team: told\n", 0) == (result.output, result.return_value)
    receiver.statuses[:] = [403]
    result = await asyncio.to_thread(run, notify, ["test", "--config", config, "team"], standalone_mode=False)
    assert ("team: not told: team answered 403\n", 1) == (result.output, result.return_value)
    assert ["test", "test"] == [said["type"] for _, said in receiver.got]
    result = await asyncio.to_thread(run, notify, ["test", "--config", config, "nobody"])
    assert (2, True) == (result.exit_code, "there is no nobody in" in result.output)


async def test_a_link_local_address_is_not_connected_to(tmp_path: Path, receiver: Receiver) -> None:
    """Where machines are rented it gives their credentials to whoever asks."""
    config = str(receiver.write(tmp_path, "http://169.254.169.254/latest"))
    result = await asyncio.to_thread(CliRunner().invoke, notify, ["test", "--config", config], standalone_mode=False)
    assert "team: not told: team has an address that must not be connected to\n" == result.output


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # imported by apprise
async def test_apprise_tells_the_same(tmp_path: Path) -> None:
    """The title and the text arrive as they are; a receiver that fails is said without its address."""
    got: list[dict[str, Any]] = []

    async def receive(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(status=200 if len(got) == 1 else 500)

    application = web.Application()
    application.router.add_post("/hook", receive)
    async with TestServer(application, host="127.0.0.1") as server:
        path = tmp_path / "config.yml"
        path.write_text("notifications: {apprise: {chat: {url_env: CHAT}}}\n")
        url = f"json://user:canary@127.0.0.1:{server.port}/hook"
        notifications = read_notifications(read_yaml(path), {"CHAT": url})
        assert "canary" not in repr(notifications)
        path.write_text(f"notifications: {{apprise: {{chat: {{url: '{url}'}}}}}}\n")
        for said in (
            "told",
            "not told: chat: apprise could not send it",
            "not told: chat: apprise failed (AddressError)",
        ):
            words = ["test", "--config", str(path)]
            result = await asyncio.to_thread(CliRunner().invoke, notify, words, standalone_mode=False)
            assert f"chat: {said}\n" == result.output
            if len(got) == 2:
                path.write_text("notifications: {apprise: {chat: {url: 'json://169.254.169.254/latest'}}}\n")
    assert "This is a test" in got[0]["message"]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{webhooks: {a: {url: 'ftp://x', secret_env: S}}}", "url must be http:// or https://"),
        ("{webhooks: {a: {url: 'https://me:pw@x', secret_env: S}}}", "without a user"),
        ("{webhooks: {a: {url: 'https://x'}}}", "give one of secret, secret_file and secret_env"),
        ("{webhooks: {a: {url: 'https://x', secret: whsec_c2hvcnQ=}}}", "24 to 64 random bytes in base64"),
        ("{webhooks: {a: {url: 'https://x', secret: plain-words}}}", "openssl rand -base64 32"),
        ("{webhooks: {A b: {url: 'https://x', secret_env: S}}}", "not a valid name"),
        ("{webhooks: {a: {url: 'https://x', secret_env: S}}, apprise: {a: {url_env: U}}}", "give each its own"),
        ("{apprise: {a: {url_env: EMPTY}}}", "notifications.apprise.a: the variable EMPTY is empty"),
        ("{severity: loud}", "severity"),
        ("[a]", "expected a mapping"),
    ],
)
def test_a_mistake_in_the_section_is_said(tmp_path: Path, section: str, said: str) -> None:
    """Each names the place and what to write, and holds no secret."""
    path = tmp_path / "config.yml"
    path.write_text(f"notifications: {section}\n")
    with pytest.raises(SettingsError) as caught:
        read_notifications(read_yaml(path), {"S": SECRET, "U": "json://x"})
    assert said in str(caught.value)
    assert "plain-words" not in str(caught.value)


def test_nothing_said_is_nobody_told(tmp_path: Path) -> None:
    """Without the section nobody is told; with one, high severities are where it says nothing."""
    assert () == read_notifications({}, {}).targets
    path = tmp_path / "config.yml"
    path.write_text("notifications: {apprise: {a: {url_env: U}}}\n")
    made = read_notifications(read_yaml(path), {"U": "json://x"})
    assert (Severity.HIGH, ("a",), Secret("json://x")) == (
        made.settings.severity,
        made.settings.channels,
        made.targets[0].url,
    )  # type: ignore[union-attr]


@pytest.mark.timeout(180)
async def test_from_a_scan_to_a_receiver(
    database: str, tmp_path: Path, registry: StandInRegistry, receiver: Receiver
) -> None:
    """The service writes news with the end of a scan, and tells them; its log has no secret."""
    host = registry.reference("x", "y").partition("/")[0]
    digest = registry.push("team/app", "1.0", debian_image({"bash": "5"}))
    (installed,) = [one.version for one in discover() if one.name == "dummy"]
    config = receiver.write(tmp_path)
    dummy = f"security: {{dummy: {{server: any}}}}\nregistries: {{'{host}': {{insecure: true}}}}\n"
    config.write_text(dummy + config.read_text())
    async with Store.open(database) as store:
        await pushed(store, registry, "team/app:1.0", digest)
        clean = configuration(host, [{"findings": []}])
        async with running(store, clean, made_with=MadeWith(plugin_version=installed)):
            await until_idle(store)
        await pushed(store, registry, "team/app:1.0", digest)
        async with serving(tmp_path, database, config, wait=False):
            while not receiver.got:  # noqa: ASYNC110 (nobody tells it)
                await asyncio.sleep(0.05)
    message_id, body = receiver.got[0]
    assert ("vulnerability.new", f"{host}/team/app", 3) == (
        body["type"],
        body["data"]["repository"],
        body["data"]["total"],
    )
    assert message_id.startswith("msg_")
    assert SECRET not in (tmp_path / "log").read_text()
