"""The contract of scanners that poll an HTTP server: no state of a scan is mistaken for a clean image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import define, field
from portus_scanners import InvalidReportError, ScannerError
from portus_scanners.models import Outcome

from ..context import StillWorkingError
from ..servers import LoopbackServer
from . import mutations
from .http import MOST_REQUESTS, HttpScannerContract
from .json_answers import Rewrite, on_json
from .lab import DEADLINE, FEW_POLLS, ScannerLab
from .leaks import Holdings, check_nothing_left
from .promises import promised

_LONGEST_WAIT = 300.0
"""Seconds between two polls at the most: a scanner that waits longer learns of the end too late."""
_OTHER_REQUESTS = 10
"""Requests that a scan may send besides its polls: to begin, for the version..."""
_LIKELY = ("state", "status", "phase")
"""Parts of the names that states have."""


@promised
class PolledScannerContract(HttpScannerContract):
    """The contract of a scanner that polls an HTTP server.

    As for `HttpScannerContract`; override the fixtures `working` and `failing` too. The server of the fixture `backend`
    says at least once that it is working before it gives a result.
    """

    requests_per_poll: ClassVar[int] = 1
    """Requests that the scanner sends for each poll."""
    state_member: ClassVar[str] = ""
    """The member of the server's JSON that says how far a scan is. Where empty, it is the member that has different
    words in the answers to one scan."""
    _unreadable = ScannerError  # the first answer is not yet the report

    @pytest.fixture
    def working(self) -> None:
        """Make the server say of `image` that it is working, each time it is asked (override this)."""
        msg = "override the fixture `working`: it makes the backend say that it is working, each time it is asked"
        raise NotImplementedError(msg)

    @pytest.fixture
    def failing(self) -> None:
        """Make the server say of `image` that its scan has failed (override this)."""
        msg = (
            "override the fixture `failing`: it makes the backend say that the scan of `image` has failed; if yours "
            'has no such answer, set refused = {"test_failed_scan_is_an_error": "the reason"}'
        )
        raise NotImplementedError(msg)

    def test_scan_waits_while_the_backend_works(self, lab: ScannerLab, image: str) -> None:
        report, waits, sleeps = lab.run(lambda: _scan_and_waits(lab, image))
        self.check_findings(report, self.findings)
        assert waits or not sleeps, f"the scanner waits with {sleeps[0]}: await `self.context.wait` instead"
        assert waits, (
            "the scanner has not waited with `self.context.wait`; if it had to, the backend of these tests must say at "
            "least once that it is working"
        )
        assert max(waits) <= _LONGEST_WAIT, f"wait {_LONGEST_WAIT:g} s between two polls at the most"

    def test_every_poll_is_waited_for(
        self, lab: ScannerLab, backend: LoopbackServer, image: str, working: None
    ) -> None:
        outcome = lab.outcome_of(image)
        assert isinstance(outcome, StillWorkingError), (
            f"the backend is still working, and the scan ended: {outcome!r}; poll on until it says that it is done"
        )
        most = FEW_POLLS * self.requests_per_poll + _OTHER_REQUESTS
        assert len(backend.requests) <= most, (
            f"{len(backend.requests)} requests, and {FEW_POLLS} waits: await `self.context.wait` before each poll; if "
            "one poll is several requests, set requests_per_poll"
        )

    def test_still_working_is_pending(self, lab: ScannerLab, image: str, working: None, scratch: Path) -> None:
        before = Holdings.now(scratch)
        (run,) = lab.with_values({"timeout": DEADLINE}).report_of(image).results
        assert Outcome.PENDING is run.outcome, (
            f"the backend was working until the deadline, and the run ended {run.outcome.value} ({run.error}): wait "
            "with `self.context.wait`, and set no time limit in the scanner"
        )
        check_nothing_left(before, scratch, "after a scan that ended at its deadline")

    def test_failed_scan_is_an_error(self, lab: ScannerLab, image: str, failing: None) -> None:
        outcome = lab.outcome_of(image)
        assert isinstance(outcome, ScannerError), (
            f"the backend says that the scan has failed, and scan() gave {outcome!r}: raise a ScannerError"
        )

    def test_unknown_state_is_invalid(
        self,
        lab: ScannerLab,
        backend: LoopbackServer,
        image: str,
        rewrite: Rewrite,
        request: pytest.FixtureRequest,
    ) -> None:
        states = _States(self.state_member)
        self._look(lab, image, rewrite, states)
        known = states.path() is not None
        if known:
            self._replace_each(lab, image, rewrite, states)
        backend.faults.clear()
        request.getfixturevalue("working")
        if not known:
            self._look(lab, image, rewrite, states)
            known = states.path() is not None
        assert known, (
            f"no member tells a scan that is working from one that is done (several words: {states.candidates()}): set "
            'state_member, or refused = {"test_unknown_state_is_invalid": "the reason"}'
        )
        self._replace_each(lab, image, rewrite, states)

    def _look(self, lab: ScannerLab, image: str, rewrite: Rewrite, states: _States) -> None:
        """Scan, and collect the words that the members of the answers have."""
        states.scans += 1
        rewrite(on_json(states.look))
        self.attempt(lab, 0).outcome_of(image)

    def _replace_each(self, lab: ScannerLab, image: str, rewrite: Rewrite, states: _States) -> None:
        """Fail unless an unknown state is invalid at once, whichever answer of a scan it begins with."""
        __tracebackhide__ = True
        for number in range(MOST_REQUESTS):
            change = _UnknownState(states.path() or (), skip=number)
            rewrite(on_json(change.show))
            outcome, waits = lab.run(lambda: _caught_and_waits(self.attempt(lab, number + 1), image, change))  # noqa: B023
            if not change.shown:
                return
            where = ".".join(map(str, ("$", *change.path)))
            did = f"{where}: {change.old!r} was replaced by {change.word!r} in answer {number + 1} that has it"
            assert isinstance(outcome, InvalidReportError), (
                f"{did}, and scan() gave {outcome!r}: raise an InvalidReportError for a state that is not known, as "
                "`structure` does where the member's type is an Enum"
            )
            assert waits == change.waits, f"{did}, and the scanner waited {waits - change.waits} times more"


@define
class _States:
    """The words that each member of the answers has had.

    Attributes:
        member: The name of the state's member; empty: it is guessed.
    """

    member: str
    words: dict[mutations.Path, list[set[Any]]] = field(factory=dict)
    """By member, the words in each scan."""
    scans: int = 0

    def look(self, document: Any) -> Any:
        """Collect the words of one answer, and return the answer."""
        for path in mutations.paths_of(document):
            value = mutations.value_at(document, path)
            if isinstance(value, str) or (self._named(path) and isinstance(value, int)):
                in_scans = self.words.setdefault(path, [])
                in_scans += [set() for _ in range(self.scans - len(in_scans))]
                in_scans[-1].add(value)
        return document

    def candidates(self) -> list[str]:
        """Return the members that have had several words, outside of lists."""
        return [".".join(map(str, path)) for path in self._changing()]

    def path(self) -> mutations.Path | None:
        """Return the state's path; None if it is not known."""
        if self.member:
            return next((path for path in self.words if self._named(path)), None)
        found = self._changing()
        likely = [path for path in found if _is_likely(path)]
        return next((some[0] for some in (found, likely) if len(some) == 1), None)

    def _changing(self) -> list[mutations.Path]:
        """Return the members outside of lists with several words in one scan; in several scans, an id has them too."""
        return [
            path
            for path, words in self.words.items()
            if path and all(isinstance(key, str) for key in path)
            and (max(map(len, words)) > 1 or (_is_likely(path) and len(set().union(*words)) > 1))
        ]  # fmt: skip

    def _named(self, path: mutations.Path) -> bool:
        return bool(path) and path[-1] == self.member


def _is_likely(path: mutations.Path) -> bool:
    return any(part in str(path[-1]).casefold() for part in _LIKELY)


@define
class _UnknownState:
    """Replaces the state in every answer but the first ones."""

    path: mutations.Path
    skip: int
    old: Any = None
    word: Any = None
    shown: int = 0
    waited: Callable[[], int] = int
    waits: int = 0
    """How often the scanner had waited before the first answer with the unknown state."""

    def show(self, document: Any) -> Any:
        """Return an answer with another state, if it has one."""
        try:
            value = mutations.value_at(document, self.path)
        except (KeyError, IndexError, TypeError):
            return document
        self.skip -= 1
        if self.skip >= 0 or not isinstance(value, str | int):
            return document
        if not self.shown:
            self.old, self.word, self.waits = value, mutations.STRANGE[not isinstance(value, str)], self.waited()
        self.shown += 1
        return mutations.replaced(document, self.path, mutations.STRANGE[not isinstance(value, str)])


async def _caught_and_waits(lab: ScannerLab, image: str, change: _UnknownState) -> tuple[object, int]:
    """Scan, and return the report or the error, and how often the scanner has waited."""
    async with lab.open() as opened:
        change.waited = lambda: len(opened.context.waits)
        return await opened.outcome_of(image), len(opened.context.waits)


async def _scan_and_waits(lab: ScannerLab, image: str) -> tuple[object, list[float], list[str]]:
    async with lab.open() as opened:
        return await opened.outcome_of(image), opened.context.waits, opened.sleeps
