"""SARIF's rules: one for each vulnerability of an image, and one for what is not known; its messages and levels.

Sources: SARIF 2.1.0, 3.11.5 (placeholders: ``{0}``) and 3.11.6 (embedded links: ``[text](target)``). GitHub, "SARIF
support for code scanning": a ``security-severity`` over 9.0 is critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, 0.1 to 3.9
low.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from portus_scanners import Severity, Vulnerability

from ...terminal import message, name
from ..foreign import code, joined, links, paragraphs, prose, web_links
from ..words import fix_words, package_words, rating_words

SarifObject = dict[str, Any]

NOT_COMPLETE = "portus-scan/not-complete"
"""The rule of results that say what is not known."""
_MOST_FACTS = 100
_PLACEHOLDER = re.compile(r"\{(?=[0-9]+\})")
_MOST_OF_DESCRIPTION = 1_000
"""GitHub shows 1,024 characters."""
_LEVELS = {
    Severity.UNKNOWN: "warning",
    Severity.NEGLIGIBLE: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
    Severity.DEFCON1: "error",
}
_BANDS = {
    Severity.NEGLIGIBLE: (0.1, 0.1, 0.1),
    Severity.LOW: (0.1, 2.0, 3.9),
    Severity.MEDIUM: (4.0, 5.5, 6.9),
    Severity.HIGH: (7.0, 8.0, 8.9),
    Severity.CRITICAL: (9.1, 9.5, 10.0),
    Severity.DEFCON1: (10.0, 10.0, 10.0),
}
"""Of each severity: the lowest number, the number where no score fits, the highest number."""
DOUBT_RULE: SarifObject = {
    "id": NOT_COMPLETE,
    "shortDescription": {"text": "Not everything is known of the image"},
    "fullDescription": {
        "text": "A scanner has not seen all of the image, or the support of its distribution has ended: the image may "
        "have more vulnerabilities."
    },
    "help": {
        "text": "Look at the message, fix its cause and scan again; move to a release that is supported. Until then "
        "nobody knows what is missing."
    },
    "defaultConfiguration": {"level": "error"},
    "properties": {"tags": ["scan"]},
}


def vulnerability_rule(found: Sequence[Vulnerability]) -> SarifObject:
    """Return the rule of one id, made of the vulnerabilities with this id in one image."""
    first = found[0]
    title = message(first.title) or f"{name(first.id)} in {joined(sorted({one.package.name for one in found}))}"
    properties: SarifObject = {"tags": ["security", "vulnerability", "container"], "precision": "very-high"}
    number = security_severity(found)
    if number is not None:
        properties["security-severity"] = number
    rule: SarifObject = {
        "id": name(first.id),
        "name": "ImageVulnerability",
        "shortDescription": text_message(title[:_MOST_OF_DESCRIPTION]),
        "fullDescription": text_message(paragraphs(first.description, _MOST_OF_DESCRIPTION) or title),
        "help": {"text": plain(_help_text(found)), "markdown": _help_markdown(found)},
        "defaultConfiguration": {"level": level_of(max(one.severity for one in found))},
        "properties": properties,
    }
    pages = web_links(link for one in found for link in one.links)
    return {**rule, "helpUri": pages[0]} if pages else rule


def _facts(found: Sequence[Vulnerability]) -> list[str]:
    facts = [f"{package_words(one.package)}: severity {one.severity.value}, {fix_words(one)}" for one in found]
    facts += [rating_words(rating) for one in found for rating in one.ratings]
    return list(dict.fromkeys(facts))[:_MOST_FACTS]


def _help_text(found: Sequence[Vulnerability]) -> str:
    pages = web_links(link for one in found for link in one.links)
    description = paragraphs(found[0].description)
    return "\n".join(filter(None, [name(found[0].id), description, *_facts(found), *pages[:_MOST_FACTS]]))


def _help_markdown(found: Sequence[Vulnerability]) -> str:
    pages = web_links(link for one in found for link in one.links)
    facts = "\n".join(f"- {code(fact)}" for fact in _facts(found))
    title, description = f"**{code(name(found[0].id))}**", prose(paragraphs(found[0].description))
    return "\n\n".join(filter(None, [title, description, facts, links(pages[:_MOST_FACTS])]))


def text_message(text: str) -> SarifObject:
    """Return a message object of a safe string, in which nothing is a link or a placeholder."""
    return {"text": plain(text)}


def plain(text: str) -> str:
    """Return a safe string with a blank in each link and placeholder, which then is none; other brackets stay."""
    return _PLACEHOLDER.sub("{ ", text.replace("](", "] ("))


def level_of(severity: Severity) -> str:
    """Return ``note``, ``warning`` or ``error``; an unknown severity is not a small one."""
    return _LEVELS[severity]


def security_severity(found: Iterable[Vulnerability]) -> str | None:
    """Return the number from which GitHub derives the highest severity of some vulnerabilities.

    Returns:
        The highest CVSS score within the band of the shown severity, else the middle of the band; None where the
        severity is unknown.
    """
    found = tuple(found)
    severity = max(one.severity for one in found)
    if severity is Severity.UNKNOWN:
        return None
    low, middle, high = _BANDS[severity]
    scores = [cvss.score for one in found for rating in one.ratings for cvss in rating.cvss if cvss.score is not None]
    return f"{max((score for score in scores if low <= score <= high), default=middle):.1f}"
