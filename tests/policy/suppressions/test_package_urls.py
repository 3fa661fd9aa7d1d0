"""Which package URLs a rule's package URL covers."""

from __future__ import annotations

import pytest
from portus_policy.suppressions.matching import difference as difference_of
from portus_scanners.merge import PackageUrl

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
    assert (not difference, True) == (not difference_of(one, other), difference_of(one, other).startswith(difference))


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
    assert PackageUrl.parse(rule).coordinates != PackageUrl.parse(found).coordinates
