"""Pages out of templates: those of the static site under ours, with its style and one for what only we have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from portus_scan.formats import Level, SeverityTally, make_environment, read_template
from portus_scanners import Finding, Severity

from ..answers import AnswerDoubt
from ..requests import Reason
from ..views import FoundImage, FoundPackage, RequestState, Security, SecurityState

if TYPE_CHECKING:
    from jinja2 import Environment

_MOST_PACKAGES = 10
_SHORT_DIGEST = len("sha256:") + 12
_KINDS = {SecurityState.VULNERABLE: "vulnerable", SecurityState.PASSED: "passed"}
_SENTENCES = {
    AnswerDoubt.NOT_SCANNED: "{} was not asked yet",
    AnswerDoubt.NO_ANSWER: "{} has not answered",
    AnswerDoubt.OUTDATED: "{}'s answer is too old",
    AnswerDoubt.INCOMPLETE: "{} did not see all of it",
    AnswerDoubt.UNSUPPORTED: "{} can't read it",
    AnswerDoubt.END_OF_LIFE: "{} says that the support of the distribution has ended",
    AnswerDoubt.LAST_FAILED: "{}'s last try failed, its answer before is shown",
}
_NOT_CURRENT = "judged under other rules or with answers that are too old by now, and being judged anew"
_REASONS = {
    Reason.PUSH: "pushed",
    Reason.PERSON: "asked for",
    Reason.ADMISSION: "a cluster wants to run it",
    Reason.HARBOR: "Harbor asks for it",
}
_STATES = {
    RequestState.QUEUED: ("Pending", "w-unknown"),
    RequestState.RUNNING: ("In progress", "w-unknown"),
    RequestState.DONE: ("Done", "w-passed"),
    RequestState.FAILED: ("Failed", "w-vulnerable"),
    RequestState.DEAD: ("Dead", "w-vulnerable"),
}


def render(template: str, **values: object) -> bytes:
    """Return a page in UTF-8.

    Args:
        template: The name of a template.
        values: What it shows.
    """
    return (_environment().get_template(template).render(values).strip() + "\n").encode()


def prepare() -> None:
    """Make all templates ready: whoever asks for a page first would wait for that."""
    for file in files(__package__).joinpath("templates").iterdir():
        if file.name.endswith(".html"):
            _environment().get_template(file.name)


@cache
def style() -> tuple[str, bytes]:
    """Return the name of the style, which changes whenever it does, and the style."""
    content = (read_template("site.css") + _read("service.css")).encode()
    return f"{sha256(content).hexdigest()[:16]}.css", content


@cache
def _environment() -> Environment:
    environment = make_environment(_read_own)
    environment.filters.update(
        tally=_tally,
        doubts=lambda of: list(_doubts(of)),
        kind=lambda state: _KINDS.get(state, "unknown"),
        edge=_edge,
        told=_told,
        short=lambda digest: digest[:_SHORT_DIGEST],
        reason_word=lambda reason: _REASONS.get(reason, reason.value.replace("_", " ")),
        state_word=lambda state: _STATES[state][0],
        state_class=lambda state: _STATES[state][1],
    )
    environment.globals["style_name"] = style()[0]
    return environment


def _read_own(name: str) -> str | None:
    return _read(name) if files(__package__).joinpath("templates", name).is_file() else None


def _read(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def _tally(of: Security) -> SeverityTally:
    """Return the counts of a summary, for a drawing; how many of each severity have a fix is not in it."""
    levels = [Level(one, of.counts[one], 0) for one in sorted(of.counts, reverse=True) if of.counts[one]]
    return SeverityTally(tuple(levels), of.suppressed)


def _doubts(of: Security) -> Iterator[str]:
    """Yield a sentence for each thing that is not known of an image."""
    for scanner, reasons in of.doubts.items():
        said = {AnswerDoubt.INCOMPLETE, AnswerDoubt.UNSUPPORTED}.intersection(reasons)  # no answer, but not silence
        shown = [why for why in reasons if not (said and why is AnswerDoubt.NO_ANSWER)]
        yield from (_SENTENCES[why].format(scanner) for why in shown)
    if of.counts and not of.is_current:
        yield _NOT_CURRENT


def _told(image: FoundImage) -> list[FoundPackage]:
    """Return the packages of an image that a vulnerability is in, each once, whoever has said so."""
    found = {(one.package, one.version, one.fixed_by): one for one in reversed(image.packages)}
    return [*found.values()][::-1][:_MOST_PACKAGES]


def _edge(of: Security) -> str:
    """Return the class of the row's edge: the highest severity's colour."""
    highest: Severity | None = of.highest
    return f"e-{highest.value}" if highest is not None else ""


def ratings_of(findings: Sequence[Finding]) -> list[str]:
    """Return how bad a vulnerability is said to be, each severity, score and vector once."""
    said = []
    for one in findings:
        label = one.severity_label
        beside = ", ".join(filter(None, [f'"{label}"' if label else "", one.severity_source]))
        said.append(f"{one.severity.value}{f' ({beside})' if beside else ''}")
        for cvss in one.cvss:
            score = "" if cvss.score is None else f"{cvss.score:g}"
            said.append(" ".join(filter(None, ["CVSS", cvss.version, score, cvss.vector, cvss.source])))
    return list(dict.fromkeys(said))
