"""What Trivy's errors mean: all exit with 1, and only their messages tell them apart.

Source: messages of Trivy 0.67 and 0.76, as observed.
"""

from __future__ import annotations

import re

from attrs import frozen
from portus_scanners import ScannerError, ScannerUnavailableError, UnsupportedImageError
from portus_scanners.backends import one_line

from .settings import TrivySettings

_LONGEST = 400
"""Characters of Trivy's message that are shown: its end, which says most."""
_MOST_LOOKED_AT = 4096
_BEGINNING = re.compile(r"Fatal error\s+(?:run error: )?(?:image scan error: )?(?:scan error: )?")
_GET_ONE = "trivy image --download-db-only --cache-dir {cache}"


class TrivyFailedError(ScannerError):
    """Trivy failed in a way that another try would not fix."""


class LayerNotKeptError(ScannerError):
    """Trivy wanted to read a layer that is not in the layout: it has kept nothing of it."""


@frozen
class _Kind:
    pattern: re.Pattern[str]
    error: type[ScannerError]
    advice: str


def _kind(pattern: str, error: type[ScannerError], advice: str) -> _Kind:
    return _Kind(re.compile(pattern, re.IGNORECASE), error, advice)


_KINDS = (
    _kind(
        r"/blobs/\w+/[0-9a-f]{32,}: no such file or directory",
        LayerNotKeptError,
        "Trivy has not kept a layer that it had read",
    ),
    _kind(
        r"skip-java-db-update cannot be specified on the first run|java.?db.*(?:first run|not found)",
        TrivyFailedError,
        "the image has Java archives, and there is no Java database: trivy image --download-java-db-only --cache-dir "
        "{cache}",
    ),
    _kind(
        r"skip-db-update cannot be specified on the first run",
        TrivyFailedError,
        f"there is no vulnerability database in {{cache}}: {_GET_ONE}, or take skip_update and offline away",
    ),
    _kind(
        r"old DB schema|DB schema doesn't match|failed to open db|invalid database|fatal error: fault"
        r"|DB error: .*(?:metadata|schema)",
        TrivyFailedError,
        f"the vulnerability database in {{cache}} is of another version, or broken: {_GET_ONE}, or another Trivy",
    ),
    _kind(
        r"failed to download (?:vulnerability|Java) DB|OCI repository error.*trivy-(?:java-)?db",
        ScannerUnavailableError,
        "no database could be downloaded: set database_repository to where one is, or put one into {cache} and set "
        "skip_update",
    ),
    _kind(
        r"twirp error unauthenticated",
        TrivyFailedError,
        "the Trivy server wants another token: set token to what it was started with",
    ),
    _kind(
        r"twirp error.*(?:failed to do request|unavailable)|twirp.*connection refused",
        ScannerUnavailableError,
        "the Trivy server ({server}) can't be reached, or broke off",
    ),
    _kind(r"twirp error", ScannerUnavailableError, "the Trivy server ({server}) failed"),
    _kind(
        r"unsupported (?:artifact type|MediaType)|as an OCI Image|unsupported manifest|no such blob format",
        UnsupportedImageError,
        "Trivy can't read such an image",
    ),
    _kind(
        r"permission denied|read-only file system",
        TrivyFailedError,
        "this user can't write there: set cache to a folder of its own ({cache} is used)",
    ),
    _kind(
        r"x509|certificate|tls: ",
        TrivyFailedError,
        "set ca_file to the authority of the server's certificate, or insecure",
    ),
    _kind(
        r"context deadline exceeded|Provide a higher timeout",
        TrivyFailedError,
        "Trivy gave up at a time limit of its own or of the server's: set timeout higher",
    ),
    _kind(r"no space left on device", TrivyFailedError, "there is no room left for the cache or temporary files"),
    _kind(r"unknown (?:flag|shorthand)", TrivyFailedError, "this needs Trivy 0.67 or later"),
    _kind(
        r"cache may be in use|unable to (?:open|initialize) (?:the )?(?:fs )?cache.*timeout|cache DB: timeout",
        ScannerUnavailableError,
        "another process has the cache {cache}",
    ),
    _kind(
        r"connection refused|connection reset|no such host|i/o timeout|TLS handshake timeout|unexpected EOF"
        r"|TOOMANYREQUESTS|50[0234] |unexpected status code 5\d\d|network is unreachable|no route to host",
        ScannerUnavailableError,
        "a server that Trivy needs can't be reached, or is out of order",
    ),
)
"""The first that matches counts."""


def make_error(text: str, ending: str, settings: TrivySettings) -> ScannerError:
    """Return what a run that failed means.

    Args:
        text: What Trivy said last; masked.
        ending: How it ended: ``exit status 1``.
        settings: For the advice.
    """
    said = _tail(_BEGINNING.sub("", one_line(text[-_MOST_LOOKED_AT:], _MOST_LOOKED_AT)))
    kind = next((kind for kind in _KINDS if kind.pattern.search(text)), None)
    if kind is None:
        return TrivyFailedError(f"Trivy failed ({ending}): {said or 'it did not say why'}")
    advice = kind.advice.format(cache=settings.cache_folder, server=settings.server)
    return kind.error(f"{advice} (Trivy: {said})")


def _tail(text: str) -> str:
    return text if len(text) <= _LONGEST else f"...{text[-_LONGEST:]}"
