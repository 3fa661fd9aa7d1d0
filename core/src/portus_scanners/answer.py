"""What every answer of a backend can do, whether it came over HTTP or from a program: JSON, parsing off the loop."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self, TypeVar

from .errors import InvalidReportError

__all__ = ["Answer"]

ResultT = TypeVar("ResultT")

_LARGE = 1024 * 1024


class Answer(ABC):
    """One answer of a backend, read to its end. Use `HttpAnswer` or `ProgramAnswer`."""

    __slots__ = ()

    @property
    @abstractmethod
    def _content(self) -> bytes:
        """The part that is the report."""

    @property
    @abstractmethod
    def _not_json(self) -> str:
        """What to say when the content is not JSON."""

    def json(self) -> Any:
        """Return the JSON value, whatever the backend calls it.

        Raises:
            InvalidReportError: It is not JSON.
        """
        try:
            return json.loads(self._content)
        except (ValueError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError):
                error.doc = ""  # all of the content, with secrets that it may quote
            raise InvalidReportError(self._not_json) from error

    async def parse(self, read: Callable[[Self], ResultT]) -> ResultT:
        """Return ``read(answer)``: of more than 1 MiB in a thread, so that the event loop goes on.

        Args:
            read: A pure function; what it raises is raised here.
        """
        if len(self._content) < _LARGE:
            return read(self)
        return await asyncio.to_thread(read, self)
