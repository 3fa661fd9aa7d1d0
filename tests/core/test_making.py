"""Making many findings: `finding_maker` returns what the class does; and the order of a report."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, strategies as st
from portus_scanners import Cvss, Finding, FixState, Package, ScannerReport, Severity, VendorRating
from portus_scanners.backends import finding_maker

from .strategies import findings


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


class PretendingType(type):
    """The type of a class that says that it is ``str``."""

    def __eq__(cls, other: object) -> bool:
        return other is str

    def __hash__(cls) -> int:
        return hash(str)


class Pretender(metaclass=PretendingType):
    """An object of such a class."""

    def __init__(self, text: str) -> None:
        self.text = text


NASTY: list[Any] = [
    None,
    "",
    "x",
    Text("x"),
    0,
    1.5,
    True,
    b"x",
    (),
    [],
    ["x"],
    ("x",),
    ("x", "y"),
    ("x", 1),
    (None,),
    {},
]
NASTY += [
    Severity.HIGH,
    FixState.FIXED,
    Package("a"),
    (Cvss(version="2"),),
    [Cvss(version="2")],
    (Cvss(version="2"), 1),
]
NASTY += [(VendorRating(source="a"),), iter(())]
NASTY += [datetime(2026, 1, 1, tzinfo=zone) for zone in (None, UTC, ZoneInfo("Europe/Berlin"))]
NASTY += [{"a": "b"}, {"a": 1}, {Text("a"): "b"}, {"a": Text("b")}, MappingProxyType({"a": "b"})]
NASTY += [object.__new__(Severity), ("x", Text("y")), (Pretender("x"),)]
NAMES = [field.name for field in attrs.fields(Finding)]


def plain_finding_maker(*members: str) -> Any:
    """Return what `finding_maker` returns, as the class does it."""
    return lambda *values: Finding(**dict(zip(members, values, strict=True)))


def outcome(make: Any, *values: Any) -> tuple[str, Any]:
    """Return what a call gives: the object, or the error and its text."""
    try:
        made = make(*values)
    except (TypeError, ValueError) as error:
        return type(error).__name__, str(error)
    return "made", (type(made), made)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_is_taken_or_refused_as_by_the_class(name: str) -> None:
    """Exact types, those that are converted, and wrong ones: the same finding, or the same error."""
    members = ("id", name) if name != "id" else ("id",)
    make, plain = finding_maker(*members), plain_finding_maker(*members)
    for value in NASTY:
        given_values = {"id": "CVE-1", name: value}.values()
        assert outcome(plain, *given_values) == outcome(make, *given_values)


@given(findings)
def test_a_made_finding_is_one_in_every_way(finding: Finding) -> None:
    """Equal, of equal hash where it has one, frozen, copied and pickled as others are."""
    values = {name: getattr(finding, name) for name in NAMES}
    made = finding_maker(*NAMES)(*values.values())
    usual = plain_finding_maker(*NAMES)(*values.values())
    assert (usual, repr(usual), Finding) == (made, repr(made), type(made))
    assert made == pickle.loads(pickle.dumps(made)) == attrs.evolve(made)  # noqa: S301
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.id = "other"  # type: ignore[misc]


def test_defaults_that_are_made_are_made_anew() -> None:
    """Two findings do not share a mapping that somebody might change."""
    make = finding_maker("id")
    assert make("a").details is not make("b").details


@pytest.mark.parametrize("names", [[], ["severity"], ["id", "nonsense"], ["id", "id"]])
def test_members_that_can_not_be_given(names: list[str]) -> None:
    """Without an id, with a member twice, or with one that there is not: a ValueError at once."""
    with pytest.raises(ValueError, match="can't be made of these members: "):
        finding_maker(*names)


few = st.sampled_from("ab")
places = st.builds(Package, few, few, few)
alike = st.builds(Finding, id=few, severity=st.sampled_from(Severity), package=places, path=few)


@given(st.lists(alike, max_size=12))
def test_the_order_of_a_report_is_by_severity_id_and_place(listed: list[Finding]) -> None:
    """Highest severity first, then id, name, version and namespace of the package, and path."""
    scale = list(Severity)

    def order(one: Finding) -> tuple[int, str, str, str, str, str]:
        package = one.package
        return -scale.index(one.severity), one.id, package.name, package.version, package.namespace, one.path

    assert tuple(sorted(listed, key=order)) == ScannerReport(findings=listed).findings
