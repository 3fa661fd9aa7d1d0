"""The public names: the contract of a format."""

from .reporter import (
    FolderReporter as FolderReporter,
    Reporter as Reporter,
    ReportFile as ReportFile,
    ReportJob as ReportJob,
    TextReporter as TextReporter,
)
from .reporters import (
    ReporterPlugin as ReporterPlugin,
    discover_reporters as discover_reporters,
)
from .surface import (
    Surface as Surface,
)

__all__: list[str]
__version__: str
