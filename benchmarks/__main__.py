"""``python -m benchmarks``: measures, prints a table row by row, writes JSON.

Ctrl-C keeps the rows that are measured. The exit code says nothing about the limits: it is 0 when everything was
measured, 130 after Ctrl-C, 2 when the command line is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from .rows import GROUPS, PARTS, BenchmarkRow, RunSize, load_group, table_lines


def main(arguments: list[str] | None = None) -> None:
    """Measure each wanted group once, in the order of their numbers, and print each row when it is measured."""
    parser = _options()
    options = parser.parse_args(arguments)
    if options.json is not None and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: there is no folder {str(options.json.parent)!r}")
    wanted = {*(options.only or ()), *(one for part in options.parts or () for one in PARTS[part])}
    numbers = [number for number in GROUPS if not wanted or number in wanted]
    measured: list[BenchmarkRow] = []
    try:
        for line in table_lines(_measure(numbers, options.size, measured)):
            print(line, flush=True)
    finally:  # what was measured until Ctrl-C is kept
        if options.json is not None:
            document = {"rows": [row.document() for row in measured]}
            options.json.write_text(json.dumps(document, indent=2) + "\n")


def _measure(numbers: Iterable[str], size: RunSize, measured: list[BenchmarkRow]) -> Iterator[BenchmarkRow]:
    for number in numbers:
        begin = time.monotonic()
        for row in load_group(number)(size):
            measured.append(row)
            yield row
        print(f"rows {number}: {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure what docs/explanation/performance.md tells."
    )
    parser.add_argument("--size", choices=["small", "full"], default="full", help="small: seconds, full: minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows with the figures of all runs")
    parser.add_argument(
        "--only", action="append", choices=GROUPS, metavar="ROW", help=f"one of {', '.join(GROUPS)}; may be repeated"
    )
    for part, numbers in PARTS.items():
        text = f"the rows of the {part}: {', '.join(numbers)}"
        parser.add_argument(f"--{part}", dest="parts", action="append_const", const=part, help=text)
    return parser


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
