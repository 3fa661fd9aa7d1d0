"""What the words of distributions and other scanners say of a fix."""

from __future__ import annotations

import pytest
from portus_scanners import FixState


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("affected not-fixed open unfixed <unfixed> needed last_affected", FixState.AFFECTED),
        ("fixed FIXED resolved released", FixState.FIXED),
        ("under_investigation undetermined <undetermined> needs-triage", FixState.UNDER_INVESTIGATION),
        ("will_not_fix wont-fix ignored <ignored>", FixState.WILL_NOT_FIX),
        ("fix_deferred no-dsa <no-dsa> postponed <postponed> deferred", FixState.FIX_DEFERRED),
        ("end_of_life <end-of-life> EOL", FixState.END_OF_LIFE),
        ("not_affected <not-affected> unaffected", FixState.NOT_AFFECTED),
        ("unknown undecided fixed?", FixState.UNKNOWN),
    ],
)
def test_words_of_grype_osv_and_debian(words: str, state: FixState) -> None:
    """Trivy's, Grype's, OSV's and Debian's words, in angle brackets or not, in any case; others are `UNKNOWN`."""
    assert dict.fromkeys(words.split(), state) == {word: FixState.from_word(word) for word in words.split()}


@pytest.mark.parametrize("word", ["Will not fix", "Fix deferred", "Out of support scope", "Not affected"])
def test_words_with_blanks(word: str) -> None:
    """Red Hat's words are several."""
    assert FixState.from_word(word) is not FixState.UNKNOWN
