"""Every error of this package, by what the caller should do about it.

::

    PortusError                   (of portus_images, whose own errors derive from it as well)
    |-- PluginError               a plugin can't be found or loaded: install or update it
    |-- InvalidDocumentError      not a report document of ours (also a ValueError)
    `-- ScannerError              what a scanner raises: the run has failed
        |-- UnsupportedImageError     the backend can't read such an image: not failed, and not clean
        |-- ScannerUnavailableError   the backend can't be reached or is out of order: tried again
        `-- InvalidReportError        the backend's answer is not valid

Foreign exceptions (aiohttp's, cattrs') never leave this package; they are the ``__cause__``. No message holds a
credential.
"""

from __future__ import annotations

from collections.abc import Iterable

from portus_images import PortusError


class PluginError(PortusError):
    """A plugin that can't be found, or whose code can't be used.

    Args:
        name: The name of the entry point.
        why: Why it can't be used.
        fix: What the user can do about it: a command where there is one; empty where the fix is not known.
        contract: The version of the contract that its class states, where it was imported and states a number.
        noun: What kind of plugin it is: ``scanner``, ``format``.

    Attributes:
        reason: *why* and *fix* in one sentence.
    """

    def __init__(
        self, name: str, why: str, fix: str = "", *, contract: int | None = None, noun: str = "scanner"
    ) -> None:
        self.name = name
        self.why = why
        self.fix = fix
        self.contract = contract
        self.reason = f"{why}; try: {fix}" if fix else why
        super().__init__(f"{noun} {name!r}: {self.reason}")


class InvalidDocumentError(PortusError, ValueError):
    """A string that is not a valid report document.

    Args:
        faults: ``$.path`` lines, one for each fault; of JSON Lines with ``line 7:`` before each.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults: tuple[str, ...] = tuple(faults)
        super().__init__("; ".join(self.faults))


class ScannerError(PortusError):
    """A scan that failed for another reason than those of the derived classes."""


class UnsupportedImageError(ScannerError):
    """The backend can't read an image of this kind. Says nothing about what is in the image."""


class ScannerUnavailableError(ScannerError):
    """The backend can't be reached, or says that it is out of order (5xx).

    Args:
        message: What happened.
        retry: Whether the engine may try the whole scan again, inside the deadline.
    """

    def __init__(self, message: str, *, retry: bool = True) -> None:
        self.retry = retry
        super().__init__(message)


class InvalidReportError(ScannerError):
    """The backend's answer is not what its contract says.

    Args:
        message: Which answer it was.
        faults: ``$.path`` lines that say what is wrong with it, one for each fault.
    """

    def __init__(self, message: str, *, faults: Iterable[str] = ()) -> None:
        self.faults: tuple[str, ...] = tuple(faults)
        super().__init__(": ".join((message, "; ".join(self.faults))) if self.faults else message)
