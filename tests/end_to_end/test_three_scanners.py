"""Clair, Trivy and Grype on one image: what each sees of it, and that the merge knows what they mean.

Trivy and Grype are the real ones. Their databases say the same of the same packages, each in its own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from attrs import frozen
from portus_scanners import Engine, ImageReport, Settings
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import BuiltImage, LayerBlob, alpine_image, debian_image, layer, make_image
from standins.clair import StandInClair
from standins.grype import Advisory as GrypeAdvisory, System, write_database as write_grype_database
from standins.installed import go_binary, jar, npm_files, program_layer, python_files, ubi_files
from standins.trivy import Advisory as TrivyAdvisory, write_database, write_java_database

pytestmark = [pytest.mark.real_grype, pytest.mark.real_trivy]


@frozen(kw_only=True)
class Hole:
    """A vulnerability of one package, as the three databases have it.

    Attributes:
        cve: Its CVE.
        package: The package; of a distribution, the one that it was built from.
        fixed: The version that fixes it.
        clair: Clair's namespace; empty where Clair does not look for such packages.
        trivy: Trivy's platform, and the package if it is another one there.
        grype: Grype's system, ecosystem and provider.
        ghsa: GitHub's name, which Grype has; Trivy has the CVE.
    """

    cve: str
    package: str
    fixed: str
    clair: str = ""
    trivy: tuple[str, str]
    grype: tuple[System | None, str, str]
    ghsa: str = ""


DEBIAN, ALPINE, REDHAT = System("debian", "12", "bookworm"), System("alpine", "3.19"), System("rhel", "8")
HOLES = (
    Hole(
        cve="CVE-2099-0001",
        package="glibc",
        fixed="2.36-10",
        clair="debian:12",
        trivy=("debian 12", ""),
        grype=(DEBIAN, "deb", "debian"),
    ),
    Hole(
        cve="CVE-2099-0002",
        package="openssl",
        fixed="3.1.5-r0",
        clair="alpine:v3.19",
        trivy=("alpine 3.19", ""),
        grype=(ALPINE, "apk", "alpine"),
    ),
    Hole(
        cve="CVE-2099-0003",
        package="openssl",
        fixed="1.1.1k-12.el8",
        trivy=("Red Hat", "openssl-libs"),
        grype=(REDHAT, "rpm", "rhel"),
    ),
    *(
        Hole(
            cve=f"CVE-2099-001{number}",
            package=package,
            fixed=fixed,
            trivy=(f"{platform}::GitHub Security Advisory {platform}", ""),
            grype=(None, ecosystem, "github"),
            ghsa=f"GHSA-aaaa-bbbb-cc1{number}",
        )
        for number, (platform, ecosystem, package, fixed) in enumerate(
            [
                ("npm", "npm", "left-pad", "1.3.1"),
                ("pip", "python", "jinja2", "2.4.1"),
                ("go", "go-module", "golang.org/x/net", "0.7.0"),
                ("maven", "java-archive", "org.apache.logging.log4j:log4j-core", "2.15.0"),
            ]
        )
    ),
)
LANGUAGES = make_image(
    layer({**npm_files("left-pad", "1.3.0"), **python_files("jinja2", "2.4.0")}),
    program_layer("app/service", go_binary({"golang.org/x/net": "v0.1.0"})),
    layer({"app/lib/log4j-core-2.14.0.jar": jar("org.apache.logging.log4j", "log4j-core", "2.14.0")}),
)
ALL, TWO = ("clair", "grype", "trivy"), ("grype", "trivy")
"""The scanners that report a vulnerability, by name."""


def _ubi() -> LayerBlob:
    return layer(ubi_files({("bash", "bash"): "4.4.20-4.el8", ("openssl-libs", "openssl"): "1.1.1k-9.el8"}))


IMAGES: Mapping[str, tuple[BuiltImage, Mapping[str, tuple[str, ...]], str]] = {
    "debian": (
        debian_image({"bash": "5.2-1", ("libc6", "glibc"): "2.36-9", ("libc-bin", "glibc"): "2.36-9"}),
        {"CVE-2099-0001": ALL},
        "clair ok, trivy ok, grype ok",
    ),
    "alpine": (
        alpine_image({"musl": "1.2.4-r2", ("libcrypto3", "openssl"): "3.1.4-r5", "openssl": "3.1.4-r5"}),
        {"CVE-2099-0002": ALL},
        "clair ok, trivy ok, grype ok",
    ),
    "ubi": (make_image(_ubi()), {"CVE-2099-0003": TWO}, "clair unsupported, trivy ok, grype ok"),
    "languages": (
        LANGUAGES,
        {f"CVE-2099-001{number}": TWO for number in range(4)},
        "clair unsupported, trivy incomplete, grype incomplete",
    ),
}


def _trivy_advisories() -> Iterable[TrivyAdvisory]:
    for hole in HOLES:
        platform, package = hole.trivy
        vendor = "RHSA-2099:0003" if platform == "Red Hat" else ""
        yield TrivyAdvisory(
            id=hole.cve, package=package or hole.package, platform=platform, fixed=hole.fixed, vendor_id=vendor
        )


def _grype_advisories() -> Iterable[GrypeAdvisory]:
    for hole in HOLES:
        system, ecosystem, provider = hole.grype
        yield GrypeAdvisory(
            id=hole.ghsa or hole.cve,
            package=hole.package,
            system=system,
            ecosystem=ecosystem,
            provider=provider,
            fixed=hole.fixed,
            state="fixed",
            aliases=(hole.cve,) if hole.ghsa else (),
        )


@pytest.fixture
def scanners(real_trivy: Path, real_grype: Path, tmp_path: Path) -> dict[str, object]:
    """The sections of the configuration for the two programs, whose databases say the same."""
    write_database(tmp_path / "trivy", _trivy_advisories())
    write_java_database(tmp_path / "trivy")
    write_grype_database(tmp_path / "grype", _grype_advisories(), providers=["nvd"])
    return {
        "trivy": {"enabled": True, "program": str(real_trivy), "cache": f"{tmp_path}/trivy", "offline": True},
        "grype": {"enabled": True, "program": str(real_grype), "cache": f"{tmp_path}/grype", "skip_update": True},
    }


async def scan(registry: StandInRegistry, image: BuiltImage, scanners: dict[str, object]) -> ImageReport:
    """Scan an image with all three."""
    registry.push("team/app", "1", image)
    async with StandInClair() as clair:
        for hole in HOLES:
            if hole.clair:
                clair.add_vulnerability(hole.clair, hole.cve, "High", fixed_in={hole.package: hole.fixed})
        settings = Settings.from_mapping({"security": {"clair": {"server": clair.url}, **scanners}})
        async with Engine(settings) as engine:
            return await engine.scan(registry.reference("team/app", "1"))


@pytest.mark.parametrize("name", IMAGES)
async def test_what_each_saw_is_one(registry: StandInRegistry, scanners: dict[str, object], name: str) -> None:
    """Each vulnerability comes once, with everybody who reports it, whatever they call it and its package."""
    image, expected, outcomes = IMAGES[name]
    report = await scan(registry, image, scanners)
    assert outcomes == ", ".join(f"{run.scanner} {run.outcome.value}" for run in report.results)
    assert expected == {one.id: tuple(sorted(one.scanners)) for one in report.vulnerabilities}
    page = (Path(__file__).parents[2] / "docs/reference/merging.md").read_text()
    assert [] == [row for row in rows_of(name, report) if row not in page]


def rows_of(name: str, report: ImageReport) -> Iterable[str]:
    """Yield the rows of the page's table: what each scanner calls what it found."""
    for run in report.results:
        findings = sorted(run.report.findings if run.report else (), key=lambda one: (one.id, one.package.name))
        called = [f"`{one.id}` {one.package.name} ({one.package.namespace})" for one in findings]
        yield f"| {name} | {run.scanner} | {run.outcome.value} | {', '.join(called) or '-'} |\n"
