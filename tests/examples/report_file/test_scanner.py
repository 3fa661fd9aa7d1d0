"""Where a report is looked for, whether it is about the image, and how old it may be."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from portus_scanner_report_file import ReportFileScanner, ReportFileSettings
from portus_scanner_report_file.subject import Subject, check_subject
from portus_scanners import (
    Image,
    InvalidReportError,
    Reference,
    ScannerError,
    ScannerReport,
    ScannerUnavailableError,
    Secret,
)
from portus_scanners_testing import RecordingContext, ScriptedServer, StandInContext, Status
from standins import reports

DIGEST, CONFIG, OTHER = ("sha256:" + letter * 64 for letter in "abc")
IMAGE = Image(reference=Reference.parse("registry.example:5000/team/app:1"), digest=DIGEST, config_digest=CONFIG)
HIGH = {"CVE-2099-0001": "High"}
PATH = "{registry}/{repository}/{tag}@{digest}.json"
Scan = Callable[..., Any]


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    """``await scan(document, max_age=1)`` scans the image with that report."""

    async def run(document: Any = None, **settings: Any) -> ScannerReport:
        file = tmp_path / "registry.example:5000" / "team%2Fapp" / f"1@{DIGEST}.json"
        if document is not None:
            file.parent.mkdir(parents=True)
            file.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
        return await ReportFileScanner(
            ReportFileSettings(path=f"{tmp_path}/{PATH}", **settings), StandInContext()
        ).scan(IMAGE)

    return run


async def test_a_report_lies_where_the_image_says(scan: Scan) -> None:
    """Each place of the path is a name of the image; a repository stays one name."""
    report = await scan(reports.trivy(HIGH))
    assert ["CVE-2099-0001"] == [finding.id for finding in report.findings]


async def test_a_missing_report_names_the_path(scan: Scan, tmp_path: Path) -> None:
    """No file is an error that says where it was looked for."""
    with pytest.raises(ScannerError, match=f"no file {tmp_path}/registry.example:5000/team%2Fapp/1@{DIGEST}.json"):
        await scan()


async def test_a_pipe_is_no_report(tmp_path: Path) -> None:
    """A pipe without a writer does not hold up the scan."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ScannerError, match="is not a file"):
        await ReportFileScanner(ReportFileSettings(path=f"{tmp_path}/pipe"), StandInContext()).scan(IMAGE)


async def test_a_report_that_is_no_json(scan: Scan) -> None:
    """Is an invalid report."""
    with pytest.raises(InvalidReportError, match=r"is not JSON: <html>"):
        await scan(b"<html>\n</html>")


async def test_a_byte_order_mark_is_passed_over(scan: Scan) -> None:
    """Programs on Windows write one."""
    report = await scan(b"\xef\xbb\xbf" + json.dumps(reports.trivy(HIGH)).encode())
    assert 1 == len(report.findings)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, ScannerError, "there is no report at http://127.0.0.1:"),
        (403, ScannerError, "HTTP 403"),
        (503, ScannerUnavailableError, "HTTP 503"),
    ],
)
async def test_what_a_servers_statuses_mean(status: int, kind: type[Exception], words: str) -> None:
    """A missing report is told with its address."""
    async with ScriptedServer() as server, RecordingContext() as context:
        server.faults.add("*", Status(status))
        settings = ReportFileSettings(server=server.url, path="/{repository}.json", token=Secret("hidden"))
        with pytest.raises(kind, match=words) as caught:
            await ReportFileScanner(settings, context).scan(IMAGE)
        assert (kind, ["Bearer hidden"]) == (caught.type, server.asked("/team%2Fapp.json"))


@pytest.mark.parametrize(
    ("subject", "note"),
    [
        (Subject(configs=(CONFIG,), digests=(OTHER,), names=("other",)), ""),
        (Subject(digests=(OTHER, f"registry.example:5000/team/app@{DIGEST}")), ""),
        (Subject(names=("registry.example:5000/team/app:1",)), "no digest"),
        (Subject(names=(f"registry.example:5000/team/app@{OTHER}",)), "no digest"),
        (Subject(configs=(7, None, "")), "does not say which image"),
    ],
    ids=["configuration", "manifest", "name", "name and digest", "nothing"],
)
def test_a_report_about_the_image(subject: Subject, note: str) -> None:
    """The configuration decides, then a manifest, then the name; how sure it is goes into a note."""
    told = check_subject(subject, IMAGE)
    assert (True, bool(note)) == (note in told, bool(told))


@pytest.mark.parametrize(
    "subject",
    [
        Subject(configs=(OTHER,), digests=(DIGEST,)),
        Subject(digests=(OTHER,), names=("registry.example:5000/team/app:1",)),
        Subject(names=("registry.example:5000/team/app:2",)),
        Subject(names=("registry.example:5000/team/other:1", "/a/path")),
    ],
    ids=["configuration", "manifest", "tag", "repository"],
)
def test_a_report_about_another_image(subject: Subject) -> None:
    """Is refused."""
    with pytest.raises(ScannerError, match="about another image"):
        check_subject(subject, IMAGE)


@pytest.mark.parametrize(
    "document",
    [
        reports.trivy(HIGH, Metadata={"ImageID": OTHER}),
        reports.grype(HIGH, source={"type": "image", "target": {"imageID": OTHER}}),
        reports.sarif(HIGH, properties={"imageID": OTHER}),
    ],
    ids=["trivy", "grype", "sarif"],
)
async def test_each_form_says_which_image_it_is_about(scan: Scan, document: Any) -> None:
    """A report of each form about another image is an error."""
    with pytest.raises(ScannerError, match="about another image"):
        await scan(document)


OLD = (datetime.now(UTC) - timedelta(days=30)).isoformat()
NEW = datetime.now(UTC).isoformat()


@pytest.mark.parametrize(
    ("made", "complete"), [(OLD, False), (NEW, True), (None, False)], ids=["old", "new", "unknown"]
)
async def test_a_stale_report_is_incomplete(scan: Scan, made: str | None, *, complete: bool) -> None:
    """One that is older than max_age, or does not say, has its findings and is not complete."""
    report = await scan(reports.trivy(HIGH, CreatedAt=made), max_age=7)
    assert (1, complete) == (len(report.findings), report.complete)


async def test_a_stale_report_can_be_a_failure(scan: Scan) -> None:
    """When the settings say so."""
    with pytest.raises(ScannerError, match="more than 7 days ago"):
        await scan(reports.trivy(HIGH, CreatedAt=OLD), max_age=7, stale="failed")


@pytest.mark.parametrize(
    "settings",
    [
        {"path": "reports/x.json"},
        {"path": "/{name}.json"},
        {"path": "/x.json", "server": "ftp://reports.example"},
        {"path": "/x.json", "max_age": -1.0},
        {"path": "/x.json", "stale": "clean"},
    ],
    ids=["relative", "placeholder", "server", "age", "word"],
)
def test_settings_that_can_not_be_meant(settings: dict[str, Any]) -> None:
    """Are refused before anything is scanned."""
    with pytest.raises(ValueError, match=r"path|server|max_age|stale"):
        ReportFileSettings(**settings)


async def test_health_of_files_is_their_folder(tmp_path: Path) -> None:
    """The folder before the first name of an image is there, or not."""
    healths = [
        await ReportFileScanner(ReportFileSettings(path=f"{folder}/{PATH}"), StandInContext()).check_health()
        for folder in (tmp_path, tmp_path / "gone")
    ]
    assert [True, False] == [health.healthy for health in healths]
