"""The configuration file as YAML gives it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..errors import SettingsError

_LARGEST_FILE = 1024 * 1024


class _Loader(yaml.SafeLoader):
    """Refuses a key that comes twice: the first one would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name is not None and name in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(None, None, "a key comes twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Return the top level of a YAML file, empty for an empty one.

    Raises:
        SettingsError: The file can't be read, is larger than 1 MiB, is not YAML, or not a mapping.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise SettingsError(f"the configuration {path} can't be read: {error.strerror}") from error
    if len(text) > _LARGEST_FILE:
        raise SettingsError(f"the configuration {path} is larger than {_LARGEST_FILE} bytes")
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"the configuration {path} is not YAML{_place(error)}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingsError(f"the configuration {path} is not a mapping with a key security:")
    return document


def _place(error: Exception) -> str:
    """Return where a YAML file is wrong and what is; never its text, which may hold a secret."""
    mark = getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    return f"{place}: {getattr(error, 'problem', None) or 'it has something that YAML does not allow'}"
