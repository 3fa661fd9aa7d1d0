"""Credential helpers: programs ``docker-credential-NAME`` that keep secrets.

Source: ``github.com/docker/docker-credential-helpers``, ``credentials/credentials.go``, ``client/client.go``: the
argument is ``get``, the server's name comes in on stdin, an object on stdout, or a message and a status that is not 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from io import FileIO

from ...manifests import MalformedError, parse_object, read_members
from ...settings import Secret
from .model import Credentials, SourceError

DEADLINE = 30.0
"""Seconds that a helper has: some ask a cloud's servers."""
_LARGEST_ANSWER = 256 * 1024
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_NOT_FOUND = (b"credentials not found in native keychain", b"no credentials server URL", b"no credentials username")
_NOT_THEIRS = "PORTUS_SECURITY_"
"""The beginning of the names of variables that set a scanner's settings, secrets among them."""
_TOKEN_USER = "<token>"  # noqa: S105 (the name that says: this is an identity token)


async def ask_helper(name: str, server: str, environ: Mapping[str, str]) -> Credentials | None:
    """Return what a credential helper keeps for a server; None where it has nothing.

    Args:
        name: ``ecr-login`` for the program ``docker-credential-ecr-login``, which is looked up on ``PATH``.
        server: The registry's name; Docker Hub's is the old URL.
        environ: The program's environment; what in it sets a scanner's settings is left out.

    Raises:
        SourceError: There is no such program, it failed, or it was too slow. The message has nothing of what it wrote:
            that may be the secret.
    """
    program = f"docker-credential-{name}"
    path = shutil.which(program, path=environ.get("PATH", "")) if re.fullmatch(_NAME, name) else None
    if path is None:
        raise SourceError(f"the credential helper {program[:100]!r} is not on PATH: install it, or log in without it")
    try:
        async with asyncio.timeout(DEADLINE):
            kept = {key: value for key, value in environ.items() if not key.startswith(_NOT_THEIRS)}
            status, output = await _run((path, "get"), server.encode(), kept)
    except TimeoutError as error:
        raise SourceError(f"the credential helper {program} did not answer within {DEADLINE:g} s") from error
    except OSError as error:
        raise SourceError(f"the credential helper {program} can't be run: {error.strerror}") from error
    if status and any(words in output for words in _NOT_FOUND):
        return None
    return _read(status, output, program, server)


def _read(status: int, output: bytes, program: str, server: str) -> Credentials | None:
    advice = f"see what this says: echo {server} | {program} get"
    if status:
        raise SourceError(f"the credential helper {program} failed (status {status}): {advice}")
    username, secret = _parse(output)
    if secret is None:
        raise SourceError(f"the credential helper {program} gave no answer that can be used: {advice}")
    if not secret:
        return None
    if username == _TOKEN_USER:
        return Credentials(identity_token=Secret(secret), origin=program)
    return Credentials(username=username, password=Secret(secret), origin=program)


def _parse(output: bytes) -> tuple[str, str | None]:
    """Return username and secret, None for an invalid answer: the error itself would hold the secret."""
    try:
        answer = read_members(parse_object(output), ("Username", "Secret"))
        username, secret = answer["Username"], answer["Secret"]
    except (LookupError, MalformedError):
        return "", None
    return (username, secret) if isinstance(username, str) and isinstance(secret, str) else ("", None)


async def _run(command: tuple[str, ...], feed: bytes, environ: Mapping[str, str]) -> tuple[int, bytes]:
    """Run a program to its end, in a process group of its own, of which nothing is left: status and bounded stdout.

    The pipe for stdout is ours: of its own, asyncio in debug mode logs what came through.
    """
    ours, theirs = os.pipe()
    with FileIO(ours) as pipe:
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=theirs, stderr=DEVNULL, env=environ, start_new_session=True
            )
        finally:
            os.close(theirs)
        try:
            output = await _talk(process, feed, pipe)
            status = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return status, output


async def _talk(process: asyncio.subprocess.Process, feed: bytes, pipe: FileIO) -> bytes:
    assert process.stdin is not None  # noqa: S101 (a pipe)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it need not read
        process.stdin.write(feed)
        await process.stdin.drain()
    process.stdin.close()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        output = await _read_bounded(reader)
    finally:
        transport.close()
    if len(output) > _LARGEST_ANSWER:
        process.kill()
        return b""
    return output


async def _read_bounded(reader: asyncio.StreamReader) -> bytes:
    output = b""
    while len(output) <= _LARGEST_ANSWER and (chunk := await reader.read(_LARGEST_ANSWER)):
        output += chunk
    return output
