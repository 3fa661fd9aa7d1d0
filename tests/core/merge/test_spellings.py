"""Findings of one package that scanners spell differently are one vulnerability; those of two packages stay two."""

from __future__ import annotations

from random import Random

import pytest
from attrs import evolve
from hypothesis import given, strategies as st
from portus_policy import combine_reports
from portus_scanners import (
    Finding,
    Image,
    MatchedBy,
    Outcome,
    Package,
    Reference,
    ScannerReport,
    ScannerRun,
    Severity,
    make_image_report,
)
from portus_scanners.merge import canonical_namespace
from portus_scanners.models import Vulnerability

from .merging import merge

IMAGE = Image(reference=Reference.parse("app:1"), digest="sha256:" + "b" * 64)
LOG4J = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"
FULL = "org.apache.logging.log4j:log4j-core"


def found(name: str, version: str, namespace: str, purl: str = "") -> Finding:
    """Make a finding of one vulnerability."""
    return Finding(id="CVE-1", package=Package(name, version, namespace), purl=purl)


def merged(*findings: Finding) -> tuple[Vulnerability, ...]:
    """Return what findings mean, one of each scanner."""
    return merge(
        ScannerRun(scanner=name, plugin="p", outcome=Outcome.OK, report=ScannerReport(findings=[one]))
        for name, one in zip("abcdef", findings, strict=False)
    )


SAME = [
    (found("bash", "4.2.46-30.el7", "centos:7"), found("bash", "4.2.46-30.el7", "redhat:7.2")),
    (found("bash", "0:4.2.46-30.el7", "rhel:7.2"), found("bash", "4.2.46-30.el7", "centos:7.9.2009")),
    (found("bash", "5.1-1.el9", "alma:9.3"), found("bash", "5.1-1.el9", "almalinux:9")),
    (found("bash", "5.1-1.el9", "rocky:9.1"), found("bash", "5.1-1.el9", "Rocky Linux:9")),
    (found("bash", "5-1", "oracle:8.4"), found("bash", "0:5-1", "oraclelinux:8.4")),
    (found("bash", "5-1", "amazon:2 (Karoo)"), found("bash", "5-1", "amzn:2")),
    (found("bash", "5-1", "cbl-mariner:2.0.20220527"), found("bash", "5-1", "mariner:2.0")),
    (found("bash", "5-1", "photon:4.0"), found("bash", "5-1", "Photon OS:4.0")),
    (found("musl", "1-r0", "wolfi:20230201"), found("musl", "1-r0", "Wolfi")),
    (found("bash", "5-1", "opensuse.leap:15.5"), found("bash", "5-1", "openSUSE:Leap 15.5")),
    (found("bash", "5-1", "debian:12.13"), found("bash", "5-1", "Debian:12")),
    (found("Jinja2", "3.0", "python-pkg"), found("jinja2", "3.0", "python")),
    (found("zope.interface", "5", "python-pkg"), found("zope_interface", "5", "PyPI")),
    (found("requests[security]", "2", "pip"), found("requests", "2", "python")),
    (found("@babel/traverse", "7", "node-pkg"), found("@babel/traverse", "7", "npm")),
    (found("golang.org/x/net", "v0.3.0", "gobinary"), found("golang.org/x/net", "0.3.0", "Go")),
    (found("stdlib", "1.20.1", "gobinary"), found("stdlib", "go1.20.1", "go-module")),
    (found("rack", "2.2", "gemspec"), found("rack", "2.2", "gem")),
    (found("openssl", "0.10", "rustbinary"), found("openssl", "0.10", "rust-crate")),
    (found("symfony/http-kernel", "v5.4.0", "composer"), found("symfony/http-kernel", "5.4.0", "php-composer")),
    (found("Newtonsoft.Json", "12", "dotnet-core"), found("newtonsoft.json", "12", "dotnet")),
    (found("org.a:b", "1", "jar"), found("org.a:b", "1", "java-archive")),
    (
        found("log4j-core", "2.14.1", "java-archive", LOG4J),
        found(FULL, "2.14.1", "jar"),
    ),
    (found("", "", "", LOG4J), found(FULL, "2.14.1", "jar")),
    (found("bash", "5.2-1", "", "pkg:deb/debian/bash@5.2-1?distro=debian-12"), found("bash", "5.2-1", "debian:12.5")),
    (found("bash", "5.2-1", "deb", "pkg:deb/debian/bash@5.2-1?distro=debian-12"), found("bash", "5.2-1", "debian:12")),
    (
        found("login", "4.8-1", "debian:12", "pkg:deb/debian/login@4.8-1?epoch=1"),
        found("login", "1:4.8-1", "debian:12"),
    ),
    (found("bash", "4-1", "rhel:8", "pkg:rpm/redhat/bash@4-1?epoch=2"), found("bash", "2:4-1", "redhat:8.1")),
    (found("Toml", "1", "npm", "pkg:npm/toml@1"), found("Toml", "1", "node-pkg", "pkg:npm/Toml@1")),
    (found("odd name", "1", "python", "pkg:pypi/foo@1"), found("foo", "1", "python-pkg")),
    (found("bash", "5-1", "os", "pkg:deb/debian/bash@5-1?distro=debian-12"), found("bash", "5-1", "debian:12.5")),
    (
        found("bash", "5-1", "", "pkg:deb/debian/bash@5-1?arch=amd64"),
        found("bash", "5-1", "", "pkg:deb/debian/bash@5-1?arch=all&distro=debian-12"),
    ),
    (
        found("bash", "5-1", "deb", "pkg:deb/debian/bash@5-1"),
        found("bash", "5-1", "Debian:12", "pkg:deb/debian/bash@5-1?distro=debian-12.5"),
    ),
    (found("b", "1", "graalvm-native-image", "pkg:maven/org.a/b@1"), found("org.a:b", "1", "jar")),
    (found("x.org/a/b/v2", "v2.1", "gobinary"), found("b/v2", "v2.1", "go-module", "pkg:golang/x.org/a/b@v2.1#v2")),
]
OTHER = [
    (found("bash", "1", "centos:8"), found("bash", "1", "redhat:8.2")),
    (found("bash", "1", "centos:7"), found("bash", "1", "redhat:8.2")),
    (found("bash", "1", "oracle:7.9"), found("bash", "1", "redhat:7.9")),
    (found("bash", "1", "alma:9"), found("bash", "1", "rocky:9")),
    (found("bash", "1", "debian:11.9"), found("bash", "1", "Debian:12")),
    (found("bash", "1", "opensuse-leap:15.4"), found("bash", "1", "opensuse-leap:15.5")),
    (found("bash", "1", "sles:15.4"), found("bash", "1", "SUSE:Linux Enterprise Server 15 SP5")),
    (found("bash", "1", "amzn:2"), found("bash", "1", "amazon:2023.5.20240708 (Amazon Linux)")),
    (found("bash", "1", "wolfi"), found("bash", "1", "chainguard")),
    (found("bash", "1:1-1", "rhel:8"), found("bash", "1-1", "rhel:8")),
    (found("bash", "1-1", "rhel:8", "pkg:rpm/redhat/bash@1-1?epoch=1"), found("bash", "2:1-1", "redhat:8")),
    (found("bash", "5-1", "", "pkg:deb/debian/bash@5-1?distro=debian-11"), found("bash", "5-1", "debian:12.5")),
    (
        found("bash", "5-1", "", "pkg:deb/debian/bash@5-1?distro=debian-11"),
        found("bash", "5-1", "", "pkg:deb/debian/bash@5-1?distro=debian-12"),
    ),
    (
        found("bash", "5-1", "ubuntu", "pkg:deb/ubuntu/bash@5-1"),
        found("bash", "5-1", "debian:12", "pkg:deb/debian/bash@5-1?distro=debian-12"),
    ),
    (found("JSONStream", "1", "npm", "pkg:npm/jsonstream@1"), found("jsonstream", "1", "npm", "pkg:npm/jsonstream@1")),
    (found("github.com/Foo/x", "1", "gobinary"), found("github.com/foo/x", "1", "go-module")),
    (
        found("log4j-core", "2.14.1", "java-archive"),
        found(FULL, "2.14.1", "jar", LOG4J),
    ),
    (found("log4j-core", "2.14.1", "java-archive", LOG4J), found("org.fork:log4j-core", "2.14.1", "jar")),
    (found("requests", "2", "python"), found("requests", "2", "npm")),
    (found("libssl3", "3", "debian:12"), found("libssl3", "3", "python", "pkg:pypi/libssl3@3")),
    (found("foo", "1", "python", "pkg:pypi/bar@2"), found("bar", "2", "python-pkg")),
    (found("foo_bar", "1", "cargo"), found("foo-bar", "1", "cargo")),
]


@pytest.mark.parametrize("pair", SAME)
def test_two_spellings_are_one_vulnerability(pair: tuple[Finding, Finding]) -> None:
    """Words of two scanners for one package in one release are joined; nothing was built from something else."""
    (one,) = merged(*pair)
    assert (("a", "b"), MatchedBy.PACKAGE) == (one.scanners, one.matched_by)
    assert {finding.package for finding in pair} == set(one.packages)


@pytest.mark.parametrize("pair", OTHER)
def test_two_packages_stay_two(pair: tuple[Finding, Finding]) -> None:
    """Other vendors, other releases, other epochs, names that differ where their ecosystem is exact: never joined."""
    assert [("a",), ("b",)] == sorted(one.scanners for one in merged(*pair))


def test_what_a_package_url_adds_holds_for_the_name() -> None:
    """Who names an artifact without its group means the group that another scanner knows for this name and version."""
    bare = found("log4j-core", "2.14.1", "java-archive")
    with_group = found(FULL, "2.14.1", "jar")
    (one,) = merged(bare, evolve(bare, purl=LOG4J), with_group)
    assert (("a", "b", "c"), FULL) == (one.scanners, one.package.name)


def test_a_name_with_two_groups_joins_neither() -> None:
    """Where package URLs know two groups for one name and version, who knows none stands apart, and all can be told."""
    bare = found("log4j-core", "2.14.1", "java-archive")
    fork = evolve(bare, purl="pkg:maven/org.fork/log4j-core@2.14.1")
    apart = merged(bare, evolve(bare, purl=LOG4J), fork)
    assert [("a",), ("b",), ("c",)] == sorted(one.scanners for one in apart)
    assert 3 == len({one.package for one in apart})


def test_a_distribution_without_its_release_is_not_two() -> None:
    """Where package URLs know two releases, who names none stands apart."""
    purl = "pkg:deb/debian/bash@5-1"
    releases = [found("bash", "5-1", "debian", f"{purl}?distro=debian-{number}") for number in (11, 12)]
    assert 3 == len(
        merged(found("bash", "5-1", "", purl), *releases[:1], evolve(releases[1], purl=f"{purl}?distro=12"))
    )


def test_source_packages_meet_across_spellings() -> None:
    """What one scanner says a package was built from holds for the words of another."""
    built = evolve(
        found("openssl-libs", "1:1.0.2k-8.el7", "redhat:7.2"), source_package=Package("openssl", "1:1.0.2k-8.el7")
    )
    of_source, of_binary = (found(name, "1:1.0.2k-8.el7", "centos:7") for name in ("openssl", "openssl-libs"))
    (one,) = merged(built, of_source, of_binary)
    assert (("a", "b", "c"), "openssl", MatchedBy.SOURCE) == (one.scanners, one.package.name, one.matched_by)


def test_a_source_package_with_its_epoch_comes_first() -> None:
    """A scanner that reads the source package from a file's name knows no epoch; that of another one counts."""
    binary, version = found("openssl-libs", "1:1.1-9.el8", "rhel:8"), "1.1-9.el8"
    sources = [Package("openssl", version), Package("openssl", f"1:{version}")]
    of_source = found("openssl", f"1:{version}", "redhat:8.9")
    (one,) = merged(*(evolve(binary, source_package=source) for source in sources), of_source)
    assert ("a", "b", "c") == one.scanners


def test_a_spelling_that_somebody_uses_is_shown() -> None:
    """The name that is shown is one that a scanner has written, whichever spelling is compared."""
    (one,) = merged(found("Zope.Interface", "0:5", "python"), found("Zope_Interface", "0:5", "PyPI"))
    assert "Zope.Interface" == one.package.name
    (one,) = merged(found("bash", "0:5-1", "rhel:8"), found("bash", "0:5-1", "redhat:8"))
    assert "0:5-1" == one.package.version


packages = st.builds(
    Package,
    st.sampled_from(["a", "A", "a_b", "a-b", "A.b", "org.x:a", "org.y:a", ""]),
    st.sampled_from(["1", "0:1", "1:1", "v1", "2", ""]),
    st.sampled_from(["python", "python-pkg", "jar", "java-archive", "npm", "gobinary", "Go", ""])
    | st.sampled_from(["rhel:7.2", "centos:7", "redhat:8", "centos:8", "debian:12", "debian:12.5", "Debian:11", "deb"])
    | st.sampled_from(["debian", "redhat", "os"]),
)
purls = st.sampled_from(
    [
        *("", "", "nonsense", "pkg:maven/org.x/a@1", "pkg:maven/org.y/a@1", "pkg:pypi/a-b@1", "pkg:npm/a@1"),
        *("pkg:deb/debian/a@1", "pkg:deb/debian/a@1?distro=debian-11", "pkg:rpm/redhat/a@1?distro=rhel-8"),
        *("pkg:golang/a@v1", "pkg:rpm/redhat/a@1?epoch=1", "pkg:deb/debian/a@1?epoch=1&distro=debian-12"),
    ]
)
sources = st.builds(Package, st.sampled_from(["a", "src"]), st.sampled_from(["1", "0:1", ""]))
spelled = st.builds(
    Finding,
    id=st.sampled_from(["CVE-1", "CVE-2"]),
    severity=st.sampled_from(Severity),
    package=packages,
    purl=purls,
    source_package=st.none() | st.none() | sources,
)
runs = st.lists(st.tuples(st.sampled_from("abc"), spelled), max_size=6).map(
    lambda pairs: [
        ScannerRun(
            scanner=name,
            plugin="p",
            outcome=Outcome.OK,
            report=ScannerReport(findings=[finding for scanner, finding in pairs if scanner == name]),
        )
        for name in "abc"
    ]
)


@given(runs, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(some: list[ScannerRun], random: Random) -> None:
    """Whatever the spellings, the order of scanners and findings makes no difference."""
    findings = [[*one.report.findings] for one in some if one.report]
    for each in findings:
        random.shuffle(each)
    mixed = [evolve(one, report=ScannerReport(findings=each)) for one, each in zip(some, findings, strict=True)]
    random.shuffle(mixed)
    assert merge(some) == merge(mixed)


@given(runs, runs, runs)
def test_combining_is_associative(one: list[ScannerRun], two: list[ScannerRun], three: list[ScannerRun]) -> None:
    """Reports of one image give the same, in whatever grouping they are combined."""
    first, second, third = (make_image_report(IMAGE, some) for some in (one, two, three))
    together = combine_reports([first, second, third])
    assert together == combine_reports([combine_reports([first, second]), third])
    assert together == combine_reports([first, combine_reports([second, third])])


@given(runs)
def test_a_join_never_loses_a_finding(some: list[ScannerRun]) -> None:
    """Each finding is in a vulnerability of its id, with its package, its scanner and its package URL."""
    vulnerabilities = merge(some)
    for run in some:
        for finding in run.report.findings if run.report else ():
            assert any(
                one.id == finding.id
                and finding.package in one.packages
                and run.scanner in one.scanners
                and (not finding.purl or finding.purl in one.purls)
                for one in vulnerabilities
            )


@given(runs)
def test_no_join_across_releases(some: list[ScannerRun]) -> None:
    """All packages of a vulnerability are of one release, where they say; CentOS and Red Hat up to 7 are one here."""
    for one in merge(some):
        words = {canonical_namespace(package.namespace) for package in one.packages} - {"", "deb", "os"}
        words = {word.replace("centos:7", "redhat:7") for word in words}
        assert len({word for word in words if not any(other.startswith(f"{word}:") for other in words)}) <= 1


@given(runs)
def test_no_two_look_the_same(some: list[ScannerRun]) -> None:
    """Id and package tell vulnerabilities apart, so that the mark of one is never taken for that of another."""
    shown = [(one.id, one.package) for one in merge(some)]
    assert len(shown) == len(set(shown))
