"""Rules: one for each vulnerability that an image has, and one for what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portus_scanners import Vulnerability

from ..foreign import joined, message, name, paragraphs, web_links
from ..markup import code, links, prose
from ..sentences import fix_words, package_words, rating_words
from .levels import level_of, security_severity
from .messages import plain, text_message

Rule = dict[str, Any]

NOT_COMPLETE = "portus-scan/not-complete"
"""The rule of results that say what is not known."""
_MOST_OF_DESCRIPTION = 1_000
"""GitHub shows 1,024 characters."""

DOUBT_RULE: Rule = {
    "id": NOT_COMPLETE,
    "shortDescription": {"text": "The scan is not complete"},
    "fullDescription": {"text": "Not every scanner has seen all of the image: it may have more vulnerabilities."},
    "help": {"text": "Look at the message, mend its cause and scan again. Until then nobody knows what is missing."},
    "defaultConfiguration": {"level": "error"},
    "properties": {"tags": ["scan"]},
}


def vulnerability_rule(found: Sequence[Vulnerability]) -> Rule:
    """Return the rule of one id: what the vulnerabilities with this id in one image say of it."""
    first = found[0]
    title = message(first.title) or f"{name(first.id)} in {joined(sorted({one.package.name for one in found}))}"
    properties: dict[str, Any] = {"tags": ["security", "vulnerability", "container"], "precision": "very-high"}
    number = security_severity(found)
    if number is not None:
        properties["security-severity"] = number
    rule: Rule = {
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
    return list(dict.fromkeys(facts))[:100]


def _help_text(found: Sequence[Vulnerability]) -> str:
    pages = web_links(link for one in found for link in one.links)
    description = paragraphs(found[0].description)
    return "\n".join(filter(None, [name(found[0].id), description, *_facts(found), *pages[:100]]))


def _help_markdown(found: Sequence[Vulnerability]) -> str:
    pages = web_links(link for one in found for link in one.links)
    facts = "\n".join(f"- {code(fact)}" for fact in _facts(found))
    parts = [f"**{code(name(found[0].id))}**", prose(paragraphs(found[0].description)), facts, links(pages[:100])]
    return "\n\n".join(filter(None, parts))
