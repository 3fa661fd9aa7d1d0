"""The real Grype, on a database of our own."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from portus_scanners import EndOfLife, FixState, Outcome, Package, Severity
from portus_scanners_testing import Reply, ScriptedServer, StandInRegistry, serving
from portus_scanners_testing.images import (
    BuiltImage,
    alpine_image,
    debian_image,
    debian_layer,
    digest_of,
    layer,
    make_image,
    static_binary_image,
    write_docker_archive,
    write_oci_layout,
)
from standins.grype import Advisory, System, write_database

from .conftest import ADVISORIES, FOUND, IMAGE, LEFT_PAD, House, found

pytestmark = pytest.mark.real_grype

NPM = layer({"app/node_modules/left-pad/package.json": LEFT_PAD})


async def test_every_field_that_has_a_place(house: House, registry: StandInRegistry) -> None:
    """What the real program writes is what the findings say; of it nothing is left in the folder for files."""
    run = await house.scan(registry, IMAGE)
    assert (Outcome.OK, FOUND, []) == (run.outcome, found(run), list(house.scratch.iterdir()))
    assert run.report is not None
    bash, libc, left_pad = sorted(run.report.findings, key=lambda one: one.id)
    assert (Package("bash", "5.2-1", "debian:12.1"), None) == (bash.package, bash.source_package)
    assert "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12.1" == bash.purl
    assert (Severity.HIGH, "High", "debian") == (bash.severity, bash.severity_label, bash.severity_source)
    assert [("debian", "High")] == [(one.source, one.label) for one in bash.vendor_ratings]
    assert [("nvd@nist.gov", "3.1", 9.8)] == [(one.source, one.version, one.score) for one in bash.cvss]
    assert (FixState.FIXED, ("5.2-2",)) == (bash.fix_state, bash.fixed_by)
    assert (IMAGE.layers[0].digest, ("https://a.example", "https://b.example")) == (bash.layer, bash.links)
    assert "Made up: CVE-2099-0001." == bash.description
    built = datetime.now(UTC).date()
    assert {
        "namespace": "debian:distro:debian:12",
        "match": "exact-direct-match dpkg-matcher",
        "fix_available": "5.2-2 2026-01-02 advisory",
        "risk": "90.825",
        "epss": f"CVE-2099-0001 0.5 0.9 {built}",
        "known_exploited": "CVE-2099-0001 2026-01-03 unknown",
        "cwe_ids": "CWE-79",
    } == bash.details
    assert (FixState.WILL_NOT_FIX, Package("glibc", "2.36-9")) == (libc.fix_state, libc.source_package)
    assert (Package("left-pad", "1.3.0", "npm"), ("CVE-2099-0010",)) == (left_pad.package, left_pad.aliases)
    assert (Severity.HIGH, "High", 7.5) == (left_pad.severity, left_pad.severity_label, left_pad.cvss[0].score)
    assert ("/app/node_modules/left-pad/package.json", IMAGE.layers[1].digest) == (left_pad.path, left_pad.layer)
    assert ("Grype 0.121.3", ()) == (run.report.scanner_version, run.report.notes)
    assert run.report.database is not None
    assert run.report.database.identity.startswith("v6.1.10 20")


def debian(version: str, *more: object) -> BuiltImage:
    """Return an image of another release of Debian."""
    return make_image(debian_layer({"bash": "5.2-1"}, version=version), *more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("image", "outcome", "told"),
    [
        (alpine_image({"musl": "1.2-r0"}), Outcome.UNSUPPORTED, "no data for the distribution (alpine 3.19.1"),
        (debian("99", NPM), Outcome.INCOMPLETE, "no data for the distribution (debian 99"),
        (static_binary_image(), Outcome.UNSUPPORTED, "no distribution and no package"),
        (make_image(NPM), Outcome.INCOMPLETE, "recognised no distribution"),
    ],
    ids=["distribution", "release beside npm", "nothing", "npm alone"],
)
async def test_what_the_database_does_not_have(
    house: House, registry: StandInRegistry, image: BuiltImage, outcome: Outcome, told: str
) -> None:
    """Grype matches nothing and exits with 0: its database, and its log, say why."""
    run = await house.scan(registry, image)
    assert outcome is run.outcome, run.error
    assert told in str(run.error)


async def test_a_file_that_can_not_be_read(house: House, registry: StandInRegistry) -> None:
    """Grype leaves it out without a word in its report; the reason names the file."""
    broken = layer({"app/node_modules/left-pad/package.json": b'{"name": "left-pad", "version": '})
    run = await house.scan(registry, make_image(debian_layer({"bash": "5.2-2"}), broken))
    assert (Outcome.INCOMPLETE, []) == (run.outcome, found(run))
    assert "left-pad/package.json" in str(run.error)


async def test_no_configuration_hides_anything(
    house: House, registry: StandInRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules of the machine, of the user and of the environment ignore everything; none of them is read."""
    rules = "only-fixed: true\nexclude: ['**']\nignore: [{package: {name: bash}}]\n"
    for place in (".grype.yaml", ".config/grype/config.yaml", "etc/grype/config.yaml"):
        (tmp_path / "home" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "home" / place).write_text(rules)
    values = {"HOME": "home", "XDG_CONFIG_HOME": "home/.config", "XDG_CONFIG_DIRS": "home/etc"}
    for name, value in values.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setenv("GRYPE_CONFIG", str(tmp_path / "home" / ".grype.yaml"))
    monkeypatch.setenv("GRYPE_ONLY_FIXED", "true")
    run = await house.scan(registry, IMAGE)
    assert (Outcome.OK, FOUND) == (run.outcome, found(run))


@pytest.mark.parametrize("option", ["--only-fixed", "--ignore-states=fixed"])
async def test_a_program_that_is_told_to_hide(
    house: House, registry: StandInRegistry, tmp_path: Path, option: str
) -> None:
    """A script in Grype's place that adds an option: what it hides is counted, and the report is incomplete."""
    script = tmp_path / "grype"
    script.write_text(f'#!/bin/sh\nexec {house.program} {option} "$@"\n')
    script.chmod(0o755)
    run = await house.scan(registry, IMAGE, program=str(script))
    assert run.report is not None, run.error
    assert Outcome.INCOMPLETE is run.outcome
    assert "told to leave out matches" in str(run.error)
    assert any("left out: " in note for note in run.report.notes)


async def test_the_end_of_support(house: House, registry: StandInRegistry) -> None:
    """The report says so: the verdict is not clean, though nothing was found."""
    ended = System("alpine", "3.9", ended=datetime(2025, 1, 1, tzinfo=UTC))
    openssl = Advisory(id="CVE-2099-0001", package="openssl", system=ended, ecosystem="apk", provider="alpine")
    write_database(house.cache, [openssl])
    run = await house.scan(registry, alpine_image({"musl": "1.2-r0"}, release="3.9.1"))
    assert run.report is not None, run.error
    told = EndOfLife(source="Grype 0.121.3", distribution="alpine 3.9.1")
    assert (Outcome.OK, told, ()) == (run.outcome, run.report.end_of_life, run.report.findings)


@pytest.mark.parametrize("fault", ["old", "missing", "changed", "foreign"])
async def test_a_database_that_is_out_of_order(house: House, registry: StandInRegistry, fault: str) -> None:
    """The scan fails, and so does the health check; both say what to do."""
    path = house.cache / "6" / "vulnerability.db"
    if fault == "old":
        write_database(house.cache, ADVISORIES, built=datetime(2026, 1, 1, tzinfo=UTC))
    elif fault == "missing":
        path.unlink()
    else:
        path.write_bytes(b"nothing" if fault == "foreign" else path.read_bytes() + b"\0")
    run = await house.scan(registry, debian_image({"bash": "5.2-1"}))
    async with house.engine() as engine:
        (health,) = await engine.check_health()
    said = {"old": "older than max_database_age (5 days)", "missing": "there is no vulnerability database in"}
    assert (Outcome.FAILED, False) == (run.outcome, health.healthy)
    assert said.get(fault, "is broken, or of another version") in str(run.error)
    assert "grype db update" in str(run.error)


async def test_an_old_database_can_be_allowed(house: House, registry: StandInRegistry) -> None:
    """Of any age."""
    write_database(house.cache, ADVISORIES, built=datetime(2026, 1, 1, tzinfo=UTC), providers=["nvd"])
    assert FOUND == found(await house.scan(registry, IMAGE, max_database_age=0))


async def test_a_database_comes_from_a_mirror(house: House, registry: StandInRegistry) -> None:
    """It is downloaded before the first scan, and not again for the next one; an older one is replaced."""
    path = house.cache / "6" / "vulnerability.db"
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.add(path, path.name)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    listing = {
        "status": "active",
        "schemaVersion": "v6.1.10",
        "built": now,
        "path": "database.tar.gz",
        "checksum": digest_of(stream.getvalue()),
    }
    write_database(house.cache, (), providers=["debian"], built=datetime(2026, 1, 1, tzinfo=UTC))
    registry.push("team/app", "1", IMAGE)
    server = ScriptedServer()
    server.script("/databases/v6/latest.json", listing)
    server.script("/databases/v6/database.tar.gz*", Reply(stream.getvalue(), content_type="application/gzip"))
    with serving(server):
        async with house.engine(registry, skip_update="false", database_url=f"{server.url}/databases") as engine:
            for _ in range(2):
                (run,) = (await engine.scan(registry.reference("team/app", "1"))).results
                assert FOUND == found(run), run.error
    asked = [
        request.path.partition("?")[0].rpartition("/")[2] for request in server.requests if request.method == "GET"
    ]
    assert (1, "database.tar.gz") == (asked.count("latest.json"), asked[-1])


@pytest.mark.parametrize("form", ["oci", "docker"])
async def test_a_local_image(house: House, tmp_path: Path, form: str) -> None:
    """It is scanned where it lies, with the digests of its own layers."""
    if form == "oci":
        write_oci_layout(tmp_path / "image", IMAGE)
        name = f"oci:{tmp_path}/image"
    else:
        write_docker_archive(tmp_path / "image.tar", {"team/app:1": IMAGE})
        name = f"docker-archive:{tmp_path}/image.tar"
    async with house.engine() as engine:
        (run,) = (await engine.scan(name)).results
    assert (Outcome.OK, FOUND) == (run.outcome, found(run)), run.error
    assert run.report is not None
    digests = {one.digest for one in IMAGE.layers} | {digest_of(b"")}
    assert form == "docker" or all(one.layer in digests for one in run.report.findings)
