"""What a database has advisories for: the buckets of its file, and what they mean for an image."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from portus_scanner_trivy.bolt import NotBoltError, read_buckets
from portus_scanner_trivy.coverage import AdvisoryCoverage
from portus_scanner_trivy.wire import InstalledPackage, OperatingSystem, Result, Vulnerability
from standins.trivy import Advisory, write_database

PACKAGES = (InstalledPackage(Name="a"),)


def written(folder: Path, *platforms: str) -> Path:
    """Return the file of a database with advisories for these."""
    write_database(folder, [Advisory(id="CVE-2099-0001", package="zsh", platform=one) for one in platforms])
    return folder / "db" / "trivy.db"


def test_buckets_of_one_page_and_of_many(tmp_path: Path) -> None:
    """All names are read, also where the root has pages of its own below it."""
    many = [f"debian {number:0100}" for number in range(500)]
    for platforms in (["debian 12", "alpine 3.19"], many):
        assert set(platforms) <= read_buckets(written(tmp_path / str(len(platforms)), *platforms))


@pytest.mark.parametrize("spoil", ["empty", "text", "cut", "loop", "far"])
def test_what_is_no_database(tmp_path: Path, spoil: str) -> None:
    """It is an error of its own, and no reading ends in a loop."""
    path = written(tmp_path, *[f"debian {number:0100}" for number in range(500)])
    content = bytearray(path.read_bytes())
    root = max(struct.unpack_from("<Q", content, place + 32)[0] for place in (0, 4096))
    struct.pack_into("<Q", content, root * 4096 + 16 + 8, root)  # the first child of the root is the root
    far = bytearray(content)
    for place in (0, 4096):  # the root's page is further on than any file goes
        struct.pack_into("<Q", far, place + 32, 2**63)
    spoilt = {"empty": b"", "text": b"no database" * 999, "cut": content[:8192], "loop": content, "far": far}
    path.write_bytes(spoilt[spoil])
    with pytest.raises(NotBoltError):
        read_buckets(path)


@pytest.mark.parametrize(
    ("family", "name", "bucket"),
    [
        ("debian", "12.5", "debian 12"),
        ("ubuntu", "22.04", "ubuntu 22.04"),
        ("ubuntu", "16.04", "ubuntu 16.04-ESM"),
        ("alpine", "3.19.1", "alpine 3.19"),
        ("alpine", "3.21.0_alpha20240606", "alpine edge"),
        ("amazon", "2 (Karoo)", "amazon linux 2"),
        ("amazon", "2018.03", "amazon linux 1"),
        ("amazon", "AMI release 2018.03", "amazon linux 1"),
        ("amazon", "2023.3.20240312 (Amazon Linux)", "amazon linux 2023"),
        ("redhat", "8.9", "Red Hat"),
        ("centos", "7.9.2009", "Red Hat"),
        ("oracle", "8.9", "Oracle Linux 8"),
        ("sles", "15.4", "SUSE Linux Enterprise 15.4"),
        ("opensuse-leap", "15.5", "openSUSE Leap 15.5"),
        ("opensuse-tumbleweed", "20240101", "openSUSE Tumbleweed"),
        ("photon", "4.0", "Photon OS 4.0"),
        ("cbl-mariner", "2.0.20240117", "CBL-Mariner 2.0"),
        ("azurelinux", "3.0", "Azure Linux 3.0"),
        ("wolfi", "20230201", "wolfi"),
        ("of tomorrow", "7.1", "of tomorrow 7"),
    ],
)
def test_what_trivy_calls_a_release(family: str, name: str, bucket: str) -> None:
    """Its advisories are looked for under one name: with that alone it is covered, without it alone it is not."""
    system, result = OperatingSystem(Family=family, Name=name), Result(Class="os-pkgs", Type=family, Packages=PACKAGES)
    others = {"debian 13", "alpine 3.2", "ubuntu 2", "amazon linux 3", "SUSE Linux Enterprise 15", "photon 4", "npm::x"}
    assert AdvisoryCoverage((), False) == AdvisoryCoverage.of(system, [result], {bucket, *others})
    assert AdvisoryCoverage.of(system, [result], others).is_missing


def test_types_of_packages_are_served_by_ecosystems() -> None:
    """A type by its ecosystem's advisories, one that has a vulnerability by that, and conda's by none."""
    found = Result(Class="lang-pkgs", Type="gobinary", Packages=PACKAGES, Vulnerabilities=(Vulnerability(),))
    kinds = ("node-pkg", "jar", "conda-pkg", "rustbinary")
    results = [found, *(Result(Class="lang-pkgs", Type=kind, Packages=PACKAGES) for kind in kinds)]
    coverage = AdvisoryCoverage.of(None, results, {"npm::GitHub Security Advisory npm", "maven::x", "cargo::x"})
    assert (("packages of the type conda-pkg",), False) == (coverage.uncovered, coverage.is_missing)
    assert coverage == AdvisoryCoverage.of(None, results, None)
