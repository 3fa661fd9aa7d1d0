"""Writes a vulnerability database that Grype accepts: SQLite of schema 6, with the digest that Grype compares it with.

Source: anchore/grype, ``grype/db/v6/models.go``, ``blobs.go``, ``import_metadata.go``; xxHash's specification, XXH64.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import field, frozen

SCHEMA = (6, 1, 10)
_TABLES = {
    "blobs": "id, value",
    "db_metadata": "build_timestamp, model, revision, addition",
    "providers": "id, version, processor, date_captured, input_digest",
    "vulnerability_handles": "id, name, status, published_date, modified_date, withdrawn_date, provider_id, blob_id",
    "vulnerability_aliases": "name, alias",
    "operating_systems": "id, name, release_id, major_version, minor_version, label_version, codename, channel, "
    "eol_date, eoas_date",
    "operating_system_specifier_overrides": "alias, version, version_pattern, codename, channel, replacement, "
    "replacement_major_version, replacement_minor_version, replacement_label_version, replacement_channel, rolling, "
    "applicable_client_db_schemas",
    "packages": "id, ecosystem, name",
    "package_specifier_overrides": "ecosystem, replacement_ecosystem",
    "affected_package_handles": "id, vulnerability_id, operating_system_id, package_id, blob_id",
    "unaffected_package_handles": "id, vulnerability_id, operating_system_id, package_id, blob_id",
    "cpes": "id, part, vendor, product, edition, language, software_edition, target_hardware, target_software, other",
    "package_cpes": "cpe_id, package_id",
    "affected_cpe_handles": "id, vulnerability_id, cpe_id, blob_id",
    "unaffected_cpe_handles": "id, vulnerability_id, cpe_id, blob_id",
    "known_exploited_vulnerability_handles": "id, cve, blob_id",
    "epss_metadata": "date",
    "epss_handles": "id, cve, epss, percentile",
    "cwe_handles": "id, cve, cwe, source, type",
    "architecture_aliases": "alias, canonical",
    "ssvc_handles": "id, cve, source, role, version, timestamp, exploitation, automatable, technical_impact",
}
_TYPES = {"value": "text", "id": "integer primary key", "epss": "real", "percentile": "real", "rolling": "numeric"}
_TYPES |= dict.fromkeys(("build_timestamp", "date_captured", "eol_date", "eoas_date", "date", "timestamp"), "datetime")
_TYPES |= dict.fromkeys(("published_date", "modified_date", "withdrawn_date"), "datetime")
_TYPES |= dict.fromkeys(("model", "revision", "addition"), "integer")
_ALIASES = {"centos": "rhel", "redhat": "rhel", "rockylinux": "rhel", "almalinux": "rhel", "amazonlinux": "amazon"}


@frozen
class System:
    """A release of a distribution that the database knows.

    Attributes:
        name: Grype's name: ``debian``.
        release: ``12``, ``3.19``.
        codename: ``bookworm``; what an image says in its ``os-release`` has to agree with it.
        ended: When its support has ended.
    """

    name: str = "debian"
    release: str = "12"
    codename: str = ""
    ended: datetime | None = None


@frozen(kw_only=True)
class Advisory:
    """A vulnerability in one package.

    Attributes:
        id: Its name.
        package: The package; of a distribution, the source package.
        system: The distribution; None for a package of a language.
        ecosystem: Grype's type of the package: ``deb``, ``npm``.
        affected: The versions, as Grype's constraints say it: ``< 5.2-2``.
        fixed: The version that fixes it.
        state: ``fixed``, ``not-fixed``, ``wont-fix``, or empty.
        severity: The word.
        provider: Who says so; its data is listed in the reports.
        aliases: Other names.
        vectors: CVSS vectors, by their source.
        decorated: Whether the CVE is in the lists of EPSS, CISA (known to be exploited) and CWE.
    """

    id: str
    package: str
    system: System | None = field(factory=System)
    ecosystem: str = "deb"
    affected: str = ""
    fixed: str = ""
    state: str = "not-fixed"
    severity: str = "high"
    provider: str = "debian"
    aliases: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    vectors: Mapping[str, str] = field(factory=dict)
    decorated: bool = False

    @property
    def blob(self) -> dict[str, Any]:
        """The vulnerability, as the database keeps it."""
        words = [{"scheme": "CHMLN", "value": self.severity, "rank": 1}] if self.severity else []
        vectors = [
            {"scheme": "CVSS", "value": {"vector": vector, "version": "3.1"}, "source": source, "rank": 2}
            for source, vector in self.vectors.items()
        ]
        return {
            "id": self.id,
            "description": f"Made up: {self.id}.",
            "refs": [{"url": url} for url in self.references],
            "aliases": list(self.aliases),
            "severities": words + vectors,
        }

    @property
    def range(self) -> dict[str, Any]:
        """What versions of the package it affects, as the database keeps it."""
        kind = {"deb": "dpkg", "npm": "semver", "python": "python", "go-module": "go", "java-archive": "maven"}
        detail = {"available": {"date": "2026-01-02", "kind": "advisory"}}
        fix = {"version": self.fixed, "state": self.state, **({"detail": detail} if self.fixed else {})}
        constraint = self.affected or (f"< {self.fixed}" if self.fixed else "")
        version = {"type": kind.get(self.ecosystem, self.ecosystem), "constraint": constraint}
        return {"cves": [self.id], "ranges": [{"version": version, "fix": fix}]}


def write_database(
    cache: Path,
    advisories: Iterable[Advisory],
    *,
    systems: Iterable[System] = (),
    providers: Iterable[str] = (),
    built: datetime | None = None,
) -> None:
    """Write a database into the folder that ``GRYPE_DB_CACHE_DIR`` names.

    Args:
        cache: The folder.
        advisories: The vulnerabilities.
        systems: Further distributions, of which there is nothing in the database.
        providers: Further providers, of which there is nothing.
        built: When it was built; now if left out.
    """
    folder = cache / str(SCHEMA[0])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "vulnerability.db"
    path.unlink(missing_ok=True)
    advisories = tuple(advisories)
    with closing(sqlite3.connect(path)) as database, database:
        _Writer(database, built or datetime.now(UTC)).write(advisories, systems, providers)
    metadata = {"digest": f"xxh64:{xxh64(path.read_bytes()):016x}", "source": "tests", "client_version": _version()}
    (folder / "import.json").write_text(json.dumps(metadata))


def _version() -> str:
    return f"v{'.'.join(map(str, SCHEMA))}"


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S+00:00") if moment else None


class _Writer:
    def __init__(self, database: sqlite3.Connection, built: datetime) -> None:
        self._database = database
        self._built = built
        self._ids: dict[object, int] = {}
        for name, columns in _TABLES.items():
            typed = ", ".join(f"{column} {_TYPES.get(column, 'text')}" for column in columns.split(", "))
            key = typed if name != "providers" else typed.replace("integer primary key", "text primary key")
            database.execute(f"CREATE TABLE {name} ({key})")

    def write(self, advisories: Sequence[Advisory], systems: Iterable[System], providers: Iterable[str]) -> None:
        """Fill all tables."""
        self._insert(
            "db_metadata", build_timestamp=_moment(self._built), model=SCHEMA[0], revision=SCHEMA[1], addition=SCHEMA[2]
        )
        self._insert("epss_metadata", date=_moment(self._built))
        for name in dict.fromkeys([*(one.provider for one in advisories), *providers]):
            self._insert(
                "providers",
                id=name,
                version="1",
                processor="tests",
                date_captured=_moment(self._built),
                input_digest="xxh64:1",
            )
        for alias, name in _ALIASES.items():
            self._insert(
                "operating_system_specifier_overrides",
                alias=alias,
                version="",
                version_pattern="",
                codename="",
                channel="",
                replacement=name,
                rolling=0,
            )
        for language, kind in (("javascript", "npm"), ("go", "go-module"), ("java", "java-archive")):
            self._insert("package_specifier_overrides", ecosystem=language, replacement_ecosystem=kind)
        for system in systems:
            self._system(system)
        for one in advisories:
            self._advisory(one)

    def _insert(self, table: str, **values: object) -> int:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        row = self._database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
        return row.lastrowid or 0

    def _blob(self, value: object) -> int:
        return self._insert("blobs", value=json.dumps(value))

    def _system(self, one: System) -> int:
        if one not in self._ids:
            major, _, minor = one.release.partition(".")
            names = {
                "name": one.name,
                "release_id": one.name,
                "codename": one.codename,
                "label_version": "",
                "channel": "",
            }
            numbers = {
                "major_version": major,
                "minor_version": minor.lstrip("0") or minor[:1],
                "eol_date": _moment(one.ended),
            }
            self._ids[one] = self._insert("operating_systems", **names, **numbers)
        return self._ids[one]

    def _package(self, ecosystem: str, name: str) -> int:
        key = ecosystem, name
        if key not in self._ids:
            self._ids[key] = self._insert("packages", ecosystem=ecosystem, name=name)
        return self._ids[key]

    def _advisory(self, one: Advisory) -> None:
        vulnerability = self._insert(
            "vulnerability_handles",
            name=one.id,
            status="active",
            published_date=_moment(datetime(2025, 1, 1, tzinfo=UTC)),
            modified_date=_moment(datetime(2025, 2, 1, tzinfo=UTC)),
            provider_id=one.provider,
            blob_id=self._blob(one.blob),
        )
        for alias in one.aliases:
            self._insert("vulnerability_aliases", name=one.id, alias=alias)
        self._insert(
            "affected_package_handles",
            vulnerability_id=vulnerability,
            operating_system_id=self._system(one.system) if one.system else None,
            package_id=self._package(one.ecosystem, one.package),
            blob_id=self._blob(one.range),
        )
        if one.decorated:
            self._decorate(one.id)

    def _decorate(self, cve: str) -> None:
        self._insert("epss_handles", cve=cve, epss=0.5, percentile=0.9)
        self._insert("cwe_handles", cve=cve, cwe="CWE-79", source="nvd@nist.gov", type="Primary")
        exploited = {"cve": cve, "date_added": "2026-01-03T00:00:00Z", "known_ransomware_campaign_use": "unknown"}
        self._insert("known_exploited_vulnerability_handles", cve=cve, blob_id=self._blob(exploited))


_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_ALL = (1 << 64) - 1
_STRIPE = 32


def xxh64(data: bytes) -> int:
    """Return the XXH64 digest of some bytes, with seed 0."""
    whole = len(data) - len(data) % _STRIPE
    total = _P5
    if whole:
        lanes = [(_P1 + _P2) & _ALL, _P2, 0, -_P1 & _ALL]
        for start in range(0, whole, _STRIPE):
            for number in range(4):
                lane = int.from_bytes(data[start + 8 * number : start + 8 * number + 8], "little")
                lanes[number] = _round(lanes[number], lane)
        total = sum(_turn(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _ALL
        for lane in lanes:
            total = ((total ^ _round(0, lane)) * _P1 + _P4) & _ALL
    return _avalanche(_tail((total + len(data)) & _ALL, data[whole:]))


def _round(total: int, lane: int) -> int:
    return _turn((total + lane * _P2) & _ALL, 31) * _P1 & _ALL


def _turn(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _ALL


def _tail(total: int, rest: bytes) -> int:
    while len(rest) >= 8:
        total = (_turn(total ^ _round(0, int.from_bytes(rest[:8], "little")), 27) * _P1 + _P4) & _ALL
        rest = rest[8:]
    if len(rest) >= 4:
        total = (_turn(total ^ int.from_bytes(rest[:4], "little") * _P1 & _ALL, 23) * _P2 + _P3) & _ALL
        rest = rest[4:]
    for byte in rest:
        total = _turn(total ^ byte * _P5 & _ALL, 11) * _P1 & _ALL
    return total


def _avalanche(total: int) -> int:
    total = (total ^ total >> 33) * _P2 & _ALL
    total = (total ^ total >> 29) * _P3 & _ALL
    return total ^ total >> 32
