"""Promises about a backend's JSON answers: whatever is changed in them, no finding is lost silently."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, ClassVar, Protocol

import pytest
from portus_scanners import ScannerError
from portus_scanners.models import ScannerReport, Severity

from ..context import StillWorkingError
from ..images import digest_of
from . import mutations
from .lab import ScannerLab
from .promises import promised
from .subject import ScannerSubject

Rewrite = Callable[[Callable[[bytes], bytes]], None]
"""Sets the function that each further answer goes through."""


_OTHER_DIGEST = "0ddba11" * 9 + "0"
"""Of no image, hexadecimal."""


class Change(Protocol):
    """Changes or removes the value at a path of a document."""

    def __call__(self, document: Any, /, *, path: mutations.Path) -> Any:
        """Return the changed document."""


@promised
class JsonAnswerTests(ScannerSubject):
    """Promises about the content of JSON answers."""

    optional_members: ClassVar[Collection[str]] = frozenset()
    """Members that the backend leaves out when they would be empty, by its own documentation; ``packages.*`` for the
    entries of the map ``packages``. `test_missing_member_anywhere_is_no_clean_report` removes none of these."""
    map_members: ClassVar[Collection[str]] = frozenset()
    """Members whose objects (one, or a list of them) have data as keys, such as ids of packages. An unknown key there
    is not a member of a later version; a missing one is tried as every other."""
    severities: ClassVar[Mapping[str, Severity]] = {}
    """What each word of the backend for a severity means: all of its words, also those that `findings` lacks."""

    @pytest.fixture
    def rewrite(self) -> Rewrite:
        """Return what sets the function that each further answer of the backend goes through."""
        raise NotImplementedError

    def test_wrong_type_anywhere_is_no_clean_report(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        self._mutate(lab, image, rewrite, _changed(mutations.wrong_type), "replaced by a value of another type")

    def test_null_anywhere_is_no_clean_report(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        self._mutate(lab, image, rewrite, _changed(lambda _: None), "replaced by null")

    def test_missing_member_anywhere_is_no_clean_report(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        def may_go(path: mutations.Path) -> bool:
            names = {str(path[-1]), f"{path[-2]}.*"} if len(path) > 1 else set(map(str, path))
            return bool(path) and isinstance(path[-1], str) and names.isdisjoint(self.optional_members)

        self._mutate(lab, image, rewrite, mutations.without_member, "removed", may_go)

    def test_unknown_members_are_passed_over(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        report = self.check_findings(lab.outcome_of(image), self.findings)
        self._paths(lab, image, rewrite)
        rewrite(on_json(partial(mutations.with_unknown_members, maps=self.map_members)))
        outcome = lab.outcome_of(image)
        assert report == outcome, (
            f"every object of the answers has got a member that nobody knows, and scan() gave {outcome!r}: pass over "
            "such members (`structure` does); objects whose keys are data belong into map_members"
        )

    def test_unknown_severity_is_kept(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        words = self._words(lab, image, rewrite)
        found = self._with_words(lab, image, rewrite, words, mutations.STRANGE)
        labels = {label for _, label in found}
        assert labels <= set(map(str, mutations.STRANGE)), (
            f"an unknown word has replaced {sorted(words)}, and severity_label is {sorted(labels)}: keep the word in it"
        )
        assert {Severity.UNKNOWN} == {severity for severity, _ in found}, (
            f"an unknown word has replaced {sorted(words)}: its severity is `Severity.UNKNOWN`"
        )

    def test_every_severity_is_mapped(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        if not self.severities:
            pytest.skip("set severities: what each of the backend's words for a severity means")
        words = self._words(lab, image, rewrite)
        for word, severity in self.severities.items():
            new = (word, int(word) if word.isdecimal() else mutations.STRANGE[1])
            found = self._with_words(lab, image, rewrite, words, new)
            assert {(severity, word)} == set(found), (
                f"{word!r} has replaced {sorted(words)}: expected {severity!r} and severity_label {word!r} for each"
            )

    def test_answer_about_another_image_is_rejected(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> None:
        built, seen = self.build_image(), list[str]()
        digests = {digest.rpartition(":")[2] for digest in (built.digest, digest_of(built.config))}

        def change(body: bytes) -> bytes:
            for digest in digests:
                if digest.encode() in body:
                    seen.append(digest)
                    body = body.replace(digest.encode(), _OTHER_DIGEST.encode())
            return body

        rewrite(change)
        outcome = self.attempt(lab, 0).outcome_of(image)
        if not seen:
            pytest.skip("no answer has the digest of the image or of its configuration: there is nothing to compare")
        assert isinstance(outcome, ScannerError) or not getattr(outcome, "complete", True), (
            f"the backend answers with another digest (sha256:{_OTHER_DIGEST} for {sorted(set(seen))}), and "
            f"scan() gave {outcome!r}: compare it with the image's, and raise an InvalidReportError"
        )

    def _words(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> dict[str, str]:
        """Return the words for severities that a plain scan gives; skip the test if there are none."""
        report = self.check_findings(lab.outcome_of(image), self.findings)
        self._paths(lab, image, rewrite)
        words = {finding.severity_label: finding.id for finding in report.findings if finding.severity_label}
        return words or pytest.skip("no finding has a severity_label: there is no word to replace")

    def _with_words(
        self, lab: ScannerLab, image: str, rewrite: Rewrite, words: Collection[str], new: tuple[str, int]
    ) -> list[tuple[Severity, str]]:
        """Return severity and label of each finding that has one, in a scan with a new word in place of the others."""
        __tracebackhide__ = True
        rewrite(on_json(lambda value: mutations.with_words(value, words, new)))
        what = f"a scan with {new[0]!r} or {new[1]!r} in place of the severities {sorted(words)}"
        found = self.check_findings(lab.outcome_of(image), self.findings, what).findings
        return [(one.severity, one.severity_label) for one in found if one.severity_label]

    def _mutate(
        self,
        lab: ScannerLab,
        image: str,
        rewrite: Rewrite,
        change: Change,
        did: str,
        chosen: Callable[[mutations.Path], bool] = lambda _: True,
    ) -> None:
        """Fail if a report is complete and lacks a finding after one value of the backend's answers was changed."""
        __tracebackhide__ = True
        with lab.lasting() as lasting:
            paths = self._paths(lasting, image, rewrite)
            for number, path in enumerate(mutations.sampled(list(filter(chosen, paths))), start=1):
                rewrite(on_json(partial(change, path=path)))
                place = ".".join(map(str, ("$", *path)))
                self._expect_nothing_lost(self.attempt(lasting, number).outcome_of(image), f"{place} was {did}")

    def _paths(self, lab: ScannerLab, image: str, rewrite: Rewrite) -> list[mutations.Path]:
        """Return the path of every value in the JSON answers of a scan; skip the test if there are none."""
        paths = _paths_in_answers(rewrite, lambda: self.attempt(lab, 0).outcome_of(image))
        return paths or pytest.skip("the answers are not JSON")

    def _expect_nothing_lost(self, outcome: object, did: str) -> None:
        __tracebackhide__ = True
        if isinstance(outcome, ScannerReport):
            found = [finding.id for finding in outcome.findings]
            assert not outcome.complete or len(found) >= len(self.findings), (
                f"{did}, and the report is complete, with only {found}: raise an InvalidReportError, as `structure` "
                "does, or say complete=False with a note"
            )
        else:
            assert isinstance(outcome, (ScannerError, StillWorkingError)), (
                f"{did}, and scan() raised {outcome!r}: raise an InvalidReportError (`structure` does)"
            )


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
