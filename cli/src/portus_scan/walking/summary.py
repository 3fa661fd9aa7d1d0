"""What came of a walk: many images in numbers, and the exit code that they deserve together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import define, field
from portus_scanners import ImageReport, Outcome, ReportDocument, Severity, UnresolvedImage, Verdict

from ..exits import ExitCode, Looked, judge_looked
from ..formats import count, gate_lines, unused_rule_lines
from ..terminal import safe


@define
class Tally:
    """Counts reports as they come; it does not keep them."""

    images: int = 0
    """Scanned, or tried to."""
    unresolved: int = 0
    """Not scanned, because the registry did not give them."""
    unchanged: int = 0
    """Not scanned, because they were scanned before and their tags point to the same images."""
    stopped: int = 0
    """Begun, and not finished when the user stopped: not among `images`."""
    looked: Looked = field(factory=Looked)
    """What all of them say of the exit code."""
    verdicts: Counter[Verdict] = field(factory=Counter)
    severities: Counter[Severity] = field(factory=Counter)
    outcomes: Counter[tuple[str, Outcome]] = field(factory=Counter)
    """By scanner."""

    def add(self, end: ImageReport | UnresolvedImage, looked: Looked) -> None:
        """Count one image, of which this is known."""
        self.images += 1
        self.looked = Looked(self.looked.seen or looked.seen, self.looked.passing and looked.passing)
        if isinstance(end, UnresolvedImage):
            self.unresolved += 1
            return
        self.verdicts[end.verdict] += 1
        self.severities.update(one.severity for one in end.vulnerabilities)
        self.outcomes.update((run.scanner, run.outcome) for run in end.results)

    def lines(self) -> Iterator[str]:
        """Yield the summary: verdicts, severities, and for each scanner how its runs ended."""
        verdicts = [f"{self.verdicts[one]} {one.value}" for one in Verdict if self.verdicts[one]]
        if self.unresolved:
            verdicts.append(f"{self.unresolved} not scanned")
        yield f"{count(self.images, 'image')}: {', '.join(verdicts) or 'nothing was scanned'}"
        if self.unchanged:
            yield f"{count(self.unchanged, 'more image')} unchanged since the last time, and not scanned"
        if self.stopped:
            yield f"{count(self.stopped, 'more image')} stopped before the end: --resume scans them again"
        if total := self.severities.total():
            parts = [f"{self.severities[one]} {one.value}" for one in reversed(Severity) if self.severities[one]]
            yield f"{count(total, 'vulnerability', 'vulnerabilities')} in all: {', '.join(parts)}"
        for scanner in sorted({name for name, _ in self.outcomes}):
            parts = [
                f"{self.outcomes[scanner, one]} {one.value.replace('_', ' ')}"
                for one in Outcome
                if self.outcomes[scanner, one]
            ]
            yield f"{scanner}: {', '.join(parts)}"

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
