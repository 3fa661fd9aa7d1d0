"""From Trivy's JSON to a report: pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, strategies as st
from portus_scanner_trivy.log import ScanLog
from portus_scanner_trivy.report import Circumstances, make_report
from portus_scanner_trivy.wire import Versions, read_report, read_versions, same_results
from portus_scanners import (
    Database,
    Finding,
    FixState,
    Image,
    InvalidReportError,
    Layer,
    Package,
    Reference,
    ScannerReport,
    Severity,
    UnsupportedImageError,
)
from portus_scanners_testing import StandInContext
from standins.trivy_cases import RESULTS_TWICE

from .reports import DEBIAN, DIFF_IDS, VERSIONS, os_result, package, report, vulnerability

LAYER = "sha256:" + "b" * 64
IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1"),
    digest="sha256:" + "a" * 64,
    config_digest="sha256:" + "c" * 64,
    layers=(Layer(digest=LAYER),),
)
NOW = datetime(2099, 1, 2, tzinfo=UTC)


def read(document: object, *warnings: str, unseen: tuple[str, ...] = (), versions: object = VERSIONS) -> ScannerReport:
    """Return the report for what Trivy wrote."""
    known = read_versions(json.dumps(versions).encode())
    circumstances = Circumstances(versions=known, unseen=unseen, warnings=warnings, now=NOW)
    return make_report(read_report(json.dumps(document).encode()), IMAGE, circumstances)


def only(document: object) -> Finding:
    """Return the only finding."""
    (finding,) = read(document).findings
    return finding


def one(**more: object) -> dict[str, Any]:
    """Return a report with one vulnerability."""
    return report(os_result(vulnerability(**more)))


@pytest.mark.parametrize(
    ("word", "cvss", "expected"),
    [
        ("CRITICAL", {}, Severity.CRITICAL),
        ("low", {}, Severity.LOW),
        ("UNKNOWN", {}, Severity.UNKNOWN),
        ("UNKNOWN", {"nvd": {"V3Score": 7.5}, "ghsa": {"V3Score": 3.0}}, Severity.HIGH),
        ("", {"nvd": {"V2Score": 5}}, Severity.MEDIUM),
        (None, {}, Severity.UNKNOWN),
        ("gaudy", {"nvd": {"V3Score": 9.9}}, Severity.UNKNOWN),
    ],
)
def test_severity(word: str | None, cvss: object, expected: Severity) -> None:
    """The word counts; where it says nothing, the highest score. The word is kept."""
    finding = only(one(Severity=word, CVSS=cvss))
    assert (expected, word or "") == (finding.severity, finding.severity_label)


def test_names_of_vendors_are_aliases() -> None:
    """Advisories that Trivy names beside the CVE are other names of it, each once."""
    finding = only(one(VendorIDs=["DSA-1-1", "DLA-2", "DSA-1-1", " "]))
    assert ("CVE-2099-0001", ("DSA-1-1", "DLA-2")) == (finding.id, finding.aliases)


def test_cvss_of_every_version() -> None:
    """One rating for each source and version, with the version of its vector."""
    scores = {
        "nvd": {
            "V2Vector": "AV:N",
            "V2Score": 7.5,
            "V3Vector": "CVSS:3.1/AV:N",
            "V3Score": 9.8,
            "V40Vector": "CVSS:4.0/AV:N",
            "V40Score": 9,
        },
        "debian": {"V3Score": 5.5},
    }
    ratings = [(rating.source, rating.version, rating.score) for rating in only(one(CVSS=scores)).cvss]
    assert [("debian", "3", 5.5), ("nvd", "2.0", 7.5), ("nvd", "3.1", 9.8), ("nvd", "4.0", 9.0)] == ratings


@pytest.mark.parametrize(
    "junk",
    [
        {"nvd": None},
        {"nvd": 3},
        {"nvd": {"V3Score": "high", "V3Vector": 7}},
        {"nvd": {"V3Score": 11}},
        {"nvd": {"V3Score": True}},
        {"nvd": {"V3Score": 10**400}},
    ],
)
def test_ratings_that_are_none_are_left_out(junk: object) -> None:
    """What stands in the free-form mappings costs no finding."""
    finding = only(one(CVSS=junk, VendorSeverity=junk if "nvd" in str(junk) and junk != {"nvd": 3} else {"nvd": "x"}))
    assert ((), ()) == (finding.cvss, finding.vendor_ratings)


def test_an_unknown_level_is_kept_as_a_number() -> None:
    """A fifth level of a vendor is unknown, and not dropped."""
    (rating,) = only(one(VendorSeverity={"nvd": 7})).vendor_ratings
    assert ("nvd", Severity.UNKNOWN, "7") == (rating.source, rating.severity, rating.label)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(state.value, state) for state in FixState] + [("odd", FixState.UNKNOWN), (None, FixState.UNKNOWN)],
)
def test_fix_states(status: str | None, expected: FixState) -> None:
    """Each of Trivy's words has its state."""
    assert expected is only(one(Status=status)).fix_state


@pytest.mark.parametrize(
    ("text", "expected"), [("1.2, 1.3", ("1.2", "1.3")), ("1.2", ("1.2",)), ("", ()), (None, ()), (" , ", ())]
)
def test_fixed_versions(text: str | None, expected: tuple[str, ...]) -> None:
    """Several, with commas."""
    assert expected == only(one(FixedVersion=text)).fixed_by


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, Package("glibc", "5.2-1")),
        ({"SrcEpoch": 2}, Package("glibc", "2:5.2-1")),
        ({"SrcRelease": ""}, Package("glibc", "5.2")),
        ({"SrcName": ""}, None),
        ({"ID": "another"}, None),
    ],
)
def test_source_packages_have_the_form_of_the_distribution(more: dict[str, object], expected: Package | None) -> None:
    """Epoch, version and release, joined by the package's ID."""
    packages = [package("bash", "glibc", **more)]
    assert expected == only(report(os_result(vulnerability(), packages=packages))).source_package


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({"DiffID": DIFF_IDS[0]}, LAYER),
        ({"Digest": "sha256:x", "DiffID": DIFF_IDS[0]}, LAYER),
        ({"Digest": "sha256:x"}, "sha256:x"),
        ({}, None),
    ],
)
def test_layers_have_their_digests(layer: object, expected: str | None) -> None:
    """That of this image's layer with the content; Trivy may have kept another one's digest for it."""
    assert expected == only(one(Layer=layer)).layer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-02-01T00:00:00.123456789Z", datetime(2025, 2, 1, 0, 0, 0, 123456, UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        ("2025-02-01T00:00:00", datetime(2025, 2, 1, tzinfo=UTC)),
        (None, None),
    ],
)
def test_dates(text: str | None, expected: datetime | None) -> None:
    """Nine digits of a second are read, Go's zero is no time, and nonsense costs no finding."""
    assert expected == only(one(PublishedDate=text)).published


@pytest.mark.parametrize(
    ("target", "path"), [("app/package-lock.json", "app/package-lock.json"), ("Node.js", "Node.js"), ("Java", "")]
)
def test_a_language_s_file_is_the_path(target: str, path: str) -> None:
    """Where the package has no path of its own."""
    result = {"Target": target, "Class": "lang-pkgs", "Type": "npm", "Vulnerabilities": [vulnerability()]}
    finding = only(report(result, system=None))
    assert (path, "npm") == (finding.path, finding.package.namespace)


@pytest.mark.parametrize("results", [None, []], ids=["null", "empty"])
@pytest.mark.parametrize("system", [None, {"Family": "none", "Name": ""}, {"Family": "debian", "Name": "12"}])
def test_nothing_recognised_is_not_clean(results: object, system: dict[str, object] | None) -> None:
    """No results, in every form that was seen: unsupported."""
    with pytest.raises(UnsupportedImageError, match="not known to be clean"):
        read({**report(system=system), "Results": results})


def test_null_is_not_clean() -> None:
    """Older versions write it for nothing."""
    with pytest.raises(UnsupportedImageError, match="recognised nothing"):
        read(None)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"SchemaVersion": 1, "Results": []},
        {},
        {**one(), "Results": "no"},
        one(VulnerabilityID=""),
        one(PkgName=None),
        {**one(), "Metadata": {"ImageID": "sha256:" + "f" * 64}},
    ],
    ids=["list", "old", "no version", "wrong type", "no id", "no package", "other image"],
)
def test_what_is_no_report_is_refused(document: object) -> None:
    """The fault has its path."""
    with pytest.raises(InvalidReportError, match=r"\$"):
        read(document)


@pytest.mark.parametrize(
    ("system", "said"),
    [
        (DEBIAN, "Trivy scanned none of the packages of the distribution (debian 12.1)"),
        ({"Family": "none", "Name": ""}, "there are packages of a distribution that Trivy did not recognise"),
        (None, "Trivy recognised no distribution"),
    ],
    ids=["recognised", "not recognised", "none"],
)
def test_packages_that_were_not_looked_at_make_it_incomplete(system: dict[str, object] | None, said: str) -> None:
    """Packages of languages alone are not known to be all of an image: Trivy does not recognise each distribution."""
    result = {"Target": "a.json", "Class": "lang-pkgs", "Type": "npm", "Packages": [package()]}
    made = read(report(result, system=system))
    assert (False, True) == (made.complete, made.notes[0].startswith(said))


def test_a_clean_report_is_complete() -> None:
    """Packages that were looked at, and nothing found."""
    updated = datetime(2099, 1, 1, 6, 0, 0, 123456, UTC)
    database = Database(identity="2 2099-01-01T06:00:00.123456789Z", updated=updated)
    assert ScannerReport(scanner_version="0.76.0", database=database) == read(report(os_result()))


def test_warnings_are_notes() -> None:
    """What Trivy warned of is passed on, but for what the report says already."""
    known = ('This OS version is no longer supported by the distribution\tfamily="debian"', "the disk is slow")
    assert ("Trivy warns: the disk is slow",) == read(report(os_result()), *known).notes


def test_versions_that_are_not_told() -> None:
    """A report without them is a report, and says so."""
    made = read(report(os_result()), versions={})
    assert ("", None, 1) == (made.scanner_version, made.database, len(made.notes))
    assert Versions() == read_versions(b"{}")


def test_an_image_whose_layers_do_not_match_has_no_digests() -> None:
    """Schema 1 lists empty layers as well: no layer is better than a wrong one."""
    other = evolve(IMAGE, layers=(*IMAGE.layers, *IMAGE.layers))
    circumstances = Circumstances(versions=Versions(), now=NOW)
    made = make_report(read_report(json.dumps(one()).encode()), other, circumstances)
    assert [None] == [finding.layer for finding in made.findings]


def log_of(*lines: str) -> ScanLog:
    """Return a log that has read these lines."""
    log = ScanLog(StandInContext())
    for line in lines:
        log(line)
    return log


def line_of(level: str, text: str) -> str:
    """Return a line as Trivy writes it."""
    return f"2099-01-01T00:00:00Z\t{level}\t{text}"


@given(st.lists(st.text(max_size=30), max_size=60))
def test_no_warning_hides_behind_others(texts: list[str]) -> None:
    """However many warnings an image provokes, it stays known that something was not scanned."""
    lines = [line_of("WARN", " ".join(text.split()) or "x") for text in texts]
    log = log_of(*lines, line_of("WARN", "[dpkg] Invalid version"))
    assert (True, True) == (bool(log.unseen), log.complaints)
    assert len(log.unseen) + len(log.warnings) <= 40


COMPLAINTS = [
    line_of("WARN", "[dpkg] Skipping package, no version: bash"),
    line_of("WARN", "[npm] Malformed lock file"),
    line_of("ERROR", "[dpkg] Parse error"),
    line_of("ERROR", "No OS package is detected"),
    line_of("WARN", "[rpm] unable to open the database"),
    line_of("FATAL", "Fatal error"),
    line_of("WARN", "[jar] Error reading an archive"),
    "ERROR disk is full",
    "[ERROR] disk is full",
    "2099/01/01 00:00:00 ERROR: disk is full",
    "error: disk is full",
    'time="2099-01-01T00:00:00Z" level=error msg="disk is full"',
    '{"level":"ERROR","msg":"disk is full"}',
    "panic: runtime error: index out of range [3]",
    "fatal error: concurrent map writes",
]


@pytest.mark.parametrize("line", COMPLAINTS)
def test_an_error_with_exit_status_0_is_incomplete(line: str) -> None:
    """Whatever words the error has: something was not scanned, and the report says what Trivy said."""
    log = log_of(line_of("INFO", "x"), line)
    made = read(report(os_result()), unseen=log.unseen)
    said = line.rpartition("\t")[2]
    assert (True, False, f"Trivy has not scanned everything: {said}") == (log.complaints, made.complete, made.notes[0])


def test_colours_hide_no_error() -> None:
    """A wrapper may give Trivy a terminal."""
    assert ("disk is full",) == log_of(line_of("\x1b[31mERROR\x1b[0m", "disk is full")).unseen
    assert () == log_of(line_of("INFO", "0 ERROR"), "there was an ERROR before", "12 errors fixed").unseen


def test_an_unknown_release_is_no_complaint_about_a_layer() -> None:
    """The warning comes with every scan of such an image, whatever Trivy has kept."""
    assert not log_of(line_of("WARN", 'Unsupported os\tfamily="x"')).complaints
    log = log_of(line_of("WARN", 'This OS version is not on the EOL list\tfamily="debian" version="99"'))
    made = read(report(os_result()), unseen=log.unseen)
    assert (False, False) == (log.complaints, made.complete)
    assert ["Trivy does not know this release (debian 12.1): it may have no advisories for it"] == list(made.notes)


TWICE = [
    (RESULTS_TWICE, "two members 'Results'"),
    ('{"SchemaVersion": 2, "Results": [], "X": {"a": 1, "a": 1}}', "two members 'a'"),
    (json.dumps(one()).replace('"Vulnerabilities"', '"vulnerabilities"'), "'vulnerabilities' is not 'Vulnerabilities'"),
]


@pytest.mark.parametrize(("text", "said"), TWICE)
def test_a_member_that_two_readers_take_for_another_is_invalid(text: str, said: str) -> None:
    """Of two members one would hide the other, and one in other letters would hide itself."""
    with pytest.raises(InvalidReportError, match=said):
        read_report(text.encode())


def test_labels_are_data() -> None:
    """Names that differ in case are two names, in a map that an image's author wrote."""
    labels = {"Vulnerabilities": "", "vulnerabilities": "", "results": ""}
    assert read(report(os_result(), ImageConfig={"config": {"Labels": labels}})).complete


def test_results_are_compared_as_they_are() -> None:
    """What else is in the reports differs with each run; one that can't be read is like no other."""
    first, second = (json.dumps({**one(), "CreatedAt": when}).encode() for when in ("1", "2"))
    other = json.dumps(report(os_result())).encode()
    assert (True, False) == (same_results(first, second), same_results(first, other))
    assert (False, False) == (same_results(first, b"{"), same_results(b"\xff", b"\xff"))
