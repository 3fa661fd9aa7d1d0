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
from portus_scanner_report_file.subject import Subject, doubts_about
from portus_scanners import (
    Image,
    InvalidReportError,
    Reference,
    ScannerError,
    ScannerReport,
    ScannerUnavailableError,
    Secret,
)
from portus_scanners.backends import session_for
from portus_scanners_testing import RecordingContext, ScriptedServer, StandInContext, Status
from standins import reports

DIGEST, CONFIG, OTHER, INDEX = ("sha256:" + letter * 64 for letter in "abcd")
IMAGE = Image(
    reference=Reference.parse("registry.example:5000/team/app:1"),
    digest=DIGEST,
    config_digest=CONFIG,
    index_digest=INDEX,
)
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
    async with ScriptedServer() as server:
        server.faults.add("*", Status(status))
        settings = ReportFileSettings(server=server.url, path="/{repository}.json", token=Secret("hidden"))
        async with session_for(settings) as http, RecordingContext(http=http) as context:
            with pytest.raises(kind, match=words) as caught:
                await ReportFileScanner(settings, context).scan(IMAGE)
        assert (kind, ["Bearer hidden"]) == (caught.type, server.asked("/team%2Fapp.json"))


@pytest.mark.parametrize(
    "subject",
    [
        Subject(configs=(CONFIG,), digests=(OTHER,), names=("other",)),
        Subject(configs=(DIGEST,)),
        Subject(digests=(OTHER, f"registry.example:5000/team/app@{DIGEST}")),
        Subject(names=(f"registry.example:5000/team/app@{DIGEST}",)),
    ],
    ids=["configuration", "containerd's id", "manifest", "name with the digest"],
)
def test_a_digest_says_that_a_report_is_about_the_image(subject: Subject) -> None:
    """The configuration decides, then a manifest."""
    assert () == doubts_about([subject], IMAGE)


@pytest.mark.parametrize(
    ("subject", "doubt"),
    [
        (Subject(digests=(f"docker.io/team/app@{INDEX}",)), "another platform"),
        (Subject(names=("registry.example:5000/team/app:1",)), "no digest"),
        (Subject(names=("app:1",)), "no digest"),
        (Subject(names=("team/app:build-7",)), "no digest"),
        (Subject(names=("/builds/team/App.tar",)), "does not say which image"),
        (Subject(configs=(7, None, "")), "does not say which image"),
    ],
    ids=["index", "name", "name of a build", "tag of a build", "path", "nothing"],
)
def test_without_the_images_digest_a_report_may_be_about_another_image(subject: Subject, doubt: str) -> None:
    """A name moves from image to image, and a build has another one than its image in the registry."""
    assert [True] == [doubt in told for told in doubts_about([subject], IMAGE)]


@pytest.mark.parametrize(
    "subject",
    [
        Subject(configs=(OTHER,), digests=(DIGEST,)),
        Subject(digests=(OTHER,), names=("registry.example:5000/team/app:1",)),
        Subject(names=(f"registry.example:5000/team/app:1@{OTHER}",)),
        Subject(names=("registry.example:5000/team/app:2",)),
        Subject(names=("registry.example:5000/team/other:1", "/a/path")),
        Subject(names=("docker.io/team/app:1",)),
        Subject(names=("myapp:1",)),
    ],
    ids=["configuration", "manifest", "name with a digest", "tag", "repository", "registry", "name of a build"],
)
def test_a_report_about_another_image(subject: Subject) -> None:
    """Another digest is an invalid report, and so is another name where there is no digest."""
    with pytest.raises(InvalidReportError, match="about another image"):
        doubts_about([subject], IMAGE)


def test_each_part_of_a_document_is_about_the_image() -> None:
    """One run of a SARIF log that names no image leaves a doubt; one about another image makes the log invalid."""
    ours, none, other = Subject(configs=(CONFIG,)), Subject(), Subject(configs=(OTHER,))
    assert [0, 1] == [len(doubts_about(parts, IMAGE)) for parts in ((ours, ours), (ours, none))]
    with pytest.raises(InvalidReportError, match="about another image"):
        doubts_about([ours, other], IMAGE)


@pytest.mark.parametrize(
    ("document", "complete"),
    [(reports.trivy(HIGH), False), (reports.trivy(HIGH, config=CONFIG), True)],
    ids=["no image", "this image"],
)
async def test_a_report_that_names_no_image_is_incomplete(scan: Scan, document: Any, *, complete: bool) -> None:
    """It has its findings, and may be about any image."""
    report = await scan(document)
    assert (1, complete, not complete) == (len(report.findings), report.complete, bool(report.notes))


async def test_a_report_at_the_images_digest_can_be_trusted(scan: Scan) -> None:
    """Where the settings say so, the place says which image the report is about; the note stays."""
    report = await scan(reports.trivy(HIGH), unnamed="trusted")
    assert (True, ["the report does not say which image it is about"]) == (report.complete, list(report.notes))


@pytest.mark.parametrize(
    "document",
    [reports.trivy(HIGH, config=OTHER), reports.grype(HIGH, config=OTHER), reports.sarif(HIGH, config=OTHER)],
    ids=["trivy", "grype", "sarif"],
)
async def test_each_form_says_which_image_it_is_about(scan: Scan, document: Any) -> None:
    """A report of each form about another image is an error."""
    with pytest.raises(InvalidReportError, match="about another image"):
        await scan(document)


OLD = (datetime.now(UTC) - timedelta(days=30)).isoformat()
NEW = datetime.now(UTC).isoformat()
TO_COME = (datetime.now(UTC) + timedelta(days=30)).isoformat()


@pytest.mark.parametrize(
    ("made", "complete"),
    [(OLD, False), (NEW, True), (None, False), (TO_COME, False)],
    ids=["old", "new", "unknown", "to come"],
)
async def test_a_stale_report_is_incomplete(scan: Scan, made: str | None, *, complete: bool) -> None:
    """One that is older than max_age, or whose age is not known, has its findings and is not complete."""
    report = await scan(reports.trivy(HIGH, config=CONFIG, CreatedAt=made), max_age=7)
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
        {"path": "/{digest}.json", "unnamed": "clean"},
        {"path": "/{tag}.json", "unnamed": "trusted"},
    ],
    ids=["relative", "placeholder", "server", "age", "word", "other word", "trusted without a digest"],
)
def test_settings_that_can_not_be_meant(settings: dict[str, Any]) -> None:
    """Are refused before anything is scanned."""
    with pytest.raises(ValueError, match=r"path|server|max_age|stale|unnamed"):
        ReportFileSettings(**settings)


async def test_health_of_files_is_their_folder(tmp_path: Path) -> None:
    """The folder before the first name of an image is there, or not."""
    healths = [
        await ReportFileScanner(ReportFileSettings(path=f"{folder}/{PATH}"), StandInContext()).check_health()
        for folder in (tmp_path, tmp_path / "gone")
    ]
    assert [True, False] == [health.healthy for health in healths]
