"""What distributions, kinds of packages and their names are called: one word for each, and never one for two."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, strategies as st
from portus_scanners.merge import canonical_name, canonical_namespace, canonical_version, kind_of
from portus_scanners.merge.ecosystems import LONGEST_NAMESPACE

NAMESPACES = {
    "debian:12": ("debian:12.13", "Debian:12", "debian-12", "debian-12.13", "Debian GNU/Linux:12.5", "debian-bookworm"),
    "debian:11": ("debian:11.9", "Debian:11"),
    "debian:unstable": ("Debian:unstable",),
    "ubuntu:22.04": ("Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS", "ubuntu-22.04"),
    "ubuntu:22.10": (),
    "alpine:3.19": ("alpine:v3.19", "alpine:3.19.1", "Alpine:v3.19", "alpine-3.19.1"),
    "alpine:3.18": ("alpine:v3.18",),
    "alpine:edge": ("Alpine:edge",),
    "alpine:3.21.0_alpha20240606": (),
    "redhat:8": (
        *("rhel:8.9", "redhat:8.10", "enterprise:8", "Red Hat:enterprise_linux:8::baseos", "rhel-8"),
        *("Red Hat Enterprise Linux Server:8.9", "Red Hat Enterprise Linux 8.9 (Ootpa)"),
    ),
    "redhat:7": ("rhel:7.9", "redhat:7.2"),
    "centos:8": ("centos:8.4.2105", "stream:8", "centos-stream:8"),
    "centos:7": ("centos:7.9.2009",),
    "alma:9": ("alma:9.3", "almalinux:9.3", "AlmaLinux:9"),
    "rocky:9": ("rocky:9.1", "rockylinux:9.1", "Rocky Linux:9", "rocky-linux:9", "Rocky Linux 9.3 (Blue Onyx)"),
    "oracle:8": ("oracle:8.4", "ol:8.4", "oraclelinux:8.4", "ol-8.4", "Oracle Linux Server 8.9", "oracle-linux:8"),
    "fedora:39": ("Fedora:39", "Fedora Linux 39"),
    "amazon:2": ("amazon:2 (Karoo)", "amzn:2", "amazonlinux:2", "amazon-2 (Karoo)"),
    "amazon:2023": ("amazon:2023.5.20240708 (Amazon Linux)", "amzn:2023"),
    "amazon:2018": ("amazon:AMI release 2018.03", "amzn:2018.03", "Amazon Linux AMI 2018.03"),
    "opensuse-leap:15.5": ("opensuse.leap:15.5", "openSUSE:Leap 15.5", "opensuseleap:15.5", "opensuse-leap-15.5"),
    "opensuse-leap:15.4": ("opensuse:15.4",),
    "opensuse-leap:42.3": ("opensuse:42.3", "opensuse.leap:42.3"),
    "opensuse:13.2": (),
    "openeuler:24.03.0": ("openeuler:24.03", "openEuler:24.03-LTS", "openEuler:24.03 (LTS)"),
    "openeuler:24.03.1": ("openEuler:24.03-LTS-SP1", "openEuler:24.03 (LTS-SP1)"),
    "opensuse-tumbleweed": ("opensuse.tumbleweed:20240101", "openSUSE:Tumbleweed", "opensuse-tumbleweed:20240202"),
    "sles:15.5": (
        "SUSE:Linux Enterprise Server 15 SP5",
        "suse linux enterprise server:15.5",
        "sles-15.5",
        "sles:15-SP5",
        "sles_sap:15.5",
    ),
    "sles:15.0": ("sles:15", "SUSE:Linux Enterprise Server 15"),
    "slem:5.4": ("suse linux enterprise micro:5.4",),
    "photon:4": ("photon:4.0", "Photon OS:4.0"),
    "azurelinux:2": ("cbl-mariner:2.0.20220527", "mariner:2.0", "Azure Linux:2"),
    "azurelinux:3": ("azurelinux:3.0", "Azure Linux:3"),
    "wolfi": ("wolfi:20230201", "Wolfi", "wolfi:rolling"),
    "chainguard": ("chainguard:20230214", "Chainguard"),
    "arch": ("archlinux", "arch:rolling"),
    "pypi": ("python-pkg", "python", "PyPI", "pip", "pipenv", "poetry", "uv"),
    "npm": ("node-pkg", "npm", "yarn", "pnpm", "nodejs"),
    "maven": (
        "jar",
        "java-archive",
        "Maven",
        "pom",
        "gradle",
        "jenkins-plugin",
        "java",
        "Maven:https://maven.google.com",
    ),
    "githubactions": ("github-action", "GitHub Actions", "actions"),
    "hex": ("Hex", "erlang"),
    "golang": ("gobinary", "go-module", "Go", "gomod"),
    "gem": ("gemspec", "RubyGems", "bundler"),
    "cargo": ("rustbinary", "rust-crate", "crates.io", "rust-binary"),
    "composer": ("composer-vendor", "php-composer", "Packagist"),
    "nuget": ("dotnet-core", "dotnet", "NuGet", "packages-props"),
    "pub": ("dart-pub", "Pub"),
    "conan": ("ConanCenter",),
    "cocoapods": ("pod",),
    "acme:1.2": ("acme:1.2.3", "acme:v1.2"),
    "Something Else": (),
    "": (),
}
"""The one word for each, and others that mean the same."""


@pytest.mark.parametrize(
    ("word", "expected"), [(word, one) for one, words in NAMESPACES.items() for word in (one, *words)]
)
def test_one_word_for_each(word: str, expected: str) -> None:
    """Each word for a release or a kind of packages is read as the one that stands for all of them."""
    assert expected == canonical_namespace(word)


def test_what_differs_has_different_words() -> None:
    """No word means two things: neither two releases of one distribution nor two distributions."""
    read = [{canonical_namespace(word) for word in (one, *words)} for one, words in NAMESPACES.items()]
    assert [] == [(one, other) for one, other in combinations(read, 2) if one & other]


@given(st.text(max_size=40) | st.sampled_from(sorted(NAMESPACES)))
def test_reading_again_changes_nothing(namespace: str) -> None:
    """The one word for a namespace is its own one word, whatever anybody calls a distribution."""
    assert canonical_namespace(namespace) == canonical_namespace(canonical_namespace(namespace))


def test_a_long_word_stands_for_itself() -> None:
    """Hostile lengths are not read at all."""
    long = "debian:" + "1" * LONGEST_NAMESPACE
    assert long == canonical_namespace(long)


@pytest.mark.parametrize(
    ("namespace", "kind"),
    [
        ("rhel:8", "rpm"),
        ("Debian:12", "deb"),
        ("wolfi", "apk"),
        ("python", "pypi"),
        ("deb", "deb"),
        ("acme:1", ""),
        ("", ""),
    ],
)
def test_the_type_of_packages(namespace: str, kind: str) -> None:
    """A namespace says of which type its packages are in package URLs; one that is not known does not."""
    assert kind == kind_of(namespace).type


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("pypi", "Zope.Interface", "zope-interface"),
        ("pypi", "zope__-interface", "zope-interface"),
        ("pypi", "Requests[security,socks]", "requests"),
        ("npm", "JSONStream", "JSONStream"),
        ("npm", "@Scope/a_b", "@Scope/a_b"),
        ("golang", "github.com/BurntSushi/toml", "github.com/BurntSushi/toml"),
        ("maven", "log4j-core", "log4j-core"),
        ("nuget", "Newtonsoft.Json", "newtonsoft.json"),
        ("composer", "Symfony/Http-Kernel", "symfony/http-kernel"),
        ("gem", "Foo_bar", "Foo_bar"),
        ("cargo", "foo_bar", "foo_bar"),
        ("deb", "libFoo", "libFoo"),
        ("", "A_b", "A_b"),
    ],
)
def test_names(kind: str, name: str, expected: str) -> None:
    """A name is read in one spelling where its ecosystem accepts several (PyPI by PEP 503), and exactly elsewhere."""
    assert expected == canonical_name(kind, name)


@pytest.mark.parametrize(
    ("kind", "version", "expected"),
    [
        ("rpm", "0:4.2.46-31.el7", "4.2.46-31.el7"),
        ("rpm", "1:4.2.46-31.el7", "1:4.2.46-31.el7"),
        ("deb", "0:1.0-1", "1.0-1"),
        ("apk", "0:1", "0:1"),
        ("golang", "v1.2.3", "1.2.3"),
        ("golang", "go1.20.1", "1.20.1"),
        ("golang", "vendored", "vendored"),
        ("composer", "v5.4.0", "5.4.0"),
        ("npm", "v1.0.0", "v1.0.0"),
        ("pypi", "1.0", "1.0"),
    ],
)
def test_versions(kind: str, version: str, expected: str) -> None:
    """Epoch 0 is no epoch; the letters that Go and PHP write before a version say nothing."""
    assert expected == canonical_version(kind, version)
