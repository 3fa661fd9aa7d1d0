"""Pure: what the stored runs of an image say together, and when a scanner is to be asked again.

`stored.py` has what the store hands out, `judgement.py` the verdict, `staleness.py` when an answer is no longer good.
"""

from .judgement import MAX_AGE, AnswerDoubt, Judgement, judge_answers
from .staleness import FIRST_RETRY, Due, Freshness, LastTry, when_again
from .stored import MadeWith, ScannerAnswers, StoredRun, add_runs, as_made, says_something

__all__ = [
    "FIRST_RETRY",
    "MAX_AGE",
    "AnswerDoubt",
    "Due",
    "Freshness",
    "Judgement",
    "LastTry",
    "MadeWith",
    "ScannerAnswers",
    "StoredRun",
    "add_runs",
    "as_made",
    "judge_answers",
    "says_something",
    "when_again",
]
