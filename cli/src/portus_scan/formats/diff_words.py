"""A diff for people: plain lines, readable at 80 columns; foreign strings are made safe and cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from portus_policy import DocumentDiff, ImageDiff, NotComparable
from portus_scanners import UnresolvedImage, Vulnerability

from ..terminal import safe
from .words import count, severity_counts

MOST_ROWS = 100
"""Rows of one list; JSON has all."""
_LONGEST_NAME = 300
_LONGEST_MESSAGE = 1000
_LONGEST_ID = 40
_LONGEST_PACKAGE = 50
_LONGEST_CELL = 60
_DOUBTS = "not fully comparable"
_SHORT_DIGEST = len("sha256:") + 12

DiffRow = Sequence[str]


def render_diff(diff: DocumentDiff) -> Iterator[str]:
    """Yield the page, a line each; the images are gone through once."""
    totals = dict.fromkeys(("appeared", "vanished", "with another severity", "newly fixable", _DOUBTS), 0)
    for line in chain(_pages(diff.images, totals), _lone(diff), _summary(len(diff.images), totals)):
        yield f"{line.rstrip()}\n"


def _pages(images: Iterable[ImageDiff], totals: dict[str, int]) -> Iterator[str]:
    for image in images:
        totals["appeared"] += len(image.appeared)
        totals["vanished"] += len(image.vanished)
        totals["with another severity"] += len(image.severity_changed)
        totals["newly fixable"] += len(image.newly_fixable)
        totals[_DOUBTS] += bool(image.not_comparable)
        yield from _image(image)
        yield ""


def _image(image: ImageDiff) -> Iterator[str]:
    platform = f"  {safe(image.platform, _LONGEST_CELL)}" if image.platform else ""
    yield f"{safe(image.reference, _LONGEST_NAME)}{platform}"
    yield f"  {_digests(image)}"
    changes = [*_listed("appeared", image.appeared), *_listed("vanished", image.vanished), *_severities(image)]
    changes += _listed("newly fixable", image.newly_fixable)
    yield from changes
    for one in image.not_comparable:
        yield from _not_comparable(one)
    if not changes:
        yield f"  nothing has changed{', as far as can be said' if image.not_comparable else ''}"


def _digests(image: ImageDiff) -> str:
    old, new = (safe(digest[:_SHORT_DIGEST]) for digest in (image.old_digest, image.new_digest))
    return f"{new}, as before" if image.old_digest == image.new_digest else f"{old} -> {new}"


def _listed(title: str, found: tuple[Vulnerability, ...]) -> Iterator[str]:
    if found:
        yield f"  {title}: {severity_counts(found)}"
        yield from _table([_row(one) for one in found])


def _severities(image: ImageDiff) -> Iterator[str]:
    if image.severity_changed:
        yield f"  severity changed: {count(len(image.severity_changed), 'vulnerability', 'vulnerabilities')}"
        changes = image.severity_changed
        yield from _table([_row(one.new, f"{one.old.severity.value} -> {one.new.severity.value}") for one in changes])


def _not_comparable(one: NotComparable) -> Iterator[str]:
    found = one.vulnerabilities
    yield f"  not comparable: {safe(one.scanner, _LONGEST_CELL)}:"
    yield f"    {safe(one.why, _LONGEST_MESSAGE)}"
    if found:
        yield f"    nobody can say whether these came or went: {severity_counts(found)}"
        yield from _table([_row(vulnerability) for vulnerability in found])


def _row(one: Vulnerability, severity: str = "") -> DiffRow:
    package = " ".join(part for part in (one.package.name, one.package.version) if part)
    fix = f"fixed by {', '.join(one.fixed_by)}" if one.fixed_by else "no fix known"
    return (
        safe(one.id, _LONGEST_ID),
        severity or one.severity.value,
        safe(package, _LONGEST_PACKAGE) or "-",
        safe(fix, _LONGEST_CELL),
    )


def _table(rows: Sequence[DiffRow]) -> Iterator[str]:
    """Yield the rows in aligned columns; the last column may be of any width."""
    shown = rows[:MOST_ROWS]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        *cells, last = row
        aligned = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
        yield f"    {aligned}  {last}"
    if len(rows) > MOST_ROWS:
        yield f"    ... {len(rows) - MOST_ROWS} more: --format json shows all"


def _lone(diff: DocumentDiff) -> Iterator[str]:
    yield from (f"only in OLD: {safe(name, _LONGEST_NAME)}" for name in diff.only_old)
    yield from (f"only in NEW: {safe(name, _LONGEST_NAME)}" for name in diff.only_new)
    yield from _unresolved("OLD", diff.unresolved_old)
    yield from _unresolved("NEW", diff.unresolved_new)


def _unresolved(which: str, errors: Iterable[UnresolvedImage]) -> Iterator[str]:
    for error in errors:
        message = safe(error.message, _LONGEST_MESSAGE)
        yield f"not scanned for {which}: {safe(error.reference, _LONGEST_NAME)}: {message}"


def _summary(images: int, totals: dict[str, int]) -> Iterator[str]:
    doubts = totals.pop(_DOUBTS)
    changed = ", ".join(f"{number} {word}" for word, number in totals.items() if number) or "nothing has changed"
    yield f"{count(images, 'image')} compared: {changed}{';' if doubts else ''}"
    if doubts:
        yield f"{count(doubts, 'image')} not fully comparable"
