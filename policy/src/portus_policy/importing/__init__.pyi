"""The face of the folder."""

from .foreign_files import import_suppressions as import_suppressions
from .imported import ImportedSuppressions as ImportedSuppressions

__all__: list[str]
