"""What the pages say is what the document says."""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
from collections import Counter

import pytest
from attrs import evolve
from hypothesis import given, settings, strategies as st
from portus_policy import GateResult, GateViolation
from portus_scan import ReportJob
from portus_scan.formats.html import HtmlReporter, rows
from portus_scanners import (
    Database,
    FixState,
    Outcome,
    Package,
    Platform,
    ReportDocument,
    Severity,
    UnresolvedImage,
    Verdict,
)
from properties import at_most

from ...core.strategies import documents
from .attacks import hostile_document
from .documents import (
    UNRESOLVED,
    make_document,
    make_image,
    make_report,
    make_run,
    make_vulnerability,
    many_vulnerabilities,
    usual_document,
)
from .reading import images, read_site, the_image

severity_lists = st.lists(st.sampled_from(Severity), max_size=6)
outcome_lists = st.lists(st.sampled_from(Outcome), max_size=3)
TAGS = ("1.0", "2.0", "3.0")


def document_of(found: list[Severity], outcomes: list[Outcome], tag: str = "1.0") -> ReportDocument:
    """Return a document of one image: what was found, and how the scanners ended."""
    vulnerabilities = [
        make_vulnerability(f"CVE-2026-{place}", one) for place, one in enumerate(sorted(found, reverse=True))
    ]
    runs = tuple(make_run(f"scanner_{place}", one) for place, one in enumerate(outcomes))
    report = make_report(
        *vulnerabilities, runs=runs or (make_run("x"),), image=make_image(f"registry.example/app:{tag}")
    )
    if not runs:
        report = evolve(report, results=(), verdict=report.verdict if found else Verdict.UNKNOWN)
    return make_document(report)


@given(severity_lists, outcome_lists)
def test_counts_are_those_of_the_document(found: list[Severity], outcomes: list[Outcome]) -> None:
    """On the image's page there is a row for each vulnerability with its severity; the totals above are the same."""
    pages = read_site(document_of(found, outcomes))
    (page,) = images(pages)
    expected = [one.value for one in sorted(found, reverse=True)]
    assert expected == [row.all("span", "chip")[0].text for row in page.rows]
    heading = page.root.all("h2")[-1].text
    assert heading == (f"Vulnerabilities {len(found)}" if found or page.words == ["Passed"] else "Vulnerabilities")
    totals = Counter(expected)
    worst = f"{totals[expected[0]]} {expected[0]} - {len(found)} total" if found else None
    for path in pages:
        said = [one for one in pages[path].root.all() if one.texts and one.text == worst]
        assert bool(found) == bool(said), path
    described = [one.text for one in page.root.all("desc")]
    parts = [f"{totals[one.value]} {one.value}, none with a fix" for one in reversed(Severity) if totals[one.value]]
    nouns = "vulnerability" if len(found) == 1 else "vulnerabilities"
    assert ([f"{len(found)} {nouns}: {'; '.join(parts)}"] if found else []) == described


@settings(max_examples=at_most(15))
@given(documents)
def test_any_document(document: ReportDocument) -> None:
    """Whatever the document: each image has a page with all its rows, and what has not passed is not said to."""
    pages = read_site(document)
    assert len(document.reports) == len(list(images(pages)))
    rows_of_all = [len(report.vulnerabilities) for report in document.reports]
    assert sorted(rows_of_all) == sorted(len(page.rows) for page in images(pages))
    clean = sum(report.verdict is Verdict.CLEAN for report in document.reports)
    assert clean == sum("Passed" in page.words for page in images(pages))


@given(severity_lists.filter(lambda found: len(found) < 2), outcome_lists)
def test_passed_only_where_it_is_clean(found: list[Severity], outcomes: list[Outcome]) -> None:
    """No page says that an image has passed unless all scanners ended ok and none found anything."""
    document = document_of(found, outcomes)
    clean = document.reports[0].verdict is Verdict.CLEAN
    for path, page in read_site(document).items():
        assert clean == ("Passed" in page.words), path
        assert clean or "none found" not in page.root.text, path
        assert clean or "None found" not in page.root.text, path
        assert any(one is not Outcome.OK for one in outcomes) <= ("scanner" in page.root.text or path == "index.html")


@pytest.mark.parametrize(
    "runs",
    [(), (make_run("clair"), make_run("trivy", Outcome.FAILED)), (make_run("clair", findings=1),)],
    ids=["nobody", "failed", "found"],
)
def test_verdict_alone_is_not_believed(runs: tuple) -> None:
    """A document may say clean of an image that not all have looked at, or that something is in: it has not passed."""
    report = evolve(make_report(), verdict=Verdict.CLEAN, results=runs)
    for page in read_site(make_document(report)).values():
        assert "Passed" not in page.words


def test_what_is_not_known_is_said() -> None:
    """In place of Passed, the words say how many scanners did what; the error's text stands at the scanner."""
    document = make_document(
        make_report(runs=(make_run("clair"), make_run("zypper", Outcome.FAILED, error="no route")))
    )
    pages = read_site(document)
    (page,) = images(pages)
    assert "unknown: 1 of 2 scanners failed" in page.root.text
    assert "no route" in page.root.all("li", "run")[1].text
    (tag,) = next(page for path, page in pages.items() if path.startswith("repositories/")).rows
    assert "unknown: 1 of 2 scanners failed" in tag.text
    assert "not known" in tag.text


def test_image_that_could_not_be_scanned() -> None:
    """A repository has not passed when a tag could not be scanned; the reason is on its page and on the overview."""
    gone = UnresolvedImage(
        reference="registry.example:5000/team/app:2.0", step="manifest", message="there is no such tag"
    )
    pages = read_site(make_document(make_report(), errors=(gone,)))
    for path in ("index.html", next(path for path in pages if path.startswith("repositories/"))):
        assert "manifest: there is no such tag" in pages[path].root.text
    assert ["Unknown"] == pages["index.html"].words
    assert "1 passed, 1 not scanned" in pages["index.html"].rows[0].text


def test_repository_counts_each_once() -> None:
    """What two tags have in common counts once for their repository, at its worst; tags stand by severity."""
    low, high = (make_vulnerability("CVE-1", severity) for severity in (Severity.LOW, Severity.HIGH))
    reports = (
        make_report(low, image=make_image("registry.example/app:1")),
        make_report(image=make_image("registry.example/app:2")),
        make_report(high, make_vulnerability("CVE-2", Severity.LOW), image=make_image("registry.example/app:3")),
    )
    pages = read_site(make_document(*reports))
    assert "1 high - 2 total" in pages["index.html"].rows[0].text
    tags = next(page for path, page in pages.items() if path.startswith("repositories/")).rows
    assert [f"{tag} sha256:{12 * 'a'}" for tag in "312"] == [row.all("th")[0].text for row in tags]
    assert ["e-high", "e-low", "e-passed"] == [row.classes[1] for row in tags]


@pytest.mark.parametrize("least", [Severity.UNKNOWN, Severity.MEDIUM, Severity.CRITICAL])
def test_lower_severities_are_left_out_and_counted(least: Severity) -> None:
    """Rows below the severity that was asked for are left out, the page says how many, and all are still counted."""
    found = many_vulnerabilities(40)
    page = the_image(make_document(make_report(*found)), min_severity=least)
    below = sum(one.severity < least for one in found)
    assert len(found) - below == len(page.rows)
    left_out = [one.text for one in page.root.all("p", "left-out")]
    assert ([] if not below else [f"Left out below {least.value}: {below} "]) == [
        text.split("vuln")[0] for text in left_out
    ]
    assert f"- {len(found)} total" in page.root.text


def test_more_rows_than_a_page_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lowest severities of too many rows are left out and counted, unless all are asked for."""
    monkeypatch.setattr(rows, "MOST_ROWS", 5)
    document = make_document(make_report(*many_vulnerabilities(9)[::-1]))
    page = the_image(document)
    assert 5 == len(page.rows)
    assert "critical" == page.rows[0].all("span", "chip")[0].text
    assert ["Left out, as one page shows 5 at most: 4 vulnerabilities: 4 high, 2 with a fix."] == [
        one.text for one in page.root.all("p", "left-out")
    ]
    assert 9 == len(the_image(document, show_all=True).rows)


def test_everything_of_a_vulnerability_is_on_the_page() -> None:
    """Scanners that found it, looked, and could not; ratings, aliases, links, rule and reason of a suppression."""
    one = next(one for one in many_vulnerabilities(40) if one.suppressed and one.description and one.aliases == ())
    text = the_image(make_document(make_report(one))).rows[0].text
    said = {one.id, one.package.name, one.package.version, *one.fixed_by, *one.scanners}
    inside = {*one.links, *one.purls, *one.layers, "A server that does not renegotiate", "built from"}
    rule = {"suppressions.yml:12", "the code is not reached", "ada@example.com", "until 2027-01-31"}
    rest = {"not by trivy", "could not look: zypper", "2026-10-25 09:30 UTC"}
    assert set() == {part for part in said | inside | rule | rest if part not in text}


def test_every_rating_is_on_the_page() -> None:
    """What each scanner says: severity, its word, the source, CVSS with vector, and what others say."""
    one = next(one for one in many_vulnerabilities(20) if len(one.ratings) == 2 and one.aliases)
    text = the_image(make_document(make_report(one))).rows[0].text
    assert f'clair: {one.ratings[0].severity.value} ("Medium")' in text
    assert f'trivy: {one.severity.value} ("{one.severity.value.upper()}", debian)' in text
    assert "CVSS 3.1 9.8 by nvd CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" in text
    assert 'nvd: critical ("4")' in text
    assert [] == [alias for alias in one.aliases if alias not in text]


def test_vulnerability_without_any_words() -> None:
    """One that nobody describes still opens, under a name."""
    (row,) = the_image(make_document(make_report(make_vulnerability(title=" ", description="")))).rows
    assert "Details" == row.all("summary")[0].text


def test_names_of_binary_packages() -> None:
    """Where the name that is shown is that of the source, the packages are named beneath it."""
    packages = tuple(Package(f"libssl{number}", "1.0") for number in range(6))
    (row,) = the_image(make_document(make_report(make_vulnerability(packages=packages)))).rows
    assert "openssl libssl0, libssl1, libssl2, libssl3 and 2 more" == row.all("td")[1].text


def test_fix_without_a_version() -> None:
    """Where no version is known, the words of the scanners are; nothing said is nothing known."""
    states = {(FixState.WILL_NOT_FIX, FixState.AFFECTED): "will not be fixed, no fix yet", (): "none known"}
    found = [make_vulnerability(f"CVE-{len(one)}", fix_states=one) for one in states]
    assert [*states.values()] == [row.all("td")[3].text for row in the_image(make_document(make_report(*found))).rows]


def test_age_of_the_database() -> None:
    """The data's age is that at the scan, not today's; data that is newer than the scan has none."""
    texts = [one.text for one in the_image(usual_document_of_one()).root.all("li", "run")]
    assert "2026-11-21 07:30 UTC (3 days old at the scan)" in texts[0]
    assert "2026-11-24 09:31 UTC Scan" in texts[1]
    assert "Database not stated" in texts[2]


def usual_document_of_one() -> ReportDocument:
    """Return a document whose scanners have data of several ages."""
    later = make_run("late").started
    assert later is not None
    return make_document(
        make_report(
            runs=(
                make_run("old"),
                make_run("late", database=Database(identity="later", updated=later.replace(minute=31))),
                make_run("silent", database=None),
            )
        )
    )


def test_gate() -> None:
    """The overview has all violations, an image's page its own; an image that violates nothing does not look failed."""
    pages = read_site(usual_document())
    gate = pages["index.html"].root.all("section", "gate")[0]
    assert "Gate of this report: failed" == gate.all("h2")[0].text
    assert "fail_on 15 vulnerabilities of severity high or above, 5 are allowed" in gate.text
    assert "required zypper did not end ok for 3 images" in gate.text
    assert 2 == len(gate.all("a"))
    headings = Counter(page.root.all("section", "gate")[0].all("h2")[0].text for page in images(pages))
    assert {"Gate: failed by this image": 2, "Gate: failed, but not by this image alone": 6} == headings


@pytest.mark.parametrize(("number", "is_open"), [(5, True), (6, False)])
def test_many_violations_are_folded(number: int, is_open: bool) -> None:
    """The images begin on the first screen, also where a gate failed for hundreds of them."""
    violations = tuple(GateViolation(rule="fail_on", message=f"{one}", reference="") for one in range(number))
    gate = GateResult(passed=False, violations=violations)
    index = read_site(make_document(make_report(make_vulnerability()), gate=gate))["index.html"].root
    (listed,) = index.all("details", "listed")
    assert (f"Violations: {number}", is_open) == (listed.all("summary")[0].text, "open" in listed.attributes)


def test_gate_of_one_platform() -> None:
    """A rule that fails for one platform is not laid at the door of the other, nor linked to it."""
    arm64 = evolve(make_image(), platform=Platform("linux", "arm64"))
    text = make_image().reference.text
    violation = GateViolation(rule="fail_on", message="linux/amd64: 1 is too many", reference=text)
    gate = GateResult(passed=False, violations=(violation,))
    pages = read_site(make_document(make_report(make_vulnerability()), make_report(image=arm64), gate=gate))
    said = [one.root.all("section", "gate")[0].all("h2")[0].text for one in images(pages)]
    links = [one.text for one in pages["index.html"].root.all("section", "gate")[0].all("a")]
    assert ["Gate: failed by this image", "Gate: failed, but not by this image alone"] == said
    assert [f"{text} (linux/amd64)"] == links


def test_unused_suppressions() -> None:
    """Rules that did not apply are named with the reason, the expired ones as such."""
    text = read_site(usual_document())["index.html"].root.text
    assert "suppressions.yml:20 expired: CVE-2019-1 in curl: it applied until 2026-10-31" in text
    assert "suppressions.yml:31 GHSA-1 in lodash" in text


def test_empty_document() -> None:
    """Without any image the overview says so; nothing has passed."""
    (page,) = read_site(ReportDocument()).values()
    assert "No image is in this report." in page.root.text
    assert [] == page.words


def test_same_document_same_bytes() -> None:
    """Nothing depends on the clock or on chance."""
    jobs = (ReportJob(document=usual_document()) for _ in range(2))
    once, again = ([(one.path, *one.pieces()) for one in HtmlReporter().render(job)] for job in jobs)
    assert once == again


@pytest.mark.parametrize("document", [usual_document(), hostile_document()], ids=["usual", "hostile"])
def test_policy_has_the_hashes_of_what_is_in_the_page(document: ReportDocument) -> None:
    """Style and script of each page are those that its policy allows; there is one of each, and no other source."""
    for page in read_site(document).values():
        (policy,) = [one.attributes["content"] for one in page.root.all("meta") if "http-equiv" in one.attributes]
        assert (1, 1) == (len(page.root.all("style")), len(page.root.all("script")))
        hashes = {
            kind: base64.b64encode(hashlib.sha256(page.raw[kind].encode()).digest()).decode()
            for kind in ("style", "script")
        }
        assert (
            f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
            "base-uri 'none'; form-action 'none'"
        ) == policy


@pytest.mark.parametrize("document", [usual_document(), hostile_document()], ids=["usual", "hostile"])
def test_every_page_is_reached(document: ReportDocument) -> None:
    """From the overview each page can be reached, and each link within the site leads to one."""
    pages = read_site(document)
    todo, reached = ["index.html"], set()
    while todo:
        path = todo.pop()
        reached.add(path)
        hrefs = {one.attributes["href"] for one in pages[path].root.all("a")}
        inside = {href for href in hrefs if not href.startswith(("http:", "https:", "#"))}
        todo += (
            {posixpath.normpath(posixpath.join(posixpath.dirname(path), href)) for href in inside} - reached - {*todo}
        )
    assert {*pages} == reached


def test_links_of_vulnerabilities() -> None:
    """A link says nothing of where it was followed from, and gives its page no handle on this one."""
    links = [link for page in images(read_site(usual_document())) for row in page.rows for link in row.all("a")]
    links = [link for link in links if not link.attributes["href"].startswith("#")]
    assert {"noreferrer noopener"} == {link.attributes["rel"] for link in links}


def test_platforms_of_one_tag_are_images() -> None:
    """A repository's page counts tags and images apart: two platforms of one tag are two images."""
    arm64 = evolve(make_image(), platform=Platform("linux", "arm64"))
    pages = read_site(make_document(make_report(), make_report(image=arm64)))
    page = next(page for path, page in pages.items() if path.startswith("repositories/"))
    assert (True, "Images 2") == ("1 tag, 2 images: 2 passed" in page.root.text, page.root.all("h2")[0].text)


def test_platforms_of_one_tag_have_pages_of_their_own() -> None:
    """Two platforms of one reference are two pages, and so are two scans of the same one."""
    arm = make_report(image=make_image(platform=Platform("linux", "arm64")))
    pages = read_site(make_document(make_report(), arm, make_report(), make_report(image=make_image(platform=None))))
    assert 4 == len(list(images(pages)))
    tags = next(page for path, page in pages.items() if path.startswith("repositories/"))
    assert ["linux/amd64", "linux/amd64", "linux/arm64", "not stated"] == sorted(
        row.all("td")[0].text for row in tags.rows
    )


def test_local_and_unreadable_references() -> None:
    """Images of archives have a group of their own, and so has what is no reference."""
    nonsense = UnresolvedImage(reference="No Reference", step="parse", message="it is none")
    local = make_report(image=make_image("docker-archive:build/app.tar:app:1"))
    text = read_site(make_document(local, errors=(nonsense, *UNRESOLVED)))["index.html"].root.text
    assert "docker-archive:build/app.tar local images" in text
    assert "Local docker-archive: /builds/build/app.tar" in the_image(make_document(local)).root.text
    assert "No Reference not an image reference" in text


def test_long_tags_are_told_apart() -> None:
    """A tag is shown whole, and of a digest its beginning: two long tags never look like one."""
    tags = ("2026.11.24-release-candidate-1", "2026.11.24-release-candidate-2", "sha256:" + "c" * 64)
    texts = [f"registry.example/app{'@' if ':' in tag else ':'}{tag}" for tag in tags]
    pages = read_site(make_document(*(make_report(image=make_image(text)) for text in texts)))
    page = next(page for path, page in pages.items() if path.startswith("repositories/"))
    assert [*tags[:2], "sha256:" + "c" * 12] == [row.all("a")[0].text for row in page.rows]


def test_no_two_rows_have_one_anchor() -> None:
    """Each row of a page has an anchor of its own, whatever its id is, and none is that of another element."""
    names = ("CVE-1", "CVE-1", "CVE-1", "rows", "a b", "a/b", "\u202e", "", "x" * 300)
    found = [make_vulnerability(name) for name in names]
    (page,) = images(read_site(make_document(make_report(*found))))
    anchors = [row.attributes["id"] for row in page.rows]
    assert len(found) == len({*anchors})
    assert all(re.fullmatch(r"v-[A-Za-z0-9.-]*(_\d+)?", anchor) for anchor in anchors)
