"""What goes on when a scan has ended, and what a scan does to the process that it runs in."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

from portus_scanners import Image, Outcome, ScannerReport

from .making import Hostile, does, report


async def _swallow() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except BaseException:  # noqa: BLE001, S112
            continue


async def _leave_a_task(scanner: Hostile, _image: Image) -> ScannerReport:
    scanner.task = asyncio.create_task(_swallow())  # type: ignore[attr-defined]
    return report()


async def _leave_a_task_that_exits(scanner: Hostile, _image: Image) -> ScannerReport:
    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            sys.exit(0)

    scanner.task = asyncio.create_task(wait())  # type: ignore[attr-defined]
    return report()


async def _exit_in_a_task(_scanner: Hostile, _image: Image) -> ScannerReport:
    async def leave() -> None:
        sys.exit(0)

    asyncio.get_running_loop().call_soon(sys.exit, 0)
    await asyncio.wait([asyncio.create_task(leave())])
    return report()


async def _stop_the_loop(_scanner: Hostile, _image: Image) -> ScannerReport:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0)
    return report()


async def _swallow_all(_scanner: Hostile, _image: Image) -> None:
    await _swallow()


async def _swallow_at_the_end(scanner: Hostile, _image: Image) -> None:
    await scanner.context.finish(_swallow())


async def _wait_for_nan(scanner: Hostile, _image: Image) -> ScannerReport:
    await scanner.context.wait(float("nan"))
    return report()


def _leave_a_thread(_scanner: Hostile, _image: Image) -> ScannerReport:
    threading.Thread(target=threading.Event().wait).start()
    return report()


async def _leave_a_worker(_scanner: Hostile, _image: Image) -> ScannerReport:
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    return report()


def _make_noise(_scanner: Hostile, _image: Image) -> ScannerReport:
    print("noise of print")
    os.write(1, b"noise of write\n")
    subprocess.run([sys.executable, "-S", "-c", "print('noise of a child')"], check=True)
    return report()


def _close_stdout(_scanner: Hostile, _image: Image) -> ScannerReport:
    os.close(1)
    return report()


def _close_streams(_scanner: Hostile, _image: Image) -> ScannerReport:
    sys.stdout.close()
    sys.stderr.close()
    return report()


TaskLeft = does(_leave_a_task, Outcome.OK)
TaskLeftExits = does(_leave_a_task_that_exits, Outcome.OK)
TaskExits = does(_exit_in_a_task, Outcome.OK)
LoopStopped = does(_stop_the_loop, Outcome.OK)
Swallows = does(_swallow_all, Outcome.TIMED_OUT)
FinishSwallows = does(_swallow_at_the_end, Outcome.TIMED_OUT)
WaitsForNan = does(_wait_for_nan, Outcome.OK)
ThreadLeft = does(_leave_a_thread, Outcome.OK)
WorkerLeft = does(_leave_a_worker, Outcome.OK)
Noise = does(_make_noise, Outcome.OK)
StdoutClosed = does(_close_stdout, Outcome.OK)
StreamsClosed = does(_close_streams, Outcome.OK)
