"""What registries tell, read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_scan_server.intake import EnvelopeError, PushHint, read_envelope

DATA = Path(__file__).with_name("data")
RECORDED = {path.stem: json.loads(path.read_text())["body"] for path in sorted(DATA.glob("*.json"))}
EVENT = RECORDED["push-schema2"]["events"][0]


def read(*events: object) -> tuple[list[PushHint], int]:
    """Read an envelope of these events."""
    return read_envelope(json.dumps({"events": events}).encode())


def changed(target: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """Return an event of a push with other members."""
    return {**EVENT, **members, "target": {**EVENT["target"], **(target or {})}}


def test_recorded_events() -> None:
    """Of docker-registry 2.8.2's events, pushes and deletions of manifests are hints: no pulls, no layers."""
    found = {name: read_envelope(json.dumps(body).encode()) for name, body in RECORDED.items()}
    hints = {name: [(one.action, one.tag or one.digest[:13]) for one in read] for name, (read, _) in found.items()}
    assert {
        "delete-blob": [("delete", "sha256:b9241a")],
        "delete-digest-event": [("delete", "sha256:a0dc1a")],
        "delete-tag-event": [("delete", "1")],
        "mount-blob": [],
        "pull-manifest-HEAD": [],
        "pull-manifest-by-digest": [],
        "push-again-unchanged": [("push", "1.0")],
        "push-blob": [],
        "push-by-digest-no-tag": [("push", "sha256:26c17f")],
        "push-manifest-list": [("push", "list")],
        "push-oci-index": [("push", "1.0")],
        "push-oci-manifest": [("push", "1")],
        "push-schema2": [("push", "1.0")],
    } == hints
    assert {0} == {unread for _, unread in found.values()}


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {"action": "push"},
        changed(action=7),
        changed(action=["push"]),
        changed(id=""),
        changed(id="a\nb"),
        changed(id="x" * 201),
        changed({"repository": "../../etc"}),
        changed({"repository": "team/app?n=1"}),
        changed({"repository": ["team/app"]}),
        changed({"tag": "1.0/../2.0"}),
        changed({"tag": "\ud800"}),
        changed({"tag": 1}),
        changed({"tag": None, "digest": "sha256:x"}),
        changed({"tag": None, "digest": None}),
    ],
)
def test_an_event_that_cannot_be_read_is_counted_and_keeps_no_other(event: Any) -> None:
    """Whatever is wrong with one event, the next of its envelope is read."""
    hints, unread = read(event, EVENT)
    assert ([EVENT["id"]], 1) == ([one.event_id for one in hints], unread)


def test_what_an_envelope_may_be() -> None:
    """An event that comes twice is one; of more than a thousand the first are read; names of people are one line."""
    assert 1 == len(read(EVENT, EVENT)[0])
    many = [changed(id=str(number)) for number in range(1_003)]
    hints, unread = read(*many)
    assert (1_000, 3) == (len(hints), unread)
    assert ["a b"] == [one.actor for one in read(changed(actor={"name": "a\nb"}))[0]]
    for body in (b"", b"[]", b'{"events": {}}', b"{" * 9, b"[" * 100_000, b'{"events": [], "events": []}', b"\xff"):
        with pytest.raises(EnvelopeError):
            read_envelope(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*EVENT, *EVENT["target"]]), inner),
)


@given(st.lists(_JSON | st.fixed_dictionaries({name: st.just(EVENT[name]) | _JSON for name in EVENT}), max_size=3))
def test_anything_is_a_hint_or_is_counted(events: list[Any]) -> None:
    """No event, whatever it holds, raises; and what comes out has a valid place."""
    hints, unread = read(*events)
    assert len(hints) + unread <= len(events)
    assert [] == [one for one in hints if not one.repository or not (one.tag or one.digest)]
