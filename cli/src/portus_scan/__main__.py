"""Where the program begins: ``portus-scan`` and ``python -m portus_scan``."""

from __future__ import annotations

import sys
from typing import NoReturn

from .exits import ExitCode


def main() -> NoReturn:
    """Run the command and leave with its exit code."""
    try:
        from .command import command

        command.main(prog_name="portus-scan")
    except KeyboardInterrupt:  # before click, or after it: the imports take a moment
        sys.exit(ExitCode.INTERRUPTED)
    sys.exit(ExitCode.OK)


if __name__ == "__main__":
    main()
