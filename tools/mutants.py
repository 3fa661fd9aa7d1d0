"""Changes our own code and looks whether a test notices: ``scripts/mutants [--sample 12] [--seed 1] [AREA...]``.

A mutant is one change of one expression: a comparison or a boolean operator is turned round, a number or a boolean is
another one. Each runs the tests of its area in a copy of the package, which precedes the installed one. This process,
which has imported others' packages and none of ours, is forked for each: more than half of the time goes on imports
otherwise. mutmut and cosmic-ray want one package with its tests beside it; this repository has several.
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp.test_utils  # noqa: F401 (what tests import: see above)
import aioresponses  # noqa: F401
import cattrs  # noqa: F401
import hypothesis.strategies  # noqa: F401
import pytest
import yaml  # noqa: F401
from attrs import frozen

Mutant = tuple[str, int, str, str]
"""Module, line, change, source."""
ROOT = Path(__file__).parents[1]
TIME = 300
"""Seconds that the tests may take with a mutant; a mutant that takes longer is noticed as well."""


@frozen
class Area:
    """Modules of one package, and the tests that have to notice their mutants."""

    source: str
    package: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


AREAS = {
    "judgement": Area("core/src", "portus_scanners", ("engine/run.py",), ("tests/core/engine",)),
    "engine": Area(
        "core/src",
        "portus_scanners",
        ("engine/isolation.py", "engine/boundary.py"),
        ("tests/core/engine", "tests/faults/test_hostile_scanners.py"),
    ),
    "merge": Area(
        "core/src",
        "portus_scanners",
        ("merge/image_report.py", "merge/names.py", "merge/packages.py"),
        ("tests/core/merge",),
    ),
    "gate": Area("policy/src", "portus_policy", ("gate.py",), ("tests/policy/gate",)),
    "naming": Area(
        "plugins/clair/src", "portus_scanner_clair", ("layers.py",), ("tests/plugins/clair/test_layers.py",)
    ),
    "json": Area("images/src", "portus_images", ("manifests/wire.py",), ("tests/images/manifests",)),
}
_COMPARISONS = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}


def changes(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Change a tree in each way, one after the other: while the caller looks, one change is there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
            old = node.ops[0]
            node.ops[0] = _COMPARISONS[type(old)]()
            yield node, f"{type(old).__name__} -> {type(node.ops[0]).__name__}"
            node.ops[0] = old
        elif isinstance(node, ast.BoolOp):
            kept = node.op
            node.op = ast.Or() if isinstance(kept, ast.And) else ast.And()
            yield node, f"{type(kept).__name__} -> {type(node.op).__name__}"
            node.op = kept
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS and not _is_text(node):
            operator = node.op
            node.op = _OPERATORS[type(operator)]()
            yield node, f"{type(operator).__name__} -> {type(node.op).__name__}"
            node.op = operator
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner, node.op = node.op, ast.UAdd()
            yield node, "not is left out"
            node.op = inner
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int):
            value = node.value
            node.value = (not value) if isinstance(value, bool) else value + 1
            yield node, f"{value} -> {node.value}"
            node.value = value


def _is_text(node: ast.BinOp) -> bool:
    """Return whether an operator joins types in an annotation or strings."""
    return any(
        isinstance(one, ast.Constant) and (one.value is None or isinstance(one.value, str))
        for one in (node.left, node.right)
    )


def mutants(path: Path) -> list[tuple[int, str, str]]:
    """Return line, change and source of each mutant of a module; annotations are left alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = {id(one) for node in ast.walk(tree) for part in _annotations(node) for one in ast.walk(part)}
    return [(node.lineno, change, ast.unparse(tree)) for node, change in changes(tree) if id(node) not in plain]


def _annotations(node: ast.AST) -> list[ast.AST]:
    parts = [getattr(node, "annotation", None), getattr(node, "returns", None)]
    return [one for one in parts if one is not None]


def notice(area: Area, module: str, source: str, folder: Path) -> bool:
    """Run the area's tests with a mutant, in a copy of this process, and return whether they fail."""
    target = folder / area.package / module
    kept = target.read_bytes()
    target.write_text(source, encoding="utf-8")
    try:
        return _fail(area, folder)
    finally:
        target.write_bytes(kept)


def _fail(area: Area, folder: Path) -> bool:
    tests = multiprocessing.get_context("fork").Process(target=_test, args=(area, folder))
    tests.start()
    tests.join(TIME)
    if tests.is_alive():
        tests.kill()
        tests.join()
    return tests.exitcode != 0


def _test(area: Area, folder: Path) -> None:
    sys.path.insert(0, str(folder))
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(silence, descriptor)
    os.environ["PYTHONPATH"] = str(folder)  # for the processes that tests start
    known = ["-p", "no:schemathesis", "-W", "ignore::pytest.PytestAssertRewriteWarning"]  # imported already
    sys.exit(pytest.main(["-q", "-x", "-p", "no:xdist", "--tb=no", *known, *area.tests]))


def _choose(found: list[Mutant], number: int, seed: int) -> list[Mutant]:
    return random.Random(seed).sample(found, min(number or len(found), len(found)))  # noqa: S311


def main() -> int:
    """Try mutants, and print those that no test noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*")
    parser.add_argument("--sample", type=int, default=12, help="how many of each area, 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.chdir(ROOT)
    os.environ["PORTUS_EXAMPLES"] = "20"
    complete = [_try(name, options.sample, options.seed) for name in options.areas or AREAS]
    return 0 if all(complete) else 1


def _try(name: str, sample: int, seed: int) -> bool:
    """Try mutants of one area, and print what became of them; return whether its tests pass without one."""
    area = AREAS[name]
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(ROOT / area.source / area.package, Path(scratch, area.package))
        found = [
            (module, *one) for module in area.modules for one in mutants(ROOT / area.source / area.package / module)
        ]
        chosen = _choose(found, sample, seed)
        sys.pycache_prefix, sys.dont_write_bytecode = f"{scratch}/compiled", False
        if _fail(area, Path(scratch)):
            sys.stdout.write(f"mutants: {name}: the tests fail without a mutant\n")
            return False
        sys.dont_write_bytecode = True  # all else is compiled; two mutants of one second would be taken for each other
        tried, noticed = 0, 0
        with suppress(KeyboardInterrupt):  # whoever has no more time is told how far it came
            for module, line, change, source in chosen:
                fails = notice(area, module, source, Path(scratch))
                tried, noticed = tried + 1, noticed + fails
                if not fails:
                    sys.stdout.write(f"  survived: {module}:{line}: {change}\n")
                    sys.stdout.flush()
    sys.stdout.write(f"mutants: {name}: {noticed} of {tried} noticed, of {len(found)} in all\n")
    sys.stdout.flush()
    return True


if __name__ == "__main__":
    sys.exit(main())
