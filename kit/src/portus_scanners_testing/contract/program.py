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
from ..registry import StandInRegistry
from . import event_loop
from .canaries import forms_of, told
from .json_answers import JsonAnswerTests, Rewrite
from .lab import DEADLINE, ScannerLab
from .leaks import Holdings, alive_in, check_nothing_left
from .promises import promised
from .scanner import ScannerContract, is_well, tells_down

_HUGE = 100 * 1024 * 1024
_GARBAGE = (b"", b"\n", b"no JSON\n", b"{", b"\xff\xfe\x00", b"[]")
_LOOK = 0.01
_INVALID = "raise an InvalidReportError (`answer.json`, `structure` and `parse` do)"
_CANARY = "CANARY_OF_THE_ENVIRONMENT"
_WHEN = pytest.mark.parametrize("after_output", [False, True], ids=["silent", "after_output"])


@promised
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
        outcome = lab.with_values({"program": str(tmp_path / "not-installed")}).outcome_of(image)
        assert isinstance(outcome, ScannerUnavailableError), (
            f"the program is not installed, and scan() gave {outcome!r}"
        )
        assert "not-installed" in str(outcome), f"the error must name the program: {outcome}"

    @_WHEN
    @pytest.mark.parametrize("status", [1, 2, 77, 126, 127, 255])
    def test_failure_is_an_error(
        self, lab: ScannerLab, backend: ScriptedProgram, image: str, status: int, *, after_output: bool
    ) -> None:
        fault = ProgramFault(status=status, stderr=b"begun\nthe disk is full\n", after_output=after_output)
        backend.break_with(fault)
        outcome = lab.outcome_of(image)
        if after_output and status in self.good_statuses:
            self.check_findings(outcome, self.findings)
            return
        assert isinstance(outcome, ScannerError), (
            f"the program ended with {status}, and scan() gave {outcome!r}: look at `answer.status` first; a status "
            "after which the output is a result belongs into good_statuses"
        )
        assert status in self.good_statuses or "the disk is full" in str(outcome), (
            f"the program's last words were 'the disk is full', and the error says {outcome}: add `answer.excerpt`"
        )

    @_WHEN
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
    def test_death_by_signal_is_an_error(
        self, lab: ScannerLab, backend: ScriptedProgram, image: str, number: signal.Signals, *, after_output: bool
    ) -> None:
        backend.break_with(ProgramFault(signal=number, after_output=after_output))
        outcome = lab.outcome_of(image)
        assert isinstance(outcome, ScannerError), (
            f"the program died by {number.name}, and scan() gave {outcome!r}: look at `answer.status` first"
        )

    @pytest.mark.parametrize("garbage", _GARBAGE, ids=["empty", "blank", "text", "cut", "binary", "list"])
    def test_garbage_is_invalid(self, lab: ScannerLab, image: str, rewrite: Rewrite, garbage: bytes) -> None:
        rewrite(lambda _: garbage)
        outcome = lab.outcome_of(image)
        assert isinstance(outcome, InvalidReportError), (
            f"the program ended well, and wrote {garbage!r}; scan() gave {outcome!r}: {_INVALID}"
        )

    def test_truncated_json_is_invalid(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        rewrite(lambda output: output[: len(output) // 2])
        outcome = lab.outcome_of(image)
        assert isinstance(outcome, InvalidReportError), (
            f"the second half of the program's output was cut off; scan() gave {outcome!r}: {_INVALID}"
        )

    def test_huge_output_is_rejected(self, lab: ScannerLab, backend: ScriptedProgram, image: str) -> None:
        backend.break_with(ProgramFault(endless=_HUGE))
        tracemalloc.start()
        try:
            outcome = lab.outcome_of(image)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < _HUGE, f"{peak / 1e6:.0f} MB were held: bound the output (`ProgramBackend` does)"
        assert isinstance(outcome, ScannerError), f"the program wrote 100 MB, and scan() gave {outcome!r}"

    @pytest.mark.parametrize("fault", ["stubborn", "child"])
    def test_nothing_of_it_survives(
        self, lab: ScannerLab, backend: ScriptedProgram, image: str, scratch: Path, fault: str
    ) -> None:
        before = Holdings.now(scratch)
        backend.break_with(ProgramFault(hang=True, stubborn=fault == "stubborn", child=fault == "child"))
        (run,) = lab.with_values({"timeout": DEADLINE}).report_of(image).results
        assert run.report is None, f"the program never ended, and the run ended {run.outcome.value}"
        check_nothing_left(before, scratch, "after a scan that ended at its deadline")
        alive = alive_in({call.process for call in backend.calls})
        assert not alive, f"these processes of the program still run: {alive}: end its process group, with KILL at last"

    def test_no_secret_is_an_argument(self, lab: ScannerLab, backend: ScriptedProgram, image: str) -> None:
        lab.outcome_of(image)
        arguments = [argument for call in backend.calls for argument in call.arguments]
        assert backend.calls, "the program was not started"
        shown = told(arguments, forms_of(lab.planted(), lab.registry))
        assert not shown, f"a credential is an argument, which every user can read: {shown}: use the environment"

    def test_environment_is_clean(
        self, lab: ScannerLab, backend: ScriptedProgram, image: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(_CANARY, _CANARY.lower())
        lab.outcome_of(image)
        assert backend.calls, "the program was not started"
        given = [name for call in backend.calls for name, value in call.environment.items() if _CANARY.lower() in value]
        assert not given, (
            f"the program gets the variables of this process ({given[0]} among them): use `ProgramBackend`, or give "
            "`env` only what the program needs"
        )

    def test_program_can_pull(
        self, lab: ScannerLab, backend: ScriptedProgram, image: str, registry: StandInRegistry
    ) -> None:
        backend.break_with(ProgramFault(pulls_from=registry.host))
        what = (
            "the program is told the name of an image, and pulls it with what it is given; give it the registry's "
            "credentials (`run(..., pulls=image)`)"
        )
        self.check_findings(lab.outcome_of(image), self.findings, what)

    def test_waiting_does_not_block_the_event_loop(self, lab: ScannerLab, backend: ScriptedProgram, image: str) -> None:
        backend.break_with(ProgramFault(held=True))
        stack = lab.run(lambda: _watched(lab, backend, image))
        assert "" == stack, f"while the program works the event loop is blocked; it stood still here:\n{stack}"

    def test_health_tells_down(self, lab: ScannerLab, tmp_path: Path) -> None:
        up, missing = lab.health(), lab.with_values({"program": str(tmp_path / "not-installed")})
        assert is_well(up), f"the program is installed, and the health check says {up!r}"
        assert tells_down(down := missing.health(), up), (
            f"the program is not installed, and the health check says {down!r}"
        )


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
