"""Every error of this package, by what the caller should do about it.

::

    PortusScannersError
    |-- SettingsError             the configuration is wrong: mend it (also a ValueError)
    |-- InvalidReferenceError     this is no image reference (also a ValueError)
    |-- PluginError               a plugin can't be found or loaded: install or update it
    |-- InvalidDocumentError      this is no report document of ours (also a ValueError)
    |-- CombineError              these reports are not about one image (also a ValueError)
    |-- RegistryError             the image could not be resolved
    |   |-- RegistryAuthError     the registry wants other credentials
    |   |-- ImageNotFoundError    the registry does not have it (also a LookupError)
    |   |-- InvalidManifestError  the registry's answer is no manifest, or not the one asked for
    |   |-- LocalImageError       a folder or an archive has no such image, or one that can't be trusted
    |   `-- RegistryUnavailableError  no answer in time, or a 5xx: try again later
    `-- ScannerError              what a scanner raises: the run has failed
        |-- UnsupportedImageError     the backend can't read such an image: not failed, and not clean
        |-- ScannerUnavailableError   the backend can't be reached or is out of order: tried again
        `-- InvalidReportError        the backend answered nonsense

Foreign exceptions (aiohttp's, cattrs') never leave this package; they are the ``__cause__``. No message holds a
credential.
"""

from __future__ import annotations

from collections.abc import Iterable


class PortusScannersError(Exception):
    """The base of every error that this package raises."""


class SettingsError(PortusScannersError, ValueError):
    """The configuration can't be used as it is.

    Args:
        faults: One line for each fault; each names the key and what to do.
    """

    def __init__(self, faults: str | Iterable[str]) -> None:
        lines = (faults,) if isinstance(faults, str) else tuple(faults)
        self.faults: tuple[str, ...] = tuple(" ".join(line.split()) for line in lines)  # keys may hold newlines
        super().__init__("; ".join(self.faults))


class InvalidReferenceError(PortusScannersError, ValueError):
    """A text that is no image reference.

    Args:
        text: The text as given.
        reason: What is wrong with it.
    """

    def __init__(self, text: str, reason: str) -> None:
        self.text = text
        self.reason = reason
        super().__init__(f"{text!r} is no image reference: {reason}")


class PluginError(PortusScannersError):
    """A plugin that can't be found, or whose code can't be used.

    Args:
        name: The name of the entry point.
        why: Why not.
        mend: What to do about it: a command where there is one; empty where nobody knows.
        contract: The version of the contract that its class states, where it was imported and states a number.
        noun: What it would be: ``scanner``, ``format``.

    Attributes:
        reason: Both in one sentence.
    """

    def __init__(
        self, name: str, why: str, mend: str = "", *, contract: int | None = None, noun: str = "scanner"
    ) -> None:
        self.name = name
        self.why = why
        self.mend = mend
        self.contract = contract
        self.reason = f"{why}; try: {mend}" if mend else why
        super().__init__(f"{noun} {name!r}: {self.reason}")


class InvalidDocumentError(PortusScannersError, ValueError):
    """A text that is no report document.

    Args:
        faults: ``$.path`` lines, one for each fault; of JSON Lines with ``line 7:`` before each.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults: tuple[str, ...] = tuple(faults)
        super().__init__("; ".join(self.faults))


class CombineError(PortusScannersError, ValueError):
    """Reports that can't be made one: there is none, or they are about different images."""


class RegistryError(PortusScannersError):
    """An image that could not be resolved, or a blob that can't be had.

    Args:
        message: What happened and what to do.
        registry: The registry's host, with its port where one was given; empty for a local image.
        step: Where it happened: ``connect``, ``token``, ``manifest``, ``blob``, ``referrers``, ``resolve``, ``local``;
            ``interrupted`` when it was stopped on request, ``timeout`` when the time for all was up before.
        status: The HTTP status, where there was one.
    """

    def __init__(self, message: str, *, registry: str, step: str, status: int | None = None) -> None:
        self.registry = registry
        self.step = step
        self.status = status
        super().__init__(message)


class RegistryAuthError(RegistryError):
    """The registry refuses the credentials, or wants some."""


class ImageNotFoundError(RegistryError, LookupError):
    """The registry has no such repository, tag, digest or platform."""


class InvalidManifestError(RegistryError):
    """The answer is no manifest that this package knows, or its digest is not the one asked for."""


class LocalImageError(RegistryError):
    """A folder or an archive that holds no such image, or one that can't be read or trusted; no registry is asked.

    Args:
        message: What is wrong with it, and what to do.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, registry="", step="local")


class RegistryUnavailableError(RegistryError):
    """The registry could not be reached, did not answer in time, or answered 5xx or 429."""


class ScannerError(PortusScannersError):
    """A scan that failed for a reason that is none of those below."""


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
