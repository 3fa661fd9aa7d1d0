"""Asking a registry, or a folder or an archive, for images: with a time limit, and stopped on request."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from portus_images import ImageReference, Reference, RegistryError, RegistryUnavailableError

ResultT = TypeVar("ResultT")


class Resolving:
    """One reference that is being resolved.

    Args:
        reference: Which, for messages.
        deadline: Loop time at which it has to be done; None for no limit.
        late: The step of the error when the time is up.
    """

    def __init__(self, reference: ImageReference, deadline: float | None, late: str = "resolve") -> None:
        self._late = late
        self._reference = reference
        self._deadline = deadline
        self._task: asyncio.Task[Any] | None = None
        self._stopped = False

    def stop(self) -> None:
        """Stop on request: whoever waits gets an error that says so."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def ask(self, question: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Return the answer. Cancelling this ends the question first.

        Raises:
            RegistryError: What the question raised; it was stopped; or the time was up.
        """
        if self._stopped:
            question.close()
            raise interrupted(self._reference)
        self._task = task = asyncio.create_task(question)
        limit = None if self._deadline is None else self._deadline - asyncio.get_running_loop().time()
        try:
            await asyncio.wait({task}, timeout=None if limit is None else max(limit, 0.0))
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if not task.cancelled():
            return task.result()
        if self._stopped:
            raise interrupted(self._reference)
        msg = f"{self._reference.text} was not resolved within {round(limit or 0.0, 1):g} s"
        raise RegistryUnavailableError(msg, registry=registry_of(self._reference), step=self._late)


def interrupted(reference: ImageReference) -> RegistryError:
    """Return the error of a reference that was stopped before it was resolved."""
    msg = f"stopped before {reference.text} was resolved"
    return RegistryError(msg, registry=registry_of(reference), step="interrupted")


def registry_of(reference: ImageReference) -> str:
    """Return the registry of a reference, for an error; empty for a local one."""
    return reference.registry if isinstance(reference, Reference) else ""
