"""What every form of report comes to."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen
from portus_scanners import ScannerReport

from ..subject import Subject


@frozen(kw_only=True)
class Reading:
    """A report, which image it is about, and when it was made."""

    report: ScannerReport
    subject: Subject
    made: datetime | None
