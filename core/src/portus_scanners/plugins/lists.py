"""Which plugins the environment leaves out: two lists of entry-point names, separated by commas.

They are for the operator who can't uninstall: an image with every plugin, a plugin whose import ends the program.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from attrs import frozen
from portus_images import one_line

ONLY = "PORTUS_SCANNERS_ONLY"
"""Nothing but these; set and empty, nothing at all."""
DISABLE = "PORTUS_SCANNERS_DISABLE"
"""Not these; looked at after `ONLY`."""


@frozen
class PluginLists:
    """The two lists of an environment."""

    only: tuple[str, ...] | None = None
    """None: the variable is not set."""
    disable: tuple[str, ...] = ()

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> PluginLists:
        """Read the two variables."""
        only = environ.get(ONLY)
        return cls(None if only is None else _names(only), _names(environ.get(DISABLE, "")))

    def left_out_by(self, name: str) -> str | None:
        """Return the variable that leaves a plugin out, or None."""
        if self.only is not None and name not in self.only:
            return ONLY
        return DISABLE if name in self.disable else None

    def unknown(self, installed: Collection[str]) -> Iterator[str]:
        """Yield a sentence for each name that no installed plugin has."""
        known = ", ".join(sorted(installed)) or "none"
        for variable, names in ((ONLY, self.only or ()), (DISABLE, self.disable)):
            for name in names:
                if name not in installed:
                    yield f"{variable}: no installed plugin is called {one_line(name)!r}; installed: {known}"


def how_to_let_in(name: str, variable: str) -> str:
    """Return what to do about a plugin that a variable leaves out."""
    if variable == ONLY:
        return f"add {name} to {ONLY}, or unset it"
    return f"take {name} out of {DISABLE}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
