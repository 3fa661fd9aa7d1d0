"""Package URLs: what is read, which mean one package, and which follow from a package."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from packageurl import PackageURL
from portus_scanners.merge import PackageUrl, read_purl


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


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("pkg:deb/debian/openssl@3?distro=debian-12", "debian:12"),
        ("pkg:deb/debian/openssl@3?distro=12", "debian:12"),
        ("pkg:deb/openssl@3", ""),
        ("pkg:npm/openssl@3?distro=debian-12", ""),
    ],
)
def test_the_release_of_the_distribution(text: str, release: str) -> None:
    """It is read with its name or without; nothing is made up for a package that names none, or is of none."""
    assert release == PackageUrl.parse(text).release


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
