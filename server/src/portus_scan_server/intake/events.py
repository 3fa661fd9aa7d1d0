"""What docker-registry's notifications say, read as what they are: words of somebody else. Pure.

An event is a hint where to look: its repository, and a tag or a digest in it. Nothing else of it counts; its addresses
are not even read. Source: distribution's ``docs/content/about/notifications.md``, and recordings of 2.8.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen
from portus_images import InvalidReferenceError, PortusError, Reference, load_json, one_line

MOST_EVENTS = 1_000
"""How many events of one envelope are read; docker-registry sends one in each."""
_ACTIONS = {"push", "delete"}
"""A pull says nothing new, and our own HEADs are told as pulls; a mount is of a layer."""
_BLOB = "application/octet-stream"
_EVENT_ID = r"[\x21-\x7e]{1,200}"
_LONGEST_ACTOR = 200


class EnvelopeError(PortusError, ValueError):
    """A body that is not an envelope of events."""


@frozen(kw_only=True)
class PushHint:
    """Where to look, as an event says.

    Attributes:
        event_id: The same whenever the event is sent again.
        action: ``push`` or ``delete``.
        repository: A valid name: ``team/app``.
        tag: A valid tag; empty where a digest was pushed or deleted.
        digest: What is said to have the tag; may be empty where there is a tag.
        actor: Who is said to have done it; may be empty.
    """

    event_id: str
    action: str
    repository: str
    tag: str = ""
    digest: str = ""
    actor: str = ""


def read_envelope(body: bytes) -> tuple[list[PushHint], int]:
    """Return the hints of an envelope, and how many of its events could not be read.

    Raises:
        EnvelopeError: It is not one.
    """
    try:
        document = load_json(body)
    except (ValueError, RecursionError) as error:
        raise EnvelopeError("the body is not JSON that can be read") from error
    events = document.get("events") if isinstance(document, dict) else None
    if not isinstance(events, list):
        raise EnvelopeError("the body has no list of events")
    read = [_read(event) for event in events[:MOST_EVENTS]]
    hints = {one.event_id: one for one in read if isinstance(one, PushHint)}
    return list(hints.values()), read.count(None) + len(events[MOST_EVENTS:])


def _read(event: Any) -> PushHint | bool | None:
    """Return the hint of an event; False for one that says nothing new, None for one that can't be read."""
    if not isinstance(event, Mapping) or not isinstance(target := event.get("target"), Mapping):
        return None
    action = event.get("action")
    if not isinstance(action, str):
        return None
    if action not in _ACTIONS or target.get("mediaType") == _BLOB:
        return False
    event_id, repository = event.get("id"), target.get("repository")
    tag, digest = (target.get(key) or None for key in ("tag", "digest"))
    if not isinstance(event_id, str) or not re.fullmatch(_EVENT_ID, event_id) or not (tag or digest):
        return None
    if not isinstance(repository, str) or not all(one is None or isinstance(one, str) for one in (tag, digest)):
        return None
    try:
        Reference("", "registry.example", repository, tag, digest)
    except InvalidReferenceError:
        return None
    return PushHint(
        event_id=event_id,
        action=action,
        repository=repository,
        tag=tag or "",
        digest=digest or "",
        actor=next(_actors(event), ""),
    )


def _actors(event: Mapping[str, Any]) -> Iterator[str]:
    actor = event.get("actor")
    if isinstance(actor, Mapping) and isinstance(name := actor.get("name"), str):
        yield one_line(name, _LONGEST_ACTOR)
