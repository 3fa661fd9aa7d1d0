"""The model of a rule, and our own files of rules (YAML).

YAML is read as nodes, which know their lines: every fault has one, and aliases of aliases are never unfolded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

import yaml
from attrs import Attribute, field, frozen
from portus_images import BOOLEAN, STRING, SettingsError, nonempty_string, one_line, strings
from portus_scanners.merge import PackageUrl, read_purl
from portus_scanners.settings import SettingsFaults, did_you_mean, find_repeated_key, yaml_fault

from .image_patterns import ImagePattern
from .versions import VersionRange, of_purl

LONGEST_REASON = 4096
_LONGEST_STRING = 1024
_LONGEST_SHOWN = 39
_MOST_NAMED = 3
MOST_RULES = 10_000


def _short_strings(_rule: object, attribute: Attribute[tuple[str, ...]], values: tuple[str, ...]) -> None:
    if not all(value.strip() and len(value) <= _LONGEST_STRING for value in values):
        msg = f"{attribute.name}: expected strings that are not empty, of at most {_LONGEST_STRING} characters"
        raise ValueError(msg)


def _no_patterns(_rule: object, _attribute: Attribute[tuple[str, ...]], values: tuple[str, ...]) -> None:
    if any("*" in value for value in values):
        msg = "ids: an id can't be a pattern; leave it out, and name the package, to mean all of them"
        raise ValueError(msg)


def _bounded(limit: int) -> Callable[[object, Attribute[str], str], None]:
    def check(_rule: object, attribute: Attribute[str], value: str) -> None:
        if len(value) > limit:
            msg = f"{attribute.name}: longer than {limit} characters"
            raise ValueError(msg)

    return check


def _not_blank(_rule: object, attribute: Attribute[str], value: str) -> None:
    if not value.strip():
        msg = f"{attribute.name}: say why: a rule needs a reason"
        raise ValueError(msg)


def _package(_rule: object, _attribute: Attribute[str], value: str) -> None:
    if value and not value.strip("*? "):
        msg = "package: it names every package; leave it out"
        raise ValueError(msg)


def _parsed_by(parse: Callable[[str], object]) -> Callable[[object, Attribute[Any], str | tuple[str, ...]], None]:
    """Return a validator that has each string parsed; an empty one means that the rule does not say."""

    def check(_rule: object, _attribute: Attribute[Any], value: str | tuple[str, ...]) -> None:
        for one in (value,) if isinstance(value, str) else value:
            if one:
                parse(one)

    return check


def _day(_rule: object, attribute: Attribute[date | None], value: date | None) -> None:
    if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
        msg = f"{attribute.name}: expected a date"
        raise TypeError(msg)


def _purl(text: str) -> None:
    try:
        PackageUrl.parse(text)
    except ValueError as error:
        msg = f"purl: {error}"
        raise ValueError(msg) from error


_TEXT = (STRING, _bounded(_LONGEST_STRING))


@frozen(kw_only=True)
class Suppression:
    """A rule that takes vulnerabilities out of the gate. Everything that it names has to fit.

    Attributes:
        rule: Where the rule is written: ``suppressions.yml:12``, ``app.vex.json $.statements[0].products[0]``.
        reason: Why it was made, 4,096 characters at most.
        ids: Ids or aliases of the vulnerability, one of which has to fit, in any case. Empty for any.
        package: Name of the package or of what it was built from; ``*`` and ``?`` stand for any characters. Empty for
            any.
        purls: Package URLs. All that the scanners name have to fit one of them; version, release of the distribution,
            architecture and subpath count where given.
        image: The image: ``registry.example/team/*``, ``alpine:3.*``. Empty for any.
        scanner: The only scanner that has found it. Empty for any.
        versions: A range that all installed versions have to be in: ``>=1.0, <1.2``. Empty for any.
        exact: Whether names are compared as they are written: an id with what each scanner itself calls the
            vulnerability, not with aliases; a package, or the name in a package URL, with every installed package, not
            with what it was built from; a version after ``=`` with every installed version.
        until: The last day (UTC) on which it applies; None for no end.
        by: Who decided it.
        unmatchable: Why it can't fit anything, where its source names something that no report has; empty for all
            others.

    Raises:
        ValueError: A value is not of its form, or the rule names neither an id nor a package.
        SettingsError: A range of versions can't be read without a library that is not installed.
    """

    rule: str = field(validator=nonempty_string)
    reason: str = field(validator=(STRING, _not_blank, _bounded(LONGEST_REASON)))
    ids: tuple[str, ...] = field(default=(), converter=strings, validator=(_short_strings, _no_patterns))
    package: str = field(default="", validator=(*_TEXT, _package))
    purls: tuple[str, ...] = field(default=(), converter=strings, validator=(_short_strings, _parsed_by(_purl)))
    image: str = field(default="", validator=(*_TEXT, _parsed_by(ImagePattern.parse)))
    scanner: str = field(default="", validator=_TEXT)
    versions: str = field(default="", validator=(*_TEXT, _parsed_by(VersionRange.parse)))
    exact: bool = field(default=False, validator=BOOLEAN)
    until: date | None = field(default=None, validator=_day)
    by: str = field(default="", validator=_TEXT)
    unmatchable: str = field(default="", validator=STRING)

    def __attrs_post_init__(self) -> None:
        if not (self.ids or self.package or self.purls or self.unmatchable):
            msg = "it names no id, package or purl, and would suppress everything"
            raise ValueError(msg)

    @property
    def words(self) -> str:
        """What it names, for messages."""
        keys = ("package", "image", "scanner", "versions")
        named = (f"{key} {value}" for key in keys if (value := getattr(self, key)))
        return ", ".join([*_first(self.ids), *_first(self.purls), *named])


def _first(values: tuple[str, ...]) -> Iterable[str]:
    yield from values[:_MOST_NAMED]
    if len(values) > _MOST_NAMED:
        yield f"and {len(values) - _MOST_NAMED} more"


def read_rules(text: bytes, name: str) -> list[Suppression]:
    """Return the rules of a file of ours.

    Args:
        text: The file's content.
        name: The file's name, for messages and marks.

    Raises:
        SettingsError: All that is wrong with it.
    """
    file = _RulesFile(name)
    rules = [file.rule(entry) for entry in file.entries(_compose(text, name))]
    file.faults.check()
    return [rule for rule in rules if rule]


def _compose(text: bytes, name: str) -> yaml.Node:
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{name}: it is not YAML{yaml_fault(error)}") from error
    if node is None:
        raise SettingsError(f"{name}:1: it is empty; expected a list {_KEY}:")
    return node


class _FaultError(Exception):
    """Something is wrong at a node."""

    def __init__(self, node: yaml.Node, message: str) -> None:
        self.node = node
        super().__init__(message)


class _RulesFile:
    """Makes rules of the nodes of one file, and collects its faults."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.faults = SettingsFaults()

    def entries(self, node: yaml.Node) -> list[yaml.Node]:
        """Return the nodes of the rules."""
        members = self._members(node, (_KEY,), f"expected a mapping with a list {_KEY}:")
        entries = members.get(_KEY)
        if entries is None:
            if not self.faults.lines:
                self._blame(node, f"there is no list {_KEY}:")
        elif not isinstance(entries, yaml.SequenceNode):
            self._blame(entries, f"{_KEY}: expected a list of rules")
        elif len(entries.value) > MOST_RULES:
            self._blame(entries, f"{_KEY}: more than {MOST_RULES} rules")
        else:
            return list(entries.value)
        return []

    def rule(self, node: yaml.Node) -> Suppression | None:
        """Return the rule of a node; None where it has faults."""
        before = len(self.faults.lines)
        members = self._members(
            node, tuple(_KEYS), "expected a rule, a mapping such as {id: CVE-2024-1234, reason: ...}"
        )
        values: dict[str, Any] = {}
        for key, value in members.items():
            member, read = _KEYS[key]
            try:
                values[member] = read(value, key)
            except _FaultError as error:
                self._blame(error.node, str(error))
        if "reason" not in members:
            self._blame(node, "reason is missing: say why")
        return self._make(values, members, node) if len(self.faults.lines) == before else None

    def _make(self, values: dict[str, Any], members: Mapping[str, yaml.Node], node: yaml.Node) -> Suppression | None:
        try:
            rule = Suppression(rule=self._place(node), **values)
            _check_range(rule)
        except SettingsError as error:
            self._blame(node, str(error))
        except ValueError as error:
            # at the key that the message of the model begins with; the model has other names for some
            member, colon, rest = str(error).partition(":")
            key = {member: key for key, (member, _) in _KEYS.items()}.get(member, member)
            self._blame(members.get(key, node), one_line(f"{key}{colon}{rest}"))
        else:
            return rule
        return None

    def _members(self, node: yaml.Node, known: tuple[str, ...], expected: str) -> dict[str, yaml.Node]:
        """Return the members of a mapping whose keys are known; the others are faults."""
        if not isinstance(node, yaml.MappingNode):
            self._blame(node, expected)
            return {}
        if repeated := find_repeated_key(node):
            self._blame(repeated, "a key comes twice")
        members: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in known:
                members[name] = value
            else:
                hint = did_you_mean(name[:80], known) or f"; there is {', '.join(known)}"
                self._blame(key, f"unknown key {one_line(name, 40)!r}{hint}")
        return members

    def _blame(self, node: yaml.Node, message: str) -> None:
        self.faults.add(f"{self._place(node)}: {message}")

    def _place(self, node: yaml.Node) -> str:
        return f"{self._name}:{node.start_mark.line + 1}"


def _check_range(rule: Suppression) -> None:
    """Check a range of versions by the ecosystem, where the rule's package URLs say which one it is."""
    if not rule.versions:
        return
    for text in rule.purls:
        purl = read_purl(text)
        ecosystem = of_purl(purl.type) if purl else None
        if purl and ecosystem is None:
            msg = f"versions: how versions of pkg:{purl.type} compare is not known"
            raise ValueError(msg)
        if ecosystem:
            VersionRange.parse(rule.versions).check(ecosystem)


def _string(node: yaml.Node, key: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag != _STRING_TAG:
        is_short = isinstance(node, yaml.ScalarNode) and 0 < len(node.value) <= _LONGEST_SHOWN
        hint = f" in quotes: '{node.value}'" if is_short else ""
        raise _FaultError(node, one_line(f"{key}: expected a string{hint}"))
    if not node.value.strip():
        raise _FaultError(node, f"{key}: it is empty")
    return " ".join(str(node.value).split())


def _strings(node: yaml.Node, key: str) -> tuple[str, ...]:
    if node.tag != _LIST_TAG or not isinstance(node, yaml.SequenceNode):
        return (_string(node, key),)
    if not node.value:
        raise _FaultError(node, f"{key}: it is empty")
    return tuple(_string(one, key) for one in node.value)


def _date(node: yaml.Node, key: str) -> date:
    if isinstance(node, yaml.ScalarNode) and node.tag in _DATE_TAGS and _DATE.fullmatch(node.value):
        try:
            return date.fromisoformat(node.value)
        except ValueError:
            pass
    raise _FaultError(node, f"{key}: expected a date such as 2030-12-31")


def _boolean(node: yaml.Node, key: str) -> bool:
    if isinstance(node, yaml.ScalarNode) and node.tag == _BOOLEAN_TAG and node.value.lower() in _BOOLEANS:
        return _BOOLEANS[node.value.lower()]
    raise _FaultError(node, f"{key}: expected true or false")


_KEY = "suppressions"
_STRING_TAG = "tag:yaml.org,2002:str"
_BOOLEAN_TAG = "tag:yaml.org,2002:bool"
_BOOLEANS = {"true": True, "false": False}
_LIST_TAG = "tag:yaml.org,2002:seq"
_DATE_TAGS = {_STRING_TAG, "tag:yaml.org,2002:timestamp"}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_KEYS: Mapping[str, tuple[str, Callable[[yaml.Node, str], Any]]] = {
    "id": ("ids", _strings),
    "package": ("package", _string),
    "purl": ("purls", _strings),
    "image": ("image", _string),
    "scanner": ("scanner", _string),
    "versions": ("versions", _string),
    "exact": ("exact", _boolean),
    "reason": ("reason", _string),
    "until": ("until", _date),
    "by": ("by", _string),
}
"""The keys of a rule: what they are called in the model, and how they are read."""
