"""What the tags of a registry pointed to last time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from portus_scan.exits import CommandFault
from portus_scan.walking import SinceFile
from portus_scan.walking.since import Seen

APP, BASE = "r.example/app:1", "r.example/base:1"


def written(path: Path, *, all_seen: bool = True, **digests: str) -> SinceFile:
    """Write a file in which the images have these digests."""
    file = SinceFile(path, ["clair"])
    for name, digest in digests.items():
        file.note({"app": APP, "base": BASE}[name], digest)
    file.write(all_seen=all_seen)
    return SinceFile(path, ["clair"])


def test_nothing_was_seen_the_first_time(tmp_path: Path) -> None:
    """A file that is not there yet knows no image."""
    assert Seen() == SinceFile(tmp_path / "since", ["clair"]).find(APP)


def test_what_was_seen_is_remembered_by_its_name(tmp_path: Path) -> None:
    """With its digest, and what it is if not an image."""
    again = written(tmp_path / "since", app="sha256:a")
    assert (Seen("sha256:a"), Seen()) == (again.find(APP), again.find(BASE))


@pytest.mark.parametrize(("platform", "pointer"), [("linux/arm64", "sha256:index"), ("linux/amd64", "")])
def test_a_pointer_holds_for_the_platform_that_was_scanned(tmp_path: Path, platform: str, pointer: str) -> None:
    """Of one index another platform is another image, which the pointer does not tell."""
    path = tmp_path / "since"
    file = SinceFile(path, ["clair"], "linux/arm64")
    file.expect(APP, "sha256:index")
    file.note(APP, "sha256:a")
    file.note(BASE, "sha256:b", "signature")
    file.write(all_seen=True)
    again = SinceFile(path, ["clair"], platform)
    assert (Seen("sha256:a", pointer), Seen("sha256:b", "", "signature")) == (again.find(APP), again.find(BASE))


def test_what_was_not_scanned_to_the_end_has_no_pointer(tmp_path: Path) -> None:
    """What its tag points to now is not what was seen."""
    path = tmp_path / "since"
    written(path, app="sha256:a")
    file = SinceFile(path, ["clair"])
    file.expect(APP, "sha256:new")
    file.write(all_seen=False)
    assert Seen("sha256:a") == SinceFile(path, ["clair"]).find(APP)


def test_what_is_unchanged_keeps_what_it_is(tmp_path: Path) -> None:
    """With what a HEAD is compared with from now on."""
    path = tmp_path / "since"
    file = written(path, app="sha256:a")
    assert Seen("sha256:a", "sha256:index") == file.keep(APP, "sha256:index")
    file.write(all_seen=True)
    assert Seen("sha256:a", "sha256:index") == SinceFile(path, ["clair"]).find(APP)


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """It has digests alone."""
    path = tmp_path / "since"
    path.write_text(json.dumps({"version": 1, "scanners": ["clair"], "digests": {APP: "sha256:a"}}))
    assert Seen("sha256:a") == SinceFile(path, ["clair"], "x86_64").find(APP)


@pytest.mark.parametrize(
    ("scanners", "unchanged"), [(["clair"], True), (["clair", "trivy"], False), (["trivy"], False), ([], True)]
)
def test_what_a_scanner_has_not_seen_is_scanned_again(tmp_path: Path, scanners: list[str], unchanged: bool) -> None:
    """One that was enabled since has looked into no image yet; one that was taken away needs no new scan."""
    written(tmp_path / "since", app="sha256:a")
    assert unchanged == (Seen() != SinceFile(tmp_path / "since", scanners).find(APP))


@pytest.mark.parametrize("all_seen", [True, False])
def test_an_interrupted_walk_forgets_nothing(tmp_path: Path, all_seen: bool) -> None:
    """What was not looked at keeps its place; after a whole walk it is gone from the registry."""
    path = tmp_path / "since"
    written(path, app="sha256:a", base="sha256:b")
    again = written(path, all_seen=all_seen, app="sha256:c")
    assert (Seen("sha256:c"), Seen() if all_seen else Seen("sha256:b")) == (again.find(APP), again.find(BASE))


def test_what_was_not_scanned_to_the_end_is_scanned_again(tmp_path: Path) -> None:
    """An image that has changed and was not noted loses its old digest only in a whole walk."""
    path = tmp_path / "since"
    written(path, app="sha256:a")
    assert Seen() == written(path).find(APP)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"version": 2, "scanners": [], "digests": {}}',
        '{"version": 1, "scanners": [], "digests": {"a": 1}}',
        '{"version": 1, "scanners": [1], "digests": {}}',
        '{"version": 1, "digests": {}}',
        '{"version": 1, "scanners": [], "digests": {}, "pointers": []}',
        '{"version": 1, "scanners": [], "digests": {}, "artifacts": {"a": null}}',
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: str) -> None:
    """And it is left as it is."""
    path = tmp_path / "since"
    path.write_text(content)
    with pytest.raises(CommandFault, match="was not written by --since-file"):
        SinceFile(path, ["clair"])
    assert content == path.read_text()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Nothing is left behind when it can't be written."""
    with pytest.raises(CommandFault, match="can't write"):
        written(tmp_path / "gone" / "since", app="sha256:a")
