"""What Grype's errors mean: all exit with 1, and only their messages tell them apart.

Source: messages of Grype 0.121, as observed, and of ``grype/db/v6/installation/curator.go``.
"""

from __future__ import annotations

import re

from attrs import frozen
from portus_scanners import ScannerError, ScannerUnavailableError, UnsupportedImageError
from portus_scanners.backends import one_line

from .settings import GrypeSettings

_LONGEST = 400
"""Characters of Grype's message that are shown: its end, which says most."""
_MOST_LOOKED_AT = 4096
_GET_ONE = "GRYPE_DB_CACHE_DIR={cache} grype db update"


class GrypeFailedError(ScannerError):
    """Grype failed in a way that another try would not fix."""


class NoDatabaseError(ScannerError):
    """There is no database in the cache."""


@frozen
class _Kind:
    pattern: re.Pattern[str]
    error: type[ScannerError]
    advice: str


def _kind(pattern: str, error: type[ScannerError], advice: str) -> _Kind:
    return _Kind(re.compile(pattern, re.IGNORECASE), error, advice)


_KINDS = (
    _kind(
        r"max allowed age|database was built",
        GrypeFailedError,
        f"the vulnerability database in {{cache}} is older than max_database_age ({{age:g}} days): {_GET_ONE}",
    ),
    _kind(
        r"unable to (?:update|download|check for) (?:the )?(?:vulnerability )?(?:db|database)|error updating db",
        ScannerUnavailableError,
        "no database could be downloaded: set database_url to where the listing is, or put one into {cache} and set "
        "skip_update",
    ),
    _kind(
        r"database does not exist|database not found",
        NoDatabaseError,
        f"there is no vulnerability database in {{cache}}: {_GET_ONE}, or take skip_update away",
    ),
    _kind(
        r"checksum|import\.json|import metadata|malformed|not a database|schema|failed to load vulnerability db"
        r"|db could not be loaded|status of the vulnerability db",
        GrypeFailedError,
        f"the vulnerability database in {{cache}} is broken, or of another version: remove it and {_GET_ONE}",
    ),
    _kind(
        r"unsupported layer media type|no images found in OCI directory|unknown layer|unsupported media ?type",
        UnsupportedImageError,
        "Grype can't read such an image",
    ),
    _kind(r"no space left on device", GrypeFailedError, "there is no room left for unpacked layers: set TMPDIR"),
    _kind(
        r"permission denied|read-only file system",
        GrypeFailedError,
        "this user can't write there: set cache to a folder of its own ({cache} is used)",
    ),
    _kind(r"x509|certificate|tls: ", GrypeFailedError, "set ca_file to the authority of the server's certificate"),
    _kind(
        r"unknown (?:flag|shorthand|command)|unsupported output format", GrypeFailedError, "this needs a newer Grype"
    ),
    _kind(
        r"connection refused|connection reset|no such host|i/o timeout|handshake timeout|unexpected EOF|TOOMANYREQUESTS"
        r"|network is unreachable|no route to host",
        ScannerUnavailableError,
        "a server that Grype needs can't be reached, or is out of order",
    ),
)
"""The first that matches counts."""


def make_error(text: str, ending: str, settings: GrypeSettings) -> ScannerError:
    """Return what a run that failed means.

    Args:
        text: What Grype said last; masked.
        ending: How it ended: ``exit status 1``.
        settings: For the advice.
    """
    said = one_line(text[-_MOST_LOOKED_AT:], _MOST_LOOKED_AT)
    shown = said if len(said) <= _LONGEST else f"...{said[-_LONGEST:]}"
    kind = next((kind for kind in _KINDS if kind.pattern.search(said)), None)
    if kind is None:
        return GrypeFailedError(f"Grype failed ({ending}): {shown or 'it did not say why'}")
    if kind.error is NoDatabaseError and not settings.skip_update:
        return ScannerUnavailableError(f"another process replaces the database in {settings.cache_folder} just now")
    advice = kind.advice.format(cache=settings.cache_folder, age=settings.max_database_age)
    return kind.error(f"{advice} (Grype: {shown})")
