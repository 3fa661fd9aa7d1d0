"""What a client may ask a registry to be allowed."""

from __future__ import annotations

from attrs import frozen


@frozen
class Right:
    """What a token allows.

    Source: distribution's ``docs/spec/auth/scope.md``.
    """

    name: str
    """What it is about, for messages: the repository's name."""
    scope: str
    """As it is asked for: ``repository:team/app:pull``."""
    repository: str = ""
    """Whose credentials are looked for; empty: those of the registry."""

    @classmethod
    def to_pull(cls, repository: str) -> Right:
        """Return the right to pull from one repository."""
        return cls(repository, f"repository:{repository}:pull", repository)


CATALOG = Right("the list of repositories", "registry:catalog:*")
"""To see which repositories there are."""
