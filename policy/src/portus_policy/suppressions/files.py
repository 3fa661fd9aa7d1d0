"""Files of rules. The only module of these that does I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from portus_images import SettingsError, one_line
from portus_scanners.settings import SettingsFaults, check_size, read_limited

from ..lookalikes import looks_like
from .openvex import read_openvex
from .rules import Suppression, read_rules
from .vex_statements import ProductStatement, still_standing

_MOST_FAULTS = 20
_LARGEST_OPENVEX = 16 * 1024 * 1024
"""Bytes of an OpenVEX document: vendors publish one for all of their images."""
_OURS = "suppressions of portus-scan"
_FORMS = (
    "suppressions are a YAML file with a list `suppressions:`, or an OpenVEX document; "
    "portus-scan policy import makes one of rules of other programs"
)


def load_suppressions(paths: Iterable[str | Path]) -> tuple[Suppression, ...]:
    """Return the rules of files: our own (YAML) and OpenVEX documents (JSON), told apart by their content.

    Args:
        paths: In the order in which their rules count. Our own at most 1 MiB each, with at most 10,000 rules; an
            OpenVEX document at most 16 MiB.

    Returns:
        The rules of our own files first, then what the OpenVEX documents suppress together: of statements about the
        same thing the latest counts, whichever document it is in.

    Raises:
        SettingsError: All that is wrong with the files, each fault as ``FILE:LINE: ...`` or ``FILE: $.path: ...``.

    Source: OpenVEX specification 0.2.0 (and 0.0.1, whose vulnerabilities and products are strings).
    """
    rules: list[Suppression] = []
    statements: list[ProductStatement] = []
    faults = SettingsFaults()
    for path in map(Path, paths):
        with faults.collect():
            _read(path, rules, statements)
    SettingsFaults(_first(faults.lines)).check()
    return (*rules, *still_standing(statements))


def _read(path: Path, rules: list[Suppression], statements: list[ProductStatement]) -> None:
    name = one_line(str(path))
    what = f"the suppressions {name}"
    text = read_limited(path, what, _LARGEST_OPENVEX)
    document = _openvex(text, name)
    if document is not None:
        statements.extend(read_openvex(document, name))
        return
    try:
        check_size(text, what)
        rules.extend(read_rules(text, name))
    except SettingsError as error:
        words = looks_like(text)
        if not words or words == _OURS:
            raise
        raise SettingsError(f"{name}: it looks like {words}; {_FORMS}") from error


def _openvex(text: bytes, name: str) -> dict[str, object] | None:
    """Return the JSON object with a context that a file is; None for anything else: our rules may be JSON too."""
    if not text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    try:
        document = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        if b'"@context"' not in text:
            return None
        raise SettingsError(f"{name}: it is not JSON: {_why(error)}") from error
    return document if isinstance(document, dict) and "@context" in document else None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        msg = "a key comes twice in one object"
        raise ValueError(msg)
    return members


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else one_line(str(error))


def _first(faults: Sequence[str]) -> Iterator[str]:
    yield from faults[:_MOST_FAULTS]
    if len(faults) > _MOST_FAULTS:
        yield f"and {len(faults) - _MOST_FAULTS} more"
