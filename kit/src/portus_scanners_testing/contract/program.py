"""The contract of scanners whose backend is a program: no failure is mistaken for a clean image; nothing is left."""

from __future__ import annotations

import asyncio
import signal
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from portus_scanners import InvalidReportError, ScannerError, ScannerUnavailableError

from ..programs import ProgramFault, ScriptedProgram
from . import event_loop
from .canaries import forms_of, told
from .json_answers import JsonAnswerTests, Rewrite
from .lab import DEADLINE, ScannerLab
from .leaks import Holdings, alive_in, left_behind
from .scanner import ScannerContract, is_well, tells_down

_HUGE = 100 * 1024 * 1024
_GARBAGE = (b"", b"\n", b"no JSON\n", b"{", b"\xff\xfe\x00", b"[]")
_LOOK = 0.01
_WHEN = pytest.mark.parametrize("after_output", [False, True], ids=["silent", "after_output"])


class ProgramScannerContract(JsonAnswerTests, ScannerContract):
    """The contract of a scanner whose backend is a program.

    Set `scanner_class`, `findings` and `other_findings`, and override the fixture `backend`; `settings` too when the
    scanner needs more than its program::

        class TestAcme(ProgramScannerContract):
            scanner_class = AcmeScanner
            findings = {"CVE-2099-0001": Severity.HIGH}

            @pytest.fixture
            def backend(self, tmp_path, image, other_image):
                program = ScriptedProgram(tmp_path)
                program.script(image, {"found": [...]})
                program.script(other_image, {"found": []})
                return program
    """

    good_statuses: ClassVar[frozenset[int]] = frozenset({0})
    """Exit statuses after which the output is a result: some programs have one for "something was found"."""

    @pytest.fixture
    def backend(self) -> ScriptedProgram:
        """A stand-in of the program that works correctly (override this)."""
        msg = "override the fixture `backend`: a ScriptedProgram that works correctly"
        raise NotImplementedError(msg)

    @pytest.fixture
    def settings(self, backend: ScriptedProgram) -> Mapping[str, object]:
        """The scanner's section of the configuration: enabled, with its program."""
        return {"enabled": "true", "program": str(backend.path)}

    @pytest.fixture
    def hanging(self, backend: ScriptedProgram) -> Mapping[str, object]:
        """The same settings; the program never ends."""
        backend.break_with(ProgramFault(hang=True))
        return {}

    @pytest.fixture
    def rewrite(self, backend: ScriptedProgram) -> Rewrite:
        """Return what sets the function that the program's output goes through, on stdout and in files."""
        return backend.rewrite

    @pytest.fixture
    def wrongs(self, backend: ScriptedProgram) -> Sequence[Callable[[], object]]:
        """Functions that make the program print its arguments and environment, fail, or die by a signal."""
        faults = (ProgramFault(echo=True), ProgramFault(status=1, stderr=b"no\n"), ProgramFault(signal=9), None)
        return [partial(backend.break_with, fault) for fault in faults]

    def test_missing_program_is_unavailable(self, lab: ScannerLab, image: str, tmp_path: Path) -> None:
        """A program that is not installed is a `ScannerUnavailableError` that names the program."""
        outcome = lab.with_values({"program": str(tmp_path / "not-installed")}).outcome_of(image)
        assert isinstance(outcome, ScannerUnavailableError), repr(outcome)
        assert "not-installed" in str(outcome)

    @_WHEN
    @pytest.mark.parametrize("status", [1, 2, 77, 126, 127, 255])
    def test_failure_is_an_error(
        self, lab: ScannerLab, backend: ScriptedProgram, image: str, status: int, *, after_output: bool
    ) -> None:
        """Any exit status that means failure is a `ScannerError` with the program's last words."""
        fault = ProgramFault(status=status, stderr=b"begun\nthe disk is full\n", after_output=after_output)
        backend.break_with(fault)
        outcome = lab.outcome_of(image)
        if after_output and status in self.good_statuses:
            self.check_findings(outcome, self.findings)
            return
        assert isinstance(outcome, ScannerError), repr(outcome)
        assert status in self.good_statuses or "the disk is full" in str(outcome)

    @_WHEN
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
    def test_death_by_signal_is_an_error(
        self, lab: ScannerLab, backend: ScriptedProgram, image: str, number: signal.Signals, *, after_output: bool
    ) -> None:
        """A program that was killed, or crashed, is a `ScannerError`, whatever it has written."""
        backend.break_with(ProgramFault(signal=number, after_output=after_output))
        assert isinstance(lab.outcome_of(image), ScannerError)

    @pytest.mark.parametrize("garbage", _GARBAGE, ids=["empty", "blank", "text", "cut", "binary", "list"])
    def test_garbage_is_invalid(self, lab: ScannerLab, image: str, rewrite: Rewrite, garbage: bytes) -> None:
        """Output that is not a result, with exit status 0, is an `InvalidReportError`."""
        rewrite(lambda _: garbage)
        outcome = lab.outcome_of(image)
        assert isinstance(outcome, InvalidReportError), repr(outcome)

    def test_truncated_json_is_invalid(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        """JSON that ends in the middle is an `InvalidReportError`."""
        rewrite(lambda output: output[: len(output) // 2])
        outcome = lab.outcome_of(image)
        assert isinstance(outcome, InvalidReportError), repr(outcome)

    def test_huge_output_is_rejected(self, lab: ScannerLab, backend: ScriptedProgram, image: str) -> None:
        """An output of 100 MB is an error, and is never in memory as a whole."""
        backend.break_with(ProgramFault(endless=_HUGE))
        tracemalloc.start()
        try:
            outcome = lab.outcome_of(image)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < _HUGE, f"{peak / 1e6:.0f} MB were held: bound the output (`ProgramBackend` does)"
        assert isinstance(outcome, ScannerError), repr(outcome)

    @pytest.mark.parametrize("fault", ["stubborn", "child"])
    def test_nothing_of_it_survives(
        self, lab: ScannerLab, backend: ScriptedProgram, image: str, scratch: Path, fault: str
    ) -> None:
        """A program that ignores SIGTERM ends at the deadline, and so do the processes that it has started."""
        before = Holdings.now(scratch)
        backend.break_with(ProgramFault(hang=True, stubborn=fault == "stubborn", child=fault == "child"))
        (run,) = lab.with_values({"timeout": DEADLINE}).report_of(image).results
        assert run.report is None, f"ended {run.outcome.value}"
        assert [] == left_behind(before, scratch)
        assert [] == alive_in({call.process for call in backend.calls})

    def test_no_secret_is_an_argument(self, lab: ScannerLab, backend: ScriptedProgram, image: str) -> None:
        """A program's arguments, which every user of the machine can read, contain no credential."""
        lab.outcome_of(image)
        arguments = [argument for call in backend.calls for argument in call.arguments]
        assert backend.calls, "the program was not started"
        assert [] == told(arguments, forms_of(lab.planted(), lab.registry))

    def test_waiting_does_not_block_the_event_loop(self, lab: ScannerLab, backend: ScriptedProgram, image: str) -> None:
        """While the program works, the event loop runs."""
        backend.break_with(ProgramFault(held=True))
        stack = lab.run(lambda: _watched(lab, backend, image))
        assert "" == stack, f"the event loop stood still here:\n{stack}"

    def test_health_tells_down(self, lab: ScannerLab, tmp_path: Path) -> None:
        """A backend whose program is not installed is not healthy; an error counts as that."""
        up, missing = lab.health(), lab.with_values({"program": str(tmp_path / "not-installed")})
        assert is_well(up), "the program is installed"
        assert tells_down(missing.health(), up), "the program is not installed"


async def _watched(lab: ScannerLab, backend: ScriptedProgram, image: str) -> str:
    """Scan, and return the stack at which the event loop was blocked; the program waits until the loop has run."""

    def look(loop: asyncio.AbstractEventLoop) -> None:
        if backend.calls:
            backend.release()
        else:
            loop.call_later(_LOOK, look, loop)

    async with lab.open() as opened:
        loop = asyncio.get_running_loop()
        with event_loop.watch(loop) as beat:
            look(loop)
            await opened.scan(image)
        return beat.stack
