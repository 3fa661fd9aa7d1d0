"""One pass over the metadata as long as nothing changes; what others' metadata may be like."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from portus_scanners import Plugin, PluginError, discover
from portus_scanners.plugins import discovery

from .test_plugins import GOOD


def named(name: str, *, refresh: bool = False) -> list[Plugin]:
    """Return the discovered plugins of one name."""
    return [plugin for plugin in discover(refresh=refresh) if plugin.name == name]


def write_distribution(site: Path, name: str, version: str = "1.0") -> None:
    """Write a distribution with a plugin of its name, as pip does in a folder that is on the path already."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[portus.scanners]\n{name} = {name}_module:GoodScanner\n")
    (site / f"{name}_module.py").write_text(GOOD)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Has a member for each pass over the metadata."""
    counted: list[int] = []
    read_all = discovery.distributions

    def count() -> object:
        counted.append(1)
        return read_all()

    monkeypatch.setattr(discovery, "distributions", count)
    discovery._find.cache_clear()
    return counted


def test_nothing_changed_is_one_pass(passes: list[int]) -> None:
    """The second answer is the first one, unless a refresh is wanted."""
    first, second = discover(), discover()
    assert (1, True) == (len(passes), first is second)
    assert (first, 2) == (discover(refresh=True), len(passes))


def test_a_changed_path_is_another_pass(passes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder put on the path is looked into without a refresh."""
    discover()
    write_distribution(tmp_path / "site", "late_a")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")])
    assert (1, 2) == (len(named("late_a")), len(passes))


def test_what_is_installed_into_a_known_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that comes into a folder on the path, or goes out of it, is seen: the folder's time changes."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    before = named("late_b")
    write_distribution(site, "late_b")
    assert (0, 1) == (len(before), len(named("late_b")))
    (site / "late_b-1.0.dist-info").rename(tmp_path / "elsewhere")
    assert [] == named("late_b")


def test_a_refresh_sees_what_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is changed in place is seen by a refresh; the folder on the path shows nothing of it."""
    write_distribution(tmp_path, "late_c")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    before = named("late_c")
    (tmp_path / "late_c-1.0.dist-info/entry_points.txt").write_text("[portus.scanners]\nother_c = late_c_module:X\n")
    stale = named("late_c")
    assert ([1, 1, 0], 1) == (
        [len(before), len(stale), len(named("late_c", refresh=True))],
        len(named("other_c")),
    )


def test_after_a_refresh_a_late_plugin_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that was not there when Python looked into it first: found and imported after a refresh."""
    site = tmp_path / "late"
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    with pytest.raises(ModuleNotFoundError):
        __import__("late_d_module")  # Python remembers that this folder is none
    write_distribution(site, "late_d")
    with pytest.raises(PluginError, match="No module named 'late_d_module'"):
        named("late_d")[0].load()
    assert "GoodScanner" == named("late_d", refresh=True)[0].load().__name__


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("METADATA", b""),
        ("METADATA", b"Metadata-Version: 2.1\nName: nameless_neighbour\n"),
        ("METADATA", b"Metadata-Version: 2.1\nVersion: 1\n"),
        ("METADATA", b"Name: \xff\xfe\nVersion: 1\n"),
        ("entry_points.txt", b"\xff\xfe\x00"),
        ("entry_points.txt", b"[portus.scanners]\nno equals sign\n"),
        ("entry_points.txt", b"x = before:any_section\n"),
        ("entry_points.txt", b"[portus.scanners]\nnothing =\n"),
    ],
    ids=["empty", "no version", "no name", "no text", "points no text", "no value", "no section", "empty value"],
)
def test_a_neighbour_with_broken_metadata_hurts_nobody(
    install: Callable[..., None], tmp_path: Path, file: str, content: bytes
) -> None:
    """Whatever a neighbour's metadata lack or hold, the others are found, and nothing is raised."""
    install("broken-neighbour", entry_points={"neighbour": "m:X"}, folder="neighbour")
    (tmp_path / "neighbour/broken_neighbour-1.0.dist-info" / file).write_bytes(content)
    install("acme-scanner", entry_points={"acme": "m:X"})
    assert 1 == len(named("acme"))


def test_a_broken_archive_on_the_path_hurts_nobody(
    install: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file on the path that is no archive is passed over."""
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no archive")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "broken.zip"), *sys.path])
    install("acme-scanner", entry_points={"acme": "m:X"})
    assert 1 == len(named("acme"))


def test_foreign_metadata_is_harmless_in_messages(install: Callable[..., None]) -> None:
    """Control characters of a version or a value do not get into a message, and a name is quoted for the shell."""
    install("acme$(reboot)", "1\x1b[2J", entry_points={"acme": "gone\x1b[31m:X"})
    with pytest.raises(PluginError) as raised:
        named("acme")[0].load()
    assert raised.value.reason.isprintable()
    assert "pip install --upgrade 'acme$(reboot)'" == raised.value.fix


def test_one_distribution_with_a_name_twice(install: Callable[..., None]) -> None:
    """A distribution that registers a name twice is a conflict with itself."""
    install("acme-scanner", entry_points="[portus.scanners]\nacme = m:X\nacme = m:Y\n")
    problems = {plugin.problem.reason for plugin in named("acme") if plugin.problem}
    assert {"it is registered more than once (acme-scanner 1.0); try: pip uninstall acme-scanner"} == problems
