"""The whole configuration of the service or a worker: one file, read once, with all of its faults told at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from attrs import field, frozen
from portus_policy import Policy, load_policy
from portus_scanners.settings import SettingsFaults, read_yaml

from .access import AccessSettings, read_access
from .admission import AdmissionSettings, read_admission
from .harbor import HarborSeat, read_harbor
from .news import Notifications, read_notifications
from .settings import ServerSettings, read_server_settings
from .summaries import Rules


@frozen(kw_only=True)
class Configuration:
    """What the file says to each part.

    Attributes:
        settings: What is scanned, where, and when again.
        policy: The gate, suppressions, and whose severity counts.
        access: Who may see what.
        admission: How clusters ask; None where none does.
        notifications: Who is told what.
        harbor: Which Harbors ask for scans; None where none does.
    """

    settings: ServerSettings = field(factory=ServerSettings)
    policy: Policy = field(factory=Policy)
    access: AccessSettings = field(factory=AccessSettings)
    admission: AdmissionSettings | None = None
    notifications: Notifications = field(factory=Notifications)
    harbor: HarborSeat | None = None

    @classmethod
    def load(
        cls, path: str | Path | None, environ: Mapping[str, str] | None = None, *, is_worker: bool = False
    ) -> Self:
        """Read a configuration.

        Args:
            path: A YAML file, the same that the command reads; None for the environment alone.
            environ: Environment variables; the process's own where None.
            is_worker: Whether it is for a worker, which answers and tells nobody: it needs none of their secrets.

        Raises:
            SettingsError: One line for each fault.
        """
        environ = os.environ if environ is None else environ
        document = {} if path is None else read_yaml(Path(path))
        readers: dict[str, Callable[[], Any]] = {
            "settings": lambda: read_server_settings(document, environ),
            "policy": lambda: load_policy(path, document=document),
            "notifications": lambda: read_notifications(document, environ, with_secrets=not is_worker),
            "harbor": lambda: read_harbor(document, environ, with_secrets=not is_worker),
        }
        if not is_worker:
            readers["access"] = lambda: read_access(document)
            readers["admission"] = lambda: read_admission(document, environ)
        parts: dict[str, Any] = {}
        faults = SettingsFaults()
        for name, read in readers.items():
            with faults.collect():
                parts[name] = read()
        if {"settings", "policy"} <= parts.keys():
            with faults.collect():
                parts["policy"].check_scanners([one.name for one in parts["settings"].scanning.enabled])
        SettingsFaults(dict.fromkeys(faults.lines)).check()  # a key that is misspelt is found by two of them
        return cls(**parts)

    @property
    def rules(self) -> Rules:
        """What summaries are made under."""
        max_age = timedelta(seconds=self.settings.answers.max_age)
        return Rules.of(self.settings.scanning, self.policy, max_age)
