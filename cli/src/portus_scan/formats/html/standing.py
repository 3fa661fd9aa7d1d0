"""What a page says of an image or a repository in one word. Pure functions.

The word is `PASSED` only where nothing speaks against it: the verdict alone is not enough, since a document may come
from anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from attrs import frozen
from portus_scanners import ImageReport, Outcome, Verdict

from ..words import count, doubt_words, severity_counts


class Word(Enum):
    """The word, as it is shown. The order is that of urgency."""

    VULNERABLE = "Vulnerable"
    UNKNOWN = "Unknown"
    PASSED = "Passed"


@frozen
class Standing:
    """The word, and what it rests on."""

    word: Word
    sentence: str
    """No foreign text is in it."""
    doubts: str = ""
    """Why there may be more, where somebody did not look at everything."""

    @property
    def urgency(self) -> int:
        """Sorts what is more urgent first."""
        return list(Word).index(self.word)


def stand_of_image(report: ImageReport) -> Standing:
    """Return what is known of one image: ``Unknown``, "unknown: 1 of 2 scanners failed"."""
    doubts = doubt_words(report)
    if report.vulnerabilities:
        return Standing(Word.VULNERABLE, severity_counts(report.vulnerabilities), doubts)
    if _has_findings(report) or report.verdict is Verdict.VULNERABLE:
        return Standing(Word.VULNERABLE, "a scanner found something, and this report does not list it", doubts)
    if report.verdict is Verdict.CLEAN and report.results and not doubts:
        return Standing(Word.PASSED, f"{count(len(report.results), 'scanner')} found nothing")
    return Standing(Word.UNKNOWN, f"unknown: {doubts or _without_doubts(report)}")


def _has_findings(report: ImageReport) -> bool:
    return any(run.report is not None and run.report.findings for run in report.results)


def _without_doubts(report: ImageReport) -> str:
    return "the report says so" if report.results else "no scanner has looked"


def stand_of_repository(images: Sequence[Standing], unresolved: int) -> Standing:
    """Return what is known of several images, of which *unresolved* more could not be scanned at all."""
    words = [image.word for image in images]
    parts = [f"{words.count(word)} {word.value.lower()}" for word in Word if word in words]
    if unresolved:
        parts.append(f"{unresolved} not scanned")
    sentence = ", ".join(parts) or "no images"
    doubts = sum(bool(image.doubts) or image.word is Word.UNKNOWN for image in images) + unresolved
    if Word.VULNERABLE in words:
        doubt = f"not all is known of {doubts} of {count(len(images) + unresolved, 'image')}" if doubts else ""
        return Standing(Word.VULNERABLE, sentence, doubt)
    return Standing(Word.PASSED if words and not doubts else Word.UNKNOWN, sentence)


def outcome_kind(outcome: Outcome) -> str:
    """Return ``good`` for a scanner that saw all of the image, else ``doubt``."""
    return "good" if outcome is Outcome.OK else "doubt"
