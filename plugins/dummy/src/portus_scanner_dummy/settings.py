"""The script: what the dummy does for which image."""

from __future__ import annotations

from fnmatch import fnmatchcase

from attrs import Attribute, field, frozen
from attrs.validators import ge, le, min_len
from portus_scanners import ImageReference, ScannerSettings

BEHAVIOURS = (
    "report",
    "incomplete",
    "empty",
    "pending",
    "hang",
    "stubborn",
    "unsupported",
    "unavailable",
    "unavailable_once",
    "failed",
    "invalid",
    "crash",
    "exit",
    "nothing",
)
"""The words that `Step.behaviour` may be."""

_LONGEST_DELAY = 24 * 60 * 60.0
_MOST_STEPS = 10_000
_MOST_FINDINGS = 1_000_000


def _known_behaviour(_instance: object, attribute: Attribute[str], value: str) -> None:
    if value not in BEHAVIOURS:
        msg = f"{attribute.name} must be one of: {', '.join(BEHAVIOURS)}"
        raise ValueError(msg)


@frozen(kw_only=True)
class ScriptedFinding:
    """One finding, as written in the configuration."""

    id: str = field(validator=min_len(1))
    aliases: tuple[str, ...] = ()
    """Other names of the vulnerability; for an advisory, those of all its vulnerabilities."""
    severity: str = "unknown"
    """Any word; an unknown one makes a finding of unknown severity that keeps the word."""
    package: str = ""
    version: str = ""
    namespace: str = ""
    fixed_by: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    title: str = ""
    description: str = ""


@frozen(kw_only=True)
class Step:
    """One entry of the script: what happens when an image is scanned that `image` matches."""

    image: str = "*"
    """Glob with ``*``, ``?`` and ``[abc]`` for the reference as written, or in its full form
    (``docker.io/library/alpine:3.20``)."""
    behaviour: str = field(default="report", validator=_known_behaviour)
    """How the scan ends; one of `BEHAVIOURS`."""
    delay: float = field(default=0.0, validator=[ge(0), le(_LONGEST_DELAY)])
    """Seconds before the scan ends, at most a day."""
    steps: int = field(default=0, validator=[ge(0), le(_MOST_STEPS)])
    """Steps of progress, spread over the delay."""
    keep: bool = False
    """Whether to hand over the findings as found so far before the scan ends or hangs."""
    findings: tuple[ScriptedFinding, ...] | None = None
    """The findings. By default, if `count` is 0: three old CVEs of OpenSSL."""
    count: int = field(default=0, validator=[ge(0), le(_MOST_FINDINGS)])
    """Number of generated findings, in addition, at most a million."""
    message: str = ""
    """The message of the error, or one more note in the report."""

    def matches(self, reference: ImageReference) -> bool:
        """Return whether this entry applies to an image."""
        return fnmatchcase(reference.text, self.image) or fnmatchcase(str(reference), self.image)


@frozen(kw_only=True)
class DummySettings(ScannerSettings):
    """Settings of the dummy. The value of `server` is not used: any value that is not empty enables the dummy."""

    script: tuple[Step, ...] = ()
    """The first entry that matches an image applies; if none does, the default entry."""

    def step_for(self, reference: ImageReference) -> Step:
        """Return the entry of the script that applies to an image."""
        return next((step for step in self.script if step.matches(reference)), Step())
