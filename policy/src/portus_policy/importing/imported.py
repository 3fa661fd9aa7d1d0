"""What comes of a file of another program: rules of ours, what was left out, and the text of our own file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from attrs import field, frozen
from portus_images import SettingsError, one_line, strings

from ..suppressions import LONGEST_REASON, MOST_RULES, Suppression

_LONGEST_LINE = 300
_ANY_WIDTH = 1 << 20


@frozen(kw_only=True)
class ImportedSuppressions:
    """The rules of another program's file, as ours.

    Attributes:
        source: What the file is: ``a Trivy ignore file (.trivyignore)``.
        name: The file's name.
        rules: The rules, none wider than what it was made of.
        left_out: What was left out, each with its place and the reason: ``.trivyignore:3: ...``.
    """

    source: str
    name: str
    rules: tuple[Suppression, ...] = ()
    left_out: tuple[str, ...] = field(default=(), converter=strings)

    def to_yaml(self) -> str:
        """Return a file of suppressions; what was left out is in its comments."""
        head = [f"imported from {self.name}, {self.source}", *(f"left out: {line}" for line in self.left_out)]
        entries = [_entry(rule) for rule in self.rules]
        body = yaml.safe_dump(
            {"suppressions": entries}, sort_keys=False, allow_unicode=True, width=_ANY_WIDTH, default_flow_style=False
        )
        return "".join(f"# {one_line(line, _LONGEST_LINE)}\n" for line in head) + body


def _entry(rule: Suppression) -> dict[str, Any]:
    members: dict[str, Any] = {
        "id": _one_or_all(rule.ids),
        "package": rule.package,
        "purl": _one_or_all(rule.purls),
        "image": rule.image,
        "versions": rule.versions,
        "exact": rule.exact,
        "reason": rule.reason,
        "until": rule.until,
        "by": rule.by,
    }
    return {key: value for key, value in members.items() if value}


def _one_or_all(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


class RuleCollector:
    """Collects the rules of one file and what is left out.

    Args:
        name: The file's name, for messages and reasons.
        source: What the file is.
    """

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self._source = source
        self._rules: list[Suppression] = []
        self._left_out: list[str] = []

    def leave_out(self, place: str, what: str, why: str) -> None:
        """Note what a rule can't express."""
        self._left_out.append(f"{place}: {one_line(what, 100)}: {why}" if what else f"{place}: {why}")

    def add(self, place: str, why: str = "", **members: Any) -> None:
        """Make a rule, or note why there can't be one.

        Args:
            place: Where it stands in its file.
            why: What its author has said.
            **members: Those of `Suppression`.
        """
        reason = one_line(f"imported from {place}" + (f": {why}" if why.strip() else ""), LONGEST_REASON)
        try:
            rule = Suppression(rule=place, reason=reason, **members)
        except (ValueError, SettingsError) as error:
            self.leave_out(place, " ".join(members.get("ids", ())), one_line(str(error)))
        else:
            self.keep(rule)

    def keep(self, rule: Suppression) -> None:
        """Keep a rule that has been made."""
        self._rules.append(rule)

    def result(self) -> ImportedSuppressions:
        """Return what has been collected.

        Raises:
            SettingsError: There are more rules than a file of ours may have.
        """
        if len(self._rules) > MOST_RULES:
            raise SettingsError(f"{self.name}: it has {len(self._rules)} rules; a file may have {MOST_RULES}: split it")
        return ImportedSuppressions(
            source=self._source, name=self.name, rules=tuple(self._rules), left_out=tuple(self._left_out)
        )


def string_items(value: object) -> Iterator[str]:
    """Yield the strings of a list; nothing where it is not a list."""
    yield from (one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
