"""The public names: the contract of a format."""

from .reporter import (
    FolderReporter as FolderReporter,
    Reporter as Reporter,
    ReporterPlugin as ReporterPlugin,
    ReportFile as ReportFile,
    ReportJob as ReportJob,
    Surface as Surface,
    TextReporter as TextReporter,
    discover_reporters as discover_reporters,
)

__all__: list[str]
__version__: str
