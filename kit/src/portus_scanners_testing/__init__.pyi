"""The public names, by the module that defines each."""

from .clock import (
    VirtualTimeLoop as VirtualTimeLoop,
)
from .clock import (
    virtual_time as virtual_time,
)
from .context import (
    RecordingContext as RecordingContext,
)
from .context import (
    StillWorkingError as StillWorkingError,
)
from .contract import (
    HttpScannerContract as HttpScannerContract,
)
from .contract import (
    PolledScannerContract as PolledScannerContract,
)
from .contract import (
    ProgramScannerContract as ProgramScannerContract,
)
from .contract import (
    ScannerContract as ScannerContract,
)
from .engines import (
    open_engine as open_engine,
)
from .programs import (
    ProgramFault as ProgramFault,
)
from .programs import (
    ScriptedProgram as ScriptedProgram,
)
from .registry import (
    PASSWORD as PASSWORD,
)
from .registry import (
    USERNAME as USERNAME,
)
from .registry import (
    StandInRegistry as StandInRegistry,
)
from .servers.faults import (
    Chunked as Chunked,
)
from .servers.faults import (
    Delay as Delay,
)
from .servers.faults import (
    Disconnect as Disconnect,
)
from .servers.faults import (
    Echo as Echo,
)
from .servers.faults import (
    EmptyBody as EmptyBody,
)
from .servers.faults import (
    Endless as Endless,
)
from .servers.faults import (
    Fault as Fault,
)
from .servers.faults import (
    FaultRule as FaultRule,
)
from .servers.faults import (
    Faults as Faults,
)
from .servers.faults import (
    Hang as Hang,
)
from .servers.faults import (
    Rewritten as Rewritten,
)
from .servers.faults import (
    Status as Status,
)
from .servers.faults import (
    Truncated as Truncated,
)
from .servers.loopback import (
    LoopbackServer as LoopbackServer,
)
from .servers.loopback import (
    RecordedRequest as RecordedRequest,
)
from .servers.replay import (
    Exchange as Exchange,
)
from .servers.replay import (
    ReplayServer as ReplayServer,
)
from .servers.replay import (
    read_exchanges as read_exchanges,
)
from .servers.replay import (
    with_json as with_json,
)
from .servers.scripted import (
    Reply as Reply,
)
from .servers.scripted import (
    ScriptedServer as ScriptedServer,
)
from .servers.threads import (
    serving as serving,
)

__all__: list[str]
__version__: str
