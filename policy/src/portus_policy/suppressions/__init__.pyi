"""The face of the folder."""

from .files import load_suppressions as load_suppressions
from .marks import (
    apply_suppressions as apply_suppressions,
    drop_expired_marks as drop_expired_marks,
)
from .rules import (
    LONGEST_REASON as LONGEST_REASON,
    MOST_RULES as MOST_RULES,
    Suppression as Suppression,
)
from .vex_statements import (
    Claim as Claim,
    ProductStatement as ProductStatement,
    Says as Says,
    make_claim as make_claim,
    still_standing as still_standing,
)

__all__: list[str]
