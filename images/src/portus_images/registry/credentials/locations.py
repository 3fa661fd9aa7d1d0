"""Where the files of Docker and podman are.

Sources: ``docker/cli``, ``cli/config/config.go``; ``containers/image``, ``docs/containers-auth.json.5.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen


@frozen
class Location:
    """A file that may be there."""

    path: Path
    by_path: bool
    """Its keys may name a repository, or the beginning of one: ``registry.example/team``."""


def find_locations(environ: Mapping[str, str]) -> Iterator[Location]:
    """Yield the files that may hold credentials, in the order in which they count: Docker's, then podman's."""
    home = environ.get("HOME")
    if folder := environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else ""):
        yield Location(Path(folder, "config.json"), by_path=False)
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Location(Path(named), by_path=True)
        return
    configuration = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    for folder in filter(None, (environ.get("XDG_RUNTIME_DIR"), configuration)):
        yield Location(Path(folder, "containers", "auth.json"), by_path=True)
