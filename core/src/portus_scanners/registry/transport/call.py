"""One request."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen
from yarl import URL

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

    @property
    def hidden(self) -> tuple[Secret, ...]:
        """The secrets in it, which an answer might repeat."""
        return (*(self.grant.hidden if self.grant else ()), *(self.form or {}).values())
