"""The verdict of an image over what is stored of it. Pure.

For each scanner that is enabled now:

1. Its answer is its newest run that ended `ok`.
2. Without one, what it last said counts; where it has said nothing, how its last try ended; else that it was not asked.
   None of these is clean.
3. An answer that was last checked `max_age` ago, or longer, is unknown.
4. What it said after its answer (`incomplete`, `unsupported`, findings of a run that failed) is shown beside the
   answer, and counts too.
5. A later try that failed and found nothing leaves the answer as it is, with a mark.

What counts is a list of runs, and the verdict is what the core's own `judge` says of them: an unknown is a run that did
not end `ok`. So findings make an image vulnerable however old they are, and a document of these runs says the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum

from attrs import evolve, frozen
from portus_scanners import Outcome, ScannerRun, Verdict
from portus_scanners.merge import judge

from .stored import ScannerAnswers, StoredRun

MAX_AGE = timedelta(days=7)
"""How old an answer may be where the configuration does not say."""


class AnswerDoubt(Enum):
    """What a reader has to know of one scanner's answer."""

    NOT_SCANNED = "not_scanned"
    """It was not asked yet, or no try has ended."""
    NO_ANSWER = "no_answer"
    """No try has ended with an answer."""
    OUTDATED = "outdated"
    """Its answer is older than allowed."""
    INCOMPLETE = "incomplete"
    """It has last said that it did not look at all of the image."""
    UNSUPPORTED = "unsupported"
    """It has last said that it can't read such an image."""
    END_OF_LIFE = "end_of_life"
    """It says that the support of the image's distribution has ended."""
    LAST_FAILED = "last_failed"
    """Its answer counts, but the last try failed."""


@frozen(kw_only=True)
class Judgement:
    """What the stored runs of one image say together.

    Attributes:
        verdict: The verdict.
        runs: The runs that count, in the order of the enabled scanners; of one scanner there may be two.
        doubts: For each scanner in doubt, why; in that order.
        oldest_database: The oldest date of the vulnerability data behind the answers; None where one is not known.
        checked_at: When the answer that was checked longest ago was checked; None without an answer of each scanner.
        holds_until: When the first answer becomes outdated; None where none can.
    """

    verdict: Verdict
    runs: tuple[ScannerRun, ...]
    doubts: Mapping[str, tuple[AnswerDoubt, ...]]
    oldest_database: datetime | None
    checked_at: datetime | None
    holds_until: datetime | None


def judge_answers(
    enabled: Sequence[str], answers: Mapping[str, ScannerAnswers], *, now: datetime, max_age: timedelta = MAX_AGE
) -> Judgement:
    """Judge what is stored of one image.

    Args:
        enabled: Names of the scanners that are enabled now; what others have said does not count.
        answers: What is stored, by scanner.
        now: The time by the database's clock.
        max_age: How long ago an answer may have been checked.
    """
    runs: list[ScannerRun] = []
    doubts: dict[str, tuple[AnswerDoubt, ...]] = {}
    for name in enabled:
        stored = answers.get(name) or ScannerAnswers(scanner=name)
        runs += _runs_that_count(stored, now, max_age)
        if found := tuple(_doubts(stored, now, max_age)):
            doubts[name] = found
    used = [stored.answer if stored else None for stored in map(answers.get, enabled)]
    known = [one for one in used if one is not None]
    limits = [one.checked_at + max_age for one in known if one.checked_at + max_age > now]
    return Judgement(
        verdict=judge(runs),
        runs=tuple(runs),
        doubts=doubts,
        oldest_database=_oldest([one.made_with.database_updated if one else None for one in used]),
        checked_at=_oldest([one.checked_at if one else None for one in used]),
        holds_until=min(limits, default=None),
    )


def _runs_that_count(stored: ScannerAnswers, now: datetime, max_age: timedelta) -> Iterator[ScannerRun]:
    answer, said = stored.answer, stored.said
    if answer is not None:
        yield answer.run
        if _is_outdated(answer, now, max_age):
            yield _unknown(answer.run, f"its answer is older than {max_age / timedelta(days=1):g} days")
    if said is not None and not _is_same(said, answer):
        yield said.run
    if answer is None and said is None:
        yield stored.last.run if stored.last is not None else _not_scanned(stored.scanner)


def _doubts(stored: ScannerAnswers, now: datetime, max_age: timedelta) -> Iterator[AnswerDoubt]:
    answer, said, last = stored.answer, stored.said, stored.last
    if last is None:
        yield AnswerDoubt.NOT_SCANNED
    elif answer is None:
        yield AnswerDoubt.NO_ANSWER
    elif _is_outdated(answer, now, max_age):
        yield AnswerDoubt.OUTDATED
    if said is not None and said.run.outcome is Outcome.UNSUPPORTED:
        yield AnswerDoubt.UNSUPPORTED
    elif said is not None and said.run.outcome is not Outcome.OK:
        yield AnswerDoubt.INCOMPLETE
    if any(one is not None and one.run.report and one.run.report.end_of_life for one in (answer, said)):
        yield AnswerDoubt.END_OF_LIFE
    if answer is not None and last is not None and not _is_same(last, said):
        yield AnswerDoubt.LAST_FAILED


def _is_outdated(answer: StoredRun, now: datetime, max_age: timedelta) -> bool:
    return now - answer.checked_at >= max_age  # at `holds_until` as well: a summary of then would hold for ever


def _is_same(one: StoredRun, other: StoredRun | None) -> bool:
    return other is not None and one.id == other.id


def _unknown(answer: ScannerRun, why: str) -> ScannerRun:
    return evolve(answer, outcome=Outcome.PENDING, error=why, report=None)


def _not_scanned(scanner: str) -> ScannerRun:
    return ScannerRun(scanner=scanner, plugin=scanner, outcome=Outcome.PENDING, error="it was not asked yet")


def _oldest(times: Sequence[datetime | None]) -> datetime | None:
    """Return the earliest time; None where one of them is not known."""
    known = [one for one in times if one is not None]
    return min(known) if known and len(known) == len(times) else None
