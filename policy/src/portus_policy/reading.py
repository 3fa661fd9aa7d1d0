"""The configuration file, and what overrides it -> policies. No plugin has to be installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
from portus_images import SettingsError, texts
from portus_scanners.models import SeverityPolicy
from portus_scanners.settings import misspelt_sections, read_yaml, structure_section

from .gate import GatePolicy
from .policies import Policies

_HIGHEST = "highest"
_EXAMPLES = {
    "fail_on": "a severity, or a mapping such as {critical: 0, high: 5}",
    "outcomes": "a mapping such as {pending: allow}",
}
_MISPLACED = {attribute.name for attribute in attrs.fields(GatePolicy)} - {"severity"}
"""Keys of the gate that do nothing at the top level, where ``severity`` is a section of its own."""


@attrs.frozen
class _Files:
    """The section ``suppressions:``, as a section with one key."""

    suppressions: tuple[str, ...] = attrs.field(default=(), converter=texts)


def load_policies(
    path: str | Path | None = None,
    *,
    gate: Mapping[str, object] | None = None,
    prefer: tuple[str, ...] = (),
    sources: Mapping[str, str] | None = None,
) -> Policies:
    """Read what a configuration says of reports: its sections ``severity:``, ``gate:`` and ``suppressions:``.

    Args:
        path: A YAML file, the same that `load_settings` reads; without one only the other arguments count.
        gate: Keys of the section ``gate:`` that go before those of the file; with one there is a gate.
        prefer: Scanners to prefer, in place of what the file says.
        sources: For each key of *gate* where it comes from, as a user would name it, for messages: ``--fail-on``.

    Returns:
        The policies; paths of suppressions are relative to the working directory, as *path* is.

    Raises:
        SettingsError: One line for each fault of these sections.
    """
    path = None if path is None else Path(path)
    document = {} if path is None else read_yaml(path)
    faults = [*misspelt_sections(document), *_misplaced_keys(document)]
    readers: dict[str, Callable[[], object]] = {
        "severity": lambda: _read_severity(document.get("severity"), prefer),
        "gate": lambda: _read_gate(document.get("gate"), gate or {}, sources or {}),
        "suppressions": lambda: _read_suppressions(document.get("suppressions"), path),
    }
    found: dict[str, Any] = {}
    for name, read in readers.items():
        try:
            found[name] = read()
        except SettingsError as error:
            faults.extend(error.faults)
    if faults:
        raise SettingsError(faults)
    return Policies(**found)


def _misplaced_keys(document: Mapping[str, Any]) -> Iterator[str]:
    for key in document:
        if key in _MISPLACED:
            yield f"{key}: belongs under gate:, where it is read"


def _read_severity(section: object, prefer: tuple[str, ...]) -> SeverityPolicy | None:
    if section is not None and section != _HIGHEST and not isinstance(section, Mapping):
        raise SettingsError("severity: expected highest, or a mapping such as {prefer: [trivy]}")
    values = _values(section) if isinstance(section, Mapping) else {}
    policy = structure_section(values, SeverityPolicy, {}, "severity")
    if prefer:
        return SeverityPolicy(prefer=prefer)
    return None if section is None else policy


def _read_gate(section: object, overrides: Mapping[str, object], sources: Mapping[str, str]) -> GatePolicy | None:
    if section is None and not overrides:
        return None
    if section is not None and not isinstance(section, Mapping):
        raise SettingsError("gate: expected a mapping such as {fail_on: high}")
    values = {**_values(section or {}), **overrides}
    if isinstance(fail_on := values.get("fail_on"), str):
        values["fail_on"] = {fail_on: 0}
    for key, example in _EXAMPLES.items():
        if not isinstance(values.get(key, {}), Mapping):
            raise SettingsError(f"{sources.get(key, f'gate.{key}')}: expected {example}")
    return structure_section(values, GatePolicy, sources, "gate")


def _read_suppressions(section: object, path: Path | None) -> tuple[Path, ...]:
    if section is None or path is None:
        return ()
    if not isinstance(section, list) or not all(isinstance(name, str) and name for name in section):
        raise SettingsError("suppressions: expected a list of files such as [suppressions.yml]")
    return tuple(path.parent / name for name in section)


def _values(section: Mapping[Any, Any]) -> dict[str, object]:
    """Return the keys that have a value: one with nothing behind it means the default."""
    return {str(key): value for key, value in section.items() if value is not None}
