"""What Trivy's errors mean: messages of the real program."""

from __future__ import annotations

import pytest
from portus_scanner_trivy.refusals import LayerNotKeptError, TrivyFailedError, make_error
from portus_scanner_trivy.settings import TrivySettings
from portus_scanners import ScannerError, ScannerUnavailableError, UnsupportedImageError

SETTINGS = TrivySettings(cache="/cache", server="http://trivy.example:4954")
REMOTE = (
    "Fatal error run error: image scan error: scan error: unable to initialize a scan service: unable to initialize "
    "artifact: unable to initialize container image: unable to find the specified image "
    '"127.0.0.1:9/a/b:1" in ["remote"]: 1 error occurred: * remote error: '
)
TWIRP = (
    "Fatal error run error: image scan error: scan error: scan failed: failed analysis: unable to get missing layers: "
    "unable to fetch missing layers: backoff: permanent error (last error: twirp error "
)
DB = "Fatal error run error: init error: DB error: "
FAILED, UNAVAILABLE = TrivyFailedError, ScannerUnavailableError

TEXTS = {
    "no database": (DB + "database error: --skip-db-update cannot be specified on the first run", FAILED, "/cache"),
    "old database": (
        DB + "database error: validate error: --skip-db-update cannot be specified with the old DB schema. Local DB: 1",
        FAILED,
        "of another version",
    ),
    "newer database": (
        DB + "database error: the version of DB schema doesn't match. Local DB: 9, Expected: 2",
        FAILED,
        "of another version",
    ),
    "broken database": (
        DB + "error in vulnerability DB initialization: failed to open db: invalid database",
        FAILED,
        "or broken",
    ),
    "no download": (
        DB + "failed to download vulnerability DB: OCI artifact error: failed to download vulnerability DB: failed to "
        'download artifact from 127.0.0.1:9/x/trivy-db:2: OCI repository error: 1 error occurred: * Get "https://a/v2/":'
        " dial tcp 127.0.0.1:9: connect: connection refused",
        UNAVAILABLE,
        "set database_repository",
    ),
    "no Java database": (
        DB + "Java DB error: --skip-java-db-update cannot be specified on the first run",
        FAILED,
        "--download-java-db-only",
    ),
    "a layer not kept": (
        "Fatal error run error: image scan error: scan error: scan failed: failed analysis: analyze error: pipeline "
        "error: failed to analyze layer (sha256:72ca): unable to get uncompressed layer sha256:72ca: failed to get the "
        f"layer content (sha256:72ca): lstat /tmp/x/image-1/blobs/sha256/{'0' * 64}: no such file or directory",
        LayerNotKeptError,
        "has not kept a layer",
    ),
    "connection refused": (
        REMOTE + 'Get "https://127.0.0.1:9/v2/": dial tcp 127.0.0.1:9: connect: connection refused',
        UNAVAILABLE,
        "can't be reached",
    ),
    "no such host": (
        REMOTE + 'Get "https://nope.invalid/v2/": dial tcp: lookup nope.invalid on 10.0.0.1:53: no such host',
        UNAVAILABLE,
        "can't be reached",
    ),
    "certificate": (
        REMOTE
        + 'Get "https://a/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
        FAILED,
        "ca_file",
    ),
    "not an image": (
        REMOTE
        + 'unsupported artifact type "application/vnd.cncf.helm.config.v1+json" for image "127.0.0.1:9/a/helm:1"',
        UnsupportedImageError,
        "can't read",
    ),
    "not an archive": (
        "Fatal error run error: image scan error: scan error: unable to initialize a scan service: unable to "
        "initialize artifact: unable to initialize archive image: 2 errors: * unable to open junk as a Docker image: "
        "archive/tar: invalid tar header * unable to open junk as an OCI Image: stat junk/index.json: not a directory",
        UnsupportedImageError,
        "can't read",
    ),
    "time limit": (
        "Fatal error run error: image scan error: scan error: scan failed: failed analysis: analyze error: pipeline "
        "error: context deadline exceeded",
        FAILED,
        "set timeout higher",
    ),
    "wrong token": (TWIRP + "unauthenticated: invalid token)", FAILED, "wants another token"),
    "server down": (
        TWIRP
        + 'internal: failed to do request: Post "http://127.0.0.1:9/twirp/": dial tcp: connect: connection refused)',
        UNAVAILABLE,
        "http://trivy.example:4954",
    ),
    "unknown option": ("Fatal error unknown flag: --nope", FAILED, "0.67 or later"),
    "full disk": (
        "Fatal error run error: write /tmp/x: no space left on device",
        FAILED,
        "no room left",
    ),
    "no right to the cache": (
        "Fatal error run error: init error: unable to initialize cache: mkdir /var/trivy/fanal: permission denied",
        FAILED,
        "set cache to a folder of its own",
    ),
    "something else": ("Fatal error run error: the disk is full", FAILED, "Trivy failed (exit status 1): the disk"),
}


@pytest.mark.parametrize(("text", "kind", "said"), TEXTS.values(), ids=TEXTS)
def test_each_error_has_its_outcome(text: str, kind: type[ScannerError], said: str) -> None:
    """The kind decides whether it is tried again; the message says what to do, and ends with Trivy's own words."""
    error = make_error(text, "exit status 1", SETTINGS)
    assert (kind, True) == (type(error), said in str(error)), str(error)
    assert text[-15:] in str(error)


def test_a_long_text_is_cut_at_its_beginning() -> None:
    """What a chain of errors ends with says most."""
    error = str(make_error("a: " * 5000 + "the end", "exit status 1", SETTINGS))
    assert (True, True) == (len(error) < 1000, error.endswith("the end"))


def test_silence_is_said() -> None:
    """A program that failed without a word."""
    assert "signal SIGKILL): it did not say why" in str(make_error("", "signal SIGKILL", SETTINGS))
