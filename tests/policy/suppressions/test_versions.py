"""Ranges of versions: each ecosystem's own order."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, strategies as st
from policy.suppressions.documents import rule, suppresses, vulnerability, why_unused
from portus_policy.suppressions.versions import UnknownVersionError, of_namespace, of_purl
from portus_scanners import SettingsError

ECOSYSTEMS = ("deb", "rpm", "apk", "npm", "cargo", "golang", "composer", "pypi", "maven", "gem", "nuget")
# dpkg: deb-version(7) and lib/dpkg/t/t-version.c; rpm: tests/rpmvercmp.at; apk: test/version.data; the others: the
# specifications of semantic versions, PEP 440, Maven's version order
LOWER = """
deb 1.0~rc1 1.0
deb 1.0~~ 1.0~
deb 1.0~~a 1.0~
deb 1.0 1.0-1
deb 2.0 1:0.5
deb 2:1.0 10:0.1
deb 1.0-1~bpo1 1.0-1
deb 1.0-1 1.0+dfsg-1
deb 3.0.2-0ubuntu1.9 3.0.2-0ubuntu1.15
deb 5.2-1 5.2-1+deb12u1
deb 1.0a 1.0+
deb 1.2.3 1.10
deb 1.0-1 1.0-1-1
deb 0:1.0 1:0
rpm 1.0~rc1-1 1.0-1
rpm 1.0~~-1 1.0~-1
rpm 1.0-1 1.0^git1-1
rpm 1.0^git1-1 1.0.1-1
rpm 1.0^-1 1.0^git1-1
rpm 2.0-1 1:1.0-1
rpm 9:2-1 10:1-1
rpm 1.0-9.el7 1.0-10.el7
rpm 1.0-1.el7 1.0-1.el7_2
rpm 1.0a-1 1.0.1-1
rpm 2a-1 2.0-1
rpm 5.5p2-1 5.5p10-1
rpm xyz10-1 xyz10.1-1
rpm 1.0aa-1 1.0b-1
apk 1.2.3-r0 1.2.3-r1
apk 3.0.8-r9 3.0.8-r10
apk 1.2.3_rc1 1.2.3
apk 1.2.3 1.2.3_p1
apk 1.2.3 1.2.3a
apk 1.2_alpha 1.2_beta
apk 1.2_pre1 1.2_rc1
apk 1.9 1.10
apk 1.02 1.1
apk 20211220-r0 20230506-r0
npm 1.0.0-rc.1 1.0.0
npm 1.0.0-rc.2 1.0.0-rc.10
npm 4.17.4 4.17.21
cargo 0.9.0 0.10.0
golang v1.2.3-0.20200101000000-abcdef v1.2.3
golang v1.2.3 v1.10.0
composer v1.1.0 1.2.0
pypi 1.0rc1 1.0
pypi 1.0.dev1 1.0a1
pypi 2 1!0
pypi 1.0 1.0.post1
maven 1.0-SNAPSHOT 1.0
maven 2.0-beta9 2.0
maven 2.9 2.17.1
maven 1.0 1.0-sp
gem 1.0.a 1.0
gem 5.0.0 5.0.0.1
nuget 1.0.0-a 1.0.0
nuget 1.0.0 1.0.0.1
"""
SAME = """
deb 1.0-1 0:1.0-1
deb 1.0 1.0-0
deb 1.01 1.1
rpm 1.0-1 0:1.0-1
rpm 1.05-1 1.5-1
rpm 1_0-1 1.0-1
npm 1.0.0+a 1.0.0+b
npm 1.0 1.0.0
pypi 1.0 1.0.0
maven 1 1.0.0
maven 1.0.0.Final 1.0.0
"""


def _lines(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


@pytest.mark.parametrize(("ecosystem", "lower", "higher"), _lines(LOWER))
def test_the_order_of_each_ecosystem(ecosystem: str, lower: str, higher: str) -> None:
    """One version is lower than the other, and never the other way round."""
    order = of_purl(ecosystem)
    assert order is not None
    assert (-1, 1) == (order.compare(lower, higher), order.compare(higher, lower))


@pytest.mark.parametrize(("ecosystem", "one", "other"), _lines(SAME))
def test_versions_that_are_the_same(ecosystem: str, one: str, other: str) -> None:
    """Two ways of writing a version are neither lower nor higher."""
    order = of_purl(ecosystem)
    assert order is not None
    assert (0, 0) == (order.compare(one, other), order.compare(other, one))


@pytest.mark.parametrize(
    ("range_", "version", "expected"),
    [
        ("<3.0.2", "3.0.1-1", True),
        ("<3.0.2", "3.0.2~rc1-1", True),
        ("<3.0.2", "3.0.2-1", False),
        (">=1.0, <1.2", "1.1-1", True),
        (">=1.0,<1.2", "1.2", False),
        (">= 1.0", "0.9", False),
        ("=1.0-1", "0:1.0-1", True),
        ("==1.0-1", "1.0-2", False),
        ("!=1.0-1", "1.0-2", True),
        ("<2.0", "1:0.1-1", False),
        (">1.0, !=1.5-1", "1.5-1", False),
    ],
)
def test_an_installed_version_is_in_the_range_or_not(range_: str, version: str, expected: bool) -> None:
    """All parts of a range have to hold, each with an operator of its own."""
    one = rule(package="openssl", versions=range_)
    assert expected == suppresses(one, vulnerability(version=version))


def test_rpm_bounds_without_release() -> None:
    """A bound without release means every release, as for rpm itself."""
    found = vulnerability(version="1.0-5.el9", namespace="centos:9")
    ranges = ("=1.0", "<=1.0", ">1.0", "=1.0-5.el9", "=1.0-4.el9")
    assert [True, True, False, True, False] == [suppresses(rule(package="*ssl", versions=one), found) for one in ranges]


def test_all_installed_versions_have_to_be_in_the_range() -> None:
    """One package that is outside of the range keeps the vulnerability."""
    from portus_scanners import Package

    both = (Package("libssl3", "3.0.1-1", "debian:12"), Package("openssl", "3.0.9-1", "debian:12"))
    found = vulnerability(packages=both)
    assert [False, True] == [suppresses(rule(package="openssl", versions=one), found) for one in ("<3.0.2", "<3.1")]


def test_the_version_of_what_it_was_built_from_counts_as_well() -> None:
    """A source package outside of the range keeps the vulnerability; one without version says nothing."""
    from portus_scanners import Package

    one = rule(ids=("CVE-2024-1",), versions="<3.0.2")
    sources = [Package("src", "4.0", "debian:12"), Package("src", "", "debian:12")]
    assert [False, True] == [suppresses(one, vulnerability(source_packages=(source,))) for source in sources]


@pytest.mark.parametrize(
    ("version", "namespace", "purl", "why"),
    [
        ("", "debian:12", "", "'' is not a version that can be compared as deb"),
        ("unknown", "debian:12", "", "'unknown' is not a version that can be compared as deb"),
        ("1.2_git20230717-r4", "alpine:v3.19", "", "is not a version that can be compared as apk"),
        ("1.2.3.4", "npm", "", "is not a version that can be compared as npm"),
        ("1.0-r1-x", "alpine:3.19", "", "is not a version that can be compared as apk"),
        ("(none):1.0-1", "centos:9", "", "is not a version that can be compared as rpm"),
        ("1" * 127 + "(", "maven", "", "is not a version that can be compared as maven"),
        ("1." * 60 + "(", "gem", "", "is not a version that can be compared as gem"),
        ("1" * 200, "debian:12", "", "is not a version that can be compared as deb"),
        ("1.0", "", "", "how versions of no namespace compare is not known"),
        ("1.0", "plan9:4", "", "how versions of plan9:4 compare is not known"),
        ("1.0", "debian:12", "pkg:rpm/redhat/openssl@1.0", "how versions of debian:12 compare is not known"),
    ],
)
def test_doubt_does_not_suppress(version: str, namespace: str, purl: str, why: str) -> None:
    """A version or an ecosystem that is not known does not match, and the unused rule says so."""
    found = vulnerability(version=version, namespace=namespace, purls=(purl,) if purl else ())
    one = rule(package="openssl", versions="<99")
    assert not suppresses(one, found)
    assert why in why_unused(one, found)


@pytest.mark.parametrize("namespace", ["debian:12", "Ubuntu:22.04", "alpine:v3.19", "centos:7", "rocky:9.3", "npm"])
def test_known_namespaces(namespace: str) -> None:
    """The ecosystem is known from what backends call a distribution."""
    assert of_namespace(namespace) is not None


def test_the_package_url_tells_the_ecosystem_where_the_namespace_does_not() -> None:
    """A package URL alone is enough."""
    found = vulnerability(version="4.17.4", namespace="", package="lodash", purls=("pkg:npm/lodash@4.17.4",))
    assert suppresses(rule(package="lodash", versions="<4.17.21"), found)


@pytest.mark.parametrize(
    "range_", ["", "1.0", "~1.0", "<", "<1.0,", "<1 .0", "<=>1", "1.x", "<1.*", "<é", "<" + "1" * 129]
)
def test_strings_that_are_not_ranges(range_: str) -> None:
    """A range without operator, with a wildcard or with nothing is rejected when the rule is made."""
    if range_:
        with pytest.raises(ValueError, match="is not a range such as"):
            rule(package="a", versions=range_)
    else:
        assert "" == rule(package="a", versions=range_).versions


def test_without_univers_a_range_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is asked for only by a rule that has a range."""
    monkeypatch.setitem(sys.modules, "univers.versions", None)
    assert "a" == rule(package="a").package
    with pytest.raises(SettingsError, match=r"pip install 'portus-policy\[versions\]'"):
        rule(package="a", versions="<1")


def test_a_package_url_needs_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule with a package URL is read without any library."""
    monkeypatch.setitem(sys.modules, "univers.versions", None)
    monkeypatch.setitem(sys.modules, "packageurl", None)
    assert suppresses(rule(purls=("pkg:deb/debian/a",)), vulnerability(purls=("pkg:deb/debian/a@1",)))


@pytest.mark.parametrize("ecosystem", ECOSYSTEMS)
@given(
    one=st.text(st.sampled_from("0123.-_~^+:!abrv(\0é²"), max_size=140),
    other=st.text(st.sampled_from("019.-~rcv+"), max_size=20),
)
def test_any_string_is_compared_or_rejected(ecosystem: str, one: str, other: str) -> None:
    """Hostile versions raise nothing but our own error, and what can be compared has one order."""
    order = of_purl(ecosystem)
    assert order is not None
    try:
        there, back = order.compare(one, other), order.compare(other, one)
    except UnknownVersionError:
        return
    if ecosystem != "rpm" or ("-" in one) == ("-" in other):
        assert there == -back
