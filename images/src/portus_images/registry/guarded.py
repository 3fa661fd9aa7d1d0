"""A registry's API as one right opens it: a request, what it is asked to show, and the request once more."""

from __future__ import annotations

from collections.abc import Mapping

from ..blob_file import BlobFile
from ..errors import InvalidManifestError
from .access import Access
from .answers import Answer, make_error
from .registry_host import LARGEST_BODY, RegistryHost

_UNAUTHORIZED = 401
_MOST_REFUSALS = 2


class GuardedApi:
    """Sends requests that need one right.

    Args:
        host: The registry.
        access: How it lets us in.
    """

    def __init__(self, host: RegistryHost, access: Access) -> None:
        self.host = host
        self.access = access

    async def exchange(
        self,
        method: str,
        path: str,
        step: str,
        headers: Mapping[str, str],
        limit: int = LARGEST_BODY,
        file: BlobFile | None = None,
    ) -> Answer:
        """Send one request; meet the challenge of a 401, and once more when a token is refused.

        Args:
            method: ``GET``, ``HEAD``.
            path: Absolute, percent-encoded.
            step: See `RegistryError`.
            headers: Further headers.
            limit: Bytes of the body that are read.
            file: Where the body goes, if that is not to be read.

        Returns:
            The answer; its status is not judged.

        Raises:
            RegistryError: There is no answer, or no credentials.
        """
        grant = await self.access.grant()
        refusals = 0
        while True:
            answer = await self.host.send(method, path, step=step, headers=headers, grant=grant, limit=limit, file=file)
            if answer.status != _UNAUTHORIZED or answer.elsewhere:
                break
            refusals += grant is not None
            if refusals == _MOST_REFUSALS:
                raise self.access.make_refusal(answer, grant, step)
            grant = await self.access.meet(answer, grant, step)
        if grant is None:
            self.access.note_open()
        return answer

    async def get(
        self, path: str, step: str, what: str, headers: Mapping[str, str], limit: int = LARGEST_BODY
    ) -> Answer:
        """Fetch something; see `exchange`.

        Args:
            path: Absolute, percent-encoded.
            step: See `RegistryError`.
            what: What is asked for, for messages: ``team/app:1.0``.
            headers: Further headers.
            limit: Bytes that the body may have.

        Returns:
            An answer with a status of success and its whole body.

        Raises:
            RegistryError: As in ``errors.py``.
        """
        answer = await self.exchange("GET", path, step, headers, limit)
        if answer.failed:
            raise make_error(answer, registry=self.host.name, step=step, what=what)
        if answer.too_long:
            message = f"{self.host.name}, {step} of {what}: the answer is longer than {limit} bytes"
            raise InvalidManifestError(message, registry=self.host.name, step=step, status=answer.status)
        return answer
