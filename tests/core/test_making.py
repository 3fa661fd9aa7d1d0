"""Making many findings: what `Finding.maker` gives is what `Finding` gives, and the order of a report."""

from __future__ import annotations

import gc
import pickle
import threading
from typing import Any

import attrs
import pytest
from hypothesis import given, settings, strategies as st
from portus_scanners import Cvss, Finding, FixState, Package, ScannerReport, Severity, VendorRating, collector
from portus_scanners.collector import without_collector

from .strategies import findings


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


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
NAMES = [field.name for field in attrs.fields(Finding) if field.name not in {"published", "modified", "details"}]


def outcome(make: Any, *values: Any, **named: Any) -> tuple[str, Any]:
    """Return what a call gives: the object, or the error and its text."""
    try:
        made = make(*values, **named)
    except (TypeError, ValueError) as error:
        return type(error).__name__, str(error)
    return "made", (type(made), made)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_is_taken_or_refused_as_by_the_class(name: str) -> None:
    """Exact types, those that are converted, and wrong ones: the same finding, or the same error."""
    make = Finding.maker("id", name) if name != "id" else Finding.maker("id")
    for value in NASTY:
        given_values = {"id": "CVE-1", name: value}
        assert outcome(Finding, **given_values) == outcome(make, *given_values.values())


@settings(max_examples=50)
@given(findings)
def test_a_made_finding_is_one_in_every_way(finding: Finding) -> None:
    """Equal, of equal hash where it has one, frozen, copied and pickled as others are."""
    values = {name: getattr(finding, name) for name in NAMES}
    made = Finding.maker(*NAMES)(*values.values())
    usual = Finding(**values)
    assert (usual, repr(usual), Finding) == (made, repr(made), type(made))
    assert made == pickle.loads(pickle.dumps(made)) == attrs.evolve(made)  # noqa: S301
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.id = "other"  # type: ignore[misc]


def test_defaults_that_are_made_are_made_anew() -> None:
    """Two findings do not share a mapping that somebody might change."""
    make = Finding.maker("id")
    assert make("a").details is not make("b").details


def test_a_derived_class_is_refused() -> None:
    """It may check more, and its objects have another layout: better at once than at the first finding."""

    @attrs.frozen(kw_only=True, weakref_slot=False)
    class Strict(Finding):
        def __attrs_post_init__(self) -> None:
            raise ValueError

    with pytest.raises(ValueError, match="Strict is derived from Finding"):
        Strict.maker("id")


@pytest.mark.parametrize(
    "names", [[], ["severity"], ["id", "details"], ["id", "published"], ["id", "nonsense"], ["id", "id"]]
)
def test_members_that_can_not_be_given(names: list[str]) -> None:
    """Without an id, with a member that has no quick check, or with one that there is not: a ValueError at once."""
    with pytest.raises(ValueError, match="can't be made of these members: "):
        Finding.maker(*names)


few = st.sampled_from("ab")
places = st.builds(Package, few, few, few)
alike = st.builds(Finding, id=few, severity=st.sampled_from(Severity), package=places, path=few)


@settings(max_examples=50)
@given(st.lists(alike, max_size=12))
def test_the_order_of_a_report_is_by_severity_id_and_place(listed: list[Finding]) -> None:
    """Highest severity first, then id, name, version and namespace of the package, and path."""
    scale = list(Severity)

    def order(one: Finding) -> tuple[int, str, str, str, str, str]:
        package = one.package
        return -scale.index(one.severity), one.id, package.name, package.version, package.namespace, one.path

    assert tuple(sorted(listed, key=order)) == ScannerReport(findings=listed).findings


def test_the_collector_comes_back() -> None:
    """Held back while the function runs, on again after it, also when it fails."""
    assert (False, True) == (without_collector(gc.isenabled), gc.isenabled())
    with pytest.raises(ZeroDivisionError):
        without_collector(lambda: 1 // 0)
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    """A program that has switched it off has its reasons."""
    gc.disable()
    try:
        without_collector(int)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_last_one_switches_the_collector_on() -> None:
    """Two answers are read at the same time: the end of one does not disturb the other."""
    inside, leave = threading.Event(), threading.Event()

    def read() -> None:
        inside.set()
        leave.wait(10)

    other = threading.Thread(target=without_collector, args=(read,))
    other.start()
    inside.wait(10)
    without_collector(int)
    while_other_reads = gc.isenabled()
    leave.set()
    other.join()
    assert (False, True) == (while_other_reads, gc.isenabled())


def test_the_collector_is_not_held_back_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that overlap without an end: who comes too late joins no more, and the first ones' end is the end."""
    monkeypatch.setattr(collector, "LONGEST", -1.0)
    inside, leave = threading.Event(), threading.Event()

    def read() -> None:
        inside.set()
        assert leave.wait(10)

    first = threading.Thread(target=without_collector, args=(read,))
    first.start()
    assert inside.wait(10)

    def outlive() -> tuple[bool, bool]:
        before = gc.isenabled()
        leave.set()
        first.join()
        return before, gc.isenabled()

    assert (False, True) == without_collector(outlive)
    assert gc.isenabled()


@given(st.lists(st.sampled_from(["a", Text("b"), "", None, 1]), min_size=3, max_size=3))
@settings(max_examples=30)
def test_packages_are_made_as_by_the_class(texts: list[Any]) -> None:
    """The same package, or the same error."""
    names = ("name", "version", "namespace")
    assert outcome(Package, *texts) == outcome(Package.maker(*names), *texts)
    with pytest.raises(ValueError, match="Package can't be made of these members: nonsense"):
        Package.maker("nonsense")
