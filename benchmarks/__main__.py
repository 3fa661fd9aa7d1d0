"""``python -m benchmarks``: measures, prints one table, writes JSON. The exit code says nothing about the limits."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from .groups import GROUPS, load_group
from .rows import Row, make_table


def main(arguments: list[str] | None = None) -> None:
    """Measure the groups that are asked for."""
    options = _options().parse_args(arguments)
    rows: list[Row] = []
    for number in options.only or GROUPS:
        begin = time.monotonic()
        rows += load_group(number)(options.size)
        print(f"rows {number}: {time.monotonic() - begin:.1f} s", file=sys.stderr)
    if options.json is not None:
        document = {"rows": [row.document() for row in rows]}
        options.json.write_text(json.dumps(document, indent=2) + "\n")
    print(make_table(rows))


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
    main()
