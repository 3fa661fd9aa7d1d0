"""The allow lists of the clients of Clair: Klar, clair-scanner, claircli.

Source: Klar's ``main.go`` and ``docker/docker.go``, clair-scanner's ``scanner.go``, claircli's ``report.py``. All
compare an id as Clair writes it; so the rules are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .imported import RuleCollector
from .yaml_rules import Located

KLAR = "an allow list of Klar"
CLAIR_SCANNER = "an allow list of clair-scanner"
CLAIRCLI = "a white list of claircli"

_NOT_IN_A_NAME = ":@*?"


def read_klar(document: Mapping[str, Located], collector: RuleCollector) -> None:
    """Collect the ids for every image, and those for images by the name of their repository, in any registry."""
    _read(document, collector, "general", _listed, _klar_image)


def read_clair_scanner(document: Mapping[str, Located], collector: RuleCollector) -> None:
    """Collect the ids for every image, and those for images by their name on the command line, without the tag."""
    _read(document, collector, "generalwhitelist", _mapped, _scanner_image)


def _read(
    document: Mapping[str, Located],
    collector: RuleCollector,
    for_all: str,
    ids_of: Callable[[object], Iterator[tuple[int, str, str]]],
    pattern_of: Callable[[str], tuple[str, str]],
) -> None:
    for key, (line, value) in document.items():
        if key == for_all:
            _add_ids(ids_of(value), collector)
        elif key == "images" and isinstance(value, dict):
            for name, (at, ids) in value.items():
                image, why = pattern_of(name)
                _add_ids(ids_of(ids), collector, image, f"{collector.name}:{at}", name, why)
        else:
            collector.leave_out(f"{collector.name}:{line}", key, "not known")


def _klar_image(name: str) -> tuple[str, str]:
    """Return the pattern of an image, or why there is none.

    Klar calls a repository what its registry calls it: the official images of Docker Hub are ``library/alpine``.
    """
    if any(character in name for character in _NOT_IN_A_NAME):
        return "", "Klar compares names without host and tag, so that it has never applied"
    if "/" not in name:
        hub = f"library/{name}"
        return "", f"to Klar Docker Hub's image is {hub}: write a rule with {hub} or REGISTRY/{name} as its image"
    return f"*/{name}", ""


def _scanner_image(name: str) -> tuple[str, str]:
    if any(character in name for character in _NOT_IN_A_NAME):
        return "", "clair-scanner compares what is before the first colon, so that it has never applied"
    is_host = "/" not in name and ("." in name or name == "localhost")
    return ("", "clair-scanner means every image of a host with a port") if is_host else (name, "")


def read_claircli(document: Mapping[str, Located], collector: RuleCollector) -> None:
    """Collect the ids for every distribution, each with its package; there is no rule for one distribution."""
    for key, (line, value) in document.items():
        place = f"{collector.name}:{line}"
        if key != "common":
            collector.leave_out(place, key, "a rule can't name a distribution without a package URL")
            continue
        for at, name, package in _mapped(value):
            here = f"{collector.name}:{at}"
            if not package or any(character in package for character in "*?"):
                collector.leave_out(here, name, "its package is not a name")
            elif name.startswith("CVE-"):
                collector.add(here, ids=(name,), package=package, exact=True)
            else:
                collector.leave_out(here, name, "claircli writes - for the : of an id: which id it is can't be known")


def _add_ids(
    entries: Iterator[tuple[int, str, str]],
    collector: RuleCollector,
    image: str = "",
    place: str = "",
    name: str = "",
    why: str = "",
) -> None:
    """Collect the ids of one list, which is about an image where one is named."""
    if why:
        collector.leave_out(place, name, why)
        return
    for line, vulnerability, note in entries:
        here = f"{collector.name}:{line}"
        if vulnerability:
            collector.add(here, note, ids=(vulnerability,), image=image, exact=True)
        else:
            collector.leave_out(here, "", "expected an id")


def _listed(value: object) -> Iterator[tuple[int, str, str]]:
    """Yield line, string and nothing for each part of a list."""
    for line, part in value if isinstance(value, list) else ():
        yield line, part if isinstance(part, str) else "", ""


def _mapped(value: object) -> Iterator[tuple[int, str, str]]:
    """Yield line, key and value of a mapping."""
    for key, (line, part) in value.items() if isinstance(value, dict) else ():
        yield line, key, part if isinstance(part, str) else ""
