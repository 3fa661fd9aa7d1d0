"""What is different from the previous scan."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from portus_scan.formats import html
from portus_scan.formats.html.changes import Changes
from portus_scanners import ReportDocument, Severity

from .documents import UNRESOLVED, make_document, make_image, make_report, make_vulnerability
from .reading import Page, images, read_site

DIGEST = "sha256:" + "a" * 64
OLD, NEW = make_vulnerability("CVE-OLD"), make_vulnerability("CVE-NEW", Severity.CRITICAL)
LOW, HIGH = make_vulnerability("CVE-SAME", Severity.LOW), make_vulnerability("CVE-SAME", Severity.HIGH)
FIXED, DOUBTFUL = make_vulnerability("CVE-FIXED", fixed_by=("2.0",)), make_vulnerability("CVE-DOUBTFUL")
DOCUMENT = make_document(
    make_report(NEW, HIGH, FIXED),
    make_report(image=make_image("registry.example:5000/team/app:2.0")),
    errors=UNRESOLVED,
)


def _diff() -> SimpleNamespace:
    why = "it failed in the old report"
    doubts = [SimpleNamespace(scanner=name, why=why, vulnerabilities=(DOUBTFUL,)) for name in "ab"]
    image = SimpleNamespace(
        reference="registry.example:5000/team/app:1.0",
        platform="linux/amd64",
        old_digest="sha256:" + "e" * 64,
        new_digest=DIGEST,
        appeared=(NEW,),
        vanished=(OLD,),
        newly_fixable=(FIXED,),
        severity_changed=(SimpleNamespace(old=LOW, new=HIGH),),
        not_comparable=(*doubts, SimpleNamespace(scanner="c", why="it never ran", vulnerabilities=())),
    )
    return SimpleNamespace(images=(image,), only_old=("registry.example/gone:1",), only_new=("registry.example/new:1",))


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> dict[str, Page]:
    """The pages of a document that is compared with an earlier one."""
    monkeypatch.setattr(html, "compare", lambda _: Changes(_diff()))  # type: ignore[arg-type]
    return read_site(DOCUMENT, baseline=ReportDocument())


def test_overview_counts_changes(pages: dict[str, Page]) -> None:
    """The overview sums up what is different, each once, and names images that only one report has."""
    text = pages["index.html"].root.text
    assert "In 1 image of both reports: 1 new, 1 gone, 1 now with a fix, 1 of another severity, 1 not" in text
    assert "New here: registry.example/new:1" in text
    assert "No longer here: registry.example/gone:1" in text


def test_repository_counts_changes(pages: dict[str, Page]) -> None:
    """Each tag says how much came and went, that not all can be compared, or that there is nothing to compare with."""
    page = next(page for path, page in pages.items() if path.startswith("repositories/"))
    assert ["1 new, 1 gone not all comparable", "no earlier scan"] == [row.all("td")[-1].text for row in page.rows]


def test_image_lists_changes(pages: dict[str, Page]) -> None:
    """An image's page lists each change, what can't be compared and why, and that the image is another one."""
    text = next(iter(images(pages))).root.text
    for part in (
        "The image is another one: it was sha256:eeee",
        "New: 1 critical CVE-NEW in openssl",
        "Gone: 1 high CVE-OLD in openssl",
        "Now with a fix: 1 high CVE-FIXED in openssl 1.0.2h-1+deb8u5, fixed in 2.0",
        "Other severity: 1 CVE-SAME in openssl: low is now high",
        "Not comparable: a: it failed in the old report Only one of the reports has: 1 high CVE-DOUBTFUL",
        "Not comparable: c: it never ran",
    ):
        assert part in text


def test_image_without_an_earlier_scan(pages: dict[str, Page]) -> None:
    """Where the earlier report does not have an image, its page says so: not that nothing is different."""
    assert "The previous report does not have this image." in list(images(pages))[-1].root.text
