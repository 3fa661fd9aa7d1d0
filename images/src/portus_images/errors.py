"""Every error of this package, by what the caller should do about it.

::

    PortusError
    |-- SettingsError             the configuration is wrong: fix it (also a ValueError)
    |-- InvalidReferenceError     not a valid image reference (also a ValueError)
    |-- NotInRegistryError        no registry has it: a foreign layer, a local image
    `-- RegistryError             the image could not be resolved
        |-- RegistryAuthError     the registry wants other credentials
        |-- ImageNotFoundError    the registry does not have it (also a LookupError)
        |   `-- UnknownRepositoryError  it knows no repository of this name
        |-- InvalidManifestError  the registry's answer is not a manifest, or not the one asked for
        |-- LocalImageError       a folder or an archive has no such image, or one that can't be trusted
        `-- RegistryUnavailableError  no answer in time, or a 5xx: try again later

Foreign exceptions (aiohttp's, cattrs') never leave this package; they are the ``__cause__``. No message holds a
credential.
"""

from __future__ import annotations

from collections.abc import Iterable

from .text import hide_account


class PortusError(Exception):
    """The base of every error that this package, and those that stand on it, raise."""


class SettingsError(PortusError, ValueError):
    """The configuration can't be used as it is.

    Args:
        faults: One line for each fault; each names the key and what to do.
    """

    def __init__(self, faults: str | Iterable[str]) -> None:
        lines = (faults,) if isinstance(faults, str) else tuple(faults)
        self.faults: tuple[str, ...] = tuple(" ".join(line.split()) for line in lines)  # keys may hold newlines
        super().__init__("; ".join(self.faults))


class InvalidReferenceError(PortusError, ValueError):
    """A string that is not a valid image reference.

    Args:
        text: The string as given; an account in it (``user:password@``) is masked, and is then the *reason*.
        reason: What is wrong with it.
    """

    def __init__(self, text: str, reason: str) -> None:
        self.text = hide_account(text)
        if self.text != text:  # another reason would quote a part of it
            reason = "it has an account before the host; leave that out, and configure the registry's credentials"
        self.reason = reason
        super().__init__(f"{self.text!r} is not a valid image reference: {reason}")


class NotInRegistryError(PortusError):
    """No registry has what was asked for: a foreign layer, or a local image."""


class RegistryError(PortusError):
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


class UnknownRepositoryError(ImageNotFoundError):
    """The registry says that it knows no repository of this name (``NAME_UNKNOWN``).

    While it wants a log-in, and there was none, `Registry.tags` raises an `ImageNotFoundError`: it may only hide it.
    """


class InvalidManifestError(RegistryError):
    """The answer is not a manifest that this package knows, or its digest is not the one asked for."""


class LocalImageError(RegistryError):
    """A folder or an archive that holds no such image, or one that can't be read or trusted; no registry is asked.

    Args:
        message: What is wrong with it, and what to do.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, registry="", step="local")


class RegistryUnavailableError(RegistryError):
    """The registry could not be reached, did not answer in time, or answered 5xx or 429."""
