"""The tables of the page about the contract, made of the kit's list of promises."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIST = ROOT / "kit/src/portus_scanners_testing/contract/promises.toml"
PAGE = ROOT / "docs/reference/contract.md"
_TABLE = re.compile(r"(<!-- promises: ([\w-]+) -->\n)(?:\n?\|.*\n(?:\|.*\n)*)?")


def make_page(page: str, promises: str) -> str:
    """Return the page with a table below each mark ``<!-- promises: CHAPTER -->``.

    Raises:
        LookupError: A chapter has no mark, or a mark no chapter.
    """
    chapters = tomllib.loads(promises)
    if set(chapters) != {name for _, name in _TABLE.findall(page)}:
        msg = f"the page and the list must have the same chapters: {', '.join(chapters)}"
        raise LookupError(msg)
    return _TABLE.sub(lambda found: f"{found[1]}\n{_table(chapters[found[2]])}", page)


def _table(chapter: dict[str, dict[str, str]]) -> str:
    refusable = chapter.get("refusable", ())
    rows = [
        f"| `{test}` | {says}{' Can be refused.' if test in refusable else ''} |\n"
        for test, says in chapter["promises"].items()
    ]
    return "".join(["| test | promise |\n| --- | --- |\n", *rows])


if __name__ == "__main__":
    PAGE.write_text(make_page(PAGE.read_text(), LIST.read_text()))
