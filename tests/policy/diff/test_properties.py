"""What holds of every diff."""

from __future__ import annotations

from hypothesis import given
from portus_policy import DocumentDiff, ImageDiff, compare_documents
from portus_scanners import ReportDocument

from ..judged import documents, ids


def changes(diff: ImageDiff) -> list[object]:
    """Return everything that the diff says of vulnerabilities."""
    doubtful = [one for doubt in diff.not_comparable for one in doubt.vulnerabilities]
    return [*diff.appeared, *diff.vanished, *diff.severity_changed, *diff.newly_fixable, *doubtful]


@given(documents)
def test_nothing_has_changed_in_the_same_document(found: ReportDocument) -> None:
    """A document does not differ from itself; only scanners that did not end ok are named."""
    diff = compare_documents(found, found)
    assert [[] for _ in found.reports] == [changes(image) for image in diff.images]
    assert ((), ()) == (diff.only_old, diff.only_new)


def facts(diff: DocumentDiff, *, mirrored: bool) -> object:
    """Return what can be mirrored."""
    images = [
        (
            ids(one.vanished if mirrored else one.appeared),
            ids(one.appeared if mirrored else one.vanished),
            sorted((it.new.id, it.old.id) if mirrored else (it.old.id, it.new.id) for it in one.severity_changed),
            [(doubt.scanner, sorted(ids(doubt.vulnerabilities))) for doubt in one.not_comparable],
        )
        for one in diff.images
    ]
    lone = [sorted(diff.only_old), sorted(diff.only_new)]
    return sorted(images, key=repr), lone[::-1] if mirrored else lone


@given(documents, documents)
def test_mirrored(old: ReportDocument, new: ReportDocument) -> None:
    """The way back says the same with appeared and vanished changed over."""
    there, back = compare_documents(old, new), compare_documents(new, old)
    assert facts(there, mirrored=False) == facts(back, mirrored=True)


@given(documents, documents)
def test_nothing_is_lost(old: ReportDocument, new: ReportDocument) -> None:
    """Each vulnerability of a compared image is in the old one too, has appeared, or is not comparable."""
    known = {one.id for report in old.reports for one in report.vulnerabilities}
    diff = compare_documents(old, new)
    compared = [report for report in new.reports if report.image.reference.text not in diff.only_new]
    assert len(compared) <= len(diff.images) <= len(new.reports)
    told = {one.id for image in diff.images for one in image.appeared}
    told |= {one.id for image in diff.images for doubt in image.not_comparable for one in doubt.vulnerabilities}
    assert {one.id for report in compared for one in report.vulnerabilities} <= known | told


@given(documents, documents)
def test_never_both(old: ReportDocument, new: ReportDocument) -> None:
    """What has appeared or vanished for sure is not called doubtful as well, and nothing does both."""
    for image in compare_documents(old, new).images:
        doubtful = {one.id for doubt in image.not_comparable for one in doubt.vulnerabilities}
        assert not doubtful & {*ids(image.appeared), *ids(image.vanished)}
        assert not {*ids(image.appeared)} & {*ids(image.vanished)}
