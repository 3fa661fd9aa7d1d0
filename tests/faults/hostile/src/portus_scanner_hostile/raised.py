"""What a scanner may raise."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from portus_scanners import InvalidReportError, Outcome, ScannerError, ScannerUnavailableError, UnsupportedImageError

from .making import Hostile, does, raises


def _exit(*_: Any) -> Any:
    sys.exit(0)


def _interrupt(*_: Any) -> Any:
    raise KeyboardInterrupt


def error(base: type[BaseException] = Exception, **members: Any) -> Callable[[], BaseException]:
    """Return a function that makes an error of a class of its own, with these members, and no members of its base."""
    return type("OwnError", (base,), {"__init__": lambda _self: None, **members})


class OwnText(str):
    """A string that is interrupted when it is cut."""

    __slots__ = ()
    __getitem__ = split = isprintable = _interrupt  # type: ignore[assignment]


class Panic(BaseException):
    """What a Rust extension raises."""


StringInterrupts = raises(error(__str__=_interrupt))
StringExits = raises(error(ScannerError, __str__=_exit))
StringInteger = raises(error(ScannerError, __str__=lambda _: 5))
StringOwn = raises(error(ScannerError, __str__=lambda _: OwnText("x")))
StringLong = raises(lambda: ScannerError("x" * 5_000_000))
StringLines = raises(lambda: ScannerError("one\ntwo\r\x1b[31mthree\x00\u202e"))
RepresentationExits = raises(error(__repr__=_exit, __str__=_exit, __notes__=property(_exit)))
CauseExits = raises(error(__cause__=property(_exit), __context__=property(_exit), __traceback__=property(_exit)))
RetryExits = raises(error(ScannerUnavailableError, retry=property(_exit)))
RetryOwn = raises(error(ScannerUnavailableError, retry=type("Truth", (), {"__bool__": _exit})()))
ClassLies = raises(error(__class__=property(lambda _: UnsupportedImageError)))
ClassExits = raises(error(__class__=property(_exit)))
MembersExit = raises(error(__getattribute__=_exit))
NameExits = raises(type("M", (type,), {"__name__": property(_exit)})("E", (Exception,), {}))
NameLong = raises(type("E" * 100_000, (Exception,), {}))
StringBlank = raises(lambda: ScannerError("\x00\x1b\n"))
FaultsMany = raises(lambda: InvalidReportError("x", faults=[f"$.{number}: bad" for number in range(100_000)]))
FaultsNone = raises(lambda: InvalidReportError("x", faults=None))  # type: ignore[arg-type]
Unsupported = raises(lambda: UnsupportedImageError("no\nsuch\x1b[2Jdistribution"), Outcome.UNSUPPORTED)
Exit = raises(lambda: SystemExit(0))
Interrupt = raises(KeyboardInterrupt)
EndOfGenerator = raises(GeneratorExit)
EndOfIteration = raises(StopIteration)
EndOfAsyncIteration = raises(StopAsyncIteration)
Cancelled = raises(asyncio.CancelledError)
Memory = raises(MemoryError)
RustPanic = raises(lambda: Panic("panicked"))
Group = raises(lambda: BaseExceptionGroup("g", [KeyboardInterrupt(), SystemExit(0), ValueError()]))
GroupExits = raises(lambda: type("G", (ExceptionGroup,), {"exceptions": property(_exit)})("g", [ValueError()]))
LongGroup = raises(lambda: ExceptionGroup("g", [ValueError("x" * 1000) for _ in range(1000)]))


def _recurse(scanner: Hostile, image: Any) -> None:
    _recurse(scanner, image)


async def _cancel_itself(_scanner: Hostile, _image: object) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def _yield(_scanner: Hostile, _image: object) -> None:
    await type("Yielding", (), {"__await__": lambda _self: iter([42])})()


async def _exit_at_the_end(scanner: Hostile, _image: object) -> None:
    async def leave() -> None:
        sys.exit(0)

    await scanner.context.finish(leave())


Recursion = does(_recurse)
CancelsItself = does(_cancel_itself)
YieldsNonsense = does(_yield)
FinishExits = does(_exit_at_the_end)
