"""The public names: the contract of a format."""

from .reporter import (
    FolderReporter as FolderReporter,
)
from .reporter import (
    Reporter as Reporter,
)
from .reporter import (
    ReportFile as ReportFile,
)
from .reporter import (
    ReportJob as ReportJob,
)
from .reporter import (
    TextReporter as TextReporter,
)
from .reporters import (
    ReporterPlugin as ReporterPlugin,
)
from .reporters import (
    discover_reporters as discover_reporters,
)
from .surface import (
    Surface as Surface,
)

__all__: list[str]
__version__: str
