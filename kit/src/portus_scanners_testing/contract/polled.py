"""Scanners that ask an HTTP server again and again while it is working."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from portus_scanners import ScannerError
from portus_scanners.models import Outcome

from ..context import StillWorkingError
from ..servers.loopback import LoopbackServer
from .http import HttpScannerContract
from .lab import DEADLINE, FEW_POLLS, ScannerLab
from .leaks import Holdings, left_behind

_LONGEST_WAIT = 300.0
"""Seconds between two polls at the most: who waits longer is told of the end too late."""
_OTHER_REQUESTS = 10
"""What a scan may ask beside its polls: to begin, for the version..."""


class PolledScannerContract(HttpScannerContract):
    """The contract of a scanner that polls an HTTP server.

    As for `HttpScannerContract`, and the fixture `working`. The server of the fixture `backend` says at least once that
    it is working before it gives a result.
    """

    requests_per_poll: ClassVar[int] = 1
    """Requests that the scanner sends each time when it asks how far the backend is."""
    _unreadable = ScannerError  # the first answer is not yet the report

    @pytest.fixture
    def working(self) -> None:
        """Let the server say of `image` that it is working, for ever (override this)."""
        msg = "override the fixture `working`: it makes the backend say for ever that it is working"
        raise NotImplementedError(msg)

    def test_scan_waits_while_the_backend_works(self, lab: ScannerLab, image: str) -> None:
        """Between two polls the scanner waits with `ScannerContext.wait`, and then has the result."""
        report, waits = lab.run(lambda: _scan_and_waits(lab, image))
        self.check_findings(report, self.findings)
        assert [] != waits, "the backend of these tests must say at least once that it is working"
        assert max(waits) <= _LONGEST_WAIT

    def test_every_poll_is_waited_for(
        self, lab: ScannerLab, backend: LoopbackServer, image: str, working: None
    ) -> None:
        """A backend that keeps working is not asked more often than the scanner has waited."""
        outcome = lab.outcome_of(image)
        assert isinstance(outcome, StillWorkingError), f"the backend is still working, and the scan ended: {outcome!r}"
        assert len(backend.requests) <= FEW_POLLS * self.requests_per_poll + _OTHER_REQUESTS

    def test_still_working_is_pending(self, lab: ScannerLab, image: str, working: None, scratch: Path) -> None:
        """A backend that is still working at the deadline makes the outcome `pending`, and nothing is left behind."""
        before = Holdings.now(scratch)
        (run,) = lab.with_values({"timeout": DEADLINE}).report_of(image).results
        assert Outcome.PENDING is run.outcome, f"ended {run.outcome.value}: {run.error}"
        assert [] == left_behind(before, scratch)


async def _scan_and_waits(lab: ScannerLab, image: str) -> tuple[object, list[float]]:
    async with lab.open() as opened:
        return await opened.scan(image), opened.context.waits
