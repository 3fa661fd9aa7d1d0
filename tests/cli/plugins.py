"""Sources of plugins, for distributions made on the spot."""

from __future__ import annotations


def scanner(scan: str = "pass", health: str = "return Health(healthy=True)") -> str:
    """Return the source of a plugin with these statements in its methods."""
    return f"""\
import sys, threading
from portus_scanners import Health, Scanner, ScannerReport, ScannerSettings

class TheScanner(Scanner[ScannerSettings], contract=1):
    async def scan(self, image):
        {scan}
        return ScannerReport()

    async def check_health(self):
        {health}
"""


UNHEALTHY = scanner(health="return Health(healthy=False, message='the disk is\\nfull')")
UNDECIDED = scanner(health="return await super().check_health()")
CHATTY = 'print("imported")\n' + scanner("print('scanning')", "print('asked'); return Health(healthy=True)")
BLOCKING = scanner("print('blocked', file=sys.stderr, flush=True); threading.Event().wait()")
"""Stops the event loop for good."""
BLOCKING_IN_C = """\
import ctypes
from pathlib import Path

lock = ctypes.CDLL(None).pthread_mutex_lock
mutex = ctypes.create_string_buffer(64)
lock(mutex)

def tell():
    here = Path(f"/proc/self/task/{threading.main_thread().native_id}/syscall")
    while hex(ctypes.addressof(mutex)) not in here.read_text():
        pass
    print("blocked", file=sys.stderr, flush=True)
""" + scanner("threading.Thread(target=tell).start(); lock(mutex)")
"""Stops the main thread where no signal gets it back to the interpreter."""
ENDLESS = scanner("import asyncio; print('scanning', flush=True); await asyncio.Event().wait()")
"""Says that it has begun."""
HANGING = scanner(health="import asyncio; await asyncio.Event().wait()")
HANGING_IMPORT = """\
import sys, threading
print("importing", flush=True)
threading.Event().wait()
"""
"""Says that it has begun."""
BROKEN = "import a_module_that_is_not_there\n"
EXITING = """\
import asyncio, sys
from portus_scanners import Health, Scanner, ScannerReport, ScannerSettings

async def leave():
    sys.exit(0)

class TheScanner(Scanner[ScannerSettings], contract=1):
    async def scan(self, image):
        asyncio.get_running_loop().call_soon(sys.exit, 0)
        await asyncio.gather(leave())
        return ScannerReport()

    async def check_health(self):
        await asyncio.gather(leave())
"""
"""Calls ``sys.exit`` in a task and in a callback of its own: asyncio ends its loop for that."""
PROGRAM = """\
import sys
from portus_scanners import ProgramScannerSettings, Scanner, ScannerReport
from portus_scanners.backends import ProgramBackend

class TheScanner(Scanner[ProgramScannerSettings], contract=1):
    async def scan(self, image):
        backend = ProgramBackend(self.context, self.settings.program, grace=60)
        say = lambda line: print(line, file=sys.stderr, flush=True)
        await backend.run("scan", on_line=say)
        return ScannerReport()
"""
"""Runs the program of its settings, and repeats its lines; after TERM the program has a minute."""


def reporter(body: str, base: str = "TextReporter", contract: str = "contract=1", remarks: str = "()") -> str:
    """Return the source of a format with these statements in its ``render()``, and what ``remarks()`` returns."""
    return f"""\
import sys
from portus_scan import FolderReporter, ReportFile, Reporter, TextReporter

class TheReporter({base}, {contract}):
    description = "one line an image"

    def remarks(self, job):
        return {remarks}

    def render(self, job):
        {body}
"""


VERDICTS = reporter("yield from (f'{one.image.reference.text} {one.verdict.value}\\n' for one in job.document.reports)")
"""A format that is right."""
PAGES = reporter(
    "yield ReportFile(path='index.html', content=b'<p>'); yield ReportFile(path='a/b.txt', content=b'b')",
    base="FolderReporter",
)
"""One that writes a folder."""
