"""The contract of scanners whose backend is an HTTP server: no wrong answer is mistaken for a clean image."""

from __future__ import annotations

import asyncio
import socket
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from portus_scanners import Health, InvalidReportError, ScannerError, ScannerUnavailableError
from portus_scanners.models import ScannerReport

from ..context import StillWorkingError
from ..servers import (
    Chunked,
    Disconnect,
    Echo,
    EmptyBody,
    Endless,
    Fault,
    Hang,
    LoopbackServer,
    Rewritten,
    ScriptedServer,
    Status,
    Truncated,
    serving,
)
from . import event_loop
from .json_answers import JsonAnswerTests, Rewrite
from .lab import ScannerLab
from .promises import promised
from .scanner import ScannerContract, is_well, tells_down

_HTML = b"<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"
_PAGE = {"Content-Type": "text/html"}
STRANGERS = {
    "a page of HTML": Status(200, _HTML, _PAGE),
    "an empty object": Status(200, b"{}", {"Content-Type": "application/json"}),
}
"""What a server answers that is not the backend: another program at its address, or a proxy before it."""
MOST_REQUESTS = 8
"""How many requests of one scan are answered wrongly, one after the other."""


@promised
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
    """The error of a scan whose first answer can't be read."""

    @pytest.fixture
    def backend(self) -> LoopbackServer:
        """A running stand-in of the backend that answers correctly; `serving` runs it in a thread (override this)."""
        msg = "override the fixture `backend`: a server that answers correctly, such as a ScriptedServer"
        raise NotImplementedError(msg)

    @pytest.fixture
    def settings(self, backend: LoopbackServer) -> Mapping[str, object]:
        """The scanner's section of the configuration: its server."""
        return {"server": backend.url}

    @pytest.fixture
    def hanging(self, backend: LoopbackServer) -> Mapping[str, object]:
        """The same settings; the server accepts requests and answers none of them."""
        backend.faults.add("*", Hang())
        return {}

    @pytest.fixture
    def rewrite(self, backend: LoopbackServer) -> Rewrite:
        """Return what sets the function that each further answer of the server goes through."""

        def put(change: Callable[[bytes], bytes]) -> None:
            backend.faults.clear()
            backend.faults.add("*", Rewritten(change))

        return put

    @pytest.fixture
    def wrongs(self, backend: LoopbackServer) -> Sequence[Callable[[], object]]:
        """Functions that make the server quote the request, refuse it, or break off its answer."""

        def show(fault: Fault, skip: int) -> None:
            backend.faults.clear()
            backend.faults.add("*", fault, skip=skip)

        faults: list[Fault] = [Echo(status) for status in (200, 201, 400, 401, 403, 404, 422, 500, 503)]
        faults += [Status(401), Truncated(5), Disconnect()]
        return [*(partial(show, fault, skip) for skip in (0, 1, 2) for fault in faults), backend.faults.clear]

    def test_refused_connection_is_unavailable(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        with _refused() as server:
            self._expect(lab.with_values({"server": server}).outcome_of(image), ScannerUnavailableError)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 422])
    def test_client_error_is_an_error(self, lab: ScannerLab, backend: LoopbackServer, image: str, status: int) -> None:
        self._expect_at_each(lab, backend, image, Status(status), ScannerError)

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_server_error_is_unavailable(
        self, lab: ScannerLab, backend: LoopbackServer, image: str, status: int
    ) -> None:
        self._expect_at_each(lab, backend, image, Status(status, _HTML, _PAGE), ScannerUnavailableError)

    def test_disconnect_is_unavailable(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        self._expect_at_each(lab, backend, image, Disconnect(), ScannerUnavailableError)

    def test_reset_in_mid_body_is_unavailable(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        self._expect_at_each(lab, backend, image, Truncated(5), ScannerUnavailableError)

    def test_truncated_json_is_invalid(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        self.attempt(lab, 0).outcome_of(image)  # now a backend that remembers images answers with the result at once
        self._expect_at_each(lab, backend, image, Truncated(5, announced=False), self._unreadable, ScannerError)

    def test_html_is_invalid(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        page = Status(200, _HTML, _PAGE)
        self._expect_at_each(lab, backend, image, page, self._unreadable, ScannerError)

    def test_empty_body_is_invalid(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        self._expect_at_each(lab, backend, image, EmptyBody(), self._unreadable, ScannerError)

    @pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
    def test_huge_body_is_rejected(
        self, lab: ScannerLab, backend: LoopbackServer, image: str, *, compressed: bool
    ) -> None:
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
        elsewhere = ScriptedServer()
        with serving(elsewhere):
            moved = Status(302, headers={"Location": f"{elsewhere.url}/"})
            self._expect_at_each(lab, backend, image, moved, ScannerError)
            followed = [f"{one.method} {one.target}" for one in elsewhere.requests]
            assert [] == followed, "a redirect to another server was followed, where the backend's credentials would go"

    def test_chunked_answers_are_read(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        backend.faults.add("*", Chunked(1))
        self.check_findings(lab.outcome_of(image), self.findings)

    def test_waiting_does_not_block_the_event_loop(self, lab: ScannerLab, backend: LoopbackServer, image: str) -> None:
        async def scan() -> str:
            backend.faults.add("*", event_loop.HeldUntilTheLoopRuns(asyncio.get_running_loop()))
            async with lab.open() as opened:
                with event_loop.watch(asyncio.get_running_loop()) as beat:
                    await opened.scan(image)
                return beat.stack

        stack = lab.run(scan)
        assert "" == stack, f"the event loop stood still here:\n{stack}"

    def test_health_tells_down(self, lab: ScannerLab, backend: LoopbackServer, scratch: Path) -> None:
        up = lab.health()
        assert is_well(up), "the backend is up"
        backend.faults.add("*", Status(500))
        assert tells_down(lab.health(), up), "the backend answers 500"
        with _refused() as server:
            assert tells_down(lab.with_values({"server": server}).health(), up), "the backend refuses connections"

    @pytest.mark.parametrize("page", STRANGERS)
    def test_health_of_a_stranger_is_not_good(self, lab: ScannerLab, backend: LoopbackServer, page: str) -> None:
        backend.faults.add("*", STRANGERS[page])
        health = lab.health()
        is_good = isinstance(health, Health) and health.healthy
        assert not is_good, f"healthy, though the server answers 200 with {page}: look at what your backend says there"

    def _expect(self, outcome: object, kind: type[Exception]) -> None:
        __tracebackhide__ = True
        working = (StillWorkingError,) if kind is ScannerError else ()  # polling on is not a clean report
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
        """Fail unless the scan ends with the error, whichever request the fault begins with.

        A request that the scan can do without may be answered wrongly: then the report must lack nothing. *kind* is
        the error when the fault begins with the first request, *later* the error when it begins with a later one.
        """
        __tracebackhide__ = True

        with lab.lasting() as lasting:
            outcomes = list(
                _at_each_request(backend, fault, lambda number: self.attempt(lasting, number).outcome_of(image))
            )
        assert [] != [one for one in outcomes if isinstance(one, Exception)], f"{fault} is not noticed"
        for number, outcome in enumerate(outcomes):
            if isinstance(outcome, ScannerReport):
                self.check_findings(outcome, self.findings)
            else:
                self._expect(outcome, kind if number == 0 else later or kind)


def _at_each_request(backend: LoopbackServer, fault: Fault, scan: Callable[[int], object]) -> Iterator[object]:
    """Yield what ``scan(number)`` returns when the fault begins with request 0, then with request 1, and so on.

    The iterator ends when a scan sends fewer requests than that, or after eight.
    """
    for number in range(MOST_REQUESTS):
        backend.faults.clear()
        rule = backend.faults.add("*", fault, skip=number)
        outcome = scan(number)
        if not rule.shown:
            return
        yield outcome


@contextmanager
def _refused() -> Iterator[str]:
    """Yield a base URL at which connections are refused: the port is bound, and no server listens on it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
