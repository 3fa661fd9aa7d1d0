"""Ecosystems that a server does not have: nothing is known of their packages, and nothing found means nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from portus_scanner_osv import OsvScanner, OsvSettings
from portus_scanner_osv.ecosystems import are_had, is_listed
from portus_scanners import Image, Reference, ScannerReport, UnsupportedImageError
from portus_scanners_testing import RecordingContext
from standins.osv import StandInOsv, cyclonedx, record

IMAGE = Image(reference=Reference.parse("registry.example/team/app:1"), digest="sha256:" + "a" * 64)
BASH = "pkg:deb/debian/bash@5.2-1?distro=debian-{}&upstream=bash"
JINJA, LEFT_PAD = "pkg:pypi/jinja2@2.4.0", "pkg:npm/left-pad@1.3.0"
Scan = Callable[..., Awaitable[ScannerReport]]


@pytest.fixture
async def osv() -> AsyncIterator[StandInOsv]:
    """A mirror that has Debian 12 and PyPI."""
    async with StandInOsv() as osv:
        osv.known["Debian:12 openssl"] = [record("CVE-2099-0001")]
        osv.known[JINJA] = [record("PYSEC-1", package="jinja2", ecosystem="PyPI")]
        yield osv


@pytest.fixture
def scan(osv: StandInOsv, tmp_path: Path) -> Scan:
    """``await scan(purl, ..., ecosystems=...)`` scans an image whose SBOM has these packages."""

    async def run(*purls: str, ecosystems: tuple[str, ...] = ()) -> ScannerReport:
        (tmp_path / "sbom.json").write_text(json.dumps(cyclonedx(*purls)))
        settings = OsvSettings(server=osv.url, sbom=f"{tmp_path}/sbom.json", ecosystems=ecosystems)
        async with RecordingContext() as context:
            return await OsvScanner(settings, context).scan(IMAGE)

    return run


async def test_a_release_that_the_server_has_is_clean_when_nothing_is_found(scan: Scan, osv: StandInOsv) -> None:
    """One more query, about a package that every release has had vulnerabilities in, shows that it is there."""
    report = await scan(BASH.format(12))
    assert ((), True, ()) == (report.findings, report.complete, report.notes)
    assert {"package": {"ecosystem": "Debian:12", "name": "openssl"}, "version": "0"} == osv.queries[-1][0]


async def test_a_release_that_the_server_does_not_have_is_unsupported(scan: Scan) -> None:
    """It answers as if the release had no vulnerabilities: not even in that package."""
    with pytest.raises(UnsupportedImageError, match="has no data for Debian:99"):
        await scan(BASH.format(99))


async def test_one_of_several_is_incomplete(scan: Scan) -> None:
    """The findings of the others are reported, and a note says what was not looked at."""
    report = await scan(BASH.format(99), JINJA)
    assert (["PYSEC-1"], False) == ([one.id for one in report.findings], report.complete)
    assert "has no data for Debian:99" in report.notes[0]


async def test_an_ecosystem_that_the_server_rejects(scan: Scan, osv: StandInOsv) -> None:
    """Alone it is unsupported; beside others, these are asked about again without it."""
    osv.unknown = {"npm"}
    with pytest.raises(UnsupportedImageError, match="has no data for npm"):
        await scan(LEFT_PAD)
    report = await scan(LEFT_PAD, JINJA, BASH.format(12))
    assert (["PYSEC-1"], False) == ([one.id for one in report.findings], report.complete)
    assert "has no data for npm" in report.notes[0]


async def test_a_mirror_without_pypi_is_healthy(osv: StandInOsv) -> None:
    """It answers, and that is what is asked."""
    osv.unknown = {"pypi"}
    async with RecordingContext() as context:
        assert (await OsvScanner(OsvSettings(server=osv.url), context).check_health()).healthy


async def test_a_mirror_that_may_lack_a_language_is_incomplete(scan: Scan) -> None:
    """Nothing found may mean that it has no npm: the note says which setting tells it."""
    report = await scan(LEFT_PAD, JINJA)
    assert (1, False) == (len(report.findings), report.complete)
    assert [True, True, False] == [word in report.notes[0] for word in ("npm", "ecosystems", "PyPI")]


async def test_what_is_listed_is_had(scan: Scan, osv: StandInOsv) -> None:
    """With the setting nothing has to be concluded, and a release that is listed needs no query."""
    report = await scan(LEFT_PAD, BASH.format(12), ecosystems=("npm", "Debian"))
    assert ((), True, 1) == (report.findings, report.complete, len(osv.queries))


async def test_what_is_not_listed_is_not_asked_about(scan: Scan, osv: StandInOsv) -> None:
    """Names of packages do not go to a server that has nothing on them."""
    with pytest.raises(UnsupportedImageError, match="no package that OSV"):
        await scan(LEFT_PAD, ecosystems=("PyPI", "Debian:12"))
    assert [] == osv.queries
    report = await scan(BASH.format(13), JINJA, ecosystems=("PyPI", "Debian:12"))
    assert (1, False) == (len(report.findings), report.complete)
    assert report.notes[0].endswith(": 1 Debian:13")


@pytest.mark.parametrize(
    ("ecosystem", "listed", "expected"),
    [
        ("Debian:12", ["Debian"], True),
        ("Debian:12", ["debian:12 "], True),
        ("Debian:12", ["Debian:13", "PyPI"], False),
        ("Ubuntu:22.04:LTS", ["Ubuntu:22.04"], True),
        ("PyPI", ["pypi"], True),
        ("PyPI", ["npm"], False),
    ],
)
def test_a_listed_ecosystem_has_its_releases(ecosystem: str, listed: list[str], expected: bool) -> None:
    """A distribution's name stands for all releases, and case does not matter."""
    assert expected == is_listed(ecosystem, listed)


def test_the_public_server_has_every_language() -> None:
    """And nobody knows which releases of distributions."""
    assert (True, False) == (are_had("npm", OsvSettings()), are_had("Debian:12", OsvSettings()))
    assert not are_had("npm", OsvSettings(server="https://osv.example"))


def test_a_word_that_is_no_ecosystem_is_rejected() -> None:
    """A slip of the pen would make everything else unsupported; the message lists the right words."""
    with pytest.raises(ValueError, match=r"'PyPy', which is not an ecosystem that is asked about.* PyPI"):
        OsvSettings(ecosystems=("npm", "PyPy"))
