"""What came of a walk: many images in numbers, and the exit code that they deserve together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from attrs import define, field
from portus_scanners import Outcome, ReportDocument, Severity, UnresolvedImage, Verdict

from ..exits import ExitCode, Looked, judge_looked
from ..formats import count, gate_lines, unused_rule_lines
from ..terminal import safe
from .counted import AnyReport

MOST_CAUSES = 1000
"""Different causes that are told apart."""
SHOWN_CAUSES = 10
"""Causes of one kind that are shown: those of most images."""
_NOT_SCANNED = ("", "not scanned")
_LONGEST_CAUSE = 500
_MOST_NAMED = 5
"""Repositories without a tag that are named."""
_VARYING = re.compile(r"\b[0-9a-f]{12,}\b|\b[0-9.]+ (?:s|bytes)\b|\b[0-9]+ of [0-9]+\b|0x[0-9a-f]+")
"""What differs between two messages of one cause: digests, seconds, sizes, places."""


class Causes:
    """Why images have no good end: each distinct cause once, with the number of its images."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._words: dict[tuple[str, str, str], str] = {}

    def add(self, kind: tuple[str, str], message: str, reference: str) -> None:
        """Count a cause of a kind: a scanner and an outcome. What names the image in it makes it no other cause."""
        _, _, path = reference.partition("/")
        repository = path.partition("@")[0].rpartition(":")[0] or path
        for name in filter(None, (reference, path, repository)):
            message = message.replace(name, "...")
        key = (*kind, _VARYING.sub("...", message))
        if key not in self._words and len(self._words) >= MOST_CAUSES:
            key = (*kind, "other causes")
        self._counts[key] += 1
        self._words.setdefault(key, message)

    def lines(self, scanner: str, outcome: str) -> Iterator[str]:
        """Yield the causes of a kind, that of most images first: ``  failed, 4 images: no connection``."""
        found = [(number, key) for key, number in self._counts.most_common() if key[:2] == (scanner, outcome)]
        for number, key in found[:SHOWN_CAUSES]:
            yield safe(f"  {outcome}, {count(number, 'image')}: {self._words[key]}", _LONGEST_CAUSE)
        if rest := sum(number for number, _ in found[SHOWN_CAUSES:]):
            yield f"  {outcome}, {count(rest, 'image')}: {count(len(found) - SHOWN_CAUSES, 'other cause')}"


def _words(outcome: Outcome) -> str:
    return outcome.value.replace("_", " ")


@define
class Tally:
    """Counts reports as they come; it does not keep them."""

    images: int = 0
    """Scanned, or tried to."""
    unresolved: int = 0
    """Not scanned, because the registry did not give them."""
    unchanged: int = 0
    """Not scanned, because they were scanned before and their tags point to the same images."""
    artifacts: Counter[str] = field(factory=Counter)
    """Not images, as their manifests say, by what they are: not among `images`."""
    empty: list[str] = field(factory=list)
    """Repositories that the registry lists, and which have no tag."""
    repeated: int = 0
    """Digests among the tags to which a tag points."""
    stopped: int = 0
    """Begun, and not finished when the user stopped: not among `images`."""
    looked: Looked = field(factory=Looked)
    """What all of them say of the exit code."""
    verdicts: Counter[Verdict] = field(factory=Counter)
    severities: Counter[Severity] = field(factory=Counter)
    outcomes: Counter[tuple[str, Outcome]] = field(factory=Counter)
    """By scanner."""
    causes: Causes = field(factory=Causes)
    """Why images were not scanned, and why runs did not end ok."""

    def add(self, end: AnyReport | UnresolvedImage, looked: Looked) -> None:
        """Count one image, of which this is known."""
        self.images += 1
        self.looked = Looked(self.looked.seen or looked.seen, self.looked.passing and looked.passing)
        if isinstance(end, UnresolvedImage):
            self.unresolved += 1
            self.causes.add(_NOT_SCANNED, end.message, end.reference)
            return
        self.verdicts[end.verdict] += 1
        self.severities.update(one.severity for one in end.vulnerabilities)
        self.outcomes.update((run.scanner, run.outcome) for run in end.results)
        for run in end.results:
            if run.error is not None:
                self.causes.add((run.scanner, _words(run.outcome)), run.error, end.image.reference.text)

    def lines(self) -> Iterator[str]:
        """Yield the summary: verdicts, severities, and for each scanner how its runs ended."""
        verdicts = [f"{self.verdicts[one]} {one.value}" for one in Verdict if self.verdicts[one]]
        if self.unresolved:
            verdicts.append(f"{self.unresolved} not scanned")
        yield f"{count(self.images, 'image')}: {', '.join(verdicts) or 'nothing was scanned'}"
        yield from self.causes.lines(*_NOT_SCANNED)
        if self.unchanged:
            yield f"{count(self.unchanged, 'more image')} unchanged since the last time, and not scanned"
        yield from self._other_lines()
        if self.stopped:
            yield f"{count(self.stopped, 'more image')} stopped before the end: --resume scans them again"
        if total := self.severities.total():
            parts = [f"{self.severities[one]} {one.value}" for one in reversed(Severity) if self.severities[one]]
            yield f"{count(total, 'vulnerability', 'vulnerabilities')} in all: {', '.join(parts)}"
        for scanner in sorted({name for name, _ in self.outcomes}):
            seen = [one for one in Outcome if self.outcomes[scanner, one]]
            yield f"{scanner}: {', '.join(f'{self.outcomes[scanner, one]} {_words(one)}' for one in seen)}"
            for one in seen:
                yield from self.causes.lines(scanner, _words(one))

    def _other_lines(self) -> Iterator[str]:
        """Yield what is in the registry, and is not an image of its own."""
        if self.artifacts:
            kinds = ", ".join(count(number, kind) for kind, number in sorted(self.artifacts.items()))
            yield f"{count(self.artifacts.total(), 'tag')} not of images, and not scanned: {kinds}"
        if self.empty:
            names = [*self.empty[:_MOST_NAMED], *(["..."] if len(self.empty) > _MOST_NAMED else [])]
            yield safe(f"{count(len(self.empty), 'repository', 'repositories')} without a tag: {', '.join(names)}")
        if self.repeated:
            yield f"{count(self.repeated, 'digest')} among the tags, to which scanned tags point as well"

    @property
    def found_any(self) -> bool:
        """Whether there is anything that is wanted."""
        return bool(self.images or self.unchanged or self.artifacts or self.empty or self.stopped)

    def judge(self, *, listed: bool, passed: bool) -> ExitCode:
        """Return the exit code of a walk that was not interrupted.

        Args:
            listed: Whether all repositories are known.
            passed: Whether the gate passed; it also fails for an image that no scanner has looked into.
        """
        if not self.images and listed and self.unchanged:
            return ExitCode.OK
        return judge_looked(Looked(self.looked.seen, self.looked.passing and listed), passed=passed)


def summary_lines(tally: Tally, policed: ReportDocument) -> Iterator[str]:
    """Yield what is printed at the end: the numbers, then what the policy says of all images together.

    Args:
        tally: The images.
        policed: The rules that fit none of them, and the gate.
    """
    yield from tally.lines()
    if policed.unused_rules:
        yield from map(safe, unused_rule_lines(policed.unused_rules))
    if policed.gate is not None:
        yield from gate_lines(policed.gate)
