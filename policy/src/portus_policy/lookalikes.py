"""What a file is that was given instead of a report or of rules: in words, for the message that rejects it.

A guess by what only such a file has, never a check: a file that is what it should be is not shown to this module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

_MOST_PARSED = 64 * 1024 * 1024
"""Bytes of JSON that are parsed in order to say what it is."""
_MOST_SEEN = 64 * 1024
"""Bytes of other files that are looked at."""
_MOST_LINES = 100

_MEMBERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a CycloneDX document", ("bomFormat",)),
    ("an SPDX document", ("spdxVersion",)),
    ("an OpenVEX document", ("@context", "statements")),
    ("a SARIF log", ("runs",)),
    ("a report of Trivy", ("SchemaVersion", "Results")),
    ("a report of Trivy", ("SchemaVersion", "ArtifactName")),
    ("a report of Trivy about a cluster", ("ClusterName",)),
    ("a report of Grype", ("matches", "descriptor")),
    ("an SBOM of Syft", ("artifacts", "descriptor")),
    ("GitLab's security report", ("scan", "vulnerabilities")),
    ("a report of Clair v4", ("manifest_hash",)),
    ("an answer of Clair", ("Layer",)),
    ("a report of Klar", ("LayerCount", "Vulnerabilities")),
    ("a report of clair-scanner", ("image", "unapproved")),
    ("an advisory of OSV", ("id", "affected")),
    ("a report of osv-scanner", ("results", "experimental_config")),
    ("a report of npm audit", ("auditReportVersion",)),
    ("a report of pip-audit", ("dependencies", "fixes")),
    ("a report of Anchore", ("imageDigest", "vulnerabilities")),
    ("a report of Harbor's scanner API", ("vulnerabilities", "artifact", "scanner")),
    ("a report of Docker Scout or Snyk", ("vulnerabilities", "dependencyCount")),
    ("a report of portus-scan", ("schema_version", "reports")),
    ("a line of a report of portus-scan", ("schema_version", "report")),
    ("a comparison by portus-scan diff", ("schema_version", "only_old")),
    ("an explanation by portus-scan explain", ("schema_version", "vulnerabilities")),
    ("a list of scanners by portus-scan", ("schema_version", "scanners")),
    ("the manifest of an image", ("schemaVersion", "layers")),
    ("the index of an image", ("schemaVersion", "manifests")),
    ("the configuration of an image", ("rootfs",)),
)
"""What JSON objects are by members that all of them have; the first that fits counts."""
_BEGINNINGS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (words, re.compile(pattern, re.MULTILINE | re.ASCII))
    for words, pattern in (
        ("JUnit XML", r"\A(?:<\?xml[^>]*>\s*)?<testsuites?\b"),
        ("a CycloneDX document in XML", r"\A(?:<\?xml[^>]*>\s*)?<bom\b"),
        ("an HTML page", r"\A(?i:<!doctype html|<html)\b"),
        ("an XML file", r"\A<\?xml\b"),
        ("the CSV of portus-scan", r'\A"record","reference",'),
        ("the Markdown of portus-scan", r"\A# Vulnerabilities of images$"),
        ("a .snyk policy", r"\A# Snyk\b|^ignore:[ \t]*\n[ \t]+['\"]?(?:SNYK-|npm:)"),
        ("a configuration of osv-scanner", r"^\[\[(?:IgnoredVulns|PackageOverrides)\]\]"),
        ("a Trivy ignore file in YAML (.trivyignore.yaml)", r"^(?:vulnerabilities|misconfigurations|secrets):[ \t]*$"),
        (
            "a configuration of Grype (.grype.yaml)",
            r"^ignore:[ \t]*\n[ \t]*- (?:vulnerability|package|fix-state):",
        ),
        ("an allow list of clair-scanner", r"^generalwhitelist:"),
        ("suppressions of portus-scan", r"^suppressions:[ \t]*\n[ \t]*- (?:id|package|purl):"),
        ("a configuration of portus-scan", r"^security:[ \t]*$"),
        ("a Compose file", r"^services:[ \t]*$"),
        ("a Dockerfile", r"^FROM [a-z]\S+(?: AS \S+)?$"),
    )
)
"""What other files are by a line that they have."""
_MAGIC = (
    (b"\x1f\x8b", "a file that is compressed (gzip)"),
    (b"\x28\xb5\x2f\xfd", "a file that is compressed (zstd)"),
    (b"PK\x03\x04", "an archive (zip)"),
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x7fELF", "a program"),
)
_TAR_AT, _TAR = 257, b"ustar"
_MARKDOWN = r"(?a)\A#{1,6} \S[^\n]*\n\s*(?:#{1,6} \S[^\n]*\n\s*)*(?![\w.-]+:|[-#\"'{\[])\S"
"""A heading, and what is neither a comment nor YAML below it."""
_IGNORED_ID = re.compile(r"(?:[A-Z]{2,}(?:-[0-9A-Za-z_.:]+)+|[A-Z]{2,}\d{3,})(?:\s+exp:\S+)?(?:\s*#.*)?", re.ASCII)


def looks_like(content: bytes) -> str:
    """Return what a file looks like, with its article: ``a report of Trivy``; empty where nothing is known of it.

    Args:
        content: The file's content, of any size; of a large one only the beginning is looked at.
    """
    for magic, words in _MAGIC:
        if content.startswith(magic):
            return words
    if content[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "an archive (tar)"
    text = content[:_MOST_SEEN].decode("utf-8-sig", "replace").lstrip()
    if text.startswith(("{", "[")) and (words := _json(content)):
        return words
    by_beginning = next((words for words, pattern in _BEGINNINGS if pattern.search(text)), "")
    if by_beginning or _is_list_of_ids(text):
        return by_beginning or "a Trivy ignore file (.trivyignore)"
    return "a page in Markdown" if re.match(_MARKDOWN, text) else ""


def _json(content: bytes) -> str:
    value = _first_value(content)
    if isinstance(value, list):
        return "a report of an old version of Trivy" if value and _has(value[0], ("Target",)) else ""
    if _has(value, ("document",)) and _has(value["document"], ("csaf_version",)):
        return "a CSAF document"
    return next((words for words, members in _MEMBERS if _has(value, members)), "")


def _first_value(content: bytes) -> Any:
    """Return the JSON value that a file has, or the first of its lines; None for one that is not JSON."""
    first_line = content.lstrip().partition(b"\n")[0]
    for part in (content, first_line):
        if len(part) > _MOST_PARSED:
            continue
        try:
            return json.loads(part)
        except (ValueError, RecursionError):
            continue
    return None


def _has(value: Any, members: tuple[str, ...]) -> bool:
    return isinstance(value, Mapping) and all(member in value for member in members)


def _is_list_of_ids(text: str) -> bool:
    """Return whether every line is the id of a vulnerability or a comment."""
    lines = (line.strip() for line in text.splitlines())
    ids = list(islice((line for line in lines if line and not line.startswith("#")), _MOST_LINES))
    return bool(ids) and all(_IGNORED_ID.fullmatch(line) for line in ids)
