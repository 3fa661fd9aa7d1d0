"""One request."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen
from yarl import URL

from ...blob_file import BlobFile
from ...secret import Secret
from ..answers import Grant


@frozen(kw_only=True)
class Call:
    """One request, and what its errors are to say."""

    method: str = "GET"
    url: URL = field(repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    grant: Grant | None = None
    form: Mapping[str, Secret] | None = None
    """What is sent as a form; only to this host."""
    limit: int
    """Bytes of the body that are read."""
    registry: str
    step: str
    file: BlobFile | None = field(default=None, repr=False)
    """Where the body of a success goes, in place of the answer; it takes as long as it takes."""

    @property
    def hidden(self) -> tuple[Secret, ...]:
        """The secrets in it, which an answer might repeat."""
        return (*(self.grant.hidden if self.grant else ()), *(self.form or {}).values())
