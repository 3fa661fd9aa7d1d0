"""What the rest of the command takes from the formats, and what the pages of the service are made with."""

from .diff_words import render_diff as render_diff
from .doubts import (
    NO_IMAGE as NO_IMAGE,
    doubts_of as doubts_of,
)
from .html import (
    Level as Level,
    PageRow as PageRow,
    SeverityTally as SeverityTally,
    list_rows as list_rows,
    make_environment as make_environment,
    read_template as read_template,
)
from .words import (
    count as count,
    gate_lines as gate_lines,
    unused_rule_lines as unused_rule_lines,
    verdict_words as verdict_words,
    violation_words as violation_words,
)

__all__: list[str]
