"""A list of repositories that the user gives, where the registry does not show its own."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..exits import CommandFault

LARGEST_LIST = 64 * 1024 * 1024
"""Bytes."""


def read_repositories(name: str) -> tuple[str, ...]:
    """Return the repositories that a file names, one a line, each once; ``-`` is stdin.

    Empty lines and what follows a ``#`` are passed over. A line may have a tag: ``team/app:1.0``.

    Raises:
        CommandFault: It can't be read, is no text, is larger than 64 MiB, or names nothing.
    """
    try:
        data = _read(name)
    except OSError as error:
        raise CommandFault(f"can't read {name!r}: {error.strerror}") from error
    if len(data) > LARGEST_LIST:
        raise CommandFault(f"{name!r} is larger than {LARGEST_LIST // 1024**2} MiB")
    try:
        found = tuple(dict.fromkeys(_names(data.decode().splitlines())))
    except UnicodeDecodeError as error:
        raise CommandFault(f"{name!r} is no UTF-8 text: write one repository a line") from error
    if not found:
        raise CommandFault(f"{name!r} names no repository: write one a line, such as team/app")
    return found


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(LARGEST_LIST + 1)
    with Path(name).open("rb") as file:
        return file.read(LARGEST_LIST + 1)


def _names(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if name := line.partition("#")[0].strip():
            yield name
