"""No secret that a program was given is shown."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st
from portus_scanners import InvalidReportError, Secret
from portus_scanners.backends import ProgramBackend
from portus_scanners.backends.answer import SecretMask

Backend = Callable[..., ProgramBackend]

SHOW = "import os, sys; text = os.environ['P']; os.write(2, f'login {text} failed'.encode())"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=4).filter(
    lambda text: len(text.strip()) > 3
)


async def test_a_secret_of_the_environment_is_masked(backend: Backend) -> None:
    """stderr, its lines and the excerpt show a mask where the program shows its password."""
    lines: list[str] = []
    answer = await backend(SHOW, environment={"P": Secret("hunter2")}).run(on_line=lines.append)
    assert (["login ****** failed"], "login ****** failed", b"login ****** failed") == (
        lines,
        answer.excerpt,
        answer.stderr,
    )


@pytest.mark.parametrize("given_as", ["file", "run", "hide", "proxy"])
async def test_wherever_a_secret_came_from(backend: Backend, given_as: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets in files, of one run, told with hide(), and a proxy's password are masked as well."""
    text = "import sys; sys.stderr.write(sys.stdin.read())"
    if given_as == "proxy":
        monkeypatch.setenv("HTTPS_PROXY", "http://user:hunt%65r2@proxy.example:3128")
    async with backend(text).open_workspace() as workspace:
        if given_as == "file":
            workspace.write("config.json", Secret('{\n  "password": "hunter2"\n}'))
        if given_as == "hide":
            workspace.hide(Secret("hunter2"))
        variables = {"P": Secret("hunter2")} if given_as == "run" else {}
        shown = 'got "password": "hunter2"' if given_as == "file" else "got hunter2"
        answer = await workspace.run(stdin=shown.encode(), environment=variables)
    assert "got ******" == answer.excerpt


async def test_stdout_is_not_changed_but_masked_where_it_is_shown(backend: Backend) -> None:
    """A report that holds a secret's text comes as it is; the excerpt and the error about it are masked."""
    answer = await backend("import os; print('got', os.environ['P'])", environment={"P": Secret("hunter2")}).run()
    assert (b"got hunter2\n", "got ******") == (answer.stdout, answer.excerpt)
    with pytest.raises(InvalidReportError) as raised:
        answer.json()
    assert ("******" in str(raised.value), False) == (True, "hunter2" in str(raised.value) + repr(answer))


@pytest.mark.parametrize("before", range(65530 - 8, 65536, 3))
async def test_a_secret_at_the_cut_of_stderr(backend: Backend, before: int) -> None:
    """No part of a secret is left where the kept end of stderr begins."""
    text = f"import os; os.write(2, b'x' * 9 + os.environ['P'].encode() + b'y' * {before})"
    answer = await backend(text, environment={"P": Secret("ABCDEFGH")}).run()
    assert set() == set(answer.stderr.decode()) & set("ABCDEFGH")


@pytest.mark.parametrize("before", range(4085, 4100, 3))
async def test_a_secret_at_the_cut_of_a_line(backend: Backend, before: int) -> None:
    """No part of a secret is left where a line that is too long ends."""
    lines: list[str] = []
    text = f"import os; os.write(2, b'x' * {before} + os.environ['P'].encode() + b'y' * 10000)"
    await backend(text, environment={"P": Secret("ABCDEFGH")}).run(on_line=lines.append)
    assert set() == set(lines[0]) & set("ABCDEFGH")


@given(TEXTS, st.binary(), st.binary(), st.integers(0, 100))
def test_a_secret_is_found_in_any_bytes(secret: str, before: bytes, after: bytes, limit: int) -> None:
    """Whatever is around it and wherever it is cut, a secret's own text is in no part that is shown."""
    mask = SecretMask([secret])
    for raw in (secret.encode(), quote(secret, safe="").encode()):
        data = before + raw + after
        for shown in (mask.head(data, limit), mask.tail(data, limit), mask.head(data, 10**6)):
            assert secret.encode() not in shown


def test_short_lines_of_a_file_are_no_secrets() -> None:
    """Of a secret file the lines that say something are masked, not its braces; blanks are no secret."""
    mask = SecretMask(['{\n"token": "hunter2"\n}\n', "", " \n"])
    assert b"{ ****** }" == mask.head(b'{ "token": "hunter2" }', 100)
