"""Reading YAML files: bounded, and without losing a key that comes twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from portus_images import SettingsError

LARGEST_FILE = 1024 * 1024


class _Loader(yaml.SafeLoader):
    """Rejects a key that comes twice: the first value would be silently lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if repeated := find_repeated_key(node):
            raise yaml.constructor.ConstructorError(None, None, "a key comes twice", repeated.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Return the top level of a YAML file, empty for an empty one.

    Raises:
        SettingsError: The file can't be read, is larger than 1 MiB, is not YAML, or not a mapping.
    """
    text = read_limited(path, f"the configuration {path}")
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"the configuration {path} is not YAML{yaml_fault(error)}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingsError(f"the configuration {path} is not a mapping with a key security:")
    return document


def read_limited(path: Path, what: str, largest: int = LARGEST_FILE) -> bytes:
    """Return the content of a file, which messages call *what*.

    Raises:
        SettingsError: The file can't be read, or has more than *largest* bytes.
    """
    try:
        with path.open("rb") as file:
            text = file.read(largest + 1)
    except OSError as error:
        raise SettingsError(f"{what} can't be read: {error.strerror}") from error
    except ValueError as error:  # a NUL in its name
        raise SettingsError(f"{what} can't be read: no file has such a name") from error
    check_size(text, what, largest)
    return text


def check_size(text: bytes, what: str, largest: int = LARGEST_FILE) -> None:
    """Raise a `SettingsError` for the content of a file that has more bytes than are read."""
    if len(text) > largest:
        raise SettingsError(f"{what} is larger than {largest} bytes")


def find_repeated_key(node: yaml.MappingNode) -> yaml.ScalarNode | None:
    """Return the first key of a mapping that it has had before: one of the two values would be silently lost."""
    seen = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value != "<<":
            if (key.tag, key.value) in seen:
                return key
            seen.add((key.tag, key.value))
    return None


def yaml_fault(error: Exception) -> str:
    """Return where and why a YAML file is not valid; never a part of it, which may be a secret."""
    mark = getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    return f"{place}: {getattr(error, 'problem', None) or 'it has something that YAML does not allow'}"
