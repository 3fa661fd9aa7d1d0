"""The kit for authors of scanner plugins: tests of the contract, stand-ins of servers, images, a clock.

    pip install 'portus-scanners[testing]'

::

    class TestAcme(HttpScannerContract):
        scanner_class = AcmeScanner
        findings = {"CVE-2099-0001": Severity.HIGH}

        @pytest.fixture
        def backend(self, image):
            ...

Names are loaded when they are first used: only the tests of the contract import pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "PASSWORD",
    "USERNAME",
    "Chunked",
    "Delay",
    "Disconnect",
    "Echo",
    "EmptyBody",
    "Endless",
    "Exchange",
    "Fault",
    "FaultRule",
    "Faults",
    "Hang",
    "HttpScannerContract",
    "LoopbackServer",
    "PolledScannerContract",
    "ProgramFault",
    "ProgramScannerContract",
    "RecordedRequest",
    "RecordingContext",
    "ReplayServer",
    "Reply",
    "Rewritten",
    "ScannerContract",
    "ScriptedProgram",
    "ScriptedServer",
    "StandInRegistry",
    "Status",
    "StillWorkingError",
    "Truncated",
    "VirtualTimeLoop",
    "open_engine",
    "read_exchanges",
    "serving",
    "virtual_time",
    "with_json",
]

if TYPE_CHECKING:
    from .clock import VirtualTimeLoop, virtual_time
    from .context import RecordingContext, StillWorkingError
    from .contract import HttpScannerContract, PolledScannerContract, ProgramScannerContract, ScannerContract
    from .engines import open_engine
    from .programs import ProgramFault, ScriptedProgram
    from .registry import PASSWORD, USERNAME, StandInRegistry
    from .servers.faults import (
        Chunked,
        Delay,
        Disconnect,
        Echo,
        EmptyBody,
        Endless,
        Fault,
        FaultRule,
        Faults,
        Hang,
        Rewritten,
        Status,
        Truncated,
    )
    from .servers.loopback import LoopbackServer, RecordedRequest
    from .servers.replay import Exchange, ReplayServer, read_exchanges, with_json
    from .servers.scripted import Reply, ScriptedServer
    from .servers.threads import serving
else:
    _HOMES = {
        **dict.fromkeys(("VirtualTimeLoop", "virtual_time"), "clock"),
        **dict.fromkeys(("RecordingContext", "StillWorkingError"), "context"),
        **dict.fromkeys(
            ("HttpScannerContract", "PolledScannerContract", "ProgramScannerContract", "ScannerContract"), "contract"
        ),
        **dict.fromkeys(("open_engine",), "engines"),
        **dict.fromkeys(("ProgramFault", "ScriptedProgram"), "programs"),
        **dict.fromkeys(("PASSWORD", "USERNAME", "StandInRegistry"), "registry"),
        **dict.fromkeys(("LoopbackServer", "RecordedRequest"), "servers.loopback"),
        **dict.fromkeys(("Exchange", "ReplayServer", "read_exchanges", "with_json"), "servers.replay"),
        **dict.fromkeys(("Reply", "ScriptedServer"), "servers.scripted"),
        **dict.fromkeys(("serving",), "servers.threads"),
    }

    def __getattr__(name: str) -> Any:
        """Import the module of a public name when the name is first used."""
        if name not in __all__:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(import_module(f".{_HOMES.get(name, 'servers.faults')}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return [*globals(), *__all__]
