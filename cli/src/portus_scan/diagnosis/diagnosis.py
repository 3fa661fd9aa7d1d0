"""The diagnosis: what was seen, as it goes into the JSON, and the page that shows it. Nothing here is a secret.

The page has a few sections, each of rows with a mark, a name and lines about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import asdict, evolve, frozen

from ..exits import ExitCode
from ..formats import count
from ..installed import how_to_install
from ..layout import Cell, Grid, Paragraph, lay_out
from ..terminal import safe

if TYPE_CHECKING:
    from ..reporter import Surface

_STYLES = {"ok": "green", "fault": "bold red", "off": "dim", "note": "yellow", "": ""}
_LONGEST_LINE = 2000
_MARK = 5
"""Columns of the longest mark."""


@frozen(kw_only=True)
class ConfigurationFacts:
    """The configuration that was read, and what is wrong with it."""

    file: str | None
    """As given with ``--config``; None where only the environment configures."""
    variables: tuple[str, ...] = ()
    """The names of the variables ``PORTUS_SECURITY_*`` that are set."""
    faults: tuple[str, ...] = ()


@frozen(kw_only=True)
class PluginListFacts:
    """The environment variables that leave plugins out."""

    only: str | None
    disable: str | None
    faults: tuple[str, ...] = ()
    """Names that no installed plugin has."""


@frozen(kw_only=True)
class PluginFacts:
    """One installed plugin, a scanner or a format."""

    name: str
    distribution: str
    version: str
    contract: int | None = None
    """The contract that its class states, known to this core or not; None where its code could not be loaded."""
    file: str | None = None
    loads: bool | None = None
    """None where it was left out, and not tried."""
    import_seconds: float | None = None
    problem: str | None = None
    fix: str | None = None


@frozen(kw_only=True)
class ScannerFacts:
    """One section of the configuration, or a plugin that has none."""

    name: str
    plugin: str
    enabled: bool | None
    """None where the configuration can't be read."""
    healthy: bool | None = None
    """None where it was not asked, or can't tell."""
    health_seconds: float | None = None
    message: str = ""
    faults: tuple[str, ...] = ()
    """What is wrong with its settings."""
    fix: str | None = None


@frozen(kw_only=True)
class RegistryFacts:
    """A registry of the configuration, or Docker Hub."""

    host: str
    insecure: bool
    ca_file: str | None
    credentials: str | None = None
    """Where the credentials come from; None where there are none."""
    problem: str | None = None
    fix: str | None = None


@frozen(kw_only=True)
class CredentialsFile:
    """A file in which credentials are looked up."""

    path: str
    exists: bool


@frozen(kw_only=True)
class Diagnosis:
    """Everything that a scan depends on."""

    versions: Mapping[str, str]
    configuration: ConfigurationFacts
    lists: PluginListFacts
    plugins: tuple[PluginFacts, ...]
    formats: tuple[PluginFacts, ...]
    scanners: tuple[ScannerFacts, ...]
    registries: tuple[RegistryFacts, ...]
    credentials_files: tuple[CredentialsFile, ...]
    proxies: Mapping[str, str]
    """The proxies by variable, without user names and passwords."""

    def judge(self) -> ExitCode:
        """Return the exit code of this diagnosis: `USAGE`, `NOTHING`, `PARTIAL` or `OK`."""
        if self.configuration.faults or any(one.faults for one in self.scanners):
            return ExitCode.USAGE
        enabled = [one for one in self.scanners if one.enabled]
        if all(one.healthy is False for one in enabled):
            return ExitCode.NOTHING
        broken = any(one.loads is False for one in (*self.plugins, *self.formats)) or any(
            one.problem for one in self.registries
        )
        return ExitCode.PARTIAL if broken or any(one.healthy is False for one in enabled) else ExitCode.OK

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {"schema_version": 1, "exit_code": int(self.judge()), **asdict(self)}


@frozen
class DoctorRow:
    """One thing, and what the page says of it."""

    mark: str
    """``ok``, ``fault``, ``off``, ``note``, or nothing."""
    name: str
    lines: tuple[str, ...]


def render_diagnosis(diagnosis: Diagnosis, surface: Surface) -> str:
    """Return the page, which fits its width in a pipe too; foreign strings in it are made safe."""
    sections = dict(_sections(diagnosis))
    blocks: list[Paragraph | Grid] = []
    for heading, rows in sections.items():
        blocks += [Paragraph(heading, "bold"), _grid(rows), Paragraph("")]
    blocks.append(Paragraph(_conclusion(row for rows in sections.values() for row in rows)))
    return "".join(f"{line}\n" for line in lay_out(blocks, evolve(surface, terminal=True)))


def _sections(diagnosis: Diagnosis) -> Iterator[tuple[str, list[DoctorRow]]]:
    yield "CONFIGURATION", [_configuration(diagnosis.configuration), *_lists(diagnosis.lists)]
    yield (
        "PLUGINS",
        [_plugin(one) for one in diagnosis.plugins] or [DoctorRow("fault", "none", (f"try: {how_to_install()}",))],
    )
    yield "FORMATS", _formats(diagnosis.formats)
    if diagnosis.scanners:
        yield "SCANNERS", [*map(_scanner, diagnosis.scanners), *_none_enabled(diagnosis.scanners)]
    yield "REGISTRIES", [*map(_registry, diagnosis.registries), *_credentials_files(diagnosis), *_proxies(diagnosis)]
    yield "VERSIONS", [DoctorRow("", name, (text,)) for name, text in diagnosis.versions.items()]


def _configuration(configuration: ConfigurationFacts) -> DoctorRow:
    name = "no file" if configuration.file is None else configuration.file
    variables = f"variables: {', '.join(configuration.variables) or 'none'}"
    return DoctorRow("fault" if configuration.faults else "ok", name, (*configuration.faults, variables))


def _lists(lists: PluginListFacts) -> Iterator[DoctorRow]:
    for variable, value in (("PORTUS_SCANNERS_ONLY", lists.only), ("PORTUS_SCANNERS_DISABLE", lists.disable)):
        if value is not None:
            faults = tuple(fault for fault in lists.faults if fault.startswith(f"{variable}:"))
            yield DoctorRow("note", variable, (value or "(empty)", *faults))


def _plugin(facts: PluginFacts) -> DoctorRow:
    mark = {True: "ok", False: "fault", None: "off"}[facts.loads]
    owner = f"{facts.distribution} {facts.version}"
    if facts.loads:
        owner += f", contract {facts.contract}, imported in {facts.import_seconds:.2f} s"
    return DoctorRow(mark, facts.name, _lines(owner, facts.file, facts.problem, _try(facts.fix)))


def _formats(formats: tuple[PluginFacts, ...]) -> list[DoctorRow]:
    """Return one row for the formats that load, and one for each that does not, with the reason."""
    usable = [one.name for one in formats if one.loads]
    first = DoctorRow("fault", "none", ("none loads",))
    if usable:
        first = DoctorRow("ok", f"{len(usable)} load", (", ".join(usable),))
    return [first, *(_plugin(one) for one in formats if not one.loads)]


def _scanner(facts: ScannerFacts) -> DoctorRow:
    fix = f"to enable it: {facts.fix}" if facts.fix and not facts.enabled else _try(facts.fix)
    return DoctorRow(_scanner_mark(facts), facts.name, _lines(_state(facts), *facts.faults, fix))


def _scanner_mark(facts: ScannerFacts) -> str:
    if not facts.enabled:
        return "off"
    return "fault" if facts.faults or facts.healthy is False else "ok"


def _state(facts: ScannerFacts) -> str:
    """Return whether a scanner is enabled and healthy, and what it said: ``healthy, 0.1 s: version 2.0.9``."""
    if not facts.enabled:
        state = "not enabled" if facts.enabled is False else "not known: the configuration can't be read"
    elif facts.faults:
        state = "its settings are wrong"
    else:
        state = {True: "healthy", False: "unhealthy", None: "can't tell whether it is healthy"}[facts.healthy]
    time = f", {facts.health_seconds:.1f} s" if facts.health_seconds is not None else ""
    plugin = f" (plugin {facts.plugin})" if facts.plugin != facts.name else ""
    return f"{state}{time}{plugin}" + (f": {facts.message}" if facts.message else "")


def _none_enabled(scanners: Iterable[ScannerFacts]) -> list[DoctorRow]:
    enabled = any(one.enabled is not False for one in scanners)
    return [] if enabled else [DoctorRow("fault", "none", ("no scanner is enabled",))]


def _registry(facts: RegistryFacts) -> DoctorRow:
    parts = [f"credentials from {facts.credentials}" if facts.credentials else "no credentials"]
    parts += [f"CA file: {facts.ca_file}"] if facts.ca_file else []
    parts += ["insecure: its certificate is not verified"] if facts.insecure else []
    lines = _lines("; ".join(parts), facts.problem, _try(facts.fix))
    return DoctorRow("fault" if facts.problem else "ok", facts.host, lines)


def _credentials_files(diagnosis: Diagnosis) -> Iterator[DoctorRow]:
    for file in diagnosis.credentials_files:
        yield DoctorRow("", "credentials file", (file.path if file.exists else f"{file.path} (there is none)",))


def _proxies(diagnosis: Diagnosis) -> Iterator[DoctorRow]:
    lines = tuple(f"{name}={value}" for name, value in diagnosis.proxies.items())
    if lines:
        yield DoctorRow("note", "proxies", (*lines, "registries are reached through them, backends without them"))


def _try(fix: str | None) -> str | None:
    return f"try: {fix}" if fix else None


def _lines(*lines: str | None) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


def _conclusion(rows: Iterable[DoctorRow]) -> str:
    faults = sum(row.mark == "fault" for row in rows)
    return f"{count(faults, 'fault')}." if faults else "No faults."


def _grid(rows: Iterable[DoctorRow]) -> Grid:
    """Return a line of a row's own for each of its lines; the mark and the name stand beside the first."""
    lines = []
    for row in rows:
        first, *others = [safe(line, _LONGEST_LINE) for line in row.lines] or [""]
        lines.append((Cell(row.mark.ljust(_MARK), _STYLES[row.mark]), Cell(safe(row.name, 200)), Cell(first)))
        lines += [(Cell(""), Cell(""), Cell(line)) for line in others]
    return Grid(lines, indent=0)
