"""The real Trivy, on a database of our own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from portus_images import Registry
from portus_scanner_trivy import TrivyScanner, TrivySettings
from portus_scanners import (
    EndOfLife,
    Engine,
    FixState,
    MatchedBy,
    Outcome,
    Package,
    ScannerUnavailableError,
    Settings,
    Severity,
)
from portus_scanners_testing import (
    EmptyBody,
    Hang,
    RecordingContext,
    StandInContext,
    StandInRegistry,
    Status,
    open_engine,
)
from portus_scanners_testing.images import (
    BuiltImage,
    alpine_image,
    debian_image,
    debian_layer,
    digest_of,
    distroless_image,
    dpkg_layer,
    layer,
    make_image,
    opensuse_image,
    static_binary_image,
    write_docker_archive,
    write_oci_archive,
    write_oci_layout,
)
from standins.clair import StandInClair
from standins.docker_registry import DockerRegistry
from standins.trivy import Advisory, TrivyServer, write_database

from .conftest import ADVISORIES, FOUND, IMAGE, PACKAGES, HoldingContext, House, found, image_of, push

pytestmark = pytest.mark.real_trivy


def children() -> list[int]:
    """Return the processes that this one has started and that are there."""
    lists = Path("/proc/self/task").glob("*/children")
    return sorted(int(number) for one in lists for number in one.read_text().split())


async def until(true: Callable[[], object]) -> None:
    """Wait until something has happened."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 (the other side is in this loop too, and tells nobody)
            await asyncio.sleep(0.01)


async def test_every_field_that_has_a_place(house: House, registry: StandInRegistry) -> None:
    """What the real program writes is what the findings say."""
    run = await house.scan(registry, await push(registry, "1", IMAGE))
    assert (Outcome.OK, FOUND) == (run.outcome, found(run))
    assert run.report is not None
    first = run.report.findings[0]
    assert (Package("bash", "5.2-1", "debian:12.1"), Package("bash", "5.2-1")) == (first.package, first.source_package)
    assert "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12.1" == first.purl
    assert (Severity.HIGH, "HIGH", "debian") == (first.severity, first.severity_label, first.severity_source)
    assert [("debian", "HIGH"), ("nvd", "CRITICAL")] == [(one.source, one.label) for one in first.vendor_ratings]
    assert [("nvd", "3.1", 9.8)] == [(one.source, one.version, one.score) for one in first.cvss]
    assert (FixState.FIXED, ("5.2-2",)) == (first.fix_state, first.fixed_by)
    assert IMAGE.layers[0].digest == first.layer
    assert ("A hole in bash", "Made up: CVE-2099-0001.") == (first.title, first.description)
    assert "https://a.example" in first.links
    assert (datetime(2025, 1, 1, tzinfo=UTC), 2) == (first.published, first.modified and first.modified.month)
    assert {"data_source": "Debian Security Tracker", "cwe_ids": "CWE-79"} == first.details
    low = next(one for one in run.report.findings if one.package.name == "libc6")
    assert (FixState.WILL_NOT_FIX, Package("glibc", "2.36-9")) == (low.fix_state, low.source_package)
    assert ("0.76.0", ()) == (run.report.scanner_version, run.report.notes)
    assert run.report.database is not None
    assert run.report.database.updated is not None
    assert run.report.database.identity.startswith("2 20")


async def test_a_package_of_a_language_has_a_path(house: House, registry: StandInRegistry) -> None:
    """Where no distribution is recognised, packages of languages are found by their files; there may be others."""
    package = b'{"name": "left-pad", "version": "1.3.0"}'
    image = make_image(layer({"app/node_modules/left-pad/package.json": package}))
    run = await house.scan(registry, await push(registry, "1", image))
    assert run.report is not None, run.error
    (finding,) = run.report.findings
    assert ("left-pad", "1.3.0", "node-pkg") == (
        finding.package.name,
        finding.package.version,
        finding.package.namespace,
    )
    assert ("app/node_modules/left-pad/package.json", ("1.3.1",)) == (finding.path, finding.fixed_by)
    assert (Outcome.INCOMPLETE, True) == (run.outcome, "recognised no distribution" in run.report.notes[0])


async def test_packages_of_a_distribution_that_is_not_named(house: House, registry: StandInRegistry) -> None:
    """Trivy reads dpkg's files, and without a distribution looks at none of them: not all was seen."""
    package = layer({"app/node_modules/left-pad/package.json": b'{"name": "left-pad", "version": "1.3.0"}'})
    run = await house.scan(registry, await push(registry, "1", make_image(dpkg_layer({"bash": "5.2-1"}), package)))
    assert Outcome.INCOMPLETE is run.outcome
    assert [("CVE-2099-0010", "left-pad")] == found(run)


@pytest.mark.parametrize("auth", ["open", "basic", "token"])
async def test_a_registry_gets_the_credentials_that_it_wants(house: House, auth: str) -> None:
    """Name and password or a token, in the form in which our own client sent them."""
    async with StandInRegistry(auth=auth) as registry:  # type: ignore[arg-type]
        run = await house.scan(registry, await push(registry, "1", IMAGE))
    assert FOUND == found(run)


@pytest.mark.real_registry
@pytest.mark.usefixtures("real_registry_programs")
@pytest.mark.parametrize("auth", ["htpasswd", "token"])
async def test_debians_registry(house: House, auth: str) -> None:
    """The same with the real registry; its token service has a private address, so that Trivy itself would not pull."""
    async with DockerRegistry(auth=auth) as registry:  # type: ignore[arg-type]
        run = await house.scan(registry, await push(registry, "1", IMAGE))
    assert FOUND == found(run)


@pytest.mark.parametrize("form", ["oci", "oci-archive", "docker-archive"])
async def test_local_images(house: House, tmp_path: Path, form: str) -> None:
    """A folder or an archive, and of several images in it the right one; layers have the digests of the image."""
    other = static_binary_image()
    path = tmp_path / "local"
    if form == "oci":
        write_oci_layout(path, IMAGE)
    elif form == "oci-archive":
        write_oci_archive(path, IMAGE)
    else:
        write_docker_archive(path, {"team/other:1": other, "team/app:1": IMAGE})
    name = ":team/app:1" if form == "docker-archive" else ""
    async with house.engine(None) as engine:
        report = await engine.scan(f"{form}:{path}{name}")
    (run,) = report.results
    assert FOUND == found(run)
    assert run.report is not None
    assert {layer.digest for layer in report.image.layers} == {finding.layer for finding in run.report.findings}
    assert [] == list(house.scratch.iterdir())


async def test_client_and_server(house: House, registry: StandInRegistry, tmp_path: Path) -> None:
    """The server's database is used, and told; the token is the one that it wants."""
    reference = await push(registry, "1", IMAGE)
    async with TrivyServer(house.program, house.cache, token="opensesame") as server:
        settings = {"server": server.url, "cache": str(tmp_path / "client")}
        async with house.engine(registry, **settings, token="opensesame") as engine:
            image = await engine.resolve(reference)
            (run,) = (await engine.scan(image)).results
            (health,) = await engine.check_health()
        refused = await house.scan(registry, reference, **settings, token="wrong")
    down = TrivySettings(program=str(house.program), server=server.url, cache=str(tmp_path / "client"))
    with pytest.raises(ScannerUnavailableError, match=rf"server \({server.url}\) can't be reached"):
        await TrivyScanner(down, HoldingContext(IMAGE)).scan(image)
    assert (Outcome.OK, FOUND) == (run.outcome, found(run))
    assert run.report is not None
    assert ("0.76.0", health.database) == (run.report.scanner_version, run.report.database)
    assert health.database is not None
    assert health.database.identity.startswith("2 20")
    assert (True, "server: Trivy 0.76.0") == (health.healthy, health.message[:20])
    assert (Outcome.FAILED, True) == (refused.outcome, "another token" in str(refused.error))


async def count_children(seen: set[int]) -> None:
    """Note how many processes of this one's there are, again and again, until it is cancelled."""
    while True:
        seen.add(len(children()))
        await asyncio.sleep(0.01)


async def test_fifty_at_once_on_one_cache(house: House, registry: StandInRegistry) -> None:
    """Fifty images: each gets its own findings, by no more processes than configured, and nothing is left."""
    own = [f"own-{number}" for number in range(50)]
    images = [debian_image({**PACKAGES, name: "1"}) for name in own]
    references = [await push(registry, name, image) for name, image in zip(own, images, strict=True)]
    before, seen = children(), set[int]()
    async with house.engine(registry, concurrency="2") as engine:
        watching = asyncio.create_task(count_children(seen))
        document = await engine.document(references, concurrency=50)
        watching.cancel()
    assert (50, ()) == (len(document.reports), document.errors)
    assert [FOUND] * 50 == [found(report.results[0]) for report in document.reports]
    assert [one.digest for one in images] == [report.image.digest for report in document.reports]
    assert {len(before) + number for number in range(3)} >= seen
    assert (before, []) == (children(), list(house.scratch.iterdir()))


async def test_killed_in_mid_scan(house: House, registry: StandInRegistry) -> None:
    """A failed run that says how it ended; the cache is as good as before."""
    reference = await push(registry, "1", IMAGE)
    async with house.engine(registry) as engine:
        image = await engine.resolve(reference)
        scan = asyncio.ensure_future(engine.scan(image))
        await until(children)
        (process,) = children()
        os.kill(process, signal.SIGKILL)
        (run,) = (await scan).results
        (again,) = (await engine.scan(image)).results
    assert (Outcome.FAILED, FOUND) == (run.outcome, found(again))
    assert "signal SIGKILL" in str(run.error)


async def test_a_cancelled_engine_leaves_nothing(house: House, registry: StandInRegistry) -> None:
    """No process and no temporary file, when a scan is cancelled while Trivy pulls."""
    before = children()
    reference = await push(registry, "1", IMAGE)
    async with house.engine(registry) as engine:
        image = await engine.resolve(reference)
        hang = registry.faults.add("/v2/team/app/blobs/*", Hang())
        scan = asyncio.ensure_future(engine.scan(image))
        await until(lambda: hang.shown)
        assert [] != list(house.scratch.iterdir())
        scan.cancel()
        await asyncio.wait({scan})
    assert (before, []) == (children(), list(house.scratch.iterdir()))


async def test_five_thousand_findings(house: House, registry: StandInRegistry) -> None:
    """All of them are in the report, none twice."""
    packages = {(f"lib{number}", "big"): "1.0" for number in range(100)}
    write_database(house.cache, [Advisory(id=f"CVE-2099-{number:04}", package="big") for number in range(1000, 1050)])
    run = await house.scan(registry, await push(registry, "1", debian_image(packages)))
    assert 5000 == len(set(found(run)))


UNREACHABLE = image_of(IMAGE, "127.0.0.1:9/team/app:1")
DATABASES = [
    ("missing", "there is no vulnerability database in"),
    ("old", "is of another version, or broken"),
    ("new", "is of another version, or broken"),
    ("broken", "is of another version, or broken"),
]


@pytest.mark.parametrize(("state", "said"), DATABASES, ids=[state for state, _ in DATABASES])
async def test_a_database_that_is_no_good(
    house: House, registry: StandInRegistry, tmp_path: Path, state: str, said: str
) -> None:
    """Failed, once, and the message says how to get one; health says it as well."""
    cache = tmp_path / "other"
    if state != "missing":
        write_database(cache, ADVISORIES, schema={"old": 1, "new": 9}.get(state, 2))
    if state == "broken":
        (cache / "db" / "trivy.db").write_bytes(b"no database")
    async with house.engine(registry, cache=str(cache)) as engine:
        (run,) = (await engine.scan(await push(registry, "1", IMAGE))).results
        (health,) = await engine.check_health()
    assert (Outcome.FAILED, 1) == (run.outcome, run.attempts)
    assert said in str(run.error)
    assert f"trivy image --download-db-only --cache-dir {cache}" in str(run.error)
    assert (state == "broken") == health.healthy  # what is broken inside, only a scan shows


async def test_no_database_can_be_downloaded(house: House, tmp_path: Path) -> None:
    """Where the repository of databases is not reached, the message says what to set."""
    settings = TrivySettings(
        program=str(house.program), cache=str(tmp_path / "x"), database_repository="127.0.0.1:9/trivy-db:2"
    )
    with pytest.raises(ScannerUnavailableError, match="set database_repository"):
        await TrivyScanner(settings, StandInContext()).scan(UNREACHABLE)


async def test_the_registry_is_unreachable(house: House) -> None:
    """It may be there later: the engine tries again."""
    settings = TrivySettings(program=str(house.program), cache=str(house.cache), offline=True)
    async with Registry() as client, RecordingContext(registry=client) as context:
        with pytest.raises(ScannerUnavailableError, match=r"127\.0\.0\.1:9.*can't be reached"):
            await TrivyScanner(settings, context).scan(UNREACHABLE)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (static_binary_image(), "neither a distribution nor a package"),
        (distroless_image({"bash": "5.2-1"}), "neither a distribution nor a package"),
        (opensuse_image(), "could read none of its packages"),
    ],
    ids=["static", "distroless", "broken rpm database"],
)
async def test_what_trivy_does_not_recognise_is_unsupported(
    house: House, registry: StandInRegistry, image: object, said: str
) -> None:
    """It ends with 0 and no results: that is not clean."""
    run = await house.scan(registry, await push(registry, "1", image))  # type: ignore[arg-type]
    assert (Outcome.UNSUPPORTED, True) == (run.outcome, said in str(run.error))


async def test_a_release_that_trivy_does_not_know_is_incomplete(house: House, registry: StandInRegistry) -> None:
    """Whatever its database has under that name: it finds nothing."""
    write_database(house.cache, [*ADVISORIES, Advisory(id="CVE-2099-0011", package="zsh", platform="debian 99")])
    run = await house.scan(registry, await push(registry, "1", make_image(debian_layer(PACKAGES, version="99"))))
    assert Outcome.INCOMPLETE is run.outcome
    assert "does not know this release (debian 99.1)" in str(run.report and run.report.notes)


LEFT_PAD = layer({"app/node_modules/left-pad/package.json": b'{"name": "left-pad", "version": "1.3.0"}'})
CONDA = layer(
    {"opt/conda/envs/x/conda-meta/openssl-1.1.1-0.json": b'{"name": "openssl", "version": "1.1.1", "depends": []}'}
)
WOLFI = layer(
    {
        "etc/os-release": b"ID=wolfi\nVERSION_ID=20230201\n",
        "lib/apk/db/installed": b"P:musl\nV:1.2-r1\nA:x86_64\no:musl\n\n",
    }
)
WITHOUT_ADVISORIES = [
    ("distribution", make_image(WOLFI), Outcome.UNSUPPORTED, "for wolfi 20230201: nothing was checked"),
    ("release", make_image(debian_layer(PACKAGES, version="8")), Outcome.INCOMPLETE, "for debian 8.1"),
    ("language", make_image(debian_layer(PACKAGES), LEFT_PAD), Outcome.INCOMPLETE, "packages of the type node-pkg"),
    ("conda", make_image(debian_layer(PACKAGES), CONDA), Outcome.INCOMPLETE, "packages of the type conda-pkg"),
    ("both", make_image(WOLFI, LEFT_PAD), Outcome.UNSUPPORTED, "packages of the type node-pkg, wolfi 20230201"),
]


@pytest.mark.parametrize(
    ("image", "outcome", "said"), [one[1:] for one in WITHOUT_ADVISORIES], ids=[one[0] for one in WITHOUT_ADVISORIES]
)
async def test_a_database_without_advisories_for_what_is_in_the_image(
    house: House, registry: StandInRegistry, image: BuiltImage, outcome: Outcome, said: str
) -> None:
    """A mirror's database may have a part: Trivy finds nothing and says nothing, and that is not clean."""
    write_database(house.cache, [Advisory(id="CVE-2099-0011", package="zsh")])
    run = await house.scan(registry, await push(registry, "1", image))
    assert (outcome, True) == (run.outcome, said in str(run.error)), run.error


async def test_an_ended_release_without_advisories(house: House, registry: StandInRegistry) -> None:
    """Both are told: that its support has ended, and that nothing was checked."""
    run = await house.scan(registry, await push(registry, "1", alpine_image({"musl": "1"}, release="3.9.1")))
    assert run.report is not None, run.error
    assert (Outcome.INCOMPLETE, "alpine 3.9.1") == (run.outcome, getattr(run.report.end_of_life, "distribution", None))
    assert "no advisories for alpine 3.9.1" in str(run.error)


async def test_a_database_that_is_cut_off(house: House, registry: StandInRegistry) -> None:
    """Trivy crashes on it: the message says what to do, and not where in Go's code that was."""
    file = house.cache / "db" / "trivy.db"
    file.write_bytes(file.read_bytes()[:8192])
    run = await house.scan(registry, await push(registry, "1", IMAGE))
    assert Outcome.FAILED is run.outcome
    assert "is of another version, or broken: trivy image --download-db-only" in str(run.error)


async def test_the_end_of_support_and_an_old_database(house: House, registry: StandInRegistry) -> None:
    """The report says that it has ended; a database that should have been renewed long ago is a note."""
    advisories = [*ADVISORIES, Advisory(id="CVE-2099-0011", package="zsh", platform="alpine 3.9")]
    write_database(house.cache, advisories, updated=datetime(2020, 5, 1, tzinfo=UTC))
    reference = await push(registry, "1", alpine_image({"musl": "1"}, release="3.9.1"))
    async with house.engine(registry, max_database_age=0) as engine:
        (run,) = (await engine.scan(reference)).results
    assert run.report is not None, run.error
    ended = EndOfLife(source="Trivy 0.76.0", distribution="alpine 3.9.1")
    assert (Outcome.OK, ended, 1) == (run.outcome, run.report.end_of_life, len(run.report.notes))
    assert "is of 2020-05-01, and a newer one was due on 2020-05-02" in run.report.notes[0]


async def test_a_database_of_years_ago_is_no_answer(house: House, registry: StandInRegistry) -> None:
    """An old database fails the scan, whatever it found or did not find, and the message says how to get a new one."""
    write_database(house.cache, ADVISORIES, updated=datetime(2020, 5, 1, tzinfo=UTC))
    run = await house.scan(registry, await push(registry, "1", IMAGE))
    async with house.engine(registry) as engine:
        (health,) = await engine.check_health()
    said = "of 2020-05-01, older than max_database_age (30 days): trivy image --download-db-only"
    assert (Outcome.FAILED, None, False) == (run.outcome, run.report, health.healthy)
    assert [True, True] == [said in str(told) for told in (run.error, health.message)]


@pytest.mark.parametrize("count", [1, 25])
async def test_packages_that_trivy_leaves_out_are_missing(house: House, registry: StandInRegistry, count: int) -> None:
    """A version that Trivy can't read costs its package: incomplete, however many such warnings an image provokes."""
    odd = {f"odd{number}": "not/valid version" for number in range(count)}
    run = await house.scan(registry, await push(registry, "1", debian_image({"bash": "5.2-2", **odd})))
    assert (Outcome.INCOMPLETE, True) == (run.outcome, "Invalid version" in str(run.error))


GONE = [(Status(404), "HTTP 404"), (Status(403), "HTTP 403"), (EmptyBody(), "the content has")]


@pytest.mark.parametrize(("fault", "said"), GONE, ids=["gone", "refused", "empty"])
@pytest.mark.parametrize("blob", [IMAGE.layers[0].digest, digest_of(IMAGE.config)], ids=["layer", "configuration"])
async def test_a_registry_that_changes_its_mind(
    house: House, registry: StandInRegistry, fault: Status, said: str, blob: str
) -> None:
    """What was there when the image was resolved, and is not when it is scanned: failed, with what to do."""
    reference = await push(registry, "1", IMAGE)
    async with house.engine(registry) as engine:
        image = await engine.resolve(reference)
        registry.faults.add(f"/v2/team/app/blobs/{blob}", fault)
        (run,) = (await engine.scan(image)).results
    assert (Outcome.FAILED, True) == (run.outcome, said in str(run.error)), run.error
    assert not (house.cache / "fanal").exists()


async def test_debian_advisories_meet_in_the_source_package(house: House, registry: StandInRegistry) -> None:
    """Trivy reports libc6 and libc-bin, Clair glibc: one vulnerability, and the report says how they met."""
    reference = await push(registry, "1", IMAGE)
    async with StandInClair() as clair:
        clair.add_vulnerability("debian:12", "CVE-2099-0002", "Medium", fixed_in={"glibc": "None"})
        trivy = {"enabled": True, "program": str(house.program), "cache": str(house.cache), "offline": True}
        settings = Settings.from_mapping({"security": {"clair": {"server": clair.url}, "trivy": trivy}})
        async with Engine(settings) as engine:
            report = await engine.scan(reference)
    merged = {one.id: one for one in report.vulnerabilities}["CVE-2099-0002"]
    assert (("clair", "trivy"), MatchedBy.SOURCE, "glibc") == (merged.scanners, merged.matched_by, merged.package.name)
    assert ["glibc", "libc-bin", "libc6"] == [package.name for package in merged.packages]


async def test_an_address_for_backends_elsewhere_is_none_for_trivy(house: House, registry: StandInRegistry) -> None:
    """``backend_url`` names what does not exist here."""
    reference = await push(registry, "1", IMAGE)
    settings = Settings.from_mapping({"registries": {registry.host: {"backend_url": "http://registry.invalid:5000"}}})
    values = {"program": str(house.program), "cache": str(house.cache), "offline": "true"}
    async with Registry(settings.registries) as client, open_engine(TrivyScanner, values, registry=client) as engine:
        (run,) = (await engine.scan(reference)).results
    assert FOUND == found(run)
