"""What a new plugin is: its kind, its name, and the names that follow from it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

import portus_scanners
from attrs import frozen
from portus_images import one_line
from portus_scanners import Plugin

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 30
"""Characters: lines of the templates stay within 120."""


class Kind(Enum):
    """What a scanner's backend is; the value is its folder of templates and what ``--kind`` takes."""

    HTTP = "http"
    """A server that answers at once."""
    POLLING = "polling"
    """A server that works for a while and is asked again and again."""
    PROGRAM = "program"
    """A program that runs on the same machine."""


@frozen
class PluginNames:
    """What a plugin's parts are called.

    Args:
        name: That of the entry point, and the key in the configuration: ``acme_cloud``.
    """

    name: str

    @classmethod
    def check(cls, name: str, installed: Iterable[Plugin]) -> PluginNames:
        """Return the names for a plugin that does not exist yet.

        Args:
            name: As a user gave it.
            installed: The plugins that exist.

        Raises:
            ValueError: *name* can't be the name of a new plugin; the message says why, and what could be.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{one_line(name, 60)!r} can't be a plugin's name: {_advice(name)}")
        if len(name) > _LONGEST:
            raise ValueError(
                f"a plugin's name has {_LONGEST} characters at most, {one_line(name, 60)!r} has {len(name)}"
            )
        names = cls(name)
        if {f"{names.cls}Scanner", f"{names.cls}Settings"} & set(portus_scanners.__all__):
            raise ValueError(f"with {name!r} the plugin's classes would have names of the core's; take another name")
        for plugin in installed:
            if plugin.name == name or _normalized(plugin.distribution) == names.distribution:
                where = f"the plugin {plugin.name} of {plugin.distribution} is installed already"
                raise ValueError(f"{where}, and of two with one name neither would be loaded; take another name")
        return names

    @property
    def distribution(self) -> str:
        """What is installed with pip: ``portus-scanner-acme-cloud``."""
        return f"portus-scanner-{self.name.replace('_', '-')}"

    @property
    def package(self) -> str:
        """What is imported: ``portus_scanner_acme_cloud``."""
        return f"portus_scanner_{self.name}"

    @property
    def cls(self) -> str:
        """What the classes' names begin with: ``AcmeCloud``."""
        return "".join(part.capitalize() for part in self.name.split("_"))

    @property
    def title(self) -> str:
        """The name in a sentence: ``Acme cloud``."""
        return self.name.replace("_", " ").capitalize()


def _advice(name: str) -> str:
    """Say how a name is written; offer one where there is one near by."""
    rule = "it is lower case letters, digits and single underscores, and begins with a letter"
    near = re.sub(r"[^a-z0-9]+", "_", name.lower().removeprefix("portus-scanner-")).strip("_0123456789")[:_LONGEST]
    return f"{rule}; write {near!r}" if _NAME.fullmatch(near) else rule


def _normalized(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
