"""What the scanner can be told."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from attrs import Attribute, Factory, field, frozen
from attrs.validators import ge
from portus_scanners import ProgramScannerSettings, Secret

ALLOWED_ARGUMENTS = frozenset(
    {
        "--cache-backend",
        "--cache-ttl",
        "--detection-priority",
        "--file-patterns",
        "--java-db-repository",
        "--max-image-size",
        "--parallel",
        "--redis-ca",
        "--redis-tls",
        "--removed-pkgs",
        "--sbom-sources",
        "--token-header",
        "--vuln-severity-source",
    }
)
"""Options that can't hide a finding, and that this plugin does not set itself."""
_CREDENTIALS = re.compile(r"://[^/@]*@")


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _base_url(text: str) -> str:
    return text.strip().rstrip("/")


def _server_url(_instance: object, attribute: Attribute[str], value: str) -> None:
    try:
        parts = urlsplit(value)
        usable = not value or (parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0)
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        msg = f"{attribute.name} must be a URL such as http://trivy.example:4954"
        raise ValueError(msg)
    if "@" in parts.netloc or parts.query or parts.fragment:
        msg = f"{attribute.name} must be a plain URL, without credentials, ? and #; the token has a setting of its own"
        raise ValueError(msg)


def _listed_arguments(_instance: object, attribute: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    """Refuse what is not on the list; an option's value stands behind ``=``. No value is shown."""
    for argument in value:
        if argument.partition("=")[0] not in ALLOWED_ARGUMENTS:
            known = ", ".join(sorted(ALLOWED_ARGUMENTS))
            msg = (
                f"{attribute.name} has one that is not allowed; allowed are (with =VALUE where one is wanted): {known}"
            )
            raise ValueError(msg)
        if _CREDENTIALS.search(argument):
            msg = f"{attribute.name} has a URL with a name or password: everybody on the machine can read arguments"
            raise ValueError(msg)


@frozen(kw_only=True)
class TrivySettings(ProgramScannerSettings):
    """The settings of one Trivy, beside those that every scanner has."""

    program: str = "trivy"
    """A name that is looked up on ``PATH``, or a path."""
    server: str = field(default="", converter=_base_url, validator=_server_url)
    """Base URL of a Trivy server, which then has the vulnerability database; without one the program works alone."""
    token: Secret = field(factory=Secret)
    """What the server was started with as ``--token``."""
    concurrency: int = field(default=Factory(count_cores), validator=ge(1))
    """How many images, and so processes, at once: a scan keeps one core busy. The cores by default."""
    database_repository: str = ""
    """Where the vulnerability database is downloaded from; Trivy's own addresses where empty."""
    cache: str = field(default="~/.cache/trivy")
    """Folder of the database and of what is known of layers; ``~`` is the home. Others may use it at the same time."""
    skip_update: bool = False
    """Never download a database: the one in `cache` is used, however old."""
    offline: bool = False
    """Ask nobody but the registry and the server: implies `skip_update`, and looks up no Java packages."""
    max_database_age: float = field(default=30.0, validator=ge(0))
    """Days. With an older database a scan fails: it says nothing about what has become known since. 0: any age."""
    insecure: bool = False
    """Do not verify certificates, of registries and of the server."""
    ca_file: str = ""
    """PEM file of the authorities to trust, instead of the system's."""
    arguments: tuple[str, ...] = field(default=(), validator=_listed_arguments)
    """Further options of ``trivy image``; only listed ones."""

    @property
    def updates(self) -> bool:
        """Whether this side has a database that it keeps up to date."""
        return not (self.server or self.skip_update or self.offline)

    @property
    def cache_folder(self) -> Path:
        """`cache` as a path from the root."""
        return Path(self.cache).expanduser().absolute()
