"""Package URLs: what is read, which mean one package, and which follow from a package."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from packageurl import PackageURL
from portus_scanners import Package
from portus_scanners.merge import PackageUrl, derive_purl, read_purl


@pytest.mark.parametrize(
    ("text", "coordinates", "version"),
    [
        ("pkg:deb/debian/openssl@3.0.1-1?arch=amd64", ("deb", "debian", "openssl"), "3.0.1-1"),
        ("PKG://DEB/Debian/openssl", ("deb", "debian", "openssl"), ""),
        ("pkg:deb/debian/login@1%3A4.8.1-1", ("deb", "debian", "login"), "1:4.8.1-1"),
        ("pkg:rpm/redhat/bash@4.2-1.el7?epoch=1", ("rpm", "redhat", "bash"), "1:4.2-1.el7"),
        ("pkg:rpm/redhat/bash@1:4.2-1.el7?epoch=1", ("rpm", "redhat", "bash"), "1:4.2-1.el7"),
        ("pkg:rpm/redhat/bash@4.2-1.el7?epoch=0", ("rpm", "redhat", "bash"), "4.2-1.el7"),
        ("pkg:rpm/almalinux/bash@5", ("rpm", "alma", "bash"), "5"),
        ("pkg:rpm/ol/bash@5", ("rpm", "oracle", "bash"), "5"),
        ("pkg:rpm/sles/bash@5", ("rpm", "suse", "bash"), "5"),
        ("pkg:rpm/opensuse-leap/bash@5", ("rpm", "opensuse", "bash"), "5"),
        ("pkg:alpine/alpine/musl@1.2", ("apk", "alpine", "musl"), "1.2"),
        ("pkg:pypi/Zope_Interface.x@1", ("pypi", "", "zope-interface-x"), "1"),
        ("pkg:npm/%40scope/Name@1", ("npm", "@scope", "name"), "1"),
        ("pkg:npm/@scope/name@1", ("npm", "@scope", "name"), "1"),
        ("pkg:npm/@scope/name", ("npm", "@scope", "name"), ""),
        ("pkg:golang/github.com/BurntSushi/toml@v1.0", ("golang", "github.com/BurntSushi", "toml"), "1.0"),
        ("pkg:maven/org.example/a@1/2", ("maven", "org.example", "a"), "1/2"),
        ("pkg:dotnet/Newtonsoft.Json@13", ("nuget", "", "newtonsoft.json"), "13"),
        ("pkg:dart/http@1", ("pub", "", "http"), "1"),
        ("pkg:cargo/foo_bar@1+x%2By", ("cargo", "", "foo_bar"), "1+x+y"),
    ],
)
def test_what_is_read(text: str, coordinates: tuple[str, str, str], version: str) -> None:
    """Scheme and type in any case, escapes, scopes that are not escaped, epochs; all in one spelling."""
    purl = PackageUrl.parse(text)
    assert (coordinates, version) == (purl.coordinates, purl.version)


@pytest.mark.parametrize(
    "text",
    ["", "openssl", "pkg:", "pkg:deb", "pkg:deb/", "pkg:deb/debian/@1", "npm:x", "pkg:9/x", "pkg:d b/x", "a" * 99],
)
def test_what_is_not_one(text: str) -> None:
    """A string of another form is not a package URL, and neither is a very long one."""
    assert (None, None) == (read_purl(text), read_purl(f"pkg:deb/debian/{'a' * 3000}"))


def test_a_string_that_is_not_one_is_said() -> None:
    """The error shows how one looks."""
    with pytest.raises(ValueError, match="'openssl' is not a package URL such as pkg:deb/debian/openssl"):
        PackageUrl.parse("openssl")


@given(st.text(max_size=60) | st.text("pkg:/@?#&=%2aé\0 .").map("pkg:deb/".__add__))
def test_any_string_is_read_or_rejected(text: str) -> None:
    """Hostile strings raise nothing."""
    purl = read_purl(text)
    assert purl is None or purl.name


@given(
    st.sampled_from(["deb", "npm", "pypi", "golang", "maven", "generic"]),
    st.lists(st.text("aB.-_~%é@", min_size=1, max_size=6), min_size=0, max_size=2),
    st.text("aBc0._-+", min_size=1, max_size=8).filter(lambda text: text.strip(".") != ""),
    st.text("0123456789.:+~-a", max_size=8),
)
def test_as_the_reference_reads_it(kind: str, namespace: list[str], name: str, version: str) -> None:
    """What packageurl-python writes is read back as it was: the same type, namespace, name and version."""
    text = PackageURL(kind, "/".join(namespace) or None, name, version or None).to_string()
    reference, purl = PackageURL.from_string(text), PackageUrl.parse(text)
    assert reference.type == purl.type
    if kind == "generic":
        assert ((reference.namespace or "").strip("/"), reference.name) == (purl.namespace, purl.name)
        assert (reference.version or "").strip() == purl.version


DEB = "pkg:deb/debian/libssl3@3.0.19-1~deb12u2"


@pytest.mark.parametrize(
    ("rule", "found", "difference"),
    [
        (DEB, f"{DEB}?arch=amd64&distro=debian-12.13", ""),
        (f"{DEB}?distro=debian-12", f"{DEB}?arch=amd64&distro=debian-12.13", ""),
        (f"{DEB}?distro=bookworm", f"{DEB}?distro=debian-12.13", ""),
        (f"{DEB}?distro=debian-11", f"{DEB}?distro=debian-12.13", "distro debian-12.13, not debian-11"),
        (f"{DEB}?distro=debian-12", DEB, "distro debian, not debian-12"),
        (f"{DEB}?arch=arm64", f"{DEB}?arch=amd64", "arch amd64, not arm64"),
        (f"{DEB}?arch=arm64", DEB, "arch not said, not arm64"),
        (f"{DEB}?upstream=openssl&package-id=a", DEB, ""),
        ("pkg:deb/debian/libssl3@3", DEB, "version 3.0.19-1~deb12u2, not 3"),
        ("pkg:rpm/redhat/a@1-1?epoch=1", "pkg:rpm/redhat/a@1:1-1", ""),
        ("pkg:rpm/redhat/a@1-1", "pkg:rpm/redhat/a@1-1?epoch=2", "version 2:1-1, not 1-1"),
        ("pkg:apk/alpine/a?distro=alpine-3.19", "pkg:apk/alpine/a@1?distro=3.19.1", ""),
        ("pkg:rpm/suse/a", "pkg:rpm/sles/a@1", ""),
        ("pkg:rpm/sles/a", "pkg:rpm/suse/a@1?distro=sles-15.5", ""),
        ("pkg:rpm/sles/a", "pkg:rpm/suse/a@1?distro=slem-5.4", "distro slem-5.4, not sles"),
        ("pkg:rpm/opensuse-leap/a", "pkg:rpm/opensuse/a@1?distro=opensuse-tumbleweed-20240101", "distro opensuse-t"),
        ("pkg:golang/a/b#sub", "pkg:golang/a/b@1", "subpath not said, not sub"),
    ],
)
def test_the_same_coordinates(rule: str, found: str, difference: str) -> None:
    """A package URL covers one of the same package: version, release, architecture and subpath count if it has them."""
    one, other = PackageUrl.parse(rule), PackageUrl.parse(found)
    assert one.coordinates == other.coordinates
    assert (not difference, True) == (one.covers(other), one.difference(other).startswith(difference))


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("pkg:rpm/redhat/bash", "pkg:rpm/centos/bash@1"),
        ("pkg:maven/log4j-core", "pkg:maven/org.apache.logging.log4j/log4j-core@2"),
        ("pkg:golang/github.com/burntsushi/toml", "pkg:golang/github.com/BurntSushi/toml@1"),
        ("pkg:deb/ubuntu/bash", "pkg:deb/debian/bash@1"),
    ],
)
def test_other_coordinates(rule: str, found: str) -> None:
    """CentOS is not Red Hat here, an artifact without its group is another one, and Go's names are exact."""
    assert not PackageUrl.parse(rule).covers(PackageUrl.parse(found))


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
    purl = derive_purl(package)
    assert expected == (purl and (purl.type, purl.namespace, purl.name, purl.qualifiers))
