"""Names of a package that are imported when they are first used, each said once: in the package's stub.

A package's ``__init__.py`` has one line, and ``__init__.pyi`` beside it the names, as type checkers and editors read
them anyway::

    __getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

    from .errors import PortusError as PortusError

Importing such a package costs the reading of its stub: 0.2 ms for 70 names.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_IMPORT = re.compile(r"^from (?P<home>[\w.]+) import (?:\((?P<many>[^)]*)\)|(?P<one>.*))$", re.MULTILINE)
_NAME = re.compile(r"(\w+) as \1\b")


def attach_stub(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return a package's ``__getattr__``, ``__dir__`` and sorted ``__all__``, as its stub says.

    Args:
        package: Its ``__name__``.
        file: Its ``__file__``; the stub has the same name with ``.pyi``.
    """
    with open(f"{file.rpartition('.')[0]}.pyi", encoding="utf-8") as stub:  # noqa: PTH123 (pathlib takes 3 ms)
        homes = _homes(stub.read())
    module = sys.modules[package]

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = import_module(homes[name], package)
        for other, its_home in homes.items():  # once a module, not once a name
            if its_home == homes[name]:
                setattr(module, other, getattr(home, other))
        return getattr(home, name)

    def names() -> list[str]:
        return [*vars(module), *homes]

    return get, names, sorted(homes)


def _homes(stub: str) -> dict[str, str]:
    """Return the module of each name that a stub imports under its own name."""
    return {
        name: match["home"] for match in _IMPORT.finditer(stub) for name in _NAME.findall(match["many"] or match["one"])
    }
