"""What several sub-commands make of their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults import CommandFault, settings_faults

if TYPE_CHECKING:
    from portus_scanners import Platform, Settings

    from .policing import Policing


def read_settings(config: str | None, scanners: tuple[str, ...], policing: Policing) -> Settings:
    """Return the configuration, with only these scanners where some are named.

    The policies may ask for any enabled scanner, not only for those that are named.

    Raises:
        CommandFault: One line for each fault.
    """
    from portus_scanners import load_settings

    with settings_faults():
        settings = load_settings(config)
        policing.check_scanners(settings)
        return settings.select(scanners) if scanners else settings


def parse_platform(text: str | None) -> Platform | None:
    """Return a platform, None for none.

    Raises:
        CommandFault: The text is none.
    """
    from portus_scanners import Platform

    try:
        return None if text is None else Platform.parse(text)
    except ValueError as error:
        raise CommandFault(f"--platform: {error}") from error
