"""What formats say of a vulnerability in words. What is returned is one line, made safe."""

from __future__ import annotations

from portus_policy import Suppressed
from portus_scanners import Image, Package, Rating, Vulnerability

from .foreign import joined, message, name


def image_words(image: Image) -> str:
    """Return the reference as the user wrote it, and the platform."""
    text = name(image.reference.text)
    return f"{text} ({name(str(image.platform))})" if image.platform else text


def package_words(package: Package) -> str:
    """Return name and version: ``openssl 1.0.2h``."""
    return " ".join(name(part) for part in (package.name, package.version) if part) or "a package without name"


def who_words(found: Vulnerability) -> str:
    """Return who found it, who looked and did not, and who can't say."""
    parts = [f"found by {joined(found.scanners)}"]
    if found.not_found_by:
        parts.append(f"not found by {joined(found.not_found_by)}")
    if found.not_looked_by:
        parts.append(f"could not look: {joined(found.not_looked_by)}")
    return "; ".join(parts)


def fix_words(found: Vulnerability) -> str:
    """Return in which versions it is mended, else what is said of a fix, else that none is known."""
    if found.fixed_by:
        return f"fixed in {joined(found.fixed_by)}"
    states = ", ".join(state.value.replace("_", " ") for state in found.fix_states)
    return f"no fixed version is known ({states})" if states else "no fixed version is known"


def suppression_words(rule: Suppressed) -> str:
    """Return which rule takes it out of the gate, who decided that, until when and why."""
    by = f" by {name(rule.by)}" if rule.by else ""
    until = f" until {rule.until.isoformat()}" if rule.until else ""
    return f"suppressed{by}{until} (rule {name(rule.rule)}): {message(rule.reason)}"


def rating_words(rating: Rating) -> str:
    """Return what one scanner thinks of it: severity, the word it used, whose that is, scores and vectors."""
    label = name(rating.label)
    used = label if label and label.casefold() != rating.severity.value else ""
    beside = ", ".join(filter(None, [used, f"of {name(rating.source)}" if rating.source else ""]))
    parts = [f"{name(rating.scanner)}: {rating.severity.value}{f' ({beside})' if beside else ''}"]
    parts += [f"{name(one.source)} says {one.severity.value}" for one in rating.vendors]
    for one in rating.cvss:
        facts = (one.version, "" if one.score is None else f"{one.score:g}", one.vector, one.source)
        parts.append(" ".join(["CVSS", *(name(fact) for fact in facts if fact)]))
    return ", ".join(parts)
