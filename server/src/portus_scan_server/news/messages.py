"""What is told: one message about one thing that has happened. Pure.

Foreign words in it (ids, packages, what a scanner says) are one line each, and are cut where they are long. A list says
how long it is; where only its begin is there, it says so, in the text and in the data.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from portus_images import one_line
from portus_scanners import Vulnerability

_IN_TEXT = 20
"""How many ids stand in the text."""
_IN_DATA = 100
"""How many stand in the data: receivers expect no more than 20 KB."""
_LONGEST = 120
"""Characters of one foreign word."""
_NAMES = 5
"""Under how many of its names an image is told."""


@frozen(kw_only=True)
class NewsMessage:
    """A message: what a receiver gets, the same each time that it is sent.

    Attributes:
        id: Random; never another one for the same message.
        kind: ``vulnerability.new``, ``image.failing``, ``request.dead``, ``scanner.down``, ``scanner.outdated``
            or ``test``.
        at: When it was written.
        title: One line.
        text: Some lines.
        data: What programs read.
    """

    id: str
    kind: str
    at: datetime
    title: str
    text: str
    data: Mapping[str, Any]

    @property
    def body(self) -> str:
        """The body of a webhook, in ASCII."""
        said = {"title": self.title, "text": self.text, **self.data}
        return json.dumps({"type": self.kind, "timestamp": self.at.isoformat(), "data": said}, separators=(",", ":"))

    @classmethod
    def read(cls, message_id: str, body: str) -> NewsMessage:
        """Return the message of a body."""
        said = json.loads(body)
        data = said["data"]
        title, text = data.pop("title"), data.pop("text")
        at = datetime.fromisoformat(said["timestamp"])
        return cls(id=message_id, kind=said["type"], at=at, title=title, text=text, data=data)


@frozen(kw_only=True)
class ToldVulnerability:
    """A vulnerability that is news, with the id that this news has for ever.

    Attributes:
        news_id: The id of the news.
        vulnerability: The merged vulnerability.
    """

    news_id: str
    vulnerability: Vulnerability


def new_message_id() -> str:
    """Return an id that no other message has."""
    return f"msg_{secrets.token_hex(16)}"


def _make(kind: str, title: str, lines: Sequence[str], **data: Any) -> NewsMessage:
    at = datetime.now(UTC)
    return NewsMessage(id=new_message_id(), kind=kind, at=at, title=title, text="\n".join(lines), data=data)


def tell_vulnerabilities(
    repository: str, digest: str, names: Sequence[str], told: Sequence[ToldVulnerability]
) -> NewsMessage:
    """Return the message about vulnerabilities that a repository did not have before."""
    worst = sorted(told, key=lambda one: one.vulnerability.id)
    worst = sorted(worst, key=lambda one: one.vulnerability.severity, reverse=True)
    counts = Counter(one.vulnerability.severity for one in told)
    parts = ", ".join(f"{number} {severity.value}" for severity, number in sorted(counts.items(), reverse=True))
    what = "vulnerability" if len(told) == 1 else "vulnerabilities"
    lines = [f"{repository} has {len(told)} {what} that it did not have before: {parts}.", *_of_image(digest, names)]
    lines += [_line(one.vulnerability) for one in worst[:_IN_TEXT]]
    if len(worst) > _IN_TEXT:
        lines.append(f"... (cut: {len(worst) - _IN_TEXT} more)")
    return _make(
        "vulnerability.new",
        f"{repository}: {len(told)} new {what}",
        lines,
        repository=repository,
        image={"digest": digest, "names": list(names[:_NAMES])},
        total=len(told),
        cut=max(len(told) - _IN_DATA, 0),
        vulnerabilities=[_entry(one) for one in worst[:_IN_DATA]],
    )


def _entry(told: ToldVulnerability) -> dict[str, Any]:
    one = told.vulnerability
    return {
        "news_id": told.news_id,
        "id": one_line(one.id, _LONGEST),
        "severity": one.severity.value,
        "package": one_line(one.package.name, _LONGEST),
        "version": one_line(one.package.version, _LONGEST),
        "fixed_by": [one_line(fix, _LONGEST) for fix in one.fixed_by[:3]],
    }


def _line(one: Vulnerability) -> str:
    package = one_line(f"{one.package.name} {one.package.version}", _LONGEST)
    fixes = f", fixed by {one_line(', '.join(one.fixed_by[:3]), _LONGEST)}" if one.fixed_by else ""
    return f"- {one_line(one.id, _LONGEST)} ({one.severity.value}) in {package}{fixes}"


def _of_image(digest: str, names: Sequence[str]) -> list[str]:
    more = f" ... (cut: {len(names) - _NAMES} more)" if len(names) > _NAMES else ""
    return [f"Image: {', '.join(names[:_NAMES])}{more}", f"Digest: {digest}"]


def tell_failing(digest: str, names: Sequence[str], violations: Sequence[str]) -> NewsMessage:
    """Return the message about an image that the policy's gate let pass before, and lets pass no longer."""
    why = [f"- {one_line(one)}" for one in violations[:_IN_TEXT]]
    return _make(
        "image.failing",
        f"{names[0] if names else digest}: no longer passes the gate",
        ["The gate let the image pass before, and does no longer.", *_of_image(digest, names), *why],
        image={"digest": digest, "names": list(names[:_NAMES])},
        violations=[one_line(one) for one in violations],
    )


def tell_dead(request_id: int, digest: str, names: Sequence[str], error: str) -> NewsMessage:
    """Return the message about a request that nobody runs any longer: nothing new is known of its image."""
    error = one_line(error)
    return _make(
        "request.dead",
        f"{names[0] if names else digest}: its scan has died",
        [f"Request {request_id} is not run again until somebody asks for it: {error}.", *_of_image(digest, names)],
        request=request_id,
        image={"digest": digest, "names": list(names[:_NAMES])},
        error=error,
    )


def tell_down(scanner: str, message: str) -> NewsMessage:
    """Return the message about a scanner whose backend does not work: what it finds is not known."""
    said = one_line(message) or "it gave no reason"
    lines = [f"The backend of {scanner} does not work: {said}.", "What it would find is not known meanwhile."]
    return _make("scanner.down", f"{scanner} is down", lines, scanner=scanner, message=said)


def tell_outdated(scanner: str, updated: datetime) -> NewsMessage:
    """Return the message about a scanner whose data is old: what became known since then it does not find."""
    day = f"{updated:%Y-%m-%d %H:%M} UTC"
    lines = [f"The data of {scanner} is from {day}.", "What has become known since then it does not find."]
    return _make("scanner.outdated", f"{scanner}: old data", lines, scanner=scanner, updated=updated.isoformat())


def tell_test() -> NewsMessage:
    """Return a message that says that messages arrive."""
    return _make("test", "Portus scanners: a test", ["This is a test. News of the service will come this way."])
