"""Two documents -> what has changed."""

from __future__ import annotations

import json

import pytest
from attrs import evolve
from portus_policy import DocumentDiff, ImageDiff, compare_documents, dump_diff
from portus_scanners import Finding, Outcome, Package, Platform, ReportDocument, ScannerRun, Severity

from ..judged import APP, IDS, UNRESOLVED, document, finding, ids, image, report, run

OTHERS = [outcome for outcome in Outcome if outcome is not Outcome.OK]


def compare(old: list[ScannerRun], new: list[ScannerRun]) -> ImageDiff:
    """Return what has changed in one image."""
    (diff,) = compare_documents(document(*old), document(*new)).images
    return diff


def doubts(diff: ImageDiff) -> dict[str, tuple[str, list[str]]]:
    """Return what is not comparable, by scanner."""
    return {one.scanner: (one.why, ids(one.vulnerabilities)) for one in diff.not_comparable}


def test_appeared_and_vanished() -> None:
    """What a scanner finds now and did not has appeared; what it no longer finds has vanished."""
    diff = compare([run("a", finding(IDS[0]), finding(IDS[1]))], [run("a", finding(IDS[1]), finding(IDS[2]))])
    assert ([IDS[2]], [IDS[0]], ()) == (ids(diff.appeared), ids(diff.vanished), diff.not_comparable)


@pytest.mark.parametrize(
    "upgraded",
    [
        Package("package-1", "1.1", "debian:12"),
        Package("package-1", "1.0", "debian:13"),
        Package("package-1", "1.0", ""),
        Package("package-1-dev", "1.0", "debian:12"),
    ],
    ids=["version", "release", "no namespace", "built from it"],
)
def test_a_vulnerability_that_stays(upgraded: Package) -> None:
    """One that is still there after an upgrade, or in another package of the same source, is no news."""
    source = Package("package-1", "1.0")
    diff = compare([run("a", finding())], [run("a", finding(package=upgraded, source_package=source))])
    assert ((), ()) == (diff.appeared, diff.vanished)


@pytest.mark.parametrize(
    "other",
    [Package("another", "1.0", "debian:12"), Package("package-1", "1.0", "npm")],
    ids=["package", "ecosystem"],
)
def test_the_same_id_elsewhere(other: Package) -> None:
    """The same vulnerability in another package has appeared."""
    diff = compare([run("a", finding())], [run("a", finding(package=other))])
    assert ([IDS[0]], [IDS[0]]) == (ids(diff.appeared), ids(diff.vanished))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (Package("Foo_Bar", "1", "python"), Package("foo.bar", "2", "python-pkg")),
        (Package("bash", "1", "oraclelinux:8"), Package("bash", "2", "oracle:9.1")),
    ],
)
def test_what_another_scanner_spells_otherwise_stays(old: Package, new: Package) -> None:
    """Other words for the same package and distribution are no news."""
    diff = compare([run("a", finding(package=old))], [run("a", finding(package=new))])
    assert ((), ()) == (diff.appeared, diff.vanished)


def test_centos_of_one_scanner_stays_where_another_says_red_hat_too() -> None:
    """What Clair calls CentOS is still there when Trivy finds it too, in what it calls Red Hat."""
    centos, redhat = (finding(package=Package("bash", "4.2-1.el7", word)) for word in ("centos:7", "redhat:7.2"))
    diff = compare([run("clair", centos)], [run("clair", centos), run("trivy", redhat)])
    assert ((), ()) == (diff.appeared, diff.vanished)


def test_packages_without_a_name_are_none_in_common() -> None:
    """The same vulnerability in another package has appeared, where a scanner says nothing of the sources of both."""
    nameless = Package("", "1.0")
    old, new = (finding(package=Package(name, "1.0"), source_package=nameless) for name in ("openssl", "bash"))
    assert [IDS[0]] == ids(compare([run("a", old)], [run("a", new)]).appeared)
    unplaced = finding(package=Package())
    assert () == compare([run("a", unplaced)], [run("a", unplaced)]).appeared


@pytest.mark.parametrize("outcome", OTHERS)
def test_a_scanner_that_did_not_end_ok(outcome: Outcome) -> None:
    """What only it had found has not vanished, and what it finds afterwards has not appeared."""
    looked, not_looked = [run("a"), run("b", finding())], [run("a"), run("b", outcome=outcome)]
    there, gone = compare(not_looked, looked), compare(looked, not_looked)
    assert ((), ()) == (there.appeared, gone.vanished)
    word = f"ended {outcome.value}"
    assert {"b": (f"it {word} in the old report and ended ok in the new one", [IDS[0]])} == doubts(there)
    assert {"b": (f"it ended ok in the old report and {word} in the new one", [IDS[0]])} == doubts(gone)


def test_a_scanner_that_was_not_there() -> None:
    """What a scanner finds that was not asked before is not comparable."""
    diff = compare([run("a")], [run("a"), run("b", finding())])
    assert {"b": ("it was not asked in the old report and ended ok in the new one", [IDS[0]])} == doubts(diff)
    assert () == diff.appeared


def test_one_witness_is_enough() -> None:
    """What one scanner saw appear has appeared, though another was not there before."""
    diff = compare([run("a")], [run("a", finding()), run("b", finding())])
    assert ([IDS[0]], []) == (ids(diff.appeared), doubts(diff)["b"][1])


def test_a_finding_of_an_incomplete_run() -> None:
    """What a scanner finds in a part of the image, and did not find when it saw all of it, has appeared."""
    diff = compare([run("a")], [run("a", finding(), outcome=Outcome.INCOMPLETE)])
    assert ([IDS[0]], []) == (ids(diff.appeared), doubts(diff)["a"][1])


def test_a_scanner_that_failed_both_times() -> None:
    """A scanner that never looked is named: what it would have found is unknown."""
    failed = [run("a", outcome=Outcome.FAILED)]
    assert {"a": ("it ended failed both times", [])} == doubts(compare(failed, failed))


def test_severity_changed() -> None:
    """Another severity is a change, with both vulnerabilities."""
    diff = compare([run("a", finding(severity=Severity.LOW))], [run("a", finding(severity=Severity.HIGH))])
    (change,) = diff.severity_changed
    assert (Severity.LOW, Severity.HIGH) == (change.old.severity, change.new.severity)


def test_severity_that_only_another_scanner_gave() -> None:
    """A severity is not said to fall because the scanner that gave it failed."""
    low, high = finding(severity=Severity.LOW), finding(severity=Severity.HIGH)
    diff = compare([run("a", low), run("b", high)], [run("a", low), run("b", outcome=Outcome.FAILED)])
    assert ((), ["b"]) == (diff.severity_changed, list(doubts(diff)))


def test_newly_fixable() -> None:
    """A fix that is known now and was not is news; one that was known already, and one that is gone, are not."""
    fixed, unfixed = finding(fixed_by=("2.0",)), finding()
    assert [IDS[0]] == ids(compare([run("a", unfixed)], [run("a", fixed)]).newly_fixable)
    assert () == compare([run("a", fixed)], [run("a", fixed)]).newly_fixable
    assert () == compare([run("a", fixed)], [run("a", unfixed)]).newly_fixable


def one_image(text: str = APP, digest: str = "a", platform: str = "linux/amd64", *found: Finding) -> ReportDocument:
    """Return a document with an image."""
    of = image(text, digest, Platform.parse(platform))
    return ReportDocument(reports=(report(run("a", *found), of=of),))


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (one_image(), one_image(digest="b"), True),
        (one_image("alpine"), one_image("docker.io/library/alpine:latest"), True),
        (one_image(f"{APP}@sha256:{'a' * 64}"), one_image(f"{APP}@sha256:{'b' * 64}", "b"), True),
        (one_image(), one_image(platform="linux/arm64"), False),
        (one_image(), one_image("registry.example/team/app:2"), False),
    ],
    ids=["moved", "written out", "digest", "platform", "tag"],
)
def test_which_images_are_the_same(old: ReportDocument, new: ReportDocument, same: bool) -> None:
    """Images are matched by reference without digest and by platform; others are named."""
    diff = compare_documents(old, new)
    assert (same, not same, not same) == (len(diff.images) == 1, bool(diff.only_old), bool(diff.only_new))


def test_digests_of_one_repository() -> None:
    """Of several images of one reference, those with the same digest belong together, whatever their order."""

    def named(digest: str) -> ReportDocument:
        return one_image(f"app@sha256:{digest * 64}", digest)

    old = ReportDocument(reports=(*named("a").reports, *named("b").reports))
    new = ReportDocument(reports=(*named("b").reports, *named("c").reports, *named("d").reports))
    diff = compare_documents(old, new)
    pairs = [(one.old_digest[7], one.new_digest[7]) for one in diff.images]
    assert ([("b", "b"), ("a", "c")], 1) == (pairs, len(diff.only_new))


def test_images_that_could_not_be_resolved() -> None:
    """An image that could not be scanned this time is not gone: it is named with the reason."""
    old = one_image(UNRESOLVED.reference)
    diff = compare_documents(old, ReportDocument(errors=(UNRESOLVED,)))
    assert ((), (UNRESOLVED,), ()) == (diff.only_old, diff.unresolved_new, diff.images)
    back = compare_documents(ReportDocument(errors=(UNRESOLVED,)), old)
    assert ((), (UNRESOLVED,)) == (back.only_new, back.unresolved_old)


def test_an_unresolved_string_that_is_not_a_reference() -> None:
    """What a document calls an image need not be one."""
    strange = evolve(UNRESOLVED, reference="\x1b[2J !")
    diff = compare_documents(one_image(), ReportDocument(errors=(strange,)))
    assert ((APP,), (strange,)) == (diff.only_old, diff.unresolved_new)


def test_json() -> None:
    """The JSON has the members of the model, and its version."""
    value = json.loads(dump_diff(compare_documents(document(run("a")), document(run("a", finding())))))
    members = {"schema_version", "images", "only_old", "only_new", "unresolved_old", "unresolved_new"}
    assert (members, 1) == (set(value), value["schema_version"])
    assert [IDS[0]] == [one["id"] for one in value["images"][0]["appeared"]]


def test_nothing_at_all() -> None:
    """Two documents without images have no difference."""
    assert DocumentDiff() == compare_documents(ReportDocument(), ReportDocument())


def test_one_vulnerability_in_many_packages() -> None:
    """Where one vulnerability is in very many packages, each is found in its own."""
    many = [finding(package=Package(f"package-{number}", "1.0", "debian:12")) for number in range(40)]
    diff = compare([run("a", *many[:-1])], [run("a", *many[1:])])
    assert ("package-39", "package-0") == (diff.appeared[0].package.name, diff.vanished[0].package.name)
    assert (1, 1) == (len(diff.appeared), len(diff.vanished))
