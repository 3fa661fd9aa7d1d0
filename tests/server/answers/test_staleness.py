"""When a scanner is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from portus_scan_server.answers import Due, Freshness, LastTry, MadeWith, when_again
from portus_scanners import Outcome

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
WITH = MadeWith(plugin_version="1", scanner_version="2", settings="3", database="4", database_updated=NOW)


def again(
    outcome: Outcome = Outcome.OK, *, hours: float = 1, times: int = 1, then: MadeWith = WITH, now: MadeWith = WITH
) -> tuple[float, str]:
    """Return when an image is due whose last try ended that many hours ago."""
    last = LastTry(outcome=outcome, times=times, checked_at=NOW - timedelta(hours=hours), made_with=then)
    due = when_again(last, now, now=NOW, freshness=Freshness())
    return (due.at - NOW) / timedelta(hours=1), due.why


def test_what_was_never_asked_is_due() -> None:
    """An image without a try is due now."""
    assert Due(at=NOW, why="new") == when_again(None, WITH, now=NOW, freshness=Freshness())


@pytest.mark.parametrize(
    ("member", "why"),
    [("plugin_version", "plugin"), ("scanner_version", "scanner"), ("settings", "settings"), ("database", "database")],
)
def test_a_change_makes_it_due_once(member: str, why: str) -> None:
    """When one thing that an answer was made with is another now, it is due; made with that, it is not."""
    changed = attrs.evolve(WITH, **{member: "other"})
    assert (0, why) == again(now=changed)
    assert again(then=changed, now=changed, hours=1)[1:] == ("age",)
    assert (0, why) == again(Outcome.FAILED, now=changed, hours=0)


def test_an_identity_that_is_not_known() -> None:
    """No identity differs from one; without one, age decides; the date of the data alone changes nothing."""
    unknown = attrs.evolve(WITH, database=None)
    assert [(0, "database")] * 2 == [again(then=unknown), again(now=unknown)]
    assert (23, "age") == again(then=unknown, now=unknown)
    assert (-1, "age") == again(Outcome.INCOMPLETE, then=unknown, now=unknown, hours=25)
    assert "age" == again(now=attrs.evolve(WITH, database_updated=None))[1]
    assert "age" == again(now=attrs.evolve(WITH, scanner_version=""))[1]


def test_an_answer_is_asked_for_again_before_it_is_outdated() -> None:
    """Also where nothing has changed: after three quarters of the time for which it counts, or sooner, by its age."""
    assert (5.25 * 24 - 1, "age") == again()
    short = Freshness(age=timedelta(hours=24), max_age=timedelta(hours=4))
    assert [timedelta(hours=3)] * 2 == [short.limit(database) for database in ("4", None)]
    assert [timedelta(hours=126), timedelta(hours=24)] == [Freshness().limit(database) for database in ("4", None)]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_try_that_says_nothing_is_made_again(outcome: Outcome) -> None:
    """After 15 minutes, 1 hour, 6 hours, then each day; a run that says something is good until its age."""
    waits = [again(outcome, hours=0, times=times) for times in (1, 2, 3, 4, 40)]
    if outcome in {Outcome.OK, Outcome.INCOMPLETE, Outcome.UNSUPPORTED}:
        assert [(126, "age")] * 5 == waits
    else:
        assert [(0.25, "failed"), (1, "failed"), (6, "failed"), (24, "failed"), (24, "failed")] == waits
