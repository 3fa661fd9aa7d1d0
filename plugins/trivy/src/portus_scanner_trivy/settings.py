"""The scanner's settings."""

from __future__ import annotations

import os
import re
import secrets
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
    except ValueError:  # a port that is not a number
        usable = False
    if not usable:
        msg = f"{attribute.name} must be a URL such as http://trivy.example:4954"
        raise ValueError(msg)
    if "@" in parts.netloc or parts.query or parts.fragment:
        msg = f"{attribute.name} must be a plain URL, without credentials, ? and #; the token has a setting of its own"
        raise ValueError(msg)


def _listed_arguments(_instance: object, attribute: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    """Reject an option that is not on the list; its value follows ``=``. No value is shown."""
    for argument in value:
        if argument.partition("=")[0] not in ALLOWED_ARGUMENTS:
            known = ", ".join(sorted(ALLOWED_ARGUMENTS))
            msg = f"{attribute.name} has one that is not allowed; allowed are (with =VALUE if one is needed): {known}"
            raise ValueError(msg)
        if _CREDENTIALS.search(argument):
            msg = f"{attribute.name} has a URL with a name or password: every user of the machine can read arguments"
            raise ValueError(msg)


@frozen(kw_only=True)
class TrivySettings(ProgramScannerSettings):
    """The settings of one Trivy, besides those that every scanner has."""

    program: str = "trivy"
    """A name that is looked up on ``PATH``, or a path."""
    server: str = field(default="", converter=_base_url, validator=_server_url)
    """Base URL of a Trivy server, which then has the vulnerability database; without one the program works alone."""
    token: Secret = field(factory=Secret)
    """What the server was started with as ``--token``."""
    concurrency: int = field(default=Factory(count_cores), validator=ge(1))
    """Images, and so processes, at once: a scan keeps one core busy. By default, the number of cores."""
    database_repository: str = ""
    """Where the vulnerability database is downloaded from; if empty, from Trivy's own addresses."""
    cache: str = field(default="~/.cache/trivy")
    """Folder of the database and of known layers; ``~`` is the home folder. Other processes may use it too."""
    skip_update: bool = False
    """Whether to use the database in `cache`, however old, and never download one."""
    offline: bool = False
    """Whether to connect only to the server, if there is one: implies `skip_update`; no Java packages are looked up."""
    max_database_age: float = field(default=30.0, validator=ge(0))
    """Days; with an older database a scan fails, since newer vulnerabilities are not in it. 0: any age."""
    insecure: bool = False
    """Whether to skip the verification of certificates: of the server, and of where databases are downloaded from."""
    ca_file: str = ""
    """PEM file of the authorities to trust instead of the system's."""
    arguments: tuple[str, ...] = field(default=(), validator=_listed_arguments)
    """Further options of ``trivy image``; only listed ones."""

    @property
    def updates(self) -> bool:
        """Whether there is a database on this machine to keep up to date."""
        return not (self.server or self.skip_update or self.offline)

    @property
    def keeps_layers(self) -> bool:
        """Whether Trivy keeps what it has read of layers, for later scans."""
        return bool(self.server) or self._cache_backend != "memory"

    @property
    def shares_cache(self) -> bool:
        """Whether other machines may use the same cache: that of a server, or Redis."""
        return bool(self.server) or self._cache_backend not in {"fs", "memory"}

    @property
    def keep_nothing(self) -> tuple[str, ...]:
        """Options with which Trivy reads all layers anew."""
        # a server keeps everything; under this name nobody will look for it
        return (f"--skip-files={secrets.token_hex(16)}",) if self.server else ("--cache-backend=memory",)

    @property
    def _cache_backend(self) -> str:
        given = [
            value for name, _, value in (one.partition("=") for one in self.arguments) if name == "--cache-backend"
        ]
        return given[-1] if given else "fs"

    @property
    def cache_folder(self) -> Path:
        """`cache` as an absolute path."""
        return Path(self.cache).expanduser().absolute()
