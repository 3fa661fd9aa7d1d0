"""Configuration: a Portus ``config.yml`` and ``PORTUS_SECURITY_*``.

Read in two steps. `load_settings` finds the sections and whether they are enabled; it imports no plugin. A section's
values become the plugin's settings class only when the engine has loaded it: `ScannerSection.structure`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .sections import ScannerSection, Settings

__all__ = ["ScannerSection", "Settings", "load_settings"]


def load_settings(path: str | Path | None = None, *, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the configuration.

    Args:
        path: A YAML file such as Portus' ``config.yml``; without one only the environment configures.
        environ: Environment variables; the process's own when left out.

    Raises:
        SettingsError: One line for each fault of the file and the environment.
    """
    document = {} if path is None else _read(path)
    return Settings.from_mapping(document, os.environ if environ is None else environ)


def _read(path: str | Path) -> Mapping[str, Any]:
    from .file import read_yaml  # PyYAML is not imported where there is no file

    return read_yaml(Path(path))
