"""Five scanners on one image: what each sees of it, and that the merge knows what they mean.

Clair v4, Trivy and Grype are the real ones. Their databases say the same of the same packages, each in its own words,
and so do those of the stand-ins of Clair v2 and OSV.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from attrs import frozen
from portus_scanners import Engine, ImageReport, Settings
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import BuiltImage, alpine_image, layer, make_artifact, make_image
from standins.clair import StandInClair
from standins.clair_v4 import (
    ALPINE as CLAIR_ALPINE,
    DEBIAN as CLAIR_DEBIAN,
    GO,
    MAVEN,
    PYPI,
    REDHAT as CLAIR_REDHAT,
    Advisory as ClairAdvisory,
    RealClair,
    readable_debian,
    ubi_with_manifest,
)
from standins.grype import Advisory as GrypeAdvisory, System, write_database as write_grype_database
from standins.installed import go_binary, jar, npm_files, program_layer, python_files
from standins.osv import StandInOsv, cyclonedx, record
from standins.trivy import Advisory as TrivyAdvisory, write_database, write_java_database

pytestmark = [
    pytest.mark.real_clair,
    pytest.mark.real_grype,
    pytest.mark.real_trivy,
    pytest.mark.xdist_group("postgresql"),
]


@frozen(kw_only=True)
class Hole:
    """A vulnerability of one package, as the five databases have it.

    Attributes:
        cve: Its CVE.
        package: The package; of a distribution, the one that it was built from.
        fixed: The version that fixes it.
        clair: Clair's namespace; empty where Clair does not look for such packages.
        clair_v4: Clair v4's updater, and its distribution or repository; empty for what Clair 4 does not look for.
        osv: OSV's ecosystem, and how it is asked for; empty for what it does not have.
        trivy: Trivy's platform, and the package if it is another one there.
        grype: Grype's system, ecosystem and provider.
        ghsa: GitHub's name, which Grype has; Trivy has the CVE.
    """

    cve: str
    package: str
    fixed: str
    clair: str = ""
    clair_v4: tuple[str, Mapping[str, str]] | None = None
    osv: tuple[str, str] | None = None
    trivy: tuple[str, str]
    grype: tuple[System | None, str, str]
    ghsa: str = ""


PURLS = (
    "pkg:npm/left-pad@1.3.0",
    "pkg:pypi/jinja2@2.4.0",
    "pkg:golang/golang.org/x/net@0.1.0",
    "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.0",
)
DEBIAN, ALPINE, REDHAT = System("debian", "12", "bookworm"), System("alpine", "3.19"), System("rhel", "8")
HOLES = (
    Hole(
        cve="CVE-2099-0001",
        package="glibc",
        fixed="2.36-10",
        clair="debian:12",
        clair_v4=("debian/updater", CLAIR_DEBIAN),
        osv=("Debian:12", "Debian:12 glibc"),
        trivy=("debian 12", ""),
        grype=(DEBIAN, "deb", "debian"),
    ),
    Hole(
        cve="CVE-2099-0002",
        package="openssl",
        fixed="3.1.5-r0",
        clair="alpine:v3.19",
        clair_v4=("alpine-main-v3.19-updater", CLAIR_ALPINE),
        osv=("Alpine:v3.19", "Alpine:v3.19 openssl"),
        trivy=("alpine 3.19", ""),
        grype=(ALPINE, "apk", "alpine"),
    ),
    Hole(
        cve="CVE-2099-0003",
        package="openssl",
        fixed="1.1.1k-12.el8",
        clair_v4=("rhel-vex", CLAIR_REDHAT),
        trivy=("Red Hat", "openssl-libs"),
        grype=(REDHAT, "rpm", "rhel"),
    ),
    *(
        Hole(
            cve=f"CVE-2099-001{number}",
            package=package,
            fixed=fixed,
            clair_v4=(f"osv/{updater['name']}", updater) if updater else None,
            osv=(osv, purl),
            trivy=(f"{platform}::GitHub Security Advisory {platform}", ""),
            grype=(None, ecosystem, "github"),
            ghsa=f"GHSA-aaaa-bbbb-cc1{number}",
        )
        for number, ((platform, ecosystem, package, fixed), updater, osv, purl) in enumerate(
            zip(
                [
                    ("npm", "npm", "left-pad", "1.3.1"),
                    ("pip", "python", "jinja2", "2.4.1"),
                    ("go", "go-module", "golang.org/x/net", "0.7.0"),
                    ("maven", "java-archive", "org.apache.logging.log4j:log4j-core", "2.15.0"),
                ],
                [None, PYPI, GO, MAVEN],
                ["npm", "PyPI", "Go", "Maven"],
                PURLS,
                strict=True,
            )
        )
    ),
)
LANGUAGES = make_image(
    layer({**npm_files("left-pad", "1.3.0"), **python_files("jinja2", "2.4.0")}),
    program_layer("app/service", go_binary({"golang.org/x/net": "v0.1.0"})),
    layer({"app/lib/log4j-core-2.14.0.jar": jar("org.apache.logging.log4j", "log4j-core", "2.14.0")}),
)
ALL, THREE = ("clair", "clair_v4", "grype", "osv", "trivy"), ("grype", "osv", "trivy")
"""The scanners that report a vulnerability, by name."""
SBOMS = {
    "debian": [f"pkg:deb/debian/{name}@2.36-9?distro=debian-12&upstream=glibc" for name in ("libc6", "libc-bin")],
    "alpine": [f"pkg:apk/alpine/{name}@3.1.4-r5?distro=3.19.1&upstream=openssl" for name in ("libcrypto3", "openssl")],
    "ubi": ["pkg:rpm/redhat/openssl-libs@1.1.1k-9.el8?distro=rhel-8.9"],
    "languages": list(PURLS),
}
"""The packages that OSV is asked about, by the image that their SBOM is attached to."""


IMAGES: Mapping[str, tuple[BuiltImage, Mapping[str, tuple[str, ...]], str]] = {
    "debian": (
        make_image(readable_debian({"bash": "5.2-1", ("libc6", "glibc"): "2.36-9", ("libc-bin", "glibc"): "2.36-9"})),
        {"CVE-2099-0001": ALL},
        "clair ok, clair_v4 ok, trivy ok, grype ok, osv ok",
    ),
    "alpine": (
        alpine_image({"musl": "1.2.4-r2", ("libcrypto3", "openssl"): "3.1.4-r5", "openssl": "3.1.4-r5"}),
        {"CVE-2099-0002": ALL},
        "clair ok, clair_v4 ok, trivy ok, grype ok, osv ok",
    ),
    "ubi": (
        make_image(ubi_with_manifest({("bash", "bash"): "4.4.20-4.el8", ("openssl-libs", "openssl"): "1.1.1k-9.el8"})),
        {"CVE-2099-0003": ("clair_v4", "grype", "trivy")},
        "clair unsupported, clair_v4 ok, trivy ok, grype ok, osv unsupported",
    ),
    "languages": (
        LANGUAGES,
        {"CVE-2099-0010": THREE} | {f"CVE-2099-001{number}": ("clair_v4", *THREE) for number in range(1, 4)},
        "clair unsupported, clair_v4 incomplete, trivy incomplete, grype incomplete, osv ok",
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


def _clair_advisories() -> Iterable[ClairAdvisory]:
    for hole in HOLES:
        if hole.clair_v4:
            updater, where = hole.clair_v4
            is_query = updater in {"osv/pypi", "osv/maven"}
            yield ClairAdvisory(
                updater=updater,
                name=hole.ghsa or hole.cve,
                package="openssl-libs" if updater == "rhel-vex" else hole.package,
                fixed=f"fixed={hole.fixed}" if is_query else hole.fixed,
                links=f"https://osv.dev/vulnerability/{hole.cve}" if hole.ghsa else "",
                distribution=where if "did" in where else None,
                repository=None if "did" in where else where,
                below=(0, 7, 0) if updater == "osv/go" else None,
                arches="x86_64" if updater == "rhel-vex" else "",
            )


def _osv_records() -> Iterable[tuple[str, dict[str, object]]]:
    for hole in HOLES:
        if hole.osv:
            ecosystem, key = hole.osv
            aliases = [hole.cve] if hole.ghsa else []
            yield key, {**record(hole.ghsa or hole.cve, package=hole.package, ecosystem=ecosystem), "aliases": aliases}


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


async def scan(
    registry: StandInRegistry, name: str, programs: dict[str, object], make_clair: Callable[[], RealClair]
) -> ImageReport:
    """Scan an image with all five."""
    image, sbom = IMAGES[name][0], json.dumps(cyclonedx(*SBOMS[name])).encode()
    registry.referrers = True
    registry.push("team/app", "1", image)
    registry.push("team/app", "", make_artifact(image, "application/vnd.cyclonedx+json", sbom))
    async with AsyncExitStack() as stack:
        clair, osv = await stack.enter_async_context(StandInClair()), await stack.enter_async_context(StandInOsv())
        clair_v4 = await stack.enter_async_context(make_clair())
        for hole in HOLES:
            if hole.clair:
                clair.add_vulnerability(hole.clair, hole.cve, "High", fixed_in={hole.package: hole.fixed})
        await clair_v4.update(*_clair_advisories())
        osv.known |= {key: [found] for key, found in _osv_records()}
        sections = {
            "clair": {"server": clair.url},
            "clair_v4": {"server": clair_v4.url},
            **programs,
            "osv": {"server": osv.url, "enabled": True},
        }
        async with Engine(Settings.from_mapping({"security": sections})) as engine:
            return await engine.scan(registry.reference("team/app", "1"))


@pytest.mark.parametrize("name", IMAGES)
async def test_what_each_saw_is_one(
    registry: StandInRegistry,
    scanners: dict[str, object],
    real_clair: Callable[..., RealClair],
    tmp_path: Path,
    name: str,
) -> None:
    """Each vulnerability comes once, with everybody who reports it, whatever they call it and its package."""
    _, expected, outcomes = IMAGES[name]
    report = await scan(registry, name, scanners, lambda: real_clair(tmp_path))
    assert outcomes == ", ".join(f"{run.scanner} {run.outcome.value}" for run in report.results), report.results
    assert expected == {one.id: tuple(sorted(one.scanners)) for one in report.vulnerabilities}
    page = (Path(__file__).parents[2] / "docs/reference/merging.md").read_text()
    assert [] == [row for row in rows_of(name, report) if row not in page]


def rows_of(name: str, report: ImageReport) -> Iterable[str]:
    """Yield the rows of the page's table: what each scanner calls what it found."""
    for run in report.results:
        findings = sorted(run.report.findings if run.report else (), key=lambda one: (one.id, one.package.name))
        called = [f"`{one.id}` {one.package.name} ({one.package.namespace})" for one in findings]
        yield f"| {name} | {run.scanner} | {run.outcome.value} | {', '.join(called) or '-'} |\n"
