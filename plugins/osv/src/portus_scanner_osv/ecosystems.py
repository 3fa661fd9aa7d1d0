"""Which ecosystems a server has: an empty answer about one that it does not have looks like a clean one.

OSV.dev's API rejects the name of an ecosystem that it does not know, answers nothing for a release that it has no
records of, and does not say which are there. A private mirror may have a few of them. So an ecosystem counts as had if
the server has found something in it, if the settings list it, if it is a language and the server is the public one, or
if the server knows a vulnerability of a package that each release of the distributions here has had many of.

Sources: OSV schema, "Defined ecosystems"; google.github.io/osv.dev, ``POST /v1/querybatch``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from attrs import frozen
from portus_scanners import UnsupportedImageError

from .queries import LANGUAGES, Query
from .settings import PUBLIC_SERVER, OsvSettings

_PROBE = "openssl"
_OLDEST = "0"
"""A version before all others, in the eyes of dpkg and apk."""
_MOST_NAMED = 10


@frozen
class ServerCoverage:
    """What is known of the ecosystems that were asked about.

    Attributes:
        lacking: Those that the server does not have.
        untold: Those of which nothing was found, and nothing tells whether the server has them.
    """

    lacking: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()

    @property
    def notes(self) -> Iterator[str]:
        """Why the report is not complete, in one sentence each."""
        if self.lacking:
            yield f"the server has no data for {_names(self.lacking)}: nothing is known of these packages"
        if self.untold:
            yield (
                f"the server found nothing in {_names(self.untold)}, and nothing tells whether it has data for that: "
                "list what it has in the setting ecosystems"
            )

    def check(self, asked: Collection[str]) -> None:
        """Raise an error if the server has none of the ecosystems that were *asked* about.

        Raises:
            UnsupportedImageError: It has none.
        """
        if set(asked) <= set(self.lacking):
            raise UnsupportedImageError(f"the server has no data for {_names(self.lacking)}: nothing is known")


def are_had(ecosystem: str, settings: OsvSettings) -> bool:
    """Return whether the settings alone tell that a server has an ecosystem."""
    if settings.ecosystems:
        return is_listed(ecosystem, settings.ecosystems)
    return settings.server == PUBLIC_SERVER and ecosystem in LANGUAGES


def is_listed(ecosystem: str, listed: Sequence[str]) -> bool:
    """Return whether an ecosystem is among the listed ones: itself, or the distribution of which it is a release."""
    words = ecosystem.casefold().split(":")
    return any(words[: len(one)] == one for one in (name.strip().casefold().split(":") for name in listed))


def probes_for(ecosystems: Collection[str]) -> Mapping[str, Query]:
    """Return the query of each release of a distribution that finds something if the server has the release."""
    return {one: Query(one, _PROBE, _OLDEST) for one in ecosystems if one not in LANGUAGES}


def _names(ecosystems: Sequence[str]) -> str:
    more = len(ecosystems) - _MOST_NAMED
    return ", ".join(ecosystems[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
