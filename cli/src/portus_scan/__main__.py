"""Where the program begins: ``portus-scan`` and ``python -m portus_scan``.

Nothing of the command is imported outside of `main`: an installation with a missing or broken part must not look like
a failed gate, which is what Python's own exit code for it would say.
"""

from __future__ import annotations

import sys
import threading
from typing import NoReturn

_CRASHED = 70
"""`ExitCode.CRASHED`, which may not be there to import."""
_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command and leave with its exit code."""
    try:
        from .command import command
        from .terminal import keep_stdout

        keep_stdout()
        command.main(prog_name="portus-scan")
        code: object = 0
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:  # before click, or after it: the imports take a moment
        code = _INTERRUPTED
    except BaseException as error:  # noqa: BLE001 (whatever it is, it is not a failed gate)
        kind, text = type(error).__name__, " ".join(str(error).split())
        advice = "the installation is broken or incomplete; try: pip install --force-reinstall portus-scan"
        print(f"portus-scan: it can't start ({kind}: {text}): {advice}", file=sys.stderr)  # noqa: T201
        code = _CRASHED
    _leave(code)


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
