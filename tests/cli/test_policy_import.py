"""``portus-scan policy import``: another program's rules become a new file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """An ignore file of Trivy with an id that can be imported and one that can't."""
    path = tmp_path / ".trivyignore"
    path.write_text("CVE-2016-6304\nCVE-2016-6305 exp:soon\n")
    return path


def test_to_stdout(run: Callable[..., Result], rules: Path) -> None:
    """The rules are on stdout, what was left out on stderr, and the code says that something was."""
    result = run("policy", "import", str(rules))
    assert 3 == result.exit_code
    assert "- id: CVE-2016-6304\n" in result.stdout
    assert f"portus-scan: left out: {rules}:2: CVE-2016-6305: its end is not a date" in result.stderr


def test_to_a_new_file(run: Callable[..., Result], rules: Path, tmp_path: Path) -> None:
    """A file that exists is not overwritten, not even by itself."""
    new = tmp_path / "suppressions.yml"
    assert 3 == run("policy", "import", str(rules), "-o", str(new)).exit_code
    before = new.read_text()
    for path in (new, rules):
        kept = path.read_text()
        result = run("policy", "import", str(rules), "-o", str(path))
        assert (2, kept) == (result.exit_code, path.read_text())
        assert "exists, and is not overwritten: name another file with -o" in result.stderr
    assert before.startswith("# imported from ")


def test_everything_was_imported(run: Callable[..., Result], rules: Path) -> None:
    """Without anything left out the code is 0."""
    rules.write_text("CVE-2016-6304\n")
    assert 0 == run("policy", "import", str(rules)).exit_code


def test_the_new_file_is_a_file_of_suppressions(run: Callable[..., Result], rules: Path, tmp_path: Path) -> None:
    """What is imported suppresses in the next scan."""
    new = tmp_path / "suppressions.yml"
    run("policy", "import", str(rules), "-o", str(new))
    enabled = {"PORTUS_SECURITY_DUMMY_SERVER": "on"}
    arguments = ("image", "--fail-on", "unknown", "-o", "json", "--suppressions", str(new), "app:1")
    assert "imported from" in run(*arguments, env=enabled).stdout


def test_a_file_that_is_none_of_these(run: Callable[..., Result], rules: Path) -> None:
    """Another file is 2, in one line with what there is."""
    rules.write_text("hello\n")
    result = run("policy", "import", str(rules))
    assert 2 == result.exit_code
    assert 1 == result.stderr.count("\n")
    assert "there is .trivyignore" in result.stderr
