"""The scanner's settings."""

from __future__ import annotations

from attrs import Attribute, field, frozen
from attrs.validators import ge, in_
from portus_scanners import HttpScannerSettings
from portus_scanners.backends import PathTemplate

INCOMPLETE, FAILED, TRUSTED = "incomplete", "failed", "trusted"
_BINDS = "{digest}"


def _url_or_nothing(_instance: object, _attribute: Attribute[str], value: str) -> None:
    if value:
        HttpScannerSettings(server=value)


def _plain_url(text: str) -> str:
    return text.strip().rstrip("/")


@frozen(kw_only=True)
class ReportFileSettings(HttpScannerSettings):
    """Where the reports are. Without a server they are files, and ``enabled: true`` enables the scanner.

    Attributes:
        server: Base URL of the server that has the reports; empty for files.
        path: Where a report is on the server, or the file: ``/reports/{repository}/{digest}.json``. See `PathTemplate`.
        max_age: Days; a report that is older, or that does not say its age, is stale. 0: no report is.
        stale: How a scan with a stale report ends: ``incomplete`` or ``failed``.
        unnamed: What a report without the image's digest in it is: ``incomplete``, or ``trusted`` where the path has
            the digest, and so whoever put the report there has said which image it is about.
    """

    server: str = field(default="", converter=_plain_url, validator=_url_or_nothing)
    path: str = field()
    max_age: float = field(default=0.0, validator=ge(0))
    stale: str = field(default=INCOMPLETE, validator=in_((INCOMPLETE, FAILED)))
    unnamed: str = field(default=INCOMPLETE, validator=in_((INCOMPLETE, TRUSTED)))

    @path.validator
    def _absolute(self, _attribute: Attribute[str], value: str) -> None:
        if not value.startswith("/"):
            msg = "path must begin with a slash"
            raise ValueError(msg)
        PathTemplate(value)

    @unnamed.validator
    def _bound(self, _attribute: Attribute[str], value: str) -> None:
        if value == TRUSTED and _BINDS not in self.path:
            msg = f"unnamed: {TRUSTED} needs {_BINDS} in the path: otherwise nothing says which image a report is about"
            raise ValueError(msg)
