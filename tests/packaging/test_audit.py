"""The audit of dependencies: what could not be asked about is not called clean."""

from __future__ import annotations

import json

from audit_answer import Audit

CLEAN = {"name": "attrs", "version": "25.1.0", "vulns": []}
SKIPPED = {"name": "acme", "skip_reason": "Dependency not found on PyPI and could not be audited: acme (1.0)"}
KNOWN = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2099-1", "fix_versions": ["1.1"], "aliases": []}]}


def audit(*entries: dict[str, object]) -> Audit:
    return Audit.read(json.dumps({"dependencies": entries, "fixes": []}))


def test_a_known_vulnerability_is_an_error() -> None:
    """It is named with the version that fixes it."""
    found = audit(CLEAN, KNOWN)
    assert (("old 1.0: PYSEC-2099-1 (fixed in 1.1)",), 1) == (found.known, found.exit_code(strict=False))
    assert "audit: 1 known vulnerabilities in 2 distributions" == found.words


def test_what_was_not_audited_is_counted() -> None:
    """pip-audit skips what its index has no advisories for; only --strict makes an error of that."""
    found = audit(CLEAN, SKIPPED)
    assert "in 1 distributions; NOT AUDITED: 1" in found.words
    assert (0, 3) == (found.exit_code(strict=False), found.exit_code(strict=True))


def test_no_answer_is_not_clean() -> None:
    """A service that can't be reached makes pip-audit end without JSON."""
    for content in ("", "Traceback", "[]", "{}"):
        found = Audit.read(content)
        assert ("NOTHING AUDITED" in found.words, 0, 3) == (
            True,
            found.exit_code(strict=False),
            found.exit_code(strict=True),
        )


def test_a_clean_audit_is_clean() -> None:
    """All were asked about, and nothing is known."""
    assert ("audit: 0 known vulnerabilities in 1 distributions", 0) == (
        audit(CLEAN).words,
        audit(CLEAN).exit_code(strict=True),
    )
