"""JSON answers -> attrs classes, strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Literal

import pytest
from attrs import field, frozen, make_class
from attrs.validators import in_
from hypothesis import given, strategies as st
from portus_scanners import InvalidReportError, Secret
from portus_scanners.backends import HttpAnswer, ProgramAnswer


class State(Enum):
    """A word."""

    DONE = "done"
    WORKING = "working"


@frozen
class Item:
    """A class within the other."""

    id: str
    score: float | None = None


@frozen
class Report:
    """A class with a member of each kind; all but one have defaults."""

    count: int
    whole: bool = True
    state: State = State.DONE
    updated: datetime | None = None
    items: tuple[Item, ...] = ()
    words: list[str] = []  # noqa: RUF008 (a default as authors write it)
    ratings: Mapping[str, Item] = {}
    marks: frozenset[str] = frozenset()


def structured(value: object) -> Report:
    """Structure a JSON value as it comes over the wire."""
    return HttpAnswer(status=200, headers={}, body=json.dumps(value).encode()).structure(Report)


def faults(value: object) -> tuple[str, ...]:
    """Return what is wrong with it."""
    with pytest.raises(InvalidReportError, match="HTTP 200, and the body is not of the known form") as caught:
        structured(value)
    return caught.value.faults


def test_an_answer_is_structured() -> None:
    """Each member becomes what its annotation says; members that the class does not have are passed over."""
    value = {
        "count": 2,
        "state": "working",
        "updated": "2099-01-02T03:04:05Z",
        "items": [{"id": "a", "score": 7}, {"id": "b", "score": None, "added later": 1}],
        "words": ["x"],
        "ratings": {"nvd": {"id": "c"}},
        "marks": ["y", "x", "y"],
        "added later": [],
    }
    expected = Report(
        count=2,
        state=State.WORKING,
        updated=datetime(2099, 1, 2, 3, 4, 5, tzinfo=UTC),
        items=(Item("a", 7.0), Item("b")),
        words=["x"],
        ratings={"nvd": Item("c")},
        marks=frozenset({"x", "y"}),
    )
    assert expected == structured(value)


@pytest.mark.parametrize(
    ("member", "value", "fault"),
    [
        ("count", "7", "$.count: expected an integer, got a string"),
        ("count", True, "$.count: expected an integer, got a boolean"),
        ("count", 7.0, "$.count: expected an integer, got a number"),
        ("count", None, "$.count: expected an integer, got null"),
        ("whole", 1, "$.whole: expected a boolean, got an integer"),
        ("state", "Done", "$.state: expected one of done, working"),
        ("state", ["done"], "$.state: expected one of done, working"),
        ("updated", "yesterday", "$.updated: expected a time in ISO 8601 form"),
        ("updated", 7, "$.updated: expected a string, got an integer"),
        ("items", None, "$.items: expected a list, got null"),
        ("items", "ab", "$.items: expected a list, got a string"),
        ("items", {"id": "a"}, "$.items: expected a list, got an object"),
        ("items", [{"id": "a"}, {"score": 1}], "$.items[1].id: missing"),
        ("items", [{"id": "a", "score": "9"}], "$.items[0].score: expected a number, got a string"),
        ("items", ["id"], "$.items[0]: expected an object, got a string"),
        ("items", [["id"]], "$.items[0]: expected an object, got a list"),
        ("words", "ab", "$.words: expected a list, got a string"),
        ("words", [None], "$.words[0]: expected a string, got null"),
        ("marks", "ab", "$.marks: expected a list, got a string"),
        ("marks", ["a", 1], "$.marks[1]: expected a string, got an integer"),
        ("ratings", [], "$.ratings: expected an object, got a list"),
        ("ratings", {"nvd": {"id": 1}}, "$.ratings['nvd'].id: expected a string, got an integer"),
    ],
)
def test_nothing_is_bent(member: str, value: object, fault: str) -> None:
    """A value of another type is an error with its place, whatever Python would make of it."""
    assert (fault,) == faults({"count": 1, member: value})


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({}, "$.count: missing"),
        ([], "$: expected an object, got a list"),
        ("count", "$: expected an object, got a string"),
        (None, "$: expected an object, got null"),
    ],
)
def test_the_document_itself(value: object, fault: str) -> None:
    """What is no object, or lacks what is required, is an error."""
    assert (fault,) == faults(value)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "9" * 400])
def test_numbers_are_finite(text: str) -> None:
    """Python's JSON reader takes more for a number than JSON does."""
    answer = HttpAnswer(status=200, headers={}, body=b'{"id": "a", "score": ' + text.encode() + b"}")
    with pytest.raises(InvalidReportError, match="score: expected a finite number"):
        answer.structure(Item)


def test_faults_are_counted() -> None:
    """Ten faults are named, of more their number is."""
    lines = faults({"count": 1, "items": [{}] * 25})
    assert (11, "$.items[0].id: missing", "and 15 more") == (len(lines), lines[0], lines[-1])


def test_foreign_keys_are_one_harmless_line() -> None:
    """A key of the answer can't forge a line or paint the screen."""
    (line,) = faults({"count": 1, "ratings": {"\x1b[2J\n" * 100: 1}})
    assert (True, True) == (line.isprintable(), len(line) < 250)


@pytest.mark.parametrize("member", ["ratings", "words"])
def test_secrets_in_faults_are_masked(member: str) -> None:
    """A backend that quotes what it was sent, as a key or as a value that a validator shows, gives nothing away."""

    @frozen
    class Picky:
        words: str = field(default="", validator=in_(("a", "b")))
        ratings: Mapping[str, int] = {}

    value = {"ratings": {"hunter2": "x"}} if member == "ratings" else {"words": "hunter2"}
    answer = HttpAnswer(
        status=200, headers={}, body=json.dumps(value).encode(), secrets=frozenset({Secret("Bearer hunter2")})
    )
    with pytest.raises(InvalidReportError, match=re.escape("******")) as caught:
        answer.structure(Picky)
    assert "hunter2" not in str(caught.value)


def test_other_types_than_classes() -> None:
    """A list of objects at the top is structured as well."""
    answer = HttpAnswer(status=200, headers={}, body=b'[{"id": "a"}]')
    assert (Item("a"),) == answer.structure(tuple[Item, ...])


def test_what_a_program_wrote() -> None:
    """The answer of a program is structured in the same way, and says how the program ended."""
    assert Item("a") == ProgramAnswer(status=0, stdout=b'{"id": "a"}').structure(Item)
    with pytest.raises(InvalidReportError, match=r"exit status 1, and stdout is not .* form: \$.id: missing"):
        ProgramAnswer(status=1, stdout=b"{}").structure(Item)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for the lists and objects of such values."""
    keys = st.sampled_from(["count", "items", "id", "words"])
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = SCALARS | nested(SCALARS | nested(SCALARS | nested(SCALARS)))


@given(JSON)
def test_any_json_is_structured_or_refused(value: Any) -> None:
    """Whatever JSON comes, there is an object with the very values, or an `InvalidReportError`."""
    try:
        report = structured(value)
    except InvalidReportError:
        return
    assert (value["count"], len(value.get("items", ())), value.get("words", [])) == (
        report.count,
        len(report.items),
        report.words,
    )


@pytest.mark.parametrize("kind", [set[str], frozenset[str], Set[str], list[str], tuple[str, ...], Sequence[str]])
def test_a_string_is_no_collection_of_its_letters(kind: Any) -> None:
    """A string where a collection is expected is an error, whatever the collection."""
    answer = HttpAnswer(status=200, headers={}, body=b'"CVE-1"')
    with pytest.raises(InvalidReportError) as caught:
        answer.structure(kind)
    assert ("$: expected a list, got a string",) == caught.value.faults


def unsupported(kind: Any) -> str:
    """Return the error for a class with a member of a type that can't be filled, in an answer that lacks the member."""
    inner = make_class("Inner", {"member": field(type=kind, default=None)})
    outer = make_class("Outer", {"items": field(type=tuple[inner, ...], default=())})  # type: ignore[valid-type]
    with pytest.raises(TypeError) as caught:
        HttpAnswer(status=200, headers={}, body=b"{}").structure(outer)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (str | int, "str | int"),
        (object, "object"),
        (Mapping[str, object], "object"),
        (dict[int, str], "dict[int, str]"),
        (tuple[str, int], "tuple[str, int]"),
        (list, "list"),
        (frozenset, "frozenset"),
        (str | int | None, "str | int | None"),
        (bytes, "bytes"),
        (Literal["a"], "typing.Literal['a']"),
        (list[tuple[object, ...]], "object"),
    ],
)
def test_a_type_that_can_not_be_filled_is_the_plugins_fault(kind: Any, shown: str) -> None:
    """It is named with class and member when the class is first used, also if the answer does not have the member."""
    assert f"Inner.member is {shown}: structure() can't fill this type" in unsupported(kind)


@frozen
class Tree:
    """A class within itself, with every type that can be filled."""

    name: str
    inner: tuple[Tree, ...] = ()
    anything: Any = None
    day: date | None = None
    words: Set[str] = frozenset()
    lists: Mapping[str, list[float]] = {}


def test_every_type_of_the_list_can_be_filled() -> None:
    """Classes may contain themselves."""
    body = {"name": "a", "inner": [{"name": "b", "day": "2099-01-02"}], "words": ["x"], "lists": {"y": [1]}}
    tree = HttpAnswer(status=200, headers={}, body=json.dumps(body).encode()).structure(Tree)
    assert Tree("a", (Tree("b", day=date(2099, 1, 2)),), None, None, frozenset("x"), {"y": [1.0]}) == tree


@frozen
class Found:
    """What is found, by name."""

    items: tuple[Item, ...] = ()
    by_name: Mapping[str, Item] = field(factory=dict)


@pytest.mark.parametrize("name", ["Items", "ITEMS", "item\u017f"])
def test_a_known_member_in_another_spelling_is_an_error(name: str) -> None:
    """A program in Go reads it as the known one: what is in it must not be passed over."""
    item = f'{{"id": "1", "odd": 2, "{name}": 1}}'
    accepted = f'{{"other": 1, "items": [{item}], "by_name": {{"by_name": {{"id": "2"}}, "By_Name": {{"id": "3"}}}}}}'
    refused = f'{{"items": [], "{name}": [{item}], "other": 1}}'
    for _ in range(2):  # the second time names are remembered
        found = HttpAnswer(status=200, headers={}, body=accepted.encode()).structure(Found)
        assert ((Item("1"),), {"by_name", "By_Name"}) == (found.items, {*found.by_name})
        with pytest.raises(InvalidReportError) as caught:
            HttpAnswer(status=200, headers={}, body=refused.encode()).structure(Found)
        assert (f"$: {name!r} is not 'items'",) == caught.value.faults
