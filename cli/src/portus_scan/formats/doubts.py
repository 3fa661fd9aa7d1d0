"""What a document does not know. No format may show less than this: an unfinished scan is not a clean one.

A verdict is what the runs of a report bear out; the report's own word is not believed, since it may come from anywhere.
"""

from __future__ import annotations

from attrs import frozen
from portus_scanners import ImageReport, Outcome, ScannerRun, UnresolvedImage, Verdict

from ..terminal import message, name

UNRESOLVED = "unresolved"
NOT_SCANNED = "not_scanned"
END_OF_LIFE = "end_of_life"


@frozen(kw_only=True)
class Doubt:
    """One reason why an image may have more vulnerabilities than are named. Its strings are safe."""

    outcome: str
    """How the run ended; ``end_of_life`` where it may have ended ``ok`` and the support of the distribution has ended;
    ``unresolved`` for an image, ``not_scanned`` where no scanner looked."""
    scanner: str = ""
    """Empty for a doubt about the whole image."""
    message: str

    @property
    def is_of_run(self) -> bool:
        """Whether a run did not end ``ok``: the run itself says so as well."""
        return self.outcome not in {UNRESOLVED, NOT_SCANNED, END_OF_LIFE}

    @property
    def advice(self) -> str:
        """What to do, in one sentence."""
        if self.outcome == END_OF_LIFE:
            return "Move to a release that is supported, and scan again."
        return "Fix the cause, and scan again."

    @property
    def sentence(self) -> str:
        """The doubt in one line."""
        if self.outcome == UNRESOLVED:
            return f"the image was not scanned: {self.message}"
        if self.outcome == NOT_SCANNED:
            return self.message
        if self.outcome == END_OF_LIFE:
            return f"scanner {self.scanner}: {self.message}"
        return f"scanner {self.scanner}: {self.outcome.replace('_', ' ')}: {self.message}"


NO_SCANNER = Doubt(outcome=NOT_SCANNED, message="no scanner has looked at the image")
NO_IMAGE = Doubt(outcome=NOT_SCANNED, message="no image was scanned")


def verdict_of(report: ImageReport) -> Verdict:
    """Return the verdict that a report bears out.

    Returns:
        `CLEAN` only where the report says so, some scanner was asked, every one ended `ok`, nothing was found, and none
        says that the support of the distribution has ended.
    """
    if report.vulnerabilities or report.verdict is Verdict.VULNERABLE or _has_findings(report):
        return Verdict.VULNERABLE
    seen = bool(report.results) and all(run.outcome is Outcome.OK and not ended_of(run) for run in report.results)
    return Verdict.CLEAN if seen and report.verdict is Verdict.CLEAN else Verdict.UNKNOWN


def doubts_of(report: ImageReport) -> tuple[Doubt, ...]:
    """Return why the vulnerabilities of an image may not be all.

    Returns:
        A doubt for each scanner that did not end `ok`, and one for each that says that the support of the distribution
        has ended; empty when there is neither.
    """
    if not report.results:
        return (NO_SCANNER,)
    unfinished = (_doubt(run) for run in report.results if run.outcome is not Outcome.OK)
    ended = (
        Doubt(outcome=END_OF_LIFE, scanner=scanner_name(run), message=ended_of(run))
        for run in report.results
        if ended_of(run)
    )
    return (*unfinished, *ended) or _unexplained(report)


def doubt_of(error: UnresolvedImage) -> Doubt:
    """Return the doubt about an image that could not be scanned: nothing is known of it."""
    return Doubt(outcome=UNRESOLVED, message=f"{message(error.message)} (step: {name(error.step)})")


def scanner_name(run: ScannerRun) -> str:
    """Return the scanner's name, safe, with its plugin's name where that is another."""
    return name(run.scanner if run.scanner == run.plugin else f"{run.scanner} ({run.plugin})")


def ended_of(run: ScannerRun) -> str:
    """Return what a scanner says of the end of the distribution's support, made safe; empty if it says nothing."""
    return message(run.report.end_of_life.sentence) if run.report and run.report.end_of_life else ""


def notes_of(run: ScannerRun) -> tuple[str, ...]:
    """Return the notes of a run that its error does not repeat, made safe."""
    notes = run.report.notes if run.report else ()
    return tuple(message(note) for note in notes if note and note not in (run.error or ""))


def report_notes(report: ImageReport) -> tuple[str, ...]:
    """Return the notes about the vulnerabilities of all scanners together, made safe."""
    return tuple(map(message, report.notes))


def _has_findings(report: ImageReport) -> bool:
    return any(run.report is not None and run.report.findings for run in report.results)


def _unexplained(report: ImageReport) -> tuple[Doubt, ...]:
    """Return the doubt about a report that is not clean although every scanner ended `ok` and nothing is listed."""
    verdict = verdict_of(report)
    if report.vulnerabilities or verdict is Verdict.CLEAN:
        return ()
    return (Doubt(outcome=NOT_SCANNED, message=f"the verdict is {verdict.value}, and the report does not say why"),)


def _doubt(run: ScannerRun) -> Doubt:
    why = message(run.error or "") or "it does not say why"
    return Doubt(outcome=run.outcome.value, scanner=scanner_name(run), message=why)
