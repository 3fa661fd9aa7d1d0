"""The explanation, for people in plain lines with foreign strings made safe, for programs as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from textwrap import indent

from portus_policy import Suppressed
from portus_scanners import Cvss, FixState, MatchedBy, Outcome, Rating, Vulnerability

from ..terminal import safe
from .evidence import Explained, Silence, write_package

_LONGEST = 1000
_MOST_LISTED = 20
_MATCHED = {
    MatchedBy.PACKAGE: "the same package",
    MatchedBy.SOURCE: "packages of one source package",
}


def render_explained(explained: Iterable[Explained]) -> Iterator[str]:
    """Yield the page: one part for each image and package, with an empty line between two."""
    before = ""
    for one in explained:
        yield before + "".join(f"{line}\n" for line in _part(one))
        before = "\n"


def dump_explained(explained: Iterable[Explained], name: str) -> Iterator[str]:
    """Yield the same as JSON, indented, a piece for each image and package.

    Args:
        explained: At least one.
        name: The name that was asked for.
    """
    yield f'{{\n  "schema_version": 1,\n  "name": {json.dumps(name)},\n  "vulnerabilities": ['
    before = "\n"
    for one in explained:
        yield before + indent(json.dumps(one.to_document(), indent=2), "    ")
        before = ",\n"
    yield "\n  ]\n}\n"


def _part(one: Explained) -> Iterator[str]:
    found = one.found
    yield _line(f"{found.id} in {write_package(found.package)}")
    yield _line(f"  image: {'  '.join(part for part in (one.reference, one.platform, one.digest) if part)}")
    yield _line(f"  shown: {found.severity.value}")
    yield _line(f"    {one.why}")
    if found.aliases:
        yield _line(f"  also called: {_listed(found.aliases)}")
    if found.suppressed:
        yield from _suppression(found.suppressed)
    yield "  ratings:"
    for rating in found.ratings:
        yield from _rating(rating)
    yield f"  counted as one because they are in {_MATCHED[found.matched_by]}:"
    for item in one.evidence[:_MOST_LISTED]:
        inferred = "; inferred, the backend does not say that it is a vulnerability" if item.inferred else ""
        yield _line(f"    {item.scanner}: {item.why_this_vulnerability}; {item.why_this_package}{inferred}")
    if len(one.evidence) > _MOST_LISTED:
        yield f"    and {len(one.evidence) - _MOST_LISTED} more findings"
    yield from _witnesses(one)
    yield from _fixes(found)


def _suppression(rule: Suppressed) -> Iterator[str]:
    by = f", by {rule.by}" if rule.by else ""
    until = f", until {rule.until.isoformat()}" if rule.until else ", without an end"
    yield _line(f"  suppressed: {rule.reason}")
    yield _line(f"    rule {rule.rule}{by}{until}; it does not count for the gate")


def _rating(rating: Rating) -> Iterator[str]:
    parts = [f"calls it {rating.id}"] if rating.id else []
    parts += [f"its word: {rating.label}"] if rating.label else []
    parts += [f"taken from {rating.source}"] if rating.source else []
    details = f" ({', '.join(parts)})" if parts else ""
    yield _line(f"    {rating.scanner}: {rating.severity.value}{details}")
    for cvss in rating.cvss[:_MOST_LISTED]:
        yield _line(f"      {_cvss(cvss)}")
    for vendor in rating.vendors[:_MOST_LISTED]:
        label = f" ({vendor.label})" if vendor.label else ""
        yield _line(f"      {vendor.source} says {vendor.severity.value}{label}")


def _cvss(cvss: Cvss) -> str:
    score = "without a score" if cvss.score is None else f"{cvss.score}"
    by = f" by {cvss.source}" if cvss.source else ""
    return " ".join(part for part in ("CVSS", cvss.version, score, cvss.vector) if part) + by


def _witnesses(one: Explained) -> Iterator[str]:
    yield _line(f"  found by: {_listed(one.found.scanners)}")
    looked = [silence for silence in one.silent if silence.error is None]
    blind = [silence for silence in one.silent if silence.error is not None]
    if looked:
        yield _line(f"  looked, and did not find it: {_listed(silence.scanner for silence in looked)}")
    if blind:
        yield "  could not look, or not at everything (what they do not say proves nothing):"
        yield from (_line(f"    {_blind(silence)}") for silence in blind)


def _blind(silence: Silence) -> str:
    outcome = "" if silence.outcome == Outcome.OK.value else f"{silence.outcome.replace('_', ' ')}: "
    return f"{silence.scanner}: {outcome}{silence.error}"


def _fixes(found: Vulnerability) -> Iterator[str]:
    if found.fixed_by:
        yield _line(f"  fixed by: {_listed(found.fixed_by)}")
    else:
        yield "  fixed by: no version that a scanner names"
    states = [state.value.replace("_", " ") for state in found.fix_states if state is not FixState.FIXED]
    if states:
        yield _line(f"  state: {', '.join(states)}")
    for link in found.links[:_MOST_LISTED]:
        yield _line(f"  {link}")


def _listed(texts: Iterable[str]) -> str:
    names = list(texts)
    more = f", and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more


def _line(text: str) -> str:
    return safe(text, _LONGEST)
