"""A list of repositories that the user gives."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from portus_scan.exits import CommandFault
from portus_scan.walking import catalog
from portus_scan.walking.catalog import read_repositories


def test_names_one_a_line(tmp_path: Path) -> None:
    """Each once, in order; comments, blanks and empty lines are passed over."""
    path = tmp_path / "list"
    path.write_text("# all\nteam/app\n\n  team/base:1.0  # one tag\nteam/app\n")
    assert ("team/app", "team/base:1.0") == read_repositories(str(path))


def test_names_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash is stdin."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"team/app\n")))
    assert ("team/app",) == read_repositories("-")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "names no repository"), (b"# none\n", "names no repository"), (b"\xff\n", "UTF-8")]
)
def test_what_is_no_list(tmp_path: Path, content: bytes, said: str) -> None:
    """An empty list would scan nothing without a word."""
    path = tmp_path / "list"
    path.write_bytes(content)
    with pytest.raises(CommandFault, match=said):
        read_repositories(str(path))


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(CommandFault, match=r"can't read .*none.*No such file"):
        read_repositories(str(tmp_path / "none"))


def test_a_list_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read to its end."""
    monkeypatch.setattr(catalog, "LARGEST_LIST", 4)
    (tmp_path / "list").write_text("team/app\n")
    with pytest.raises(CommandFault, match="larger"):
        read_repositories(str(tmp_path / "list"))
