"""What becomes of a document: the policy is applied, every output is written, and the exit code follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from attrs import frozen
from portus_scanners import ReportDocument, Severity, UnresolvedImage

from ..exits import ExitCode, judge_document
from ..formats import NO_IMAGE, doubts_of, violation_words
from ..options import PolicyChoices, ReportingChoices
from ..policy import CommandPolicy
from ..reporter import ReportJob
from ..terminal import PROGRAM, say, stdout_is_stderr, write_stdout
from .outputs import DEFAULT, ReportOutput, choose_outputs


@frozen(kw_only=True)
class Reporting:
    """What a command does with its document: the outputs, the policy, and what people are shown."""

    outputs: tuple[ReportOutput, ...]
    policy: CommandPolicy
    min_severity: Severity = Severity.UNKNOWN
    show_all: bool = False

    @classmethod
    def prepare(cls, choices: ReportingChoices, policy_choices: PolicyChoices, config: str | None = None) -> Reporting:
        """Check everything that the options name, before anything is scanned; nothing is changed.

        Raises:
            CommandFault: A format, a place, a report or a policy can't be used.
        """
        return cls(
            outputs=choose_outputs(choices.outputs),
            policy=CommandPolicy.read(config, policy_choices, _read_baseline(choices.baseline)),
            min_severity=Severity(choices.min_severity),
            show_all=choices.show_all,
        )

    def deliver(self, document: ReportDocument, *, keep: bool = True) -> ExitCode:
        """Apply the policy and write every output; the failure of one does not keep the others from being written.

        Args:
            document: The document of the scan, or of earlier reports.
            keep: When an output fails and nothing else went to stdout, print the document there as JSON.

        Returns:
            The exit code of the document; `USAGE` if some output could not be written.
        """
        document = self.policy.apply(document)
        if not self._has_readable_stdout():
            for line in (*doubt_lines(document), *_violation_lines(document)):
                say(line)
        job = ReportJob(
            document=document,
            baseline=self.policy.baseline,
            min_severity=self.min_severity,
            show_all=self.show_all,
        )
        written = [output.write(job) for output in self.outputs]
        if all(written):
            return judge_document(document, self.policy.allowed)
        if keep and not any(output.is_on_stdout for output in self.outputs):
            say(f"the whole answer is on stdout as JSON; {PROGRAM} convert makes the formats of it")
            _print_json(document)
        return ExitCode.USAGE

    def say_unresolved(self, document: ReportDocument, hint: Callable[[UnresolvedImage], str] = lambda _: "") -> None:
        """Say which images could not be scanned; where the table goes to the same place, only the hints.

        Args:
            document: The document.
            hint: What to do about one of them, beside its message.
        """
        is_said = bool(document.errors) and self._has_readable_stdout() and stdout_is_stderr()
        for error in document.errors:
            words = "; ".join(filter(None, ("" if is_said else error.message, hint(error))))
            if words:
                say(f"{error.reference}: {words}")

    def _has_readable_stdout(self) -> bool:
        return any(output.is_on_stdout and output.format_name == DEFAULT for output in self.outputs)


def _read_baseline(name: str | None) -> ReportDocument | None:
    if name is None:
        return None
    from .documents import read_document  # reading JSON is for those who ask for it

    return read_document(name)


def _print_json(document: ReportDocument) -> None:
    from portus_scanners.serialize import document_pieces

    write_stdout(document_pieces(document))


def doubt_lines(document: ReportDocument) -> Iterator[str]:
    """Yield a line for each run that did not end ok, each image that no scanner looked at, and each end of support.

    The lines are for users who do not see the table. Images that could not be resolved are left out: the command
    names them itself.
    """
    times: Counter[str] = Counter()
    found: list[tuple[str, str, str]] = []
    for report in document.reports:
        text = report.image.reference.text
        times[text] += 1
        sentences = [
            f"{run.scanner}: {run.outcome.value.replace('_', ' ')}: {run.error}"
            for run in report.results
            if run.error is not None
        ]
        sentences += [doubt.sentence for doubt in doubts_of(report) if not doubt.is_of_run]
        found += [(text, str(report.image.platform or "no platform"), sentence) for sentence in sentences]
    for text, platform, sentence in found:
        yield f"{text}: {sentence}" if times[text] == 1 else f"{text} ({platform}): {sentence}"
    if not document.reports and not document.errors:
        yield NO_IMAGE.message


def _violation_lines(document: ReportDocument) -> Iterator[str]:
    """Yield a line for each violation of the gate, for users who do not see the table."""
    for violation in document.gate.violations if document.gate else ():
        yield f"gate: {violation_words(violation)}"
