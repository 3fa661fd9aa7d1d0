"""The house: who imports whom and through which door, how large the rooms are, one meaning for each name."""

from __future__ import annotations

import runpy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import portus_scanners

from .sources import ROOT, Import, Module, imports, lines, modules, public_classes

# Which distribution may import which, by the folder; `plugins` and `examples` stand for each one in them.
DISTRIBUTIONS = {
    "images": set(),
    "core": {"images"},
    "policy": {"core", "images"},
    "kit": {"core", "images"},
    "isolation": {"core", "images"},
    "cli": {"policy", "core", "images"},
    "server": {"cli", "policy", "core", "images"},  # the formats, and the rules of pages: one set with the static site
    "plugins": {"core"},
    "examples": {"core"},
}
# The rooms of the core, lowest first: which of them each one imports.
ROOMS = {
    "errors": "",
    "models": "",
    "scanner_settings": "",
    "scanner": "models scanner_settings",
    "plugins": "errors scanner",
    "settings": "errors plugins scanner_settings",
    "merge": "models",
    "serialize": "errors merge models",
    "backends": "errors models scanner scanner_settings",
    "engine": "errors merge models plugins scanner scanner_settings settings",
}
DOORS_OF_PLUGINS = {"portus_scanners", "portus_scanners.backends"}
BUDGETS = {"images": 7_900, "core": 8_500, "policy": 4_200, "kit": 6_000, "isolation": 1_100, "server": 3_400}
# Rooms of the service that have one of their own: what is kept, asked and shown; many processes; whom it tells, and
# other programs' ways to ask it.
ROOM_BUDGETS = {
    ("store", "requests", "intake", "pages", "api", "access", "views", "runner"): 9_000,
    ("fleet", "worker"): 1_500,
    ("news", "harbor", "admission", "portus_api", "sign_on"): 4_000,
}
MOST_LINES = 400
MOST_NAMES = 70
SMALL = 60
# The words of somebody else's JSON: two backends may both have a `Vulnerability`.
WIRE_MODELS = ("*/wire.py", "plugins/osv/src/*/sbom.py", "plugins/report_file/src/*/forms/*.py")


def family(module: Module) -> str:
    """Return the row of DISTRIBUTIONS that a module's distribution has."""
    return module.folder.partition("/")[0]


def by_distribution() -> dict[str, list[Module]]:
    """Return the modules of each distribution by its folder."""
    found = defaultdict(list)
    for module in modules().values():
        found[module.folder].append(module)
    return found


def test_imports_between_distributions_point_one_way() -> None:
    """A distribution imports those below it: no plugin another one, the core no plugin, nobody the command."""
    crossing = {(family(one.source), family(modules()[one.target])) for one in imports() if crosses(one)}
    assert set() == {f"{source} -> {target}" for source, target in crossing if target not in DISTRIBUTIONS[source]}


def crosses(one: Import) -> bool:
    """Return whether an import leaves its distribution."""
    return one.source.folder != modules()[one.target].folder


def test_the_rooms_of_the_core() -> None:
    """Each room of the core imports the rooms that the table says, when it runs."""
    found: dict[str, set[str]] = {room(name): set() for name, one in modules().items() if family(one) == "core"}
    for one in imports():
        if family(one.source) == "core" and not crosses(one) and not one.typing_only:
            found[room(one.source.name)] |= {room(one.target)} - {room(one.source.name)}
    found.pop("")  # the face imports them all
    assert {name: set(below.split()) for name, below in ROOMS.items()} == found


def room(name: str) -> str:
    """Return what a module of a distribution stands in: a folder or a module at the top, or nothing: it is the face."""
    return "".join(name.split(".")[1:2])


def test_no_circle_among_folders() -> None:
    """What stands in one folder, modules and folders alike, has an order: nothing imports what imports it."""
    inside: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in imports():
        source, target = one.source.name.split("."), one.target.split(".")
        depth = shared(source, target)
        if depth < min(len(source), len(target)) and not crosses(one) and not one.typing_only:
            inside[".".join(source[:depth])][source[depth]].add(target[depth])
    assert set() == {f"{name}: {' '.join(ring)}" for name, graph in inside.items() for ring in circles(graph)}


def shared(one: list[str], other: list[str]) -> int:
    """Return how many parts two dotted names have in common at their beginning."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def circles(graph: Mapping[str, set[str]]) -> set[tuple[str, ...]]:
    """Return the nodes that reach each other, as sorted groups."""
    reached = {node: set(reachable(graph, node)) for node in graph}
    rings = {tuple(sorted(other for other in reached[node] if node in reached.get(other, ()))) for node in graph}
    return rings - {()}


def reachable(graph: Mapping[str, set[str]], start: str) -> Iterator[str]:
    """Yield what can be reached from a node; itself only by way of another one."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for node in graph.get(waiting.pop(), set()) - seen:
            seen.add(node)
            waiting.append(node)
            yield node


def test_outsiders_come_in_by_the_face() -> None:
    """A module imports a folder that it is not in, never what lies inside; and never the face of a folder it is in."""
    assert set() == {f"{one.source.name} -> {one.target}" for one in imports() if not by_the_face(one)}


def by_the_face(one: Import) -> bool:
    """Return whether an import goes to a neighbour, or to a distribution's face or that of one of its folders."""
    target = one.target.split(".")
    if crosses(one):
        return len(target) <= 2 and modules()[one.target].is_package
    depth = shared(one.source.package.split("."), target)
    return len(target) - depth == 1 or one.source.name == one.target


def test_plugins_import_public_names_alone() -> None:
    """A plugin and an example know the core by two doors, and nothing else of ours."""
    foreign = [one for one in imports() if family(one.source) in {"plugins", "examples"} and crosses(one)]
    assert set() == {f"{one.source.name} -> {one.target}" for one in foreign if one.target not in DOORS_OF_PLUGINS}


def test_budgets() -> None:
    """No distribution, and no rooms with a budget, have more lines than they may, nor the core's face more names."""
    total = {folder: sum(map(lines, inside)) for folder, inside in by_distribution().items()}
    rooms = {
        names: sum(lines(one) for one in by_distribution()["server"] if room(one.name) in names)
        for names in ROOM_BUDGETS
    }
    total["server"] -= sum(rooms.values())
    assert set() == {folder for folder, most in BUDGETS.items() if total[folder] > most}
    assert set() == {names for names, most in ROOM_BUDGETS.items() if rooms[names] > most}
    assert len(portus_scanners.__all__) <= MOST_NAMES


def test_modules_are_neither_long_nor_many_and_short() -> None:
    """No module has more than 400 lines; of a distribution's, at most a fifth have 60 or less, faces not counted."""
    assert [] == [module.name for module in modules().values() if lines(module) > MOST_LINES]
    too_fine = set()
    for folder, inside in by_distribution().items():
        files = [module for module in inside if not module.is_package]
        if 5 * sum(lines(module) <= SMALL for module in files) > len(files):
            too_fine.add(folder)
    assert set() == too_fine


def test_a_class_name_has_one_meaning() -> None:
    """No two modules of any distributions define a class of one name, what a backend's JSON names aside."""
    ours = [one for one in modules().values() if not any(one.path.match(pattern) for pattern in WIRE_MODELS)]
    homes = [(name, module.name) for module in ours for name in public_classes(module)]
    assert set() == twice(homes)


def test_a_file_name_has_one_meaning() -> None:
    """No two modules of a distribution have one file name."""
    files = [module for module in modules().values() if not module.is_package]
    assert set() == twice((f"{module.folder} {module.path.name}", module.name) for module in files)


def test_what_mutants_are_made_of_is_there() -> None:
    """``scripts/mutants`` names modules and tests, which may have moved."""
    areas = runpy.run_path(str(ROOT / "tools" / "mutants.py"))["AREAS"].values()
    paths = [Path(one.source, one.package, module) for one in areas for module in one.modules]
    assert [] == [one for one in [*paths, *(name for one in areas for name in one.tests)] if not (ROOT / one).exists()]


def twice(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """Return the names that have two homes or more."""
    homes = defaultdict(set)
    for name, home in pairs:
        homes[name].add(home)
    return {name for name, found in homes.items() if len(found) > 1}
