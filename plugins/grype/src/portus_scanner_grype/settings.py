"""The scanner's settings."""

from __future__ import annotations

import math
import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from attrs import Attribute, Factory, field, frozen
from attrs.validators import ge
from portus_scanners import ProgramScannerSettings

_LONGEST_DAYS = 36500
"""Days: any age. Go's durations end before three centuries."""


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _plain_url(_instance: object, attribute: Attribute[str], value: str) -> None:
    try:
        parts = urlsplit(value)
        usable = not value or (parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc)
    except ValueError:  # a bracket that is not closed
        usable = False
    if not usable:
        msg = f"{attribute.name} must be a URL such as https://mirror.example/databases, without credentials"
        raise ValueError(msg)


@frozen(kw_only=True)
class GrypeSettings(ProgramScannerSettings):
    """The settings of one Grype, besides those that every scanner has.

    None of them can hide anything: Grype reads no configuration of its own, so that no rule of one applies.
    """

    program: str = "grype"
    """A name that is looked up on ``PATH``, or a path."""
    concurrency: int = field(default=Factory(count_cores), validator=ge(1))
    """Images, and so processes, at once: a scan keeps one core busy. By default, the number of cores."""
    cache: str = "~/.cache/grype/db"
    """Folder of the database; ``~`` is the home folder. Other processes may use it too."""
    database_url: str = field(default="", validator=_plain_url)
    """Where databases are downloaded from, with the listing ``v6/latest.json``; if empty, Grype's own address."""
    skip_update: bool = False
    """Whether to use the database in `cache`, and never download one: Grype then contacts nobody."""
    max_database_age: float = field(default=5.0, validator=ge(0))
    """Days; with an older database a scan fails, since newer vulnerabilities are not in it. 0: any age."""
    ca_file: str = ""
    """PEM file of the authorities to trust when a database is downloaded, instead of the system's."""

    @property
    def cache_folder(self) -> Path:
        """`cache` as an absolute path."""
        return Path(self.cache).expanduser().absolute()

    @property
    def oldest_database(self) -> timedelta:
        """How old a database may be."""
        return timedelta(days=min(self.max_database_age or math.inf, _LONGEST_DAYS))
