"""The names of this folder, by the module that defines each."""

from .boundary import (
    MOST_FINDINGS as MOST_FINDINGS,
    Raised as Raised,
    take_report as take_report,
)
from .context import (
    CURRENT_RUN as CURRENT_RUN,
    SHORTEST_WAIT as SHORTEST_WAIT,
    EngineContext as EngineContext,
    Progress as Progress,
    RunState as RunState,
    see_error as see_error,
)
from .crew import (
    ConfiguredScanner as ConfiguredScanner,
    Crew as Crew,
    ReadyScanner as ReadyScanner,
    ScannerHealth as ScannerHealth,
    ScannerIsolation as ScannerIsolation,
    configure as configure,
)
from .engine import (
    Engine as Engine,
)
from .feed import (
    ImageProgress as ImageProgress,
    ScanEnd as ScanEnd,
    make_document as make_document,
)
from .isolation import (
    Watchdog as Watchdog,
)
from .scans import (
    Scan as Scan,
    Scans as Scans,
)
from .slots import (
    BackendLimit as BackendLimit,
    LocalSlots as LocalSlots,
    Slots as Slots,
)

__all__: list[str]
