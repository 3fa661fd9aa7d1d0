"""A document and rules -> the document with what they suppress marked. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from itertools import starmap

from attrs import define, evolve, field
from portus_images import Image, one_line
from portus_scanners.models import ImageReport, ReportDocument, Suppressed, UnusedRule, Vulnerability

from ..sequences import map_reports
from .matching import DoubtfulMatchError, NearMissError, RuleIndex, describe_other_image, fits, fits_image
from .rules import Suppression

_MOST_NAMED = 3


@define
class _Use:
    """What became of one rule."""

    rule: Suppression
    expired: bool
    count: int = 0
    fitted: list[str] = field(factory=list)
    """The first ids that the rule fits."""
    doubts: dict[str, None] = field(factory=dict)
    """The first reasons why it can't be known whether the rule fits."""
    near: str = ""
    """The first thing that the rule nearly fits, and what is otherwise there."""

    def note(self, vulnerability: Vulnerability) -> None:
        self.count += 1
        if len(self.fitted) < _MOST_NAMED and vulnerability.id not in self.fitted:
            self.fitted.append(vulnerability.id)

    def doubt(self, reason: str) -> None:
        if len(self.doubts) < _MOST_NAMED:
            self.doubts[reason] = None


def apply_suppressions(document: ReportDocument, rules: Iterable[Suppression], *, today: date) -> ReportDocument:
    """Mark what the rules suppress, and list the rules that apply to nothing. Marks of earlier rules are dropped.

    A rule applies where everything that it names fits: see `Suppression`. Where that can't be known, because a version
    can't be compared or no scanner gives a package URL, it does not apply.

    Args:
        document: The reports; only `Vulnerability.suppressed` and `ReportDocument.unused_rules` are changed.
        rules: A mark names the first that fits; their order has no other meaning.
        today: The day in UTC. A rule applies through its last day; after it the rule is expired, and listed as such
            even where it would have fitted.

    Returns:
        The document with each vulnerability marked anew, and every rule that fits nothing or is expired in
        `unused_rules`, in their order.
    """
    uses = [_Use(rule, expired=_has_expired(rule, today)) for rule in rules]
    index = RuleIndex(use.rule for use in uses)
    reports = map_reports(document.reports, lambda report: _mark_report(report, index, uses))
    if not isinstance(reports, tuple):  # they are marked again when they are read; what the rules fit is asked now
        deque(reports, maxlen=0)
    unused = tuple(_unused(use) for use in uses if use.expired or not use.count)
    return evolve(document, reports=reports, unused_rules=unused)


def drop_expired_marks(document: ReportDocument, *, today: date) -> ReportDocument:
    """Return a document without the marks of rules that have expired since, where the rules are not at hand.

    Args:
        document: The reports, with the marks of earlier rules.
        today: The day in UTC.

    Returns:
        The document; each rule whose marks are dropped is listed in `unused_rules` once.
    """
    ended: dict[Suppressed, dict[str, None]] = defaultdict(dict)
    for report in document.reports:
        for one in report.vulnerabilities:
            if one.suppressed and _has_expired(one.suppressed, today):
                ended[one.suppressed][one.id] = None
    if not ended:
        return document
    return evolve(
        document,
        reports=map_reports(document.reports, lambda report: _without(report, ended)),
        unused_rules=(*document.unused_rules, *starmap(_ended, ended.items())),
    )


def _has_expired(rule: Suppression | Suppressed, today: date) -> bool:
    return rule.until is not None and rule.until < today


def _without(report: ImageReport, marks: Collection[Suppressed]) -> ImageReport:
    kept = (evolve(one, suppressed=None) if one.suppressed in marks else one for one in report.vulnerabilities)
    return evolve(report, vulnerabilities=tuple(kept))


def _ended(mark: Suppressed, ids: Collection[str]) -> UnusedRule:
    message = f"expired after {mark.until}; suppressed {_few(tuple(ids)[:_MOST_NAMED], len(ids))}"
    return UnusedRule(rule=mark.rule, expired=True, message=message)


def _mark_report(report: ImageReport, index: RuleIndex, uses: list[_Use]) -> ImageReport:
    about: dict[str, bool] = {}
    marked = []
    for vulnerability in report.vulnerabilities:
        fitting = list(_fitting(vulnerability, report.image, index, uses, about))
        rule = next((use.rule for use in fitting if not use.expired), None)
        marked.append(evolve(vulnerability, suppressed=_mark(rule) if rule else None))
    return evolve(report, vulnerabilities=tuple(marked))


def _fitting(
    vulnerability: Vulnerability, image: Image, index: RuleIndex, uses: list[_Use], about: dict[str, bool]
) -> Iterator[_Use]:
    """Yield the rules that fit, expired ones too, and note of each rule what became of it."""
    for number, rule in index.candidates(vulnerability):
        if rule.image not in about:
            about[rule.image] = fits_image(rule, image)
        use = uses[number]
        if not about[rule.image]:
            use.near = use.near or (not use.count and describe_other_image(rule, vulnerability, image)) or ""
            continue
        try:
            if fits(rule, vulnerability):
                use.note(vulnerability)
                yield use
        except DoubtfulMatchError as error:
            use.doubt(str(error))
        except NearMissError as error:
            use.near = use.near or str(error)


def _mark(rule: Suppression) -> Suppressed:
    return Suppressed(rule=rule.rule, reason=rule.reason, by=rule.by, until=rule.until)


def _unused(use: _Use) -> UnusedRule:
    return UnusedRule(rule=use.rule.rule, expired=use.expired, message=f"{one_line(_named(use))}: {_why(use)}")


def _named(use: _Use) -> str:
    return use.rule.words or "names nothing that a report has"


def _why(use: _Use) -> str:
    if use.rule.unmatchable:
        return use.rule.unmatchable
    if not use.expired:
        return "; ".join(use.doubts) or _nothing(use)
    ended = f"expired after {use.rule.until}"
    if not use.count:
        return f"{ended}; {_nothing(use)}"
    return f"{ended}; would suppress {_few(use.fitted, use.count)}"


def _nothing(use: _Use) -> str:
    return f"fits nothing here; near: {use.near}" if use.near else "fits nothing here"


def _few(names: Iterable[str], count: int) -> str:
    """Return the first of some names, and how many there are in all."""
    names = [one_line(name, 60) for name in names]
    return ", ".join(names) + (f" ({count} in all)" if count > len(names) else "")
