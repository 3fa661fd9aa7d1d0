"""What is different from the previous scan."""

from __future__ import annotations

import pytest
from attrs import evolve
from portus_scanners import Outcome, Severity

from .documents import UNRESOLVED, make_document, make_image, make_report, make_run, make_vulnerability
from .reading import Page, images, read_site

CLAIR, TRIVY = make_run("clair", findings=4), make_run("trivy", findings=2)
BEFORE = make_document(
    make_report(
        make_vulnerability("CVE-OLD"),
        make_vulnerability("CVE-SAME", Severity.LOW),
        make_vulnerability("CVE-FIXED"),
        make_vulnerability("CVE-DOUBTFUL", scanners=("trivy",)),
        runs=(CLAIR, TRIVY),
        image=evolve(make_image(), digest="sha256:" + "e" * 64),
    ),
    make_report(image=make_image("registry.example:5000/team/app:0.9")),
    make_report(image=make_image("registry.example:5000/team/lost:1")),
)
AFTER = make_document(
    make_report(
        make_vulnerability("CVE-NEW", Severity.CRITICAL),
        make_vulnerability("CVE-SAME"),
        make_vulnerability("CVE-FIXED", fixed_by=("2.0",)),
        runs=(CLAIR, make_run("trivy", Outcome.FAILED)),
    ),
    make_report(image=make_image("registry.example:5000/team/app:2.0")),
    errors=UNRESOLVED,
)


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    """The pages of a document that is compared with an earlier one."""
    return read_site(AFTER, baseline=BEFORE)


def test_overview_counts_changes(pages: dict[str, Page]) -> None:
    """The overview sums up what is different, and names images that only one report has."""
    text = pages["index.html"].root.text
    kinds = "1 new, 1 gone, 1 now with a fix, 1 of another severity, 1 not comparable."
    assert f"In 1 image of both reports: {kinds}" in text
    assert "New here: registry.example:5000/team/app:2.0 " in text
    assert "No longer here: registry.example:5000/team/lost:1 " in text


def test_repository_counts_changes(pages: dict[str, Page]) -> None:
    """Each tag says how much came and went, that not all can be compared, or that there is nothing to compare with."""
    page = next(page for path, page in pages.items() if path.startswith("repositories/"))
    assert ["1 new, 1 gone not all comparable", "no earlier scan"] == [row.all("td")[-1].text for row in page.rows]


def test_image_lists_changes(pages: dict[str, Page]) -> None:
    """An image's page lists each change, what can't be compared and why, and that the image is another one."""
    text = next(iter(images(pages))).root.text
    parts = (
        "The image is another one: it was sha256:eeee",
        "New: 1 critical CVE-NEW in openssl",
        "Gone: 1 high CVE-OLD in openssl",
        "Now with a fix: 1 high CVE-FIXED in openssl 1.0.2h-1+deb8u5, fixed in 2.0",
        "Other severity: 1 CVE-SAME in openssl: low is now high",
        "Not comparable: trivy: it ended ok in the old report and ended failed in the new one",
        "Only one of the reports has: 1 high CVE-DOUBTFUL",
    )
    assert [] == [part for part in parts if part not in text]


def test_image_without_an_earlier_scan(pages: dict[str, Page]) -> None:
    """Where the earlier report does not have an image, its page says so: not that nothing is different."""
    text = list(images(pages))[-1].root.text
    assert "The previous report does not have this image." in text
    assert "Nothing is different" not in text


def test_nothing_is_different() -> None:
    """Compared with itself, a document has no changes; what could not be compared is still said."""
    text = next(iter(images(read_site(AFTER, baseline=AFTER)))).root.text
    assert "Not comparable: trivy: it ended failed both times" in text
    assert "Nothing is different" not in text
    same = make_document(make_report())
    assert "Nothing is different." in next(iter(images(read_site(same, baseline=same)))).root.text


def test_scanner_that_failed_twice() -> None:
    """Where a scanner has failed both times, nobody says that nothing is not comparable: it may know of changes."""
    document = make_document(make_report(runs=(CLAIR, make_run("trivy", Outcome.FAILED))))
    index = read_site(document, baseline=document)["index.html"]
    assert "0 not comparable. Not everything can be compared in 1 image." in index.root.text
