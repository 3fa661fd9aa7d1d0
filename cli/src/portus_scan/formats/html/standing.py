"""What a page says of an image or a repository in one word. Pure functions.

The word is `PASSED` only where nothing speaks against it: the verdict alone is not enough, since a document may come
from anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from attrs import frozen
from portus_scanners import ImageReport, Outcome, Verdict

from ..doubts import verdict_of
from ..words import count, doubt_words, found_words, verdict_words


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
    verdict = verdict_of(report)
    if verdict is Verdict.VULNERABLE:
        return Standing(Word.VULNERABLE, found_words(report), doubt_words(report))
    if verdict is Verdict.CLEAN:
        return Standing(Word.PASSED, f"{count(len(report.results), 'scanner')} found nothing")
    return Standing(Word.UNKNOWN, verdict_words(report))


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
