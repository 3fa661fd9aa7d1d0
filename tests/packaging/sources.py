"""The sources of every distribution as the tests of the structure see them: modules, imports, classes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
FOLDERS = ("images", "core", "policy", "kit", "isolation", "cli", "server", "plugins/*", "examples/*")


@frozen
class Module:
    """One module, with its stub where it has one."""

    folder: str
    """The distribution's folder: ``core``, ``plugins/clair``."""
    name: str
    """The dotted name: ``portus_scanners.engine.run``; a package's is that of its folder."""
    path: Path
    is_package: bool

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def trees(self) -> tuple[ast.Module, ...]:
        """Return the parsed source, then the parsed stub: its imports are what a lazy package loads."""
        return tuple(parsed(path) for path in (self.path, self.path.with_suffix(".pyi")) if path.exists())


@frozen
class Import:
    """One module importing another."""

    source: Module
    target: str
    """The dotted name of a module of ours."""
    typing_only: bool
    """Whether it stands under ``if TYPE_CHECKING``."""


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text())


@cache
def modules() -> dict[str, Module]:
    """Return every module of every distribution by its dotted name."""
    found = {}
    for root in sorted(root for pattern in FOLDERS for root in ROOT.glob(f"{pattern}/src")):
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            found[name] = Module(root.parent.relative_to(ROOT).as_posix(), name, path, is_package)
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Return every import of a module of ours by one of ours, those inside functions among them."""
    return tuple(
        one for module in modules().values() for tree in module.trees() for one in _imports(module, tree, False)
    )


def _imports(module: Module, node: ast.AST, typing_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for target in _targets(module, node):
            yield Import(module, target, typing_only)
    elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        for each in node.body:
            yield from _imports(module, each, True)
        for each in node.orelse:
            yield from _imports(module, each, typing_only)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imports(module, child, typing_only)


def _targets(module: Module, node: ast.Import | ast.ImportFrom) -> set[str]:
    """Return the modules of ours that a statement names: of ``from a import b`` it is ``a.b`` if that is a module."""
    if isinstance(node, ast.Import):
        named = {alias.name for alias in node.names}
    else:
        above = module.package.split(".")[: -(node.level - 1) or None] if node.level else []
        home = ".".join([*above, *filter(None, [node.module])])
        names = [alias.name for alias in node.names if alias.name != "__version__"]  # a constant: no door
        named = {path if (path := f"{home}.{name}") in modules() else home for name in names}
    return {name for name in named if name in modules()}


def public_classes(module: Module) -> list[str]:
    """Return the names of a module's classes that have no underscore."""
    classes = [node for node in parsed(module.path).body if isinstance(node, ast.ClassDef)]
    return [one.name for one in classes if not one.name.startswith("_")]


def lines(module: Module) -> int:
    """Return how many lines a module has."""
    return module.path.read_text().count("\n")
