"""The public names, by the module that defines each."""

from .faults import (
    Chunked as Chunked,
    Delay as Delay,
    Disconnect as Disconnect,
    Echo as Echo,
    EmptyBody as EmptyBody,
    Endless as Endless,
    Fault as Fault,
    FaultRule as FaultRule,
    Faults as Faults,
    Handler as Handler,
    Hang as Hang,
    Rewritten as Rewritten,
    Status as Status,
    Truncated as Truncated,
)
from .loopback import (
    LoopbackServer as LoopbackServer,
    RecordedRequest as RecordedRequest,
    serving as serving,
)
from .replay import (
    Exchange as Exchange,
    ReplayServer as ReplayServer,
    read_exchanges as read_exchanges,
    with_json as with_json,
)
from .scripted import (
    Reply as Reply,
    ScriptedServer as ScriptedServer,
    content_of as content_of,
)

__all__: list[str]
