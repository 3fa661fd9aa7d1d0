"""What is stored of one image: runs, and which of them count, for each scanner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve, frozen
from portus_scanners import Outcome, ScannerRun


@frozen(kw_only=True)
class MadeWith:
    """What a scanner's answer depends on besides the image.

    Attributes:
        plugin_version: Version of the plugin's distribution.
        scanner_version: Version of the backend; empty where it does not say.
        settings: Fingerprint of the scanner's settings, without secrets.
        database: Identity of the vulnerability data; None where nobody knows.
        database_updated: When that data was last updated; None where nobody knows. Not compared.
    """

    plugin_version: str = ""
    scanner_version: str = ""
    settings: str = ""
    database: str | None = None
    database_updated: datetime | None = None


@frozen(kw_only=True)
class StoredRun:
    """One scanner's run on one image, as often as it was repeated with the same result.

    Attributes:
        id: Its row.
        run: The run; of one that was repeated, the last.
        made_with: What the last was made with.
        times: How often it was made, the first included.
        first_at: When the first ended.
        checked_at: When the last ended.
        set_id: The set of its findings; None without a report.
        total: How many findings it has.
    """

    id: int
    run: ScannerRun
    made_with: MadeWith
    times: int
    first_at: datetime
    checked_at: datetime
    set_id: int | None
    total: int


@frozen(kw_only=True)
class ScannerAnswers:
    """The runs of one scanner on one image that count. One run may be all three.

    Attributes:
        scanner: The scanner's name in the configuration.
        answer: The newest that ended `ok`.
        said: The newest that says something about the content: `ok`, `incomplete`, `unsupported`, or one with findings.
        last: The newest, however it ended.
    """

    scanner: str
    answer: StoredRun | None = None
    said: StoredRun | None = None
    last: StoredRun | None = None


def says_something(run: ScannerRun) -> bool:
    """Return whether a run says something about the image, and not only about the way to it."""
    about = run.outcome in {Outcome.OK, Outcome.INCOMPLETE, Outcome.UNSUPPORTED}
    return about or bool(run.report is not None and run.report.findings)


def add_runs(
    answers: Mapping[str, ScannerAnswers], runs: Iterable[tuple[ScannerRun, MadeWith]], *, now: datetime
) -> dict[str, ScannerAnswers]:
    """Return what counts once these runs are stored as well.

    Args:
        answers: What is stored, by scanner.
        runs: New runs, each with what it was made with.
        now: When they ended.
    """
    known = dict(answers)
    for number, (run, made_with) in enumerate(runs, 1):
        total = len(run.report.findings) if run.report else 0
        new = StoredRun(
            id=-number, run=run, made_with=made_with, times=1, first_at=now, checked_at=now, set_id=None, total=total
        )
        one = evolve(known.get(run.scanner) or ScannerAnswers(scanner=run.scanner), last=new)
        one = evolve(one, said=new) if says_something(run) else one
        known[run.scanner] = evolve(one, answer=new) if run.outcome is Outcome.OK else one
    return known


def as_made(run: ScannerRun, with_what: MadeWith) -> MadeWith:
    """Return what a run was made with, as far as its report says more than was known before it.

    The identity of the data is what the scanner has told before, also where the report tells another one: it is
    compared with what the scanner tells later, and one that never agreed would make the image due for ever.
    """
    report = run.report
    if report is None:
        return with_what
    version = report.scanner_version or with_what.scanner_version
    updated = report.database.updated if report.database is not None else None
    updated = updated or with_what.database_updated
    return evolve(with_what, scanner_version=version, database_updated=updated)
