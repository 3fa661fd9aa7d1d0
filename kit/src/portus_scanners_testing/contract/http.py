"""Scanners whose backend is an HTTP server: whatever it answers, nothing is mistaken for a clean image."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from portus_scanners import InvalidReportError, ScannerError, ScannerUnavailableError
from portus_scanners.models import ScannerReport

from ..context import StillWorkingError
from ..servers.faults import (
    Chunked,
    Disconnect,
    Echo,
    EmptyBody,
    Endless,
    Fault,
    Hang,
    Rewritten,
    Status,
    Truncated,
)
from ..servers.loopback import LoopbackServer
from ..servers.scripted import ScriptedServer
from ..servers.threads import serving
from . import heartbeat
from .base import ScannerContract
from .health import is_well, tells_down
from .json_answers import JsonAnswerTests, Rewrite
from .lab import ScannerLab
from .wrong_answers import at_each_request, refused

_HTML = b"<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"
_PAGE = {"Content-Type": "text/html"}


class HttpScannerContract(JsonAnswerTests, ScannerContract):
    """The contract of a scanner whose backend is an HTTP server.

    Set `scanner_class`, `findings` and `other_findings`, and override the fixture `backend`; `settings` too when the
    scanner needs more than a server::

        class TestAcme(HttpScannerContract):
            scanner_class = AcmeScanner
            findings = {"CVE-2099-0001": Severity.HIGH}

            @pytest.fixture
            def backend(self, image, other_image):
                server = ScriptedServer()
                server.script(f"/scan?image={quote(image, safe='')}", {"found": [...]})
                with serving(server):
                    yield server
    """

    _unreadable: ClassVar[type[ScannerError]] = InvalidReportError
    """What it is when the first answer can't be read."""

    @pytest.fixture
    def backend(self) -> LoopbackServer:
        """A running stand-in of the backend that answers rightly; `serving` runs it in a thread (override this)."""
        msg = "override the fixture `backend`: a server that answers rightly, such as a ScriptedServer"
        raise NotImplementedError(msg)

    @pytest.fixture
    def settings(self, backend: LoopbackServer) -> Mapping[str, object]:
        """The scanner's section of the configuration: its server."""
        return {"server": backend.url}

    @pytest.fixture
    def hanging(self, backend: LoopbackServer) -> Mapping[str, object]:
        """The same settings; the server takes requests and answers none."""
        backend.faults.add("*", Hang())
        return {}

    @pytest.fixture
    def rewrite(self, backend: LoopbackServer) -> Rewrite:
        """Sets the function that every further answer of the server goes through."""

        def put(change: Callable[[bytes], bytes]) -> None:
            backend.faults.clear()
            backend.faults.add("*", Rewritten(change))

        return put

    @pytest.fixture
    def wrongs(self, backend: LoopbackServer) -> Sequence[Callable[[], object]]:
        """Answers that quote what they were sent, refuse, or break off."""

        def show(fault: Fault, skip: int) -> None:
            backend.faults.clear()
            backend.faults.add("*", fault, skip=skip)

        faults: list[Fault] = [Echo(status) for status in (200, 201, 400, 401, 403, 404, 422, 500, 503)]
        faults += [Status(401), Truncated(5), Disconnect()]
        return [*(partial(show, fault, skip) for skip in (0, 1, 2) for fault in faults), backend.faults.clear]

    def test_refused_connection_is_unavailable(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        """Nobody listens: `ScannerUnavailableError`, so that the engine tries again."""
        with refused() as server:
            self._expect(lab.with_values({"server": server}).outcome_of(image), ScannerUnavailableError)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 422])
    def test_client_error_is_an_error(self, lab: ScannerLab, backend: LoopbackServer, image: str, status: int) -> None:
        """A 4xx with no body is a `ScannerError`, at whichever request it comes."""
        self._expect_at_each(lab, backend, image, Status(status), ScannerError)

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_server_error_is_unavailable(
        self, lab: ScannerLab, backend: LoopbackServer, image: str, status: int
    ) -> None:
        """A 5xx or a 429 is a `ScannerUnavailableError`, at whichever request it comes."""
        self._expect_at_each(lab, backend, image, Status(status, _HTML, _PAGE), ScannerUnavailableError)

    def test_disconnect_is_unavailable(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        """A connection that is closed without an answer is a `ScannerUnavailableError`."""
        self._expect_at_each(lab, backend, image, Disconnect(), ScannerUnavailableError)

    def test_reset_in_mid_body_is_unavailable(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        """An answer that breaks off before its announced length is a `ScannerUnavailableError`."""
        self._expect_at_each(lab, backend, image, Truncated(5), ScannerUnavailableError)

    def test_truncated_json_is_invalid(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        """JSON that ends in the middle is an `InvalidReportError`."""
        self.attempt(lab, 0).outcome_of(image)  # now a backend that remembers images answers with the result at once
        self._expect_at_each(lab, backend, image, Truncated(5, announced=False), self._unreadable, ScannerError)

    def test_html_is_invalid(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        """A page of a proxy with status 200 is an `InvalidReportError`."""
        page = Status(200, _HTML, _PAGE)
        self._expect_at_each(lab, backend, image, page, self._unreadable, ScannerError)

    def test_empty_body_is_invalid(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        """A 200 with nothing in it is an `InvalidReportError`."""
        self._expect_at_each(lab, backend, image, EmptyBody(), self._unreadable, ScannerError)

    @pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
    def test_huge_body_is_refused(
        self, lab: ScannerLab, backend: LoopbackServer, image: str, *, compressed: bool
    ) -> None:
        """A body of 100 MB, sent as such or unpacked from 100 kB, is an error, and is never in memory as a whole."""
        endless = Endless(compressed=compressed)
        backend.faults.add("*", endless)
        tracemalloc.start()
        try:
            self._expect(lab.outcome_of(image), ScannerError)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < endless.size, f"{peak / 1e6:.0f} MB were held: read bounded bodies (`HttpBackend` does)"

    def test_redirect_is_not_followed(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        """A redirect to another server is an error, and the other server is not asked."""
        elsewhere = ScriptedServer()
        with serving(elsewhere):
            moved = Status(302, headers={"Location": f"{elsewhere.url}/"})
            self._expect_at_each(lab, backend, image, moved, ScannerError)
            assert [] == elsewhere.requests

    def test_chunked_answers_are_read(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        """Answers in chunks of one byte are the same answers."""
        backend.faults.add("*", Chunked(1))
        self.check_findings(lab.outcome_of(image), self.findings)

    def test_waiting_does_not_block_the_event_loop(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        """While the scanner waits for an answer, the event loop runs."""

        async def scan() -> str:
            backend.faults.add("*", heartbeat.HeldUntilTheLoopRuns(asyncio.get_running_loop()))
            async with lab.open() as opened:
                with heartbeat.watch(asyncio.get_running_loop()) as beat:
                    await opened.scan(image)
                return beat.stack

        stack = lab.run(scan)
        assert "" == stack, f"the event loop stood still here:\n{stack}"

    def test_health_tells_down(self, lab: ScannerLab, backend: LoopbackServer, scratch: Path) -> None:
        """A backend where nobody listens, and one that answers 500, are not healthy; an error counts as that."""
        up = lab.health()
        assert is_well(up), "the backend is up"
        backend.faults.add("*", Status(500))
        assert tells_down(lab.health(), up), "the backend answers 500"
        with refused() as server:
            assert tells_down(lab.with_values({"server": server}).health(), up), "nobody listens"

    def _expect(self, outcome: object, kind: type[Exception]) -> None:
        __tracebackhide__ = True
        working = (StillWorkingError,) if kind is ScannerError else ()  # it goes on asking: no clean report either
        assert isinstance(outcome, (kind, *working)), f"expected {kind.__name__}, got {outcome!r}"

    def _expect_at_each(
        self,
        lab: ScannerLab,
        backend: LoopbackServer,
        image: str,
        fault: Fault,
        kind: type[Exception],
        later: type[Exception] | None = None,
    ) -> None:
        """Fail unless the scan ends with the error, from whichever request on the fault is shown.

        A request that the scan can do without may be answered wrongly: then nothing is missing in the report. *kind*
        is the error when the fault is shown from the first request on, *later* that from a later one on.
        """
        __tracebackhide__ = True

        def scan(number: int) -> object:
            return self.attempt(lab, number).outcome_of(image)

        outcomes = list(at_each_request(backend, fault, scan))
        assert [] != [one for one in outcomes if isinstance(one, Exception)], f"{fault} is not noticed"
        for number, outcome in enumerate(outcomes):
            if isinstance(outcome, ScannerReport):
                self.check_findings(outcome, self.findings)
            else:
                self._expect(outcome, kind if number == 0 else later or kind)
