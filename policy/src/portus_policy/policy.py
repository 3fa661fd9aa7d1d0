"""The policy: what a configuration and the options of a command ask of reports; it is read, and applied to a document.

A part that nobody asks for - suppressions, gate - is not even imported. Only `load_policy` does I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen
from portus_images import SettingsError, one_line
from portus_scanners.merge import make_image_report
from portus_scanners.models import ImageReport, ReportDocument, SeverityPolicy
from portus_scanners.settings import SettingsFaults, did_you_mean, misspelt_sections, read_yaml, structure_section

from .sequences import map_reports

if TYPE_CHECKING:
    from .gate_policy import GatePolicy
    from .suppressions import Suppression

_HIGHEST = "highest"
_EXAMPLES = {
    "fail_on": "a severity, or a mapping such as {critical: 0, high: 5}",
    "outcomes": "a mapping such as {pending: allow}",
}
_END_OF_LIFE = "end_of_life"
_KEYS_OF_GATE = {
    *("fail_on", "only_fixable", "min_agreement", "new_only", "outcomes", "required", "min_scanners"),
    *("max_database_age", "unknown_database_age", _END_OF_LIFE),
}
"""Keys of the gate that do nothing at the top level, where ``severity`` is a section of its own."""


@frozen(kw_only=True)
class Policy:
    """What is asked of reports: the sections ``severity:``, ``gate:`` and ``suppressions:`` of a configuration.

    Attributes:
        severity: Which severity is shown; None where nothing is said: reports stay as they were merged.
        gate: What the reports have to fulfil; None where there is no gate.
        suppressions: The rules of all files, in their order; None where no file is named: marks of earlier rules stay.
    """

    severity: SeverityPolicy | None = None
    gate: GatePolicy | None = None
    suppressions: tuple[Suppression, ...] | None = None

    def check_scanners(self, names: Collection[str]) -> None:
        """Reject required and preferred scanners that are not enabled.

        Args:
            names: The enabled scanners.

        Raises:
            SettingsError: One line for each, with the nearest right name.
        """
        wanted = {
            "gate.required": self.gate.required if self.gate else (),
            "severity.prefer": self.severity.prefer if self.severity else (),
        }
        SettingsFaults(
            f"{key}: no enabled scanner is called {one_line(name)!r}{did_you_mean(name, names)}"
            for key, given in wanted.items()
            for name in dict.fromkeys(given)
            if name not in names
        ).check()


def load_policy(
    path: str | Path | None = None,
    *,
    document: Mapping[str, Any] | None = None,
    gate: Mapping[str, object] | None = None,
    prefer: Sequence[str] = (),
    suppressions: Sequence[str | Path] = (),
    sources: Mapping[str, str] | None = None,
) -> Policy:
    """Read the sections ``severity:``, ``gate:`` and ``suppressions:`` of a configuration, and what goes before them.

    No plugin has to be installed for it.

    Args:
        path: A YAML file, the same that `load_settings` reads; without one only the other arguments count.
        document: The file's top level, where it has been read already; *path* is then where its names of files begin.
        gate: Keys of the section ``gate:`` that go before those of the file; with one there is a gate.
        prefer: Scanners to prefer, in place of what the file says.
        suppressions: Files of rules, after those that the file names; see `load_suppressions`.
        sources: For each key of *gate* where it comes from, as a user would name it, for messages: ``--fail-on``.

    Raises:
        SettingsError: One line for each fault of these sections and of the files of rules.
    """
    path = None if path is None else Path(path)
    if document is None:
        document = {} if path is None else read_yaml(path)
    faults = SettingsFaults(misspelt_sections(document))
    faults.add(*(f"{key}: belongs under gate:, where it is read" for key in document if key in _KEYS_OF_GATE))
    asked = Policy()
    with faults.collect():
        asked = evolve(asked, severity=_read_severity(document.get("severity"), prefer))
    with faults.collect():
        asked = evolve(asked, gate=_read_gate(document.get("gate"), gate or {}, sources or {}))
    with faults.collect():
        asked = evolve(asked, suppressions=_read_suppressions(document.get("suppressions"), path, suppressions))
    faults.check()
    return asked


def _read_severity(section: object, prefer: Sequence[str]) -> SeverityPolicy | None:
    if section is not None and section != _HIGHEST and not isinstance(section, Mapping):
        raise SettingsError("severity: expected highest, or a mapping such as {prefer: [trivy]}")
    values = _values(section) if isinstance(section, Mapping) else {}
    policy = None if section is None else structure_section(values, SeverityPolicy, {}, "severity")
    return SeverityPolicy(prefer=tuple(prefer)) if prefer else policy


def _read_gate(section: object, overrides: Mapping[str, object], sources: Mapping[str, str]) -> GatePolicy | None:
    if section is None and not overrides:
        return None
    from .gate_policy import GatePolicy

    if section is not None and not isinstance(section, Mapping):
        raise SettingsError("gate: expected a mapping such as {fail_on: high}")
    values = {**_values(section or {}), **overrides}
    if isinstance(fail_on := values.get("fail_on"), str):
        values["fail_on"] = {fail_on: 0}
    for key, example in _EXAMPLES.items():
        if not isinstance(values.get(key, {}), Mapping):
            raise SettingsError(f"{sources.get(key, f'gate.{key}')}: expected {example}")
    if isinstance(outcomes := values.get("outcomes"), Mapping) and _END_OF_LIFE in outcomes:
        raise SettingsError(f"gate.outcomes: {_END_OF_LIFE} is not an outcome: write {_END_OF_LIFE}: allow under gate:")
    return structure_section(values, GatePolicy, sources, "gate")


def _read_suppressions(
    section: object, path: Path | None, more: Sequence[str | Path]
) -> tuple[Suppression, ...] | None:
    names = [] if section is None else section
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise SettingsError("suppressions: expected a list of files such as [suppressions.yml]")
    files = (*(path.parent / name for name in names if path), *more)
    if not files:
        return None
    from .suppressions import load_suppressions

    return load_suppressions(files)


def _values(section: Mapping[Any, Any]) -> dict[str, object]:
    """Return the keys that have a value: one with nothing behind it means the default."""
    return {str(key): value for key, value in section.items() if value is not None}


def apply_policy(
    document: ReportDocument, policy: Policy, *, baseline: ReportDocument | None = None, now: datetime
) -> ReportDocument:
    """Return a document with the severities, the suppressions and the gate of a policy.

    Args:
        document: The reports. What an earlier policy made of them is replaced, as far as this one says something of it.
        policy: What to apply. Where it has no rules and a gate, marks of earlier rules whose last day is over are
            dropped and listed in `unused_rules`.
        baseline: An earlier document, for `GatePolicy.new_only`.
        now: The time, with its zone.

    Returns:
        The same reports; with a severity policy, their vulnerabilities are merged anew from the runs. `gate` is the
        result of the gate; without one, the result of an earlier gate as long as nothing else has changed.

    Raises:
        ValueError: The gate looks at new vulnerabilities only and there is no baseline, or *now* has no time zone.
    """
    if policy.severity is not None:
        merge_anew = partial(_merge_anew, severity=policy.severity)
        document = evolve(document, reports=map_reports(document.reports, merge_anew))
    document = _suppress(document, policy, now)
    if policy.gate is not None:
        from .gate import check_gate

        return evolve(document, gate=check_gate(document, policy.gate, baseline=baseline, now=now))
    # an earlier gate has judged other severities and other marks
    is_changed = policy.suppressions is not None or policy.severity is not None
    return evolve(document, gate=None) if is_changed else document


def _suppress(document: ReportDocument, policy: Policy, now: datetime) -> ReportDocument:
    if policy.suppressions is None and policy.gate is None:
        return document
    from .suppressions import apply_suppressions, drop_expired_marks

    today = now.astimezone(UTC).date()
    if policy.suppressions is None:
        return drop_expired_marks(document, today=today)
    return apply_suppressions(document, policy.suppressions, today=today)


def _merge_anew(report: ImageReport, severity: SeverityPolicy) -> ImageReport:
    """Merge the findings of a report anew; what was suppressed stays so."""
    marks = {(one.id, one.package): one.suppressed for one in report.vulnerabilities if one.suppressed}
    fresh = make_image_report(report.image, report.results, severity=severity)
    marked = (evolve(one, suppressed=marks.get((one.id, one.package))) for one in fresh.vulnerabilities)
    return evolve(fresh, vulnerabilities=tuple(marked)) if marks else fresh
