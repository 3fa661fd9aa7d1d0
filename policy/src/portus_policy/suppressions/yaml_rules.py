"""Our own files: YAML nodes -> rules. Nodes know their lines, so every fault has one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import yaml
from portus_images import SettingsError, one_line
from portus_scanners.settings import did_you_mean, find_repeated_key, yaml_fault

from .ecosystems import of_purl
from .package_urls import read_purl
from .rule import Suppression
from .version_ranges import VersionRange

MOST_RULES = 10_000
_KEY = "suppressions"
_TEXT_TAG = "tag:yaml.org,2002:str"
_LIST_TAG = "tag:yaml.org,2002:seq"
_DAY_TAGS = {_TEXT_TAG, "tag:yaml.org,2002:timestamp"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class _FaultError(Exception):
    """Something that is wrong at a node."""

    def __init__(self, node: yaml.Node, text: str) -> None:
        self.line = node.start_mark.line + 1
        super().__init__(text)


def read_rules(text: bytes, name: str) -> list[Suppression]:
    """Return the rules of a file.

    Args:
        text: The file's content.
        name: The file's name, for messages and marks.

    Raises:
        SettingsError: All that is wrong with it.
    """
    faults: list[_FaultError] = []
    rules = [_rule(entry, name, faults) for entry in _entries(_compose(text, name), faults)]
    if faults:
        raise SettingsError(f"{name}:{fault.line}: {fault}" for fault in faults)
    return [rule for rule in rules if rule]


def _compose(text: bytes, name: str) -> yaml.Node:
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{name}: it is not YAML{yaml_fault(error)}") from error
    if node is None:
        raise SettingsError(f"{name}:1: it is empty; expected a list {_KEY}:")
    return node


def _entries(node: yaml.Node, faults: list[_FaultError]) -> list[yaml.Node]:
    members = _members(node, (_KEY,), f"expected a mapping with a list {_KEY}:", faults)
    entries = members.get(_KEY)
    if entries is None:
        if not faults:
            faults.append(_FaultError(node, f"there is no list {_KEY}:"))
    elif not isinstance(entries, yaml.SequenceNode):
        faults.append(_FaultError(entries, f"{_KEY}: expected a list of rules"))
    elif len(entries.value) > MOST_RULES:
        faults.append(_FaultError(entries, f"{_KEY}: more than {MOST_RULES} rules"))
    else:
        return list(entries.value)
    return []


def _members(node: yaml.Node, known: tuple[str, ...], expected: str, faults: list[_FaultError]) -> dict[str, yaml.Node]:
    """Return the members of a mapping whose keys are known; the others are faults."""
    if not isinstance(node, yaml.MappingNode):
        faults.append(_FaultError(node, expected))
        return {}
    if repeated := find_repeated_key(node):
        faults.append(_FaultError(repeated, "a key comes twice"))
    members: dict[str, yaml.Node] = {}
    for key, value in node.value:
        word = key.value if isinstance(key, yaml.ScalarNode) else ""
        if word in known:
            members[word] = value
        else:
            hint = did_you_mean(word[:80], known) or _choice(known)
            faults.append(_FaultError(key, f"unknown key {one_line(word, 40)!r}{hint}"))
    return members


def _choice(known: tuple[str, ...]) -> str:
    return f"; there is {', '.join(known)}"


def _rule(node: yaml.Node, name: str, faults: list[_FaultError]) -> Suppression | None:
    """Return a rule, or None and its faults."""
    before = len(faults)
    members = _members(
        node, tuple(_KEYS), "expected a rule, a mapping such as {id: CVE-2024-1234, reason: ...}", faults
    )
    values: dict[str, Any] = {}
    for key, value in members.items():
        field, read = _KEYS[key]
        try:
            values[field] = read(value, key)
        except _FaultError as error:
            faults.append(error)
    if "reason" not in members:
        faults.append(_FaultError(node, "reason is missing: say why"))
    if len(faults) > before:
        return None
    try:
        return _make(values, f"{name}:{node.start_mark.line + 1}")
    except SettingsError as error:
        faults.append(_FaultError(node, str(error)))
    except ValueError as error:
        faults.append(_at_fault(str(error), members, node))
    return None


def _make(values: Mapping[str, Any], place: str) -> Suppression:
    rule = Suppression(rule=place, **values)
    _check_range(rule)
    return rule


def _check_range(rule: Suppression) -> None:
    """Check a range against the ecosystem, where the rule's package URLs say which one it is."""
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


def _at_fault(message: str, members: Mapping[str, yaml.Node], node: yaml.Node) -> _FaultError:
    """Return the fault at the key that a message of the model begins with; the model has other names for some."""
    names = {field: key for key, (field, _) in _KEYS.items()}
    word, colon, rest = message.partition(":")
    key = names.get(word, word)
    return _FaultError(members.get(key, node), one_line(f"{key}{colon}{rest}"))


def _text(node: yaml.Node, key: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag != _TEXT_TAG:
        hint = f" in quotes: '{node.value}'" if isinstance(node, yaml.ScalarNode) and 0 < len(node.value) < 40 else ""  # noqa: PLR2004
        raise _FaultError(node, one_line(f"{key}: expected a text{hint}"))
    if not node.value.strip():
        raise _FaultError(node, f"{key}: it is empty")
    return " ".join(str(node.value).split())


def _texts(node: yaml.Node, key: str) -> tuple[str, ...]:
    if node.tag != _LIST_TAG or not isinstance(node, yaml.SequenceNode):
        return (_text(node, key),)
    if not node.value:
        raise _FaultError(node, f"{key}: it is empty")
    return tuple(_text(one, key) for one in node.value)


def _until(node: yaml.Node, key: str) -> date:
    if isinstance(node, yaml.ScalarNode) and node.tag in _DAY_TAGS and _DAY.fullmatch(node.value):
        try:
            return date.fromisoformat(node.value)
        except ValueError:
            pass
    raise _FaultError(node, f"{key}: expected a date such as 2030-12-31")


_KEYS: Mapping[str, tuple[str, Callable[[yaml.Node, str], Any]]] = {
    "id": ("ids", _texts),
    "package": ("package", _text),
    "purl": ("purls", _texts),
    "image": ("image", _text),
    "scanner": ("scanner", _text),
    "versions": ("versions", _text),
    "reason": ("reason", _text),
    "until": ("until", _until),
    "by": ("by", _text),
}
"""The keys of a rule: what they are called in the model, and how they are read."""
