"""The face of the folder."""

from .files import load_suppressions as load_suppressions
from .marks import (
    apply_suppressions as apply_suppressions,
    drop_expired_marks as drop_expired_marks,
)
from .rules import Suppression as Suppression

__all__: list[str]
