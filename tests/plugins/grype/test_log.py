"""What Grype's log and its errors mean."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from portus_scanner_grype import GrypeSettings
from portus_scanner_grype.log import GrypeLog
from portus_scanner_grype.refusals import GrypeFailedError, NoDatabaseError, make_error
from portus_scanners import ScannerError, ScannerUnavailableError, UnsupportedImageError
from portus_scanners_testing import RecordingContext

NO_DATA = "[0003] DEBUG no OS found in the DB for the given criteria os=debian@99 (nobody)"


def read(*lines: str) -> GrypeLog:
    """Return what is known after some lines."""
    log = GrypeLog(RecordingContext())
    for line in lines:
        log(line)
    return log


@pytest.mark.parametrize(
    "line",
    [
        "[0001]  WARN matcher returned error error=bad constraint package=pkg:deb/debian/bash@1",
        "[0001]  WARN a warning that nobody knows",
        "[0001] ERROR got circular reference while resolving property",
        "[0001] TRACE cataloger returned errors cataloger=rpm-db-cataloger error=unexpected EOF location=/var/lib/rpm",
        "[0001] TRACE cataloger returned errors cataloger=a error=b location=/unable to read golang version info: /c",
        "[0001] DEBUG unable to fetch contents location=/a",
        "[0001] DEBUG recovered from panic while parsing file location=/a panic=x",
        "panic: runtime error: index out of range",
    ],
)
def test_what_may_mean_that_not_all_was_seen(line: str) -> None:
    """Warnings and errors, and what is said for debugging of files that were not read; without the time."""
    assert (re.sub(r"^\[\d+\] +\w+ ", "", line),) == read(line).unseen


@pytest.mark.parametrize(
    "line",
    [
        "[0001]  INFO gathered packages packages=3 time=1s",
        "[0001] DEBUG package with missing version, dropping pkg=x",
        "[0001]  WARN unable to parse CVSS vector error=x vector=y",
        "[0001]  WARN go binary packages were found but none carry function symbols; go vulnerability",
        "[0001] TRACE cataloger returned errors cataloger=go-module-binary-cataloger error=/a (sha256:3): unable to "
        "read golang version info: no symbol section",
        "12 packages from EOL distro",
        NO_DATA,
    ],
)
def test_what_costs_no_finding(line: str) -> None:
    """Steps, and warnings that make a finding less precise."""
    assert () == read(line).unseen


def test_no_data_is_told() -> None:
    """For the packages of a distribution; another program's line of these words is not."""
    assert read("[0000]  INFO a", NO_DATA).has_no_data
    assert not read("[0000]  INFO a", "no OS found in the DB").has_no_data


def test_many_warnings_hide_no_error() -> None:
    """Twenty different warnings are kept, and the last errors."""
    log = read(*(f"[0001]  WARN odd {number}" for number in range(50)), "[0002] ERROR failed to catalog: at last")
    assert (21, "failed to catalog: at last") == (len(log.unseen), log.unseen[-1])


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("failed to load vulnerability db: database does not exist", NoDatabaseError, "grype db update"),
        ("the vulnerability database was built 47 weeks ago (max allowed age is 5 days)", GrypeFailedError, "5 days"),
        ('bad db checksum (/a/vulnerability.db): "xxh64:b" vs "xxh64:6"', GrypeFailedError, "is broken"),
        ("failed to open db: unable to connect to DB: file is not a database (26)", GrypeFailedError, "is broken"),
        ("unable to update vulnerability database: x: connection refused", ScannerUnavailableError, "database_url"),
        ("failed to catalog: unsupported layer media type(s): layer 0: x", UnsupportedImageError, "can't read"),
        ("failed to catalog: write /tmp/a: no space left on device", GrypeFailedError, "TMPDIR"),
        ("unknown flag: --nonsense", GrypeFailedError, "newer Grype"),
        ("something else", GrypeFailedError, "Grype failed (exit status 1): something else"),
        ("", GrypeFailedError, "did not say why"),
    ],
)
def test_each_error_says_what_to_do(said: str, kind: type[ScannerError], told: str) -> None:
    """All exit with 1: the message tells them apart."""
    error = make_error(said, "exit status 1", GrypeSettings(skip_update=True))
    assert (kind, True) == (type(error), told in str(error)), str(error)


def test_a_database_that_is_just_replaced(tmp_path: Path) -> None:
    """It was there when it was updated: another try will find it."""
    error = make_error("database does not exist", "exit status 1", GrypeSettings(cache=str(tmp_path)))
    assert (ScannerUnavailableError, True) == (type(error), str(tmp_path) in str(error))
