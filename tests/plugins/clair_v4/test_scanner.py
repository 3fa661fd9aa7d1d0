"""What a scan asks Clair v4, how often, and what each of its answers leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import portus_scanner_clair_v4.sharing
import pytest
from portus_images import SettingsError
from portus_scanners import Outcome, ScannerUnavailableError
from portus_scanners_testing import Echo, EmptyBody, Hang, ScriptedServer, Status, serving
from portus_scanners_testing.images import LayerBlob, digest_of, layer, make_image, write_docker_archive
from standins.clair_v4 import Advisory, StandInClairV4, readable_debian
from standins.installed import python_files

from .conftest import BASE, IMAGE, JINJA, House, found

FOUND = [("CVE-2099-0001", "libc6"), ("CVE-2099-0011", "jinja2")]


def clair_of(house: House) -> StandInClairV4:
    """Return the stand-in."""
    assert isinstance(house.clair, StandInClairV4)
    return house.clair


async def until(happened: Callable[[], bool]) -> None:
    """Return as soon as something has happened in a server of this loop."""
    while not happened():  # noqa: ASYNC110 (it has no event for it)
        await asyncio.sleep(0)


async def test_a_rescan_is_one_request(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The indexer's state and the updates are asked for once a minute, for all images together."""
    clair, reference = clair_of(house), house.push()
    house.push(make_image(BASE), "2")
    async with house.engine() as engine:
        assert FOUND == found((await engine.scan(reference)).results[0])
        assert ["index_report", "update_operation", "vulnerability_report"] == house.asked()
        assert [one.digest for one in IMAGE.layers] == clair.pulled
        await engine.scan(reference)
        assert ["index_state", "vulnerability_report"] == house.asked()
        clair.update(Advisory(updater="osv/pypi", name="CVE-2099-0012", package="jinja2", repository=JINJA.repository))
        run = (await engine.scan(reference)).results[0]
        assert [*FOUND, ("CVE-2099-0012", "jinja2")] == found(run)
        assert ["vulnerability_report"] == house.asked()
        monkeypatch.setattr(portus_scanner_clair_v4.sharing, "ANSWER_LASTS", 0.0)
        hang = Hang()
        clair.faults.add("*/index_state", hang)
        scans = [asyncio.ensure_future(engine.scan(reference)) for _ in range(3)]
        await until(lambda: bool(clair.requests))
        hang.release.set()
        await asyncio.gather(*scans)
        assert 1 == house.asked().count("index_state")
        clair.state = "another"  # a newer Clair sees more
        await engine.scan(reference)
        assert "index_report" in house.asked()


async def test_what_was_deleted_is_indexed_again(house: House) -> None:
    """A 404 for the report has the image indexed once more; a second one is an error."""
    clair, reference = clair_of(house), house.push()
    async with house.engine() as engine:
        await engine.scan(reference)
        clair.forget(IMAGE.digest)
        house.asked()
        assert FOUND == found((await engine.scan(reference)).results[0])
        assert ["vulnerability_report", "index_report", "vulnerability_report"] == house.asked()[1:]
        unknown = Status(404, b'{"code":"not-found","message":"index report for manifest not found"}')
        clair.faults.add("*/vulnerability_report/*", unknown)
        run = (await engine.scan(reference)).results[0]
    assert (Outcome.FAILED, True) == (run.outcome, "they are not of one Clair" in str(run.error))


async def test_two_addresses(house: House) -> None:
    """The indexer's questions go to the server, the matcher's to the other address."""
    clair = clair_of(house)
    indexer = ScriptedServer()
    with serving(indexer):
        run = await house.scan(server=indexer.url, matcher=clair.url)
        assert Outcome.FAILED is run.outcome
        assert "`server` must be the base URL of Clair's indexer" in str(run.error)
        run = await house.scan(server=clair.url, matcher=indexer.url)
        assert "must be the base URL of Clair's matcher" in str(run.error)
    assert ["/matcher/"] == [request.path[:9] for request in indexer.requests if "report/" in request.path]


@pytest.mark.parametrize(("psk", "issuer"), [("d3Jvbmcga2V5", "quay"), ("cmlnaHQga2V5", "nobody"), ("", "")])
async def test_a_token_that_is_refused(psk: str, issuer: str, house: House) -> None:
    """Another key, another name or none: 401, with what to check; the right ones are accepted."""
    clair_of(house).psk = b"right key"
    run = await house.scan(**({"psk": psk, "issuer": issuer} if psk else {}))
    assert Outcome.FAILED is run.outcome
    assert "HTTP 401: check psk and issuer" in str(run.error)
    assert FOUND == found(await house.scan(psk="cmlnaHQga2V5", issuer="quay"))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"psk": "cmlnaHQga2V5"}, "psk and issuer must be given together"),
        ({"issuer": "quay"}, "psk and issuer must be given together"),
        ({"psk": "not base64!", "issuer": "quay"}, "psk must be Base64"),
        ({"psk": "cmlnaHQga2V5", "issuer": "quay", "token": "t"}, "can't be sent in one request"),
        ({"matcher": "clair.example"}, "matcher must be a URL"),
        ({"introspection": "http://user@clair.example"}, "introspection must not contain credentials"),
    ],
)
async def test_settings_that_do_not_fit(house: House, values: dict[str, object], told: str) -> None:
    """They are said to be wrong before anything is sent, and a key is never shown."""
    with pytest.raises(SettingsError) as error:
        async with house.engine(**values):
            pass
    assert told in str(error.value)
    assert "not base64!" not in str(error.value)


async def test_more_images_than_clair_indexes_at_once(house: House) -> None:
    """The others wait until one of ours is done; a Clair that is busy with others is unavailable."""
    clair = clair_of(house)
    clair.at_once = 1
    images = [make_image(readable_debian({("libc6", "glibc"): f"2.3{number}"})) for number in range(2)]
    references = [house.push(image, f"many-{number}") for number, image in enumerate(images)]
    async with house.engine() as engine:
        reports = await asyncio.gather(*map(engine.scan, references))
    runs = [report.results[0] for report in reports]
    assert [(Outcome.OK, 1)] * 2 == [(run.outcome, run.attempts) for run in runs], runs
    hang, image = Hang(), make_image(layer({"a": b"b"}))
    house.registry.faults.add(f"*/blobs/{image.layers[0].digest}", hang)
    house.push(image, "slow")
    async with house.engine() as one, house.alone() as (_, scan):
        slow = asyncio.ensure_future(one.scan(house.registry.reference("team/app", "slow")))
        await until(lambda: bool(clair._indexing))
        with pytest.raises(ScannerUnavailableError, match="HTTP 429"):
            await scan()
        hang.release.set()
        await slow


@pytest.mark.parametrize(
    ("state", "error", "outcome", "told"),
    [
        ("IndexError", "failed to scan all layer contents", Outcome.FAILED, "failed to scan all layer contents"),
        ("IndexFinished", "", Outcome.FAILED, "it does not say why"),
        ("ScanLayers", "", Outcome.OK, ""),
        ("Dreaming", "", Outcome.FAILED, "$.state: invalid enum value 'Dreaming'"),
    ],
)
async def test_states_of_the_index(house: House, state: str, error: str, outcome: Outcome, told: str) -> None:
    """A status of 201 says nothing: the state and the error do; one that is not an end is waited for."""
    clair_of(house).index_states = [(state, error)]
    run = await house.scan()
    assert outcome is run.outcome
    assert told in str(run.error)


async def test_layers_that_clair_can_not_read(house: House) -> None:
    """What is not an archive is unsupported; one that the registry does not give makes the scan fail, masked."""
    junk = b"this is not an archive" * 50
    run = await house.scan(make_image(LayerBlob(data=junk, diff_id=digest_of(junk))))
    assert Outcome.UNSUPPORTED is run.outcome, run.error
    house.registry.faults.add("*/blobs/*", Echo(500))
    async with house.alone() as (_, scan):
        with pytest.raises(ScannerUnavailableError, match="unexpected status code: 500") as error:
            await scan(make_image(layer({"c": b"d"})))
    assert "Authorization" in str(error.value)
    assert [] == [token.value for token in house.registry.issued if token.value in str(error.value)]


async def test_a_local_image(house: House, tmp_path: Path) -> None:
    """Its layers are served to Clair; their address is secret, also where Clair quotes it."""
    write_docker_archive(tmp_path / "image.tar", {"team/app:1": IMAGE})
    async with house.engine() as engine:
        run = (await engine.scan(f"docker-archive:{tmp_path}/image.tar")).results[0]
    assert (Outcome.OK, FOUND) == (run.outcome, found(run)), run.error


@pytest.mark.parametrize("which", ["manifest", "layer"])
async def test_a_report_about_another_image(house: House, which: str) -> None:
    """Another digest in a report, or a layer that the image does not have: an error, not this image's findings."""
    clair = clair_of(house)
    other = make_image(BASE, layer(python_files("jinja2", "2.3.0")))
    await house.scan(other)
    if which == "layer":
        clair._images[IMAGE.digest] = clair._images[other.digest]
    else:
        real = clair._matched
        clair._matched = lambda digest: real(other.digest)  # type: ignore[method-assign]
    run = await house.scan()
    assert Outcome.FAILED is run.outcome
    assert f"about {'the layers of ' if which == 'layer' else ''}another image" in str(run.error)


async def test_a_body_that_is_cut(house: House) -> None:
    """Its status was 200 when Clair failed, and says so in a trailer that comes too late: not JSON, and not clean."""
    clair_of(house).cut = 700
    run = await house.scan()
    assert Outcome.FAILED is run.outcome
    assert "Clair's vulnerability report is not JSON" in str(run.error)


async def test_which_data_there_is(house: House) -> None:
    """A Clair that does not show its updates: what was found proves its data, and the rest is not known."""
    clair = clair_of(house)
    clair.shows_operations = False
    assert (Outcome.OK, FOUND) == ((run := await house.scan()).outcome, found(run))
    run = await house.scan(make_image(BASE, layer(python_files("jinja2", "2.4.1"))))
    assert (Outcome.INCOMPLETE, FOUND[:1]) == (run.outcome, found(run))
    assert "does not tell whether it has vulnerability data for pypi" in str(run.error)
    async with house.engine() as engine:
        (health,) = await engine.check_health()
    assert (True, None) == (health.healthy, health.database)


async def test_health(house: House) -> None:
    """Data and its date; no data, a page, ``{}`` and an introspection port that is not well are not healthy."""
    clair = clair_of(house)
    async with house.engine(introspection=clair.url) as engine:
        (health,) = await engine.check_health()
        assert (True, True) == (health.healthy, "2 updaters" in health.message)
        assert health.database is not None
        assert clair.operations["osv/pypi"][0]["ref"] == health.database.identity
        clair.healthy = False
        (health,) = await engine.check_health()
        assert (False, True) == (health.healthy, "HTTP 500" in health.message)
    async with house.engine() as engine:
        for fault in (Status(200, b"<html>", {"Content-Type": "text/html"}), Status(200, b"{}"), EmptyBody()):
            clair.faults.clear()
            clair.faults.add("*/index_state", fault)
            (health,) = await engine.check_health()
            assert health.healthy is False, fault
        clair.faults.clear()
        clair.operations.clear()
        (health,) = await engine.check_health()
    assert (False, True) == (health.healthy, "no vulnerability data yet" in health.message)
