"""What the configuration says to the service: which registries it watches, what an answer is worth, when it looks.

Sections ``answers:``, ``events:``, ``schedule:`` and ``scans:``, and ``external_url:``, are the service's own;
``registries:`` is everybody's, and those with a ``name`` are watched. Secrets may stand in files or in environment
variables, and are masked.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import Attribute, field, frozen
from cronsim import CronSim, CronSimError
from portus_images import RegistrySettings, Seconds, Secret, SettingsError, variable_name
from portus_scanners import Settings
from portus_scanners.settings import SettingsFaults, did_you_mean, read_limited, structure_section

_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
_HOST = r"(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[0-9]{1,5})?"
_URL = r"(https?://[^/?#@\s\\]+(/[^?#\s\\]*)?)?"
_LARGEST_SECRET = 4096
_SHORTEST_TOKEN = 16
_MOST_SCANS = 64
_CRON_FIELDS = 5
_HOUR, _DAY = 3_600.0, 86_400.0
SectionT = TypeVar("SectionT")


def _at_least(seconds: float) -> Any:
    def check(_settings: object, attribute: Attribute[float], value: float) -> None:
        if value < seconds:
            raise ValueError(f"{attribute.name} must be {seconds:g} s or more")

    return check


def _check_zone(_settings: object, _attribute: object, value: str) -> None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("timezone is not one that this machine knows: write Europe/Berlin, or UTC") from None


def _check_times(_settings: object, _attribute: object, value: str) -> None:
    fault = ValueError("at must have five fields, as cron has them, that come true some time, such as 0 3 * * 1")
    if len(value.split()) != _CRON_FIELDS:  # a sixth would be seconds
        raise fault
    try:
        next(CronSim(value, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        raise fault from None


def _check_scans(_settings: object, _attribute: object, value: int | None) -> None:
    if value is not None and not 1 <= value <= _MOST_SCANS:
        raise ValueError(f"concurrency must be 1 to {_MOST_SCANS}")


def read_secret(place: str, name: str, itself: Secret, file: str, env: str, environ: Mapping[str, str]) -> Secret:
    """Return a secret that stands in the configuration, in a file, or in an environment variable.

    Args:
        place: The section that has it.
        name: The key there; those for a file and a variable are this with ``_file`` and ``_env``.
        itself: The secret, if it stands there.
        file: The file, if it is in one; a line break at its end does not count.
        env: The variable, if it is in one.
        environ: The environment variables.

    Raises:
        SettingsError: There is none, or more than one; it can't be read.
    """
    if sum(map(bool, (itself, file, env))) != 1:
        raise SettingsError(f"{place}: give one of {name}, {name}_file and {name}_env")
    if file:
        content = read_limited(Path(file), f"{place}.{name}_file", _LARGEST_SECRET)
        itself = Secret(content.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r"))
    if not (found := Secret(environ.get(env, "")) if env else itself):
        raise SettingsError(f"{place}: {f'the variable {env}' if env else file} is empty")
    return found


def is_same_secret(said: str, expected: str) -> bool:
    """Return whether two strings are the same, in a time that does not depend on how much of the first is right."""
    one, other = (sha256(text.encode("utf-8", "surrogateescape")).digest() for text in (said, expected))
    return hmac.compare_digest(one, other)


@frozen(kw_only=True)
class AnswerSettings:
    """How long what scanners said is good.

    Attributes:
        max_age: Seconds for which an answer counts in a verdict.
        freshness: Seconds after which a scanner is asked again whose data does not say when it changes.
        keep: Seconds for which is kept what no verdict needs any longer.
        untagged: Seconds for which an image is still scanned again that no tag names any longer.
    """

    max_age: Seconds = field(default=7 * _DAY, validator=_at_least(60.0))
    freshness: Seconds = field(default=_DAY, validator=_at_least(60.0))
    keep: Seconds = field(default=90 * _DAY, validator=_at_least(_DAY))
    untagged: Seconds = field(default=30 * _DAY, validator=_at_least(0.0))


@frozen(kw_only=True)
class TokenSettings:
    """A token that somebody else brings: itself, in a file, or in an environment variable."""

    token: Secret = field(factory=Secret)
    token_file: str = ""
    token_env: str = field(default="", validator=variable_name)

    def read(self, place: str, environ: Mapping[str, str]) -> Secret:
        """Return the token.

        Raises:
            SettingsError: There is none, or more than one; it can't be read; it is too short, or can't be a header.
        """
        found = read_secret(place, "token", self.token, self.token_file, self.token_env, environ).reveal()
        if not re.fullmatch(r"[\x21-\x7e]+", found) or len(found) < _SHORTEST_TOKEN:
            raise SettingsError(
                f"{place}: the token must have {_SHORTEST_TOKEN} or more visible ASCII characters: openssl rand -hex 32"
            )
        return Secret(found)


@frozen(kw_only=True)
class RescanTimes:
    """When images are scanned again whatever is known of them.

    Attributes:
        at: Five fields, as cron has them, in `ScheduleSettings.timezone`.
        repositories: Which: ``NAME/team/*`` with the registry's name; ``*`` stands for any characters.
    """

    at: str = field(validator=_check_times)
    repositories: str = "*"


@frozen(kw_only=True)
class ScheduleSettings:
    """When the service looks by itself.

    Attributes:
        timezone: Of the times below.
        sync: Seconds between two looks at what registries list.
        rescans: Times of scans.
    """

    timezone: str = field(default="UTC", validator=_check_zone)
    sync: Seconds = field(default=_HOUR, validator=_at_least(60.0))
    rescans: tuple[RescanTimes, ...] = ()


@frozen(kw_only=True)
class ScanSettings:
    """How much at once.

    Attributes:
        concurrency: How many images; None for four, or what the command line says.
    """

    concurrency: int | None = field(default=None, validator=_check_scans)


@frozen(kw_only=True)
class WatchedRegistry:
    """A registry that the service watches.

    Attributes:
        host: As the configuration has it: what is stored, and what is asked.
        name: The service's name for it, in addresses: ``main``.
        pull: The host that people pull from: what pages show.
        aliases: Further hosts by which people name it.
        token: What its events have to bring; empty where it sends none.
    """

    host: str
    name: str
    pull: str
    aliases: tuple[str, ...] = ()
    token: Secret = field(factory=Secret)


class Registries(Sequence[WatchedRegistry]):
    """The registries that the service watches, in the order of the configuration.

    Args:
        watched: Each; no host, name or alias stands for two of them.
    """

    def __init__(self, watched: Sequence[WatchedRegistry] = ()) -> None:
        self._watched = tuple(watched)
        self._by_host = {host.lower(): one for one in watched for host in (*one.aliases, one.pull, one.host)}
        self._by_name = {one.name: one for one in watched}

    def find(self, host: str) -> WatchedRegistry | None:
        """Return the registry that a host, an alias or a pull address means; None where it is not a watched one."""
        return self._by_host.get(host.lower())

    def named(self, name: str) -> WatchedRegistry | None:
        """Return the registry of this name; None where there is none."""
        return self._by_name.get(name)

    def __getitem__(self, index: Any) -> Any:
        return self._watched[index]

    def __len__(self) -> int:
        return len(self._watched)


@frozen(kw_only=True)
class ServerSettings:
    """Everything that the configuration says to the service.

    Attributes:
        scanning: What scanners and registries are told, as for the command.
        registries: Those that are watched.
        answers: How long answers are good.
        schedule: When the service looks by itself.
        scans: How much at once.
        external_url: How people reach the service, without a slash at its end; empty where it does not say.
    """

    scanning: Settings = field(factory=Settings)
    registries: Registries = field(factory=Registries)
    answers: AnswerSettings = field(factory=AnswerSettings)
    schedule: ScheduleSettings = field(factory=ScheduleSettings)
    scans: ScanSettings = field(factory=ScanSettings)
    external_url: str = ""


def read_server_settings(document: Mapping[str, Any], environ: Mapping[str, str]) -> ServerSettings:
    """Return what the top level of a configuration says of scans, registries and times.

    Args:
        document: The file's top level, the same that the command reads; empty for the environment alone.
        environ: Environment variables.

    Raises:
        SettingsError: One line for each fault.
    """
    scanning, faults = Settings.from_mapping(document, environ), SettingsFaults()
    answers = _read_section(document, "answers", AnswerSettings, faults)
    schedule = _read_section(document, "schedule", ScheduleSettings, faults)
    scans = _read_section(document, "scans", ScanSettings, faults)
    tokens = dict(_read_tokens(document, environ, faults))
    watched = [
        WatchedRegistry(
            host=host, name=one.name, pull=one.pull or host, aliases=one.aliases, token=tokens.pop(one.name, Secret())
        )
        for host, one in scanning.registries.items()
        if one.name
    ]
    faults.add(*_find_faults(scanning.registries))
    names = [one.name for one in watched]
    faults.add(*(f"events.{name}: no registry has this name{did_you_mean(name, names)}" for name in tokens))
    if not re.fullmatch(_URL, external_url := str(document.get("external_url") or "").rstrip("/")):
        faults.add("external_url: write how people reach the service, without ? and #: https://scan.example")
    faults.check()
    return ServerSettings(
        scanning=scanning,
        registries=Registries(watched),
        answers=answers,
        schedule=schedule,
        scans=scans,
        external_url=external_url,
    )


def values_of(document: Mapping[str, Any], key: str, example: str = "") -> dict[str, Any] | None:
    """Return the values of a section that are not null, by key; None where there is no section.

    Args:
        document: The top level of a configuration.
        key: The section's key.
        example: What one looks like, for the message; empty for none.

    Raises:
        SettingsError: It is not a mapping.
    """
    section = document.get(key)
    if section is None:
        return None
    if not isinstance(section, Mapping):
        raise SettingsError(f"{key}: expected a mapping{f' such as {example}' if example else ''}")
    return {str(name): value for name, value in section.items() if value is not None}


def _read_section(document: Mapping[str, Any], key: str, kind: type[SectionT], faults: SettingsFaults) -> SectionT:
    with faults.collect():
        return structure_section(values_of(document, key) or {}, kind, {}, key)
    return kind()


def _read_tokens(
    document: Mapping[str, Any], environ: Mapping[str, str], faults: SettingsFaults
) -> Iterator[tuple[str, Secret]]:
    section = document.get("events") or {}
    if not isinstance(section, Mapping):
        faults.add("events: expected a mapping of the names of registries, such as {main: {token_file: /run/token}}")
        return
    for name in section:
        place = f"events.{name}"
        with faults.collect():
            yield str(name), _read_section(section, name, TokenSettings, faults).read(place, environ)


def _find_faults(registries: Mapping[str, RegistrySettings]) -> Iterator[str]:
    """Yield what is wrong with the names of registries: one that is not valid, or that stands for two of them."""
    owners: dict[str, str] = {host: host for host in registries}
    names: dict[str, str] = {}
    for host, one in registries.items():
        place = f"registries.{host}"
        if not one.name:
            if one.pull or one.aliases:
                yield f"{place}: pull and aliases belong to a registry that the service watches: give it a name"
            continue
        if not re.fullmatch(_NAME, one.name):
            yield f"{place}.name: write a-z, 0-9, dots, dashes and underscores, 64 at most"
        if names.setdefault(one.name, host) != host:
            yield f"{place}.name: {names[one.name]} has it already"
        for other in {one.pull, *one.aliases} - {""}:
            if not re.fullmatch(_HOST, other.lower()):
                yield f"{place}: pull and aliases are hosts alone, as in an image's name: registry.example:5000"
            elif owners.setdefault(other.lower(), host) != host:
                yield f"{place}: {other} stands for {owners[other.lower()]} already"
