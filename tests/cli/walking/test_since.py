"""What the tags of a registry pointed to last time."""

from __future__ import annotations

from pathlib import Path

import pytest
from portus_scan.exits import CommandFault
from portus_scan.walking import SinceFile

APP, BASE = "r.example/app:1", "r.example/base:1"


def written(path: Path, *, all_seen: bool = True, **digests: str) -> SinceFile:
    """Write a file in which the images have these digests."""
    file = SinceFile(path, ["clair"])
    for name, digest in digests.items():
        file.note({"app": APP, "base": BASE}[name], digest)
    file.write(all_seen=all_seen)
    return SinceFile(path, ["clair"])


def test_nothing_is_unchanged_the_first_time(tmp_path: Path) -> None:
    """A file that is not there yet knows no image."""
    assert not SinceFile(tmp_path / "since", ["clair"]).is_unchanged(APP, "sha256:a")


def test_what_was_seen_is_unchanged_until_its_tag_moves(tmp_path: Path) -> None:
    """The digest counts, not the name alone."""
    again = written(tmp_path / "since", app="sha256:a")
    assert (True, False, False) == (
        again.is_unchanged(APP, "sha256:a"),
        again.is_unchanged(APP, "sha256:b"),
        again.is_unchanged(BASE, "sha256:a"),
    )


@pytest.mark.parametrize(
    ("scanners", "unchanged"), [(["clair"], True), (["clair", "trivy"], False), (["trivy"], False), ([], True)]
)
def test_what_a_scanner_has_not_seen_is_scanned_again(tmp_path: Path, scanners: list[str], unchanged: bool) -> None:
    """One that was enabled since has looked into no image yet; one that was taken away needs no new scan."""
    written(tmp_path / "since", app="sha256:a")
    assert unchanged == SinceFile(tmp_path / "since", scanners).is_unchanged(APP, "sha256:a")


@pytest.mark.parametrize("all_seen", [True, False])
def test_an_interrupted_walk_forgets_nothing(tmp_path: Path, all_seen: bool) -> None:
    """What was not looked at keeps its place; after a whole walk it is gone from the registry."""
    path = tmp_path / "since"
    written(path, app="sha256:a", base="sha256:b")
    again = written(path, all_seen=all_seen, app="sha256:c")
    assert (True, not all_seen) == (again.is_unchanged(APP, "sha256:c"), again.is_unchanged(BASE, "sha256:b"))


def test_what_was_not_scanned_to_the_end_is_scanned_again(tmp_path: Path) -> None:
    """An image that has changed and was not noted loses its old digest only in a whole walk."""
    path = tmp_path / "since"
    written(path, app="sha256:a")
    assert not written(path).is_unchanged(APP, "sha256:a")


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
