"""Package URLs: given ones, and certain ones."""

from __future__ import annotations

import pytest
from attrs import evolve
from portus_scan.formats.cyclonedx.bom import derive_purl, purl_of, read_purl
from portus_scanners import Outcome, Package

from ..documents import make_finding, make_report, make_run

LIBC = Package("libc6", "2.36-9", "debian:12")


def purl(package: Package, *purls: str, sources: tuple[Package, ...] = ()) -> str:
    """Return the package URL of a package that one finding names."""
    (found,) = make_report(make_run("trivy", Outcome.OK, make_finding(package=package))).vulnerabilities
    return str(purl_of(package, evolve(found, purls=purls, source_packages=sources)) or "")


def test_given() -> None:
    """What a scanner gives for this name and version is taken, and nothing that it gives for another."""
    given = "pkg:deb/debian/libc6@2.36-9?arch=amd64"
    assert given == purl(LIBC, "pkg:deb/debian/libc6@2.36-10", given)
    assert "" == purl(LIBC, "pkg:deb/debian/libc6@2.36-10", "pkg:deb/debian/libc-bin@2.36-9")


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        (Package("lodash", "4.17.20", "npm"), "pkg:npm/lodash@4.17.20"),
        (Package("@angular/core", "1.0", "npm"), "pkg:npm/%40angular/core@1.0"),
        (Package("Django", "3.2", "pypi"), "pkg:pypi/django@3.2"),
        (Package("openssl", "1.0.2h", "debian:8"), ""),
        (Package("bash", "4.4-1", "opensuse:42.3"), ""),
        (Package("a b", "1", "npm"), ""),
        (Package("name", "1", "maven"), ""),
        (Package("", "", "npm"), ""),
    ],
)
def test_derived(package: Package, expected: str) -> None:
    """One is made of a package only where it is certain: a distribution's may be a source package."""
    assert expected == purl(package)


def test_binary_package() -> None:
    """A distribution's package is certain where a scanner says from which other one it was built."""
    source = (Package("glibc", "2.36-9"),)
    assert "pkg:deb/debian/libc6@2.36-9?distro=debian-12" == purl(LIBC, sources=source)
    assert "" == purl(Package("glibc", "2.36-9", "debian:12"), sources=source)


@pytest.mark.parametrize("text", ["", "x", "pkg:npm", "pkg:npm/\u202ex@1", "pkg:npm/a b@1", f"pkg:npm/{'x' * 1000}@1"])
def test_no_purl(text: str) -> None:
    """What is none, too long, or has strange characters counts as not given."""
    assert read_purl(text) is None


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        (Package("Foo_Bar", "1", "python-pkg"), ("pypi", "", "foo-bar", ())),
        (Package("@scope/name", "1", "node-pkg"), ("npm", "@scope", "name", ())),
        (Package("github.com/BurntSushi/toml", "1", "gobinary"), ("golang", "github.com/BurntSushi", "toml", ())),
        (Package("org.example:a", "1", "jar"), ("maven", "org.example", "a", ())),
        (Package("symfony/http-kernel", "1", "php-composer"), ("composer", "symfony", "http-kernel", ())),
        (Package("bash", "5", "debian:12.5"), ("deb", "debian", "bash", (("distro", "debian-12.5"),))),
        (Package("musl", "5", "alpine:v3.19"), ("apk", "alpine", "musl", (("distro", "alpine-3.19"),))),
        (Package("a", "1", "java-archive"), None),
        (Package("bash", "5", "debian:unstable"), None),
        (Package("bash", "5", "rhel:8"), None),
        (Package("", "1", "npm"), None),
        (Package("a", "1", "acme"), None),
    ],
)
def test_what_follows_from_a_package(package: Package, expected: tuple[object, ...] | None) -> None:
    """A package URL is made where namespace and name leave no doubt; an artifact without its group leaves one."""
    found = derive_purl(package)
    assert expected == (found and (found.type, found.namespace, found.name, found.qualifiers))
