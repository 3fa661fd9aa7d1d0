"""When a scanner is to be asked again about an image. Pure.

An answer is as good as what it was made with: when the plugin's version, the scanner's, the settings or the identity of
the vulnerability data are not what they are now, it is due at once, and once: the next run is made with what is now.
Where the data has no identity, age decides; and no answer is left until it is too old to count, though nothing has
changed. A run that says nothing about the image is tried again: soon, then later.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import field, frozen
from portus_scanners import Outcome

from .judgement import MAX_AGE
from .stored import MadeWith

_SAYS_SOMETHING = {Outcome.OK, Outcome.INCOMPLETE, Outcome.UNSUPPORTED}
FIRST_RETRY = timedelta(minutes=15)
_AGAIN_AFTER = (FIRST_RETRY, timedelta(hours=1), timedelta(hours=6))


@frozen(kw_only=True)
class Freshness:
    """How long an answer is good where nothing says that the data has changed.

    Attributes:
        age: Where the scanner's data has no identity; also between tries that keep failing.
        max_age: When an answer no longer counts: it is asked for again when three quarters of that have passed.
    """

    age: timedelta = field(default=timedelta(hours=24))
    max_age: timedelta = field(default=MAX_AGE)

    def limit(self, database: str | None) -> timedelta:
        """Return how old an answer may become that was made with data of this identity."""
        before_it_is_outdated = self.max_age * 3 / 4
        return before_it_is_outdated if database is not None else min(self.age, before_it_is_outdated)


@frozen(kw_only=True)
class LastTry:
    """The newest run of a scanner on an image, as far as it matters when to ask again.

    Attributes:
        outcome: How it ended.
        times: How often it ended like this, with the same.
        checked_at: When it ended last.
        made_with: What it was made with.
    """

    outcome: Outcome
    times: int
    checked_at: datetime
    made_with: MadeWith


@frozen(kw_only=True)
class Due:
    """When a scanner is to be asked again.

    Attributes:
        at: The time; in the past where it is due.
        why: ``new``, ``plugin``, ``scanner``, ``settings``, ``database``, ``age`` or ``failed``.
    """

    at: datetime
    why: str


def when_again(last: LastTry | None, now_with: MadeWith, *, now: datetime, freshness: Freshness) -> Due:
    """Return when a scanner is to be asked again about an image, if nothing changes before.

    Args:
        last: Its newest run; None where there is none.
        now_with: What a run would be made with now.
        now: The time by the database's clock.
        freshness: How long answers are good without a reason to doubt them.
    """
    if last is None:
        return Due(at=now, why="new")
    if changed := _what_changed(last.made_with, now_with):
        return Due(at=now, why=changed)
    if last.outcome not in _SAYS_SOMETHING:
        waits = _AGAIN_AFTER[last.times - 1] if last.times <= len(_AGAIN_AFTER) else freshness.age
        return Due(at=last.checked_at + waits, why="failed")
    return Due(at=last.checked_at + freshness.limit(now_with.database), why="age")


def _what_changed(then: MadeWith, now: MadeWith) -> str:
    """Return what is not the same any longer; an identity that is not known differs from one that is."""
    if then.plugin_version != now.plugin_version:
        return "plugin"
    if now.scanner_version and then.scanner_version != now.scanner_version:  # none is known before the first run
        return "scanner"
    if then.settings != now.settings:
        return "settings"
    return "database" if then.database != now.database else ""
