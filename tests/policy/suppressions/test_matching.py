"""What a rule fits, beside images and versions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from attrs import evolve
from policy.suppressions.documents import TODAY, document, image, rated, rule, suppresses, vulnerability, why_unused
from portus_policy import Suppression, apply_suppressions
from portus_scanners import Package, Vulnerability

DEB = "pkg:deb/debian/openssl@3.0.1-1?arch=amd64&distro=debian-12"


@pytest.mark.parametrize(
    ("ids", "found", "expected"),
    [
        (("CVE-2024-1",), vulnerability(), True),
        (("cve-2024-1",), vulnerability(), True),
        (("CVE-2024-10",), vulnerability(), False),
        (("CVE-2", "CVE-2024-1"), vulnerability(), True),
        (("GHSA-a",), vulnerability(aliases=("GHSA-a",)), True),
        (("CVE-2024-1",), vulnerability("GHSA-a", aliases=("CVE-2024-1",)), True),
        (("DLA-1",), vulnerability(ratings=(rated("clair", "DLA-1"),)), True),
    ],
)
def test_ids_and_aliases(ids: tuple[str, ...], found: Vulnerability, expected: bool) -> None:
    """An id fits the vulnerability's own id, its aliases and what a scanner calls it, whatever the letter case."""
    assert expected == suppresses(rule(ids=ids), found)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [(("CVE-1",), False), (("CVE-1", "CVE-2"), True), (("RHSA-1",), True), (("CVE-1", "CVE-3"), False)],
)
def test_an_advisory_of_several_vulnerabilities(ids: tuple[str, ...], expected: bool) -> None:
    """To accept one vulnerability does not silence an advisory that is about others too."""
    advisory = vulnerability("RHSA-1", aliases=("CVE-1", "CVE-2"))
    assert expected == suppresses(rule(ids=ids), advisory)


SEVERAL = vulnerability(packages=(Package("openssl", "3.0.1-1"), Package("libssl3", "3.0.1-1")))
BY_TWO = vulnerability(ratings=(rated("trivy", "CVE-2024-1"), rated("clair", "DLA-1")))


@pytest.mark.parametrize(
    ("members", "found", "why"),
    [
        ({}, vulnerability(), ""),
        ({}, BY_TWO, "CVE-2024-1 in openssl is DLA-1 to some scanner"),
        ({"ids": ("CVE-2024-1", "DLA-1")}, BY_TWO, ""),
        ({"package": "openssl"}, SEVERAL, "CVE-2024-1 in openssl is in libssl3"),
        ({"package": "*ssl*"}, SEVERAL, ""),
        ({"versions": "= 3.0.1-1"}, SEVERAL, ""),
        ({"versions": "= 3.0.1-2"}, vulnerability(), "CVE-2024-1 in openssl: version 3.0.1-1"),
    ],
)
def test_an_exact_rule_names_everything(members: dict[str, Any], found: Vulnerability, why: str) -> None:
    """What another scanner calls otherwise, or finds in one more package, was not meant, and stays."""
    exact = rule(**{"ids": ("CVE-2024-1",), "exact": True, **members})
    assert (not why) == suppresses(exact, found)
    assert not why or why in why_unused(exact, found)


def test_an_advisory_that_is_shown_by_one_of_its_vulnerabilities() -> None:
    """Where the shown id is one of several, all have to be named too."""
    merged = vulnerability("CVE-1", aliases=("CVE-2", "RHSA-1"))
    assert [False, True] == [suppresses(rule(ids=named), merged) for named in (("CVE-1",), ("CVE-1", "CVE-2"))]


def test_why_an_advisory_is_not_suppressed() -> None:
    """The unused rule says that the advisory stands for several."""
    advisory = vulnerability("RHSA-1", aliases=("CVE-1", "CVE-2"))
    expected = "CVE-1: RHSA-1 in openssl stands for several vulnerabilities: name them all"
    assert expected == why_unused(rule(ids=("CVE-1",)), advisory)


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("openssl", True),
        ("libssl3", True),
        ("openssl-src", True),
        ("OpenSSL", False),
        ("libssl*", True),
        ("libss?3", True),
        ("lib[s]sl3", False),
        ("open", False),
    ],
)
def test_packages(package: str, expected: bool) -> None:
    """A package fits the name, any binary package and any source package; wildcards are * and ?."""
    found = vulnerability(
        packages=(Package("libssl3", "3.0.1-1"),), source_packages=(Package("openssl-src", "3.0.1-1"),)
    )
    assert expected == suppresses(rule(package=package), found)


@pytest.mark.parametrize(
    ("purls", "found", "expected"),
    [
        (("pkg:deb/debian/openssl",), (DEB,), True),
        (("pkg:deb/debian/openssl@3.0.1-1",), (DEB,), True),
        (("pkg:deb/debian/openssl@3.0.1-1?arch=amd64",), (DEB,), True),
        (("pkg:deb/debian/openssl@3.0.1-2",), (DEB,), False),
        (("pkg:deb/debian/openssl?arch=arm64",), (DEB,), False),
        (("pkg:deb/ubuntu/openssl",), (DEB,), False),
        (("pkg:rpm/debian/openssl",), (DEB,), False),
        (("pkg:DEB/debian/openssl",), (DEB,), True),
        (("pkg:pypi/Foo_Bar",), ("pkg:pypi/foo-bar@1",), True),
        (("pkg:npm/%40scope/name",), ("pkg:npm/%40scope/name@1",), True),
        (("pkg:deb/debian/openssl",), (DEB, "pkg:deb/debian/libssl3@3.0.1-1"), False),
        (("pkg:deb/debian/openssl", "pkg:deb/debian/libssl3"), (DEB, "pkg:deb/debian/libssl3@3.0.1-1"), True),
        (("pkg:deb/debian/openssl",), (), False),
        (("pkg:deb/debian/openssl",), ("no purl",), False),
        (("pkg:deb/debian/openssl",), (DEB, "no purl"), False),
    ],
)
def test_package_urls(purls: tuple[str, ...], found: tuple[str, ...], expected: bool) -> None:
    """Every package URL that scanners give has to be named; versions and qualifiers count where the rule has them."""
    assert expected == suppresses(rule(purls=purls), vulnerability(purls=found))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ((), "no scanner gives the package URL of CVE-2024-1 in openssl"),
        ((DEB, "pkg:deb/debian/libssl3@3.0.1-1"), "CVE-2024-1 in openssl is in other packages as well"),
        (("pkg:deb/debian/openssl@2",), "fits nothing here; near: CVE-2024-1 in openssl: version 2, not 3.0.1-1"),
        (
            ("pkg:deb/ubuntu/openssl@3.0.1-1",),
            "fits nothing here; near: CVE-2024-1 in openssl is pkg:deb/ubuntu/openssl@3.0.1-1",
        ),
    ],
)
def test_why_a_package_url_does_not_fit(found: tuple[str, ...], why: str) -> None:
    """The unused rule says whether it nearly fits."""
    one = rule(purls=("pkg:deb/debian/openssl@3.0.1-1",))
    assert f"pkg:deb/debian/openssl@3.0.1-1: {why}" == why_unused(one, vulnerability(purls=found))


DEB_12_13 = "pkg:deb/debian/openssl@3.0.1-1?arch=amd64&distro=debian-12.13&upstream=x"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"purls": (f"{DEB.replace('amd64', 'arm64')}",)}, "CVE-2024-1 in openssl: arch amd64, not arm64"),
        (
            {"purls": ("pkg:deb/debian/openssl?distro=debian-11",)},
            "CVE-2024-1 in openssl: distro debian-12.13, not debian-11",
        ),
        ({"ids": ("CVE-2024-1",), "package": "bash"}, "CVE-2024-1 in openssl, not in bash"),
        ({"ids": ("CVE-2024-1",), "purls": ("pkg:npm/a",)}, f"CVE-2024-1 in openssl is {DEB_12_13}"),
        ({"package": "openssl", "versions": "<3"}, "CVE-2024-1 in openssl: version 3.0.1-1"),
        ({"package": "openssl", "scanner": "clair"}, "CVE-2024-1 in openssl was found by trivy"),
        (
            {"ids": ("CVE-2024-1",), "image": "registry.example/app"},
            "CVE-2024-1 in openssl is in registry.example/team/app:1.0",
        ),
        (
            {"ids": ("CVE-2024-1",), "image": f"registry.example/team/app@sha256:{'c' * 64}"},
            "CVE-2024-1 in openssl is in registry.example/team/app:1.0 with sha256:aaaaaaaaaaaa",
        ),
        ({"ids": ("CVE-2024-2",), "package": "openssl"}, ""),
        ({"package": "bash"}, ""),
    ],
)
def test_near_misses_say_why(more: dict[str, object], why: str) -> None:
    """An unused rule says what was near, and what is otherwise there."""
    words = why_unused(rule(**more), vulnerability(purls=(DEB_12_13,)))
    expected = f"fits nothing here; near: {why}" if why else "fits nothing here"
    assert words.endswith(f": {expected}"), words


@pytest.mark.parametrize(
    ("purl", "expected"),
    [
        ("pkg:deb/debian/openssl@3.0.1-1?distro=debian-12", True),
        ("pkg:deb/debian/openssl@3.0.1-1?arch=amd64&distro=debian-12.4&upstream=y&package-id=z", True),
        ("pkg:deb/debian/openssl?distro=bookworm", True),
        ("pkg:deb/debian/openssl?distro=debian-11", False),
        ("pkg:deb/debian/openssl?distro=ubuntu-12", False),
    ],
)
def test_a_release_counts_whatever_it_is_called(purl: str, expected: bool) -> None:
    """The release has to be that of the rule, by any of its names; what one tool alone writes does not count."""
    assert expected == suppresses(rule(purls=(purl,)), vulnerability(purls=(DEB_12_13,)))


@pytest.mark.parametrize(
    ("more", "found", "expected"),
    [
        ({"package": "Foo.Bar"}, Package("foo_bar", "1", "python-pkg"), True),
        ({"package": "foo.*"}, Package("Foo_Bar", "1", "python"), True),
        ({"package": "foo-bar"}, Package("foo_bar", "1", "npm"), False),
        ({"package": "Newtonsoft.Json"}, Package("newtonsoft.json", "1", "dotnet"), True),
        ({"package": "log4j-core"}, Package("org.apache.logging.log4j:log4j-core", "2", "jar"), False),
        ({"package": "github.com/Foo/x"}, Package("github.com/foo/x", "1", "gobinary"), False),
    ],
)
def test_names_of_packages(more: dict[str, object], found: Package, expected: bool) -> None:
    """A name fits in any spelling that its ecosystem accepts, and in no other."""
    one = vulnerability(package=found.name, version=found.version, namespace=found.namespace)
    assert expected == suppresses(rule(**more), one)


def test_centos_and_red_hat_are_never_one_in_a_rule() -> None:
    """What the merge joins in one image, a rule keeps apart: each package URL has to be named."""
    purls = ("pkg:rpm/centos/bash@4.2-1.el7", "pkg:rpm/redhat/bash@4.2-1.el7?distro=redhat-7.2")
    found = vulnerability(package="bash", version="4.2-1.el7", namespace="redhat:7.2", purls=purls)
    assert not suppresses(rule(purls=("pkg:rpm/redhat/bash",)), found)
    assert suppresses(rule(purls=("pkg:rpm/redhat/bash", "pkg:rpm/centos/bash")), found)


@pytest.mark.parametrize(
    ("scanners", "expected"), [(("clair",), True), (("clair", "trivy"), False), (("trivy",), False)]
)
def test_the_rule_of_one_scanner_does_not_silence_another(scanners: tuple[str, ...], expected: bool) -> None:
    """A rule with a scanner fits what that scanner alone has found."""
    assert expected == suppresses(rule(package="openssl", scanner="clair"), vulnerability(scanners=scanners))


def test_why_the_rule_of_one_scanner_does_not_fit() -> None:
    """The unused rule names the other scanners that have found it."""
    why = why_unused(rule(package="openssl", scanner="clair"), vulnerability(scanners=("clair", "trivy")))
    assert "package openssl, scanner clair: CVE-2024-1 in openssl was found by trivy as well" == why


def test_all_that_a_rule_names_has_to_fit() -> None:
    """One thing that does not fit, and the rule does not apply."""
    fitting = {
        "ids": ("CVE-2024-1",),
        "package": "openssl",
        "purls": ("pkg:deb/debian/openssl",),
        "image": "registry.example/team/*",
        "scanner": "trivy",
        "versions": "<3.1",
    }
    wrong = {
        "ids": ("CVE-2",),
        "package": "bash",
        "purls": ("pkg:deb/debian/bash",),
        "image": "registry.example/other/*",
        "scanner": "clair",
        "versions": "<3.0",
    }
    found = vulnerability(purls=(DEB,))
    assert suppresses(rule(**fitting), found)
    assert [] == [key for key in wrong if suppresses(rule(**{**fitting, key: wrong[key]}), found)]


def test_the_mark_says_rule_reason_who_and_how_long() -> None:
    """What is suppressed carries the first rule that applies."""
    first = rule(package="bash")
    second = rule(rule="rules.yml:9", ids=("CVE-2024-1",), by="alice", until=TODAY)
    third = rule(rule="rules.yml:12", ids=("CVE-2024-1",))
    marked = apply_suppressions(document(vulnerability()), [first, second, third], today=TODAY)
    mark = marked.reports[0].vulnerabilities[0].suppressed
    assert mark is not None
    assert ("rules.yml:9", "not reachable", "alice", TODAY) == (mark.rule, mark.reason, mark.by, mark.until)
    assert ["rules.yml:2"] == [one.rule for one in marked.unused_rules]


@pytest.mark.parametrize(("today", "expected"), [(date(2026, 6, 30), True), (date(2026, 7, 1), False)])
def test_a_rule_applies_through_its_last_day(today: date, expected: bool) -> None:
    """The day after `until` the rule is expired, and what it would suppress is named."""
    one = rule(ids=("CVE-2024-1",), until=date(2026, 6, 30))
    marked = apply_suppressions(document(vulnerability()), [one], today=today)
    assert expected == (marked.reports[0].vulnerabilities[0].suppressed is not None)
    named = [(unused.expired, unused.message) for unused in marked.unused_rules]
    would = (True, "CVE-2024-1: expired after 2026-06-30; would suppress CVE-2024-1")
    assert ([] if expected else [would]) == named


def test_an_expired_rule_that_fits_nothing_is_expired() -> None:
    """Whatever it fits, an expired rule is listed as such."""
    one = rule(ids=("CVE-9",), until=date(2026, 1, 1))
    [unused] = apply_suppressions(document(vulnerability()), [one], today=TODAY).unused_rules
    assert (True, "CVE-9: expired after 2026-01-01; fits nothing here") == (unused.expired, unused.message)


def test_an_expired_rule_leaves_the_place_to_the_next() -> None:
    """The first rule that still applies is named, not the expired one before it."""
    rules = [rule(ids=("CVE-2024-1",), until=date(2026, 1, 1)), rule(rule="rules.yml:9", package="openssl")]
    mark = apply_suppressions(document(vulnerability()), rules, today=TODAY).reports[0].vulnerabilities[0].suppressed
    assert mark is not None
    assert "rules.yml:9" == mark.rule


def test_marks_of_an_earlier_run_are_dropped() -> None:
    """Without rules nothing is suppressed, whatever the document said."""
    marked = apply_suppressions(document(vulnerability()), [rule(package="openssl")], today=TODAY)
    assert document(vulnerability()) == apply_suppressions(marked, [], today=TODAY)


def test_only_the_image_that_is_meant() -> None:
    """A rule with an image marks it there and leaves the same vulnerability in another."""
    both = evolve(
        document(),
        reports=(
            *document(vulnerability()).reports,
            *document(vulnerability(), of=image("other.example/app")).reports,
        ),
    )
    marked = apply_suppressions(both, [rule(ids=("CVE-2024-1",), image="other.example/app")], today=TODAY)
    assert [False, True] == [report.vulnerabilities[0].suppressed is not None for report in marked.reports]


def test_hostile_text_of_a_rule_is_one_line() -> None:
    """What is said of an unused rule has no control characters and an end."""
    one = rule(ids=("CVE-\x1b[31m\n",), package="p\n" * 400)
    message = why_unused(one, vulnerability())
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "it names no id, package or purl"),
        ({"image": "a/*"}, "it names no id, package or purl"),
        ({"package": "**"}, "package: it names every package"),
        ({"ids": ("CVE-*",)}, "an id can't be a pattern"),
        ({"ids": ("",)}, "ids: expected strings that are not empty"),
        ({"ids": ("a" * 1025,)}, "at most 1024 characters"),
        ({"package": "a" * 1025}, "package: longer than 1024 characters"),
        ({"package": "a", "reason": " "}, "a rule needs a reason"),
        ({"package": "a", "reason": "a" * 5000}, "reason: longer than 4096 characters"),
        ({"purls": ("openssl",)}, "'openssl' is not a package URL"),
        ({"package": "a", "image": "*"}, "image: it names every image"),
    ],
)
def test_rules_that_can_not_be_made(more: dict[str, object], why: str) -> None:
    """A rule that would suppress everything, or has no reason, is rejected by the model itself."""
    with pytest.raises(ValueError, match=why.replace("*", r"\*")):
        Suppression(**{"rule": "a:1", "reason": "b", **more})  # type: ignore[arg-type]


def test_a_moment_is_no_day() -> None:
    """A time of day in `until` would be compared wrongly."""
    from datetime import UTC, datetime

    with pytest.raises(TypeError, match="until: expected a date"):
        rule(package="a", until=datetime(2026, 1, 1, tzinfo=UTC))
