"""What no task can stop: each ends the process that it runs in, or takes hold of it. For a process of its own alone."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
import time

from portus_scanners import Image, Outcome, ScannerReport

from .making import Hostile, does, report

_MEGABYTE = 1024 * 1024
_LENGTH = 4


def _spin(_scanner: Hostile, _image: Image) -> None:
    while True:
        pass


def _ignore_signals_and_spin(scanner: Hostile, image: Image) -> None:
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    _spin(scanner, image)


def _leave(_scanner: Hostile, _image: Image) -> None:
    os._exit(0)


def _crash(_scanner: Hostile, _image: Image) -> None:
    ctypes.string_at(0)


def _stop(_scanner: Hostile, _image: Image) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(60)


def _fork(_scanner: Hostile, _image: Image) -> ScannerReport:
    os.fork()
    return report()


def _replace_python(_scanner: Hostile, _image: Image) -> ScannerReport:
    json.dumps = sys.exit  # type: ignore[assignment]
    return report()


async def _cancel_all(_scanner: Hostile, _image: Image) -> ScannerReport:
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(1)
    return report()


def _lower_the_limits(_scanner: Hostile, _image: Image) -> ScannerReport:
    sys.setrecursionlimit(60)
    return report()


def _write_everywhere(data: bytes, times: int) -> None:
    for descriptor in range(3, 32):
        try:
            os.set_blocking(descriptor, True)
            for _ in range(times):
                os.write(descriptor, data)
        except OSError:
            continue


def _send_garbage(_scanner: Hostile, _image: Image) -> ScannerReport:
    _write_everywhere(b"\xff" * 4096, 1)
    return report()


def _send_lies(_scanner: Hostile, _image: Image) -> ScannerReport:
    body = b'["report", {"findings": [], "complete": "yes"}]'
    _write_everywhere(len(body).to_bytes(_LENGTH, "big") + body, 1)
    return report()


def _flood(_scanner: Hostile, _image: Image) -> ScannerReport:
    body = json.dumps(["log", 10, "x" * (15 * _MEGABYTE)]).encode()
    _write_everywhere(len(body).to_bytes(_LENGTH, "big") + body, 100)
    return report()


def _shout(_scanner: Hostile, _image: Image) -> ScannerReport:
    for descriptor in (1, 2):
        for _ in range(512):
            os.write(descriptor, b"x" * _MEGABYTE)
    return report()


def _close_everything(_scanner: Hostile, _image: Image) -> None:
    os.closerange(0, 256)
    time.sleep(60)


def _eat(_scanner: Hostile, _image: Image) -> ScannerReport:
    eaten = []
    while True:
        eaten.append(b"x" * (64 * _MEGABYTE))


def _leave_programs(_scanner: Hostile, _image: Image) -> ScannerReport:
    command = [sys.executable, "-c", "import os, time; os.fork() or os.setsid(); time.sleep(600)", "left-behind"]
    subprocess.Popen(command, start_new_session=True)
    return report()


Spins = does(_spin, Outcome.TIMED_OUT)
SpinsDeaf = does(_ignore_signals_and_spin, Outcome.TIMED_OUT)
Leaves = does(_leave)
Crashes = does(_crash)
Stops = does(_stop, Outcome.TIMED_OUT)
Forks = does(_fork, Outcome.OK)
ReplacesPython = does(_replace_python)
CancelsAll = does(_cancel_all)
LowersTheLimits = does(_lower_the_limits, Outcome.OK)
SendsGarbage = does(_send_garbage)
SendsLies = does(_send_lies)
Floods = does(_flood)
Shouts = does(_shout, Outcome.OK)
ClosesEverything = does(_close_everything)
Eats = does(_eat)
LeavesPrograms = does(_leave_programs, Outcome.OK)
