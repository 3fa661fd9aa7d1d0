"""What a document does not know. No format may show less than this: an unfinished scan is not a clean one.

A verdict is what the runs of a report bear out; the report's own word is not believed, since it may come from anywhere.
"""

from __future__ import annotations

from attrs import frozen
from portus_scanners import ImageReport, Outcome, ReportDocument, ScannerRun, UnresolvedImage, Verdict

from .foreign import message, name

UNRESOLVED = "unresolved"
NOT_SCANNED = "not_scanned"


@frozen(kw_only=True)
class Doubt:
    """One reason why an image may have more vulnerabilities than are named. Its strings are safe."""

    outcome: str
    """How the run ended; ``unresolved`` for an image, ``not_scanned`` where no scanner looked."""
    scanner: str = ""
    """Empty for a doubt about the whole image."""
    message: str

    @property
    def sentence(self) -> str:
        """The doubt in one line."""
        if self.outcome == UNRESOLVED:
            return f"the image was not scanned: {self.message}"
        if self.outcome == NOT_SCANNED:
            return self.message
        return f"scanner {self.scanner}: {self.outcome.replace('_', ' ')}: {self.message}"


NO_SCANNER = Doubt(outcome=NOT_SCANNED, message="no scanner has looked at the image")
NO_IMAGE = Doubt(outcome=NOT_SCANNED, message="no image was scanned")


def verdict_of(report: ImageReport) -> Verdict:
    """Return the verdict that a report bears out.

    Returns:
        `CLEAN` only where the report says so, some scanner was asked, every one ended `ok`, and nothing was found.
    """
    if report.vulnerabilities or report.verdict is Verdict.VULNERABLE or _has_findings(report):
        return Verdict.VULNERABLE
    seen = bool(report.results) and all(run.outcome is Outcome.OK for run in report.results)
    return Verdict.CLEAN if seen and report.verdict is Verdict.CLEAN else Verdict.UNKNOWN


def doubts_of(report: ImageReport) -> tuple[Doubt, ...]:
    """Return why the vulnerabilities of an image may not be all; empty when every scanner ended `ok`."""
    if not report.results:
        return (NO_SCANNER,)
    return tuple(_doubt(run) for run in report.results if run.outcome is not Outcome.OK) or _unexplained(report)


def doubt_of(error: UnresolvedImage) -> Doubt:
    """Return the doubt about an image that could not be scanned: nothing is known of it."""
    return Doubt(outcome=UNRESOLVED, message=f"{message(error.message)} (step: {name(error.step)})")


def is_whole(document: ReportDocument) -> bool:
    """Return whether there are images, all were resolved, and every scanner ended `ok` on each."""
    return bool(document.reports) and not document.errors and not any(map(doubts_of, document.reports))


def scanner_name(run: ScannerRun) -> str:
    """Return the scanner's name, safe, with its plugin's name where that is another."""
    return name(run.scanner if run.scanner == run.plugin else f"{run.scanner} ({run.plugin})")


def notes_of(run: ScannerRun) -> tuple[str, ...]:
    """Return the notes of a run that its error does not repeat, made safe."""
    notes = run.report.notes if run.report else ()
    return tuple(message(note) for note in notes if note and note not in (run.error or ""))


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
