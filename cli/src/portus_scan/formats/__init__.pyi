"""What the rest of the command takes from the formats."""

from .diff_words import render_diff as render_diff
from .doubts import (
    NO_IMAGE as NO_IMAGE,
    doubts_of as doubts_of,
)
from .words import (
    count as count,
    gate_lines as gate_lines,
    unused_rule_lines as unused_rule_lines,
    verdict_words as verdict_words,
    violation_words as violation_words,
)

__all__: list[str]
