"""The ignore files of Trivy (plain and YAML) and the rules under Grype's ``ignore:``.

Source: Trivy's ``pkg/result/ignore.go`` and Grype's ``grype/match/ignore.go``. Both compare an id as it is written, and
not with aliases; so the rules are exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

from .imported import RuleCollector, string_items

Located = tuple[int, object]
"""A value and its line."""

TRIVY_PLAIN = "a Trivy ignore file (.trivyignore)"
TRIVY_YAML = "a Trivy ignore file in YAML (.trivyignore.yaml)"
GRYPE = "a configuration of Grype (.grype.yaml)"

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_IGNORED = {"misconfigurations", "secrets", "licenses"}
_TRIVY_KEYS = {"id", "purls", "expired_at", "statement"}
_PURL_TYPES = {
    "npm": "npm",
    "python": "pypi",
    "gem": "gem",
    "rust-crate": "cargo",
    "php-composer": "composer",
    "dotnet": "nuget",
    "go-module": "golang",
}
"""Grype's types of packages that are one type of package URL, with the whole name in it."""
_LITERAL = re.compile(r"(?:[A-Za-z0-9_@/:~ -]|\.(?![*+?{])|\\[.+]|\.\*)+", re.ASCII)
"""The regular expressions that are a name, perhaps with ``.*`` in it."""


def read_trivyignore(text: str, collector: RuleCollector) -> None:
    """Collect the ids of a plain ignore file, each with its end and the comment above it."""
    comment: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            comment = [*comment, line.strip().lstrip("#").strip()] if words else []
            continue
        place = f"{collector.name}:{number}"
        after = line.partition("#")[2].strip()
        expiry = next((word[4:] for word in words[1:] if word.startswith("exp:")), None)
        _add_trivy(collector, place, words[0], expiry, after or " ".join(comment))
        comment = []


def read_trivy_yaml(document: Mapping[str, Located], collector: RuleCollector) -> None:
    """Collect the vulnerabilities of an ignore file in YAML."""
    for key, (line, value) in document.items():
        place = f"{collector.name}:{line}"
        if key == "vulnerabilities" and isinstance(value, list):
            for at, entry in value:
                _read_trivy_entry(f"{collector.name}:{at}", entry, collector)
        elif key in _IGNORED:
            collector.leave_out(place, key, "not about vulnerabilities, and nothing else is reported here")
        else:
            collector.leave_out(place, key, "not known")


def _read_trivy_entry(place: str, entry: object, collector: RuleCollector) -> None:
    members = plain(entry)
    if not isinstance(members, dict) or not isinstance(members.get("id"), str):
        collector.leave_out(place, "", "it has no id")
        return
    name = members["id"]
    if unknown := sorted(set(members) - _TRIVY_KEYS):
        why = "a rule can't name files" if unknown == ["paths"] else "not known"
        collector.leave_out(place, name, f"{', '.join(unknown)}: {why}")
        return
    purls = tuple(string_items(members.get("purls", [])))
    if "purls" in members and (not purls or len(purls) != len(members["purls"])):
        collector.leave_out(place, name, "purls: expected a list of package URLs")
    else:
        statement = str(members.get("statement") or "")
        _add_trivy(collector, place, name, members.get("expired_at"), statement, purls)


def _add_trivy(
    collector: RuleCollector, place: str, name: str, expiry: object, why: str, purls: tuple[str, ...] = ()
) -> None:
    try:
        until = None if expiry is None else _last_day(expiry)
    except (ValueError, OverflowError):
        collector.leave_out(place, name, "its end is not a date, so that it has never applied")
        return
    collector.add(place, why, ids=(name,), purls=purls, exact=True, until=until)


def _last_day(expiry: object) -> date:
    """Return the last whole day (UTC) before a rule of Trivy ends: a date ends as it begins.

    Raises:
        ValueError: It is not a date or a time.
        OverflowError: It is too early or too late for one.
    """
    if isinstance(expiry, str) and _DATE.fullmatch(expiry):
        expiry = date.fromisoformat(expiry)
    if not isinstance(expiry, date):
        raise ValueError(expiry)  # noqa: TRY004 (a value of a file)
    if isinstance(expiry, datetime) and expiry.tzinfo:
        expiry = expiry.astimezone(UTC)
    return date(expiry.year, expiry.month, expiry.day) - timedelta(days=1)


def read_grype(document: Mapping[str, Located], collector: RuleCollector) -> None:
    """Collect the rules under ``ignore:``; the rest of the configuration is not about rules."""
    _, entries = document.get("ignore", (0, []))
    for line, entry in entries if isinstance(entries, list) else ():
        place = f"{collector.name}:{line}"
        members = plain(entry)
        if isinstance(members, dict):
            _read_grype_entry(place, {key: value for key, value in members.items() if value}, collector)
        else:
            collector.leave_out(place, "", "it is not a rule")
    _, vex = document.get("vex-documents", (0, []))
    if vex:
        collector.leave_out(collector.name, "vex-documents", "give OpenVEX documents with --suppressions")


def _read_grype_entry(place: str, members: dict[str, object], collector: RuleCollector) -> None:
    name = str(members.pop("vulnerability", "") or "")
    why = str(members.pop("reason", "") or "")
    aliases = members.pop("include-aliases", False) is True and bool(name)
    package = members.pop("package", {})
    package = {key: value for key, value in package.items() if value} if isinstance(package, dict) else {"": package}
    label = name or str(package.get("name", "")) or "a rule"
    rest = [*members, *(f"package.{key}" for key in package if key not in {"name", "version", "type"})]
    if not name and not package and rest == ["fix-state"]:
        collector.leave_out(place, "fix-state", "it is about everything: see only_fixable of the gate")
    elif rest:
        collector.leave_out(place, label, f"a rule can't say {', '.join(map(str, rest))}")
    elif not all(isinstance(value, str) for value in package.values()):
        collector.leave_out(place, label, "expected strings in package")
    else:
        _add_grype(collector, place, name, why, {key: str(value) for key, value in package.items()}, aliases=aliases)


def _add_grype(
    collector: RuleCollector, place: str, name: str, why: str, package: dict[str, str], *, aliases: bool
) -> None:
    pattern, version, kind = package.get("name", ""), package.get("version", ""), package.get("type", "")
    if pattern and not _LITERAL.fullmatch(pattern):
        collector.leave_out(place, pattern, "its name is a regular expression that is more than a name with .*")
        return
    names = re.sub(r"\\(.)", r"\1", pattern.replace(".*", "*"))
    if kind and (kind not in _PURL_TYPES or not names or "*" in names):
        collector.leave_out(place, name or names or kind, f"a rule can't say package.type {kind} here")
        return
    if version and not pattern:
        collector.leave_out(place, name or version, "a rule can't name a version without a package")
        return
    purls = (f"pkg:{_PURL_TYPES[kind]}/{quote(names, safe='/')}",) if kind else ()
    versions = f"={version}" if version else ""
    ids = (name,) if name else ()
    # with the aliases an id may be any name of the vulnerability, but the package is still none but that one
    if aliases and names:
        collector.leave_out(place, name, "a rule can't have aliases of the id and one package alone")
        return
    collector.add(place, why, ids=ids, package=names, purls=purls, versions=versions, exact=not aliases)


def plain(value: object) -> object:
    """Return a value without the lines of its parts."""
    if isinstance(value, dict):
        return {key: plain(part) for key, (_, part) in value.items()}
    return [plain(part) for _, part in value] if isinstance(value, list) else value
