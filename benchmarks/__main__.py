"""``python -m benchmarks``: measures, prints one table, writes JSON. The exit code says nothing about the limits.

The code is 0 when everything was measured, 130 after Ctrl-C, 2 when the command line is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .rows import GROUPS, BenchmarkRow, RunSize, load_group, make_table


def main(arguments: list[str] | None = None) -> None:
    """Measure each wanted group once, in the order of their numbers."""
    parser = _options()
    options = parser.parse_args(arguments)
    if options.json is not None and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: there is no folder {str(options.json.parent)!r}")
    rows = [row for number in GROUPS if number in (options.only or GROUPS) for row in _measure(number, options.size)]
    if options.json is not None:
        document = {"rows": [row.document() for row in rows]}
        options.json.write_text(json.dumps(document, indent=2) + "\n")
    print(make_table(rows))


def _measure(number: str, size: RunSize) -> Sequence[BenchmarkRow]:
    begin = time.monotonic()
    rows = load_group(number)(size)
    print(f"rows {number}: {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)
    return rows


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure what docs/explanation/performance.md tells."
    )
    parser.add_argument("--size", choices=["small", "full"], default="full", help="small: seconds, full: minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows with the figures of all runs")
    parser.add_argument(
        "--only", action="append", choices=GROUPS, metavar="ROW", help=f"one of {', '.join(GROUPS)}; may be repeated"
    )
    return parser


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
