"""The real Clair v4, on a PostgreSQL of the tests, with data of our own; the stand-in is compared with it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from portus_scanner_clair_v4.api import INDEX_REPORT, INDEX_STATE, OPERATIONS, REPORT
from portus_scanners import Outcome, Package, Severity
from portus_scanners_testing import Hang, StandInRegistry, StillWorkingError
from portus_scanners_testing.images import (
    BuiltImage,
    LayerBlob,
    alpine_image,
    digest_of,
    layer,
    make_image,
    static_binary_image,
)
from standins.clair_v4 import (
    ALPINE,
    GO,
    MAVEN,
    REDHAT,
    Advisory,
    RealClair,
    StandInClairV4,
    rating,
    readable_debian,
    ubi_with_manifest,
)
from standins.installed import go_binary, jar, npm_files, program_layer, python_files, ubi_files

from .conftest import GLIBC, IMAGE, JINJA, House, found

pytestmark = [pytest.mark.real_clair, pytest.mark.xdist_group("postgresql")]

OPENSSL = Advisory(
    updater="alpine-main-v3.19-updater",
    name="CVE-2099-0002",
    package="openssl",
    fixed="3.1.5-r0",
    severity="Unknown",
    links="https://www.cve.org/CVERecord?id=CVE-2099-0002",
    distribution=ALPINE,
)
LIBS = Advisory(
    updater="rhel-vex",
    name="CVE-2099-0003",
    package="openssl-libs",
    fixed="1.1.1k-12.el8",
    word="Important",
    links="https://access.redhat.com/security/cve/CVE-2099-0003",
    repository=REDHAT,
    arches="x86_64|aarch64",
)
NET = Advisory(
    updater="osv/go",
    name="GHSA-aaaa-bbbb-cc12",
    package="golang.org/x/net",
    fixed="0.7.0",
    word="HIGH",
    links="https://osv.dev/vulnerability/CVE-2099-0012",
    repository=GO,
    below=(0, 7, 0),
)
LOG4J = Advisory(
    updater="osv/maven",
    name="GHSA-aaaa-bbbb-cc13",
    package="org.apache.logging.log4j:log4j-core",
    fixed="fixed=2.15.0&introduced=2.0",
    severity="Critical",
    word="CRITICAL",
    links="https://osv.dev/vulnerability/CVE-2099-0013",
    repository=MAVEN,
)
RATINGS = {"CVE-2099-0002": rating(10.0, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H")}
RPMS = {("bash", "bash"): "4.4.20-4.el8", ("openssl-libs", "openssl"): "1.1.1k-9.el8"}
APKS = {"musl": "1.2.4-r2", ("libcrypto3", "openssl"): "3.1.4-r5"}
LANGUAGES = make_image(
    layer({**npm_files("left-pad", "1.3.0"), **python_files("jinja2", "2.4.0")}),
    program_layer("app/service", go_binary({"golang.org/x/net": "v0.1.0"})),
    layer({"app/lib/log4j-core-2.14.0.jar": jar("org.apache.logging.log4j", "log4j-core", "2.14.0")}),
)
RPM_DATABASE = "var/lib/rpm/rpmdb.sqlite"


@pytest.fixture
async def house(real_clair: Callable[..., RealClair], tmp_path: Path) -> AsyncIterator[House]:
    """A real Clair with the data of five updaters, which wants tokens and indexes one image at once."""
    key = "a2V5LW9mLWNsYWly"
    async with real_clair(tmp_path, psk=key, at_once=1) as clair, StandInRegistry(auth="token") as registry:
        yield House(clair, registry, {"psk": key, "issuer": "quay"})


async def test_from_no_data_to_findings(house: House) -> None:
    """No data: not ready; one language's: incomplete; the distribution's too: every member that has a place."""
    clair = house.clair
    assert isinstance(clair, RealClair)
    async with house.engine() as engine:
        (health,) = await engine.check_health()
    assert (False, None) == (health.healthy, health.database)
    async with house.alone(patience=1) as (context, scan):
        with pytest.raises(StillWorkingError):
            await scan()
    assert [(0, 0, "Clair has no vulnerability data yet")] == context.calls_of("progress")[-1:]
    await clair.update(JINJA)
    run = await house.scan()
    assert (Outcome.INCOMPLETE, [("CVE-2099-0011", "jinja2")]) == (run.outcome, found(run))
    assert "no vulnerability data for debian:12" in str(run.error)
    await clair.update(GLIBC)
    run = await house.scan()
    assert (Outcome.OK, [("CVE-2099-0001", "libc6"), ("CVE-2099-0011", "jinja2")]) == (run.outcome, found(run))
    assert run.report is not None
    glibc, jinja = sorted(run.report.findings, key=lambda one: one.id)
    assert (Package("libc6", "2.36-9", "debian:12"), Package("glibc", "2.36-9", "debian:12")) == (
        glibc.package,
        glibc.source_package,
    )
    assert (Severity.HIGH, "High", ("2.36-10",)) == (glibc.severity, glibc.severity_label, glibc.fixed_by)
    assert [("debian/updater", "high")] == [(one.source, one.label) for one in glibc.vendor_ratings]
    assert (IMAGE.layers[0].digest, "") == (glibc.layer, glibc.path)
    assert (("GHSA-aaaa-bbbb-cc11",), ("2.4.1",), "pypi") == (jinja.aliases, jinja.fixed_by, jinja.package.namespace)
    assert "usr/lib/python3/site-packages" == jinja.path
    async with house.engine(introspection=clair.introspection_url) as engine:
        (health,) = await engine.check_health()
    assert health.healthy, health.message
    assert health.database is not None
    assert health.database == run.report.database


@pytest.mark.parametrize(
    ("image", "outcome", "ids", "told"),
    [
        (alpine_image(APKS), Outcome.OK, ["CVE-2099-0002"], ""),
        (make_image(ubi_with_manifest(RPMS)), Outcome.OK, ["CVE-2099-0003"], ""),
        (make_image(layer(ubi_files(RPMS))), Outcome.UNSUPPORTED, [], "rhel:8 (of unknown repositories)"),
        (
            LANGUAGES,
            Outcome.INCOMPLETE,
            ["CVE-2099-0011", "CVE-2099-0012", "CVE-2099-0013"],
            "recognised no distribution",
        ),
        (make_image(readable_debian({"bash": "1"}, "99")), Outcome.INCOMPLETE, [], "does not tell whether"),
        (alpine_image(APKS, release="3.20.1"), Outcome.UNSUPPORTED, [], "alpine:3.20"),
        (make_image(layer({RPM_DATABASE: ubi_files(RPMS)[RPM_DATABASE]})), Outcome.UNSUPPORTED, [], "without a distr"),
        (static_binary_image(), Outcome.UNSUPPORTED, [], "recognised nothing"),
    ],
    ids=["alpine", "ubi", "ubi unknown", "languages", "debian 99", "alpine 3.20", "no distribution", "nothing"],
)
async def test_what_it_sees(house: House, image: BuiltImage, outcome: Outcome, ids: list[str], told: str) -> None:
    """Distributions, languages, and what Clair has no data for: it answers 200 with nothing for all of these."""
    assert isinstance(house.clair, RealClair)
    await house.clair.update(GLIBC, JINJA, OPENSSL, LIBS, NET, LOG4J, ratings=RATINGS)
    run = await house.scan(image)
    assert (outcome, ids) == (run.outcome, sorted({one.id for one in run.report.findings} if run.report else [])), run
    assert told in str(run.error or "")
    if ids == ["CVE-2099-0002"] and run.report:
        assert [(Severity.CRITICAL, 10.0, "alpine:3.19")] == [
            (one.severity, one.cvss[0].score, one.package.namespace) for one in run.report.findings
        ]
    if ids == ["CVE-2099-0003"] and run.report:
        assert ["rhel:8"] == [one.package.namespace for one in run.report.findings]


async def test_the_stand_in_is_like_it(real_clair: Callable[..., RealClair], tmp_path: Path) -> None:
    """The same questions get the same answers, errors too: the other tests are about the stand-in."""
    async with StandInRegistry() as registry, real_clair(tmp_path, at_once=1) as real, StandInClairV4() as other:
        other.at_once = 1
        registry.push("team/app", "1", IMAGE)
        expected = [one async for one in exchanges(real, registry)]
        actual = [one async for one in exchanges(other, registry)]
    assert [] == [(one, another) for one, another in zip(expected, actual, strict=True) if one != another]
    statuses = [200, 200, 202, 201, 200, 200, 201, 500, 500, 500, 400, 404, 404, 429]
    assert statuses == [status for status, _, _ in expected]


async def exchanges(clair: RealClair | StandInClairV4, registry: StandInRegistry) -> AsyncIterator[Any]:
    """Ask a Clair, and yield its answers: without data, with it, and what goes wrong."""
    blobs = f"{registry.url}/v2/team/app/blobs"
    base, top = ({"hash": one.digest, "uri": f"{blobs}/{one.digest}", "headers": {}} for one in IMAGE.layers)
    report, manifest = f"{REPORT}{IMAGE.digest}", {"hash": IMAGE.digest, "layers": [base, top]}
    junk = b"this is not an archive" * 50
    registry.push("team/app", "junk", make_image(LayerBlob(data=junk, diff_id=digest_of(junk))))
    yield await ask(clair.url, "GET", INDEX_STATE)
    yield await ask(clair.url, "GET", OPERATIONS)
    yield await ask(clair.url, "GET", report)
    yield await ask(clair.url, "POST", INDEX_REPORT, manifest)
    updated = clair.update(GLIBC, JINJA, ratings={"CVE-2099-0001": rating(7.5, "CVSS:3.1/AV:N")})
    if updated is not None:
        await updated
    yield await ask(clair.url, "GET", OPERATIONS)
    yield await ask(clair.url, "GET", report)
    elsewhere = [{**base, "uri": "http://127.0.0.1:1/gone"}]  # what is known is not pulled again
    yield await ask(clair.url, "POST", INDEX_REPORT, {"hash": digest_of(b"1"), "layers": elsewhere})
    for uri, digest in [
        (f"{blobs}/{digest_of(b'nowhere')}", digest_of(b"nowhere")),
        (f"{blobs}/{IMAGE.layers[0].digest}", digest_of(b"another one")),
        ("http://127.0.0.1:1/gone", digest_of(b"gone")),
        (f"{blobs}/{digest_of(junk)}", digest_of(junk)),
    ]:
        layers = [{"hash": digest, "uri": uri, "headers": {}}]
        status, headers, error = await ask(clair.url, "POST", INDEX_REPORT, {"hash": digest_of(b"2"), "layers": layers})
        yield status, headers, error["message"][:70]
    yield await ask(clair.url, "GET", f"{REPORT}{digest_of(b'unknown')}")
    yield await ask(clair.url, "GET", "/v1/layers")
    registry.faults.add("*/blobs/*", Hang())
    begun = len(registry.requests)
    layers = [{"hash": digest_of(b"slow"), "uri": f"{blobs}/{digest_of(b'slow')}", "headers": {}}]
    slow = asyncio.create_task(ask(clair.url, "POST", INDEX_REPORT, {"hash": digest_of(b"3"), "layers": layers}))
    await reached(registry, begun + 1)
    yield await ask(clair.url, "POST", INDEX_REPORT, manifest)
    registry.faults.clear()
    slow.cancel()
    await asyncio.wait([slow])


async def reached(registry: StandInRegistry, count: int) -> None:
    """Return when so many requests have reached the registry."""
    while len(registry.requests) < count:  # noqa: ASYNC110 (in a server, which has no event for it)
        await asyncio.sleep(0.01)


_SEEN = ("Content-Encoding", "Etag", "Trailer", "Cache-Control", "Transfer-Encoding")
_CHANGING = {"id", "distribution_id", "repository_ids", "package_vulnerabilities", "ref", "fingerprint", "date"}
_CHANGING |= {"cpe", "arch"}  # which the stand-in leaves out
_ID = re.compile(r"[0-9]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def ask(url: str, method: str, path: str, body: object = None) -> tuple[int, Mapping[str, str], Any]:
    """Return status, headers and body of an answer; of a 429 what comes before its body breaks off."""
    data = b""
    async with aiohttp.ClientSession() as session, session.request(method, url + path, json=body) as answer:
        with suppress(aiohttp.ClientPayloadError):
            async for part in answer.content.iter_any():
                data += part
        headers = {name: _UUID.sub("...", answer.headers[name]) for name in _SEEN if name in answer.headers}
    try:
        return answer.status, headers, _shape(json.loads(data))
    except ValueError:
        return answer.status, headers, data.decode()


def _shape(value: Any) -> Any:
    """Return a document without what differs each time: ids, the order of maps, and times."""
    if isinstance(value, list):
        return [_shape(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value and all(map(_ID.fullmatch, value)):
        return sorted((_shape(one) for one in value.values()), key=repr)
    return {name: _shape(one) for name, one in sorted(value.items()) if name not in _CHANGING}
