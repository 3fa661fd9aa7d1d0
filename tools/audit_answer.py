"""Judges the answer of pip-audit: ``python tools/audit_answer.py FILE [--strict]``.

pip-audit ends with 0 and "No known vulnerabilities found" when it could ask about nothing, for example behind an index
that has no advisories. Here what is not known is not clean: it is counted, and with ``--strict`` it is an error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from attrs import frozen

FOUND, UNKNOWN = 1, 3


@frozen
class Audit:
    """What an answer says.

    Attributes:
        known: ``name version: advisory (fixed in ...)`` for each known vulnerability.
        audited: Distributions that advisories were asked about.
        unknown: Those that they could not be asked about.
        answered: Whether there is an answer at all.
    """

    known: tuple[str, ...] = ()
    audited: int = 0
    unknown: tuple[str, ...] = ()
    answered: bool = True

    @classmethod
    def read(cls, content: str) -> Audit:
        """Read an answer; an empty or malformed one, as when the service can't be reached, is no answer."""
        try:
            entries = json.loads(content)["dependencies"]
        except (ValueError, KeyError, TypeError):
            return cls(answered=False)
        skipped = tuple(one["name"] for one in entries if "skip_reason" in one)
        return cls(tuple(_lines(entries)), len(entries) - len(skipped), skipped)

    @property
    def words(self) -> str:
        """What was found, and how far that can be trusted."""
        if not self.answered:
            return "audit: NOTHING AUDITED: pip-audit gave no answer, the advisory service can't be reached from here"
        told = f"audit: {len(self.known)} known vulnerabilities in {self.audited} distributions"
        if not self.unknown:
            return told
        named = ", ".join(self.unknown[:5]) + (", ..." if len(self.unknown) > 5 else "")  # noqa: PLR2004
        return f"{told}; NOT AUDITED: {len(self.unknown)}, for which this index has no advisories ({named})"

    def exit_code(self, *, strict: bool) -> int:
        """Return 1 for a known vulnerability; with *strict*, 3 when something could not be asked about."""
        if self.known:
            return FOUND
        return UNKNOWN if strict and (self.unknown or not self.answered) else 0


def _lines(entries: list[dict[str, Any]]) -> list[str]:
    return [
        f"{entry['name']} {entry['version']}: {one['id']} (fixed in {', '.join(one['fix_versions']) or 'no version'})"
        for entry in entries
        for one in entry.get("vulns", ())
    ]


def main(arguments: list[str]) -> int:
    """Print what an answer says."""
    audit = Audit.read(Path(arguments[0]).read_text(encoding="utf-8"))
    for line in (*audit.known, audit.words):
        sys.stdout.write(line + "\n")
    return audit.exit_code(strict="--strict" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
