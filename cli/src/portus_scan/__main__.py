"""Where the program begins: ``portus-scan`` and ``python -m portus_scan``.

Nothing of the command is imported outside of `main`: an installation with a missing or broken part must not look like
a failed gate, which is what Python's own exit code for it would say.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_CRASHED = 70
"""`ExitCode.CRASHED`, which may not be there to import."""
_INTERRUPTED = 130
NEW_OBJECTS = 200_000
"""How many objects may be made before the garbage collector looks at them; Python's own limit is 700 to 2,000."""


def main() -> NoReturn:
    """Run the command and leave with its exit code."""
    with collector_held_back():
        code = _run()
        gc.freeze()  # Python goes through all objects again when it ends: a quarter of the CPU time of a short scan
    _leave(code)


@contextmanager
def collector_held_back() -> Iterator[None]:
    """Look for cycles seldom inside the block; a collector that is switched off stays off.

    Nearly all objects that a command makes stay until its end and are in no cycle: 20,000 findings are 100,000 of them.
    The collector would go through them again and again while they are made, with everything else at a stop. With it
    held back, reading a large answer of Clair takes 2.9 times as long as decoding alone, otherwise 5.2 times (row 4 of
    the benchmark). What is in a cycle, such as an error with its traceback, is still found, only later. A library must
    leave the collector alone: a service that embeds ``portus_scanners`` decides for its whole process.
    """
    before = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _run() -> object:
    """Run the command and return its exit code."""
    try:
        from .command import command
        from .terminal import keep_stdout, tell_the_log

        keep_stdout()
        tell_the_log()
        command.main(prog_name="portus-scan")
    except SystemExit as end:
        return end.code
    except KeyboardInterrupt:  # before click, or after it: the imports take a moment
        return _INTERRUPTED
    except BaseException as error:  # noqa: BLE001 (whatever it is, it is not a failed gate)
        kind, text = type(error).__name__, " ".join(str(error).split())
        advice = "the installation is broken or incomplete; try: pip install --force-reinstall portus-scan"
        print(f"portus-scan: it can't start ({kind}: {text}): {advice}", file=sys.stderr)  # noqa: T201
        return _CRASHED
    return 0


def _leave(code: object) -> NoReturn:
    """Leave; a thread of a plugin that does not end by itself is not waited for longer than a second."""
    if any(not one.daemon for one in threading.enumerate() if one is not threading.main_thread()):
        from .session import GRACE, leave_at_once

        timer = threading.Timer(GRACE, leave_at_once, [code])
        timer.daemon = True
        timer.start()
    sys.exit(code)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
