"""Promises about a backend's JSON answers: whatever is changed in them, no finding is lost silently."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Protocol

import pytest
from portus_scanners import ScannerError
from portus_scanners.models import ScannerReport, Severity

from ..context import StillWorkingError
from . import mutations
from .lab import ScannerLab
from .subject import ScannerSubject

Rewrite = Callable[[Callable[[bytes], bytes]], None]
"""Sets the function that each further answer goes through."""


class Change(Protocol):
    """Changes or removes the value at a path of a document."""

    def __call__(self, document: Any, /, *, path: mutations.Path) -> Any:
        """Return the changed document."""


class JsonAnswerTests(ScannerSubject):
    """Promises about the content of JSON answers."""

    optional_members: ClassVar[frozenset[str]] = frozenset()
    """Members that the backend leaves out when they would be empty, by its own documentation. Only
    `test_missing_member_anywhere_is_no_clean_report` uses them: it removes none of these."""

    @pytest.fixture
    def rewrite(self) -> Rewrite:
        """Return what sets the function that each further answer of the backend goes through."""
        raise NotImplementedError

    def test_wrong_type_anywhere_is_no_clean_report(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        """A value of a wrong type, anywhere in an answer, is an error or costs no finding."""
        self._mutate(lab, image, rewrite, _changed(mutations.wrong_type))

    def test_null_anywhere_is_no_clean_report(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        """A ``null`` anywhere in an answer is an error or costs no finding."""
        self._mutate(lab, image, rewrite, _changed(lambda _: None))

    def test_missing_member_anywhere_is_no_clean_report(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        """A member that is missing, anywhere in an answer, is an error or costs no finding."""

        def may_go(path: mutations.Path) -> bool:
            return bool(path) and isinstance(path[-1], str) and path[-1] not in self.optional_members

        self._mutate(lab, image, rewrite, mutations.without_member, may_go)

    def test_unknown_members_are_passed_over(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        """Members that a later version of the backend may add change nothing."""
        report = self.check_findings(lab.outcome_of(image), self.findings)
        self._paths(lab, image, rewrite)
        rewrite(on_json(mutations.with_unknown_members))
        assert report == lab.outcome_of(image)

    def test_unknown_severity_is_kept(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        """An unknown severity costs no finding: the finding is `UNKNOWN`, and keeps the backend's word."""
        report = self.check_findings(lab.outcome_of(image), self.findings)
        self._paths(lab, image, rewrite)
        words = {finding.id: finding.severity_label for finding in report.findings if finding.severity_label}
        if not words:
            pytest.skip("no finding has a severity_label: there is no word to replace")
        rewrite(on_json(lambda value: mutations.with_words(value, set(words.values()))))
        found = self.check_findings(lab.outcome_of(image), self.findings).findings
        labels = {one.severity_label for one in found if one.id in words}
        assert labels <= set(map(str, mutations.STRANGE)), f"the backend's words are not kept: {sorted(labels)}"
        assert {Severity.UNKNOWN} == {one.severity for one in found if one.id in words}

    def _mutate(
        self,
        lab: ScannerLab,
        image: str,
        rewrite: Rewrite,
        change: Change,
        chosen: Callable[[mutations.Path], bool] = lambda _: True,
    ) -> None:
        """Fail if a report is complete and lacks a finding after one value of the backend's answers was changed."""
        __tracebackhide__ = True
        paths = self._paths(lab, image, rewrite)
        for number, path in enumerate(mutations.sampled(list(filter(chosen, paths))), start=1):
            rewrite(on_json(partial(change, path=path)))
            self._expect_nothing_lost(self.attempt(lab, number).outcome_of(image), ".".join(map(str, ("$", *path))))

    def _paths(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> list[mutations.Path]:
        """Return the path of every value in the JSON answers of a scan; skip the test if there are none."""
        paths = _paths_in_answers(rewrite, lambda: self.attempt(lab, 0).outcome_of(image))
        return paths or pytest.skip("the answers are not JSON")

    def _expect_nothing_lost(self, outcome: object, place: str) -> None:
        __tracebackhide__ = True
        if isinstance(outcome, ScannerReport):
            found = [finding.id for finding in outcome.findings]
            assert not outcome.complete or len(found) >= len(self.findings), f"{place}: complete, with only {found}"
        else:
            assert isinstance(outcome, (ScannerError, StillWorkingError)), f"{place}: got {outcome!r}"


def on_json(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Return a function that changes a JSON body, and returns any other body unchanged."""

    def rewritten(body: bytes) -> bytes:
        try:
            value = json.loads(body)
        except ValueError:
            return body
        return json.dumps(change(value)).encode()

    return rewritten


def _changed(change: Callable[[Any], Any]) -> Change:
    return partial(mutations.with_change, change=change)


def _paths_in_answers(rewrite: Rewrite, scan: Callable[[], object]) -> list[mutations.Path]:
    """Return the paths of all values in the JSON answers to one scan, each once."""
    found: dict[mutations.Path, None] = {}

    def look(value: Any) -> Any:
        found.update(dict.fromkeys(mutations.paths_of(value)))
        return value

    rewrite(on_json(look))
    scan()
    return list(found)
