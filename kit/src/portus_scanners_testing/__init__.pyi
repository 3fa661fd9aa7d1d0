"""The public names, by the module that defines each."""

from .clock import (
    VirtualTimeLoop as VirtualTimeLoop,
    virtual_time as virtual_time,
)
from .context import (
    RecordingContext as RecordingContext,
    StandInContext as StandInContext,
    StillWorkingError as StillWorkingError,
)
from .contract import (
    HttpScannerContract as HttpScannerContract,
    PolledScannerContract as PolledScannerContract,
    ProgramScannerContract as ProgramScannerContract,
    ScannerContract as ScannerContract,
)
from .engines import (
    open_engine as open_engine,
)
from .programs import (
    ProgramFault as ProgramFault,
    ScriptedProgram as ScriptedProgram,
)
from .registry import (
    PASSWORD as PASSWORD,
    USERNAME as USERNAME,
    StandInRegistry as StandInRegistry,
)
from .servers import (
    Chunked as Chunked,
    Delay as Delay,
    Disconnect as Disconnect,
    Echo as Echo,
    EmptyBody as EmptyBody,
    Endless as Endless,
    Exchange as Exchange,
    Fault as Fault,
    FaultRule as FaultRule,
    Faults as Faults,
    Hang as Hang,
    LoopbackServer as LoopbackServer,
    RecordedRequest as RecordedRequest,
    ReplayServer as ReplayServer,
    Reply as Reply,
    Rewritten as Rewritten,
    ScriptedServer as ScriptedServer,
    Status as Status,
    Truncated as Truncated,
    read_exchanges as read_exchanges,
    serving as serving,
    with_json as with_json,
)

__all__: list[str]
__version__: str
