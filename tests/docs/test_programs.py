"""The programs that the documentation shows, against a registry on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from pages import blocks, marked_block
from portus_scanners_testing.images import debian_image
from portus_scanners_testing.registry import StandInRegistry

_DEADLINE = 30.0


@pytest.fixture
def environ() -> dict[str, str]:
    """The environment of a reader who has enabled the dummy."""
    return {**os.environ, "PORTUS_SECURITY_DUMMY_SERVER": "any", "PYTHONWARNINGS": "error"}


async def test_the_script_of_the_embedding_page(tmp_path: Path, environ: dict[str, str]) -> None:
    """The script prints each run and the verdict, and names an image that is not there."""
    (tmp_path / "script.py").write_text(marked_block("embed-script"))
    async with StandInRegistry() as registry:
        registry.push("team/app", "1.0", debian_image({"bash": "5.2-1"}))
        references = [registry.reference("team/app", tag) for tag in ("1.0", "gone")]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(tmp_path / "script.py"), *references, env=environ, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(_DEADLINE):
            output = (await process.communicate())[0].decode().splitlines()
    assert (0, "dummy ok ", f"{references[0]} vulnerable 3") == (process.returncode, output[0], output[1])
    assert output[2].startswith(f"{references[1]} could not be resolved:")


async def test_the_service_of_the_embedding_page(tmp_path: Path, environ: dict[str, str], unused_tcp_port: int) -> None:
    """The service answers with a report, an unresolved image and a 400, and ends when it is told to."""
    (tmp_path / "service.py").write_text(marked_block("embed-service"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", str(tmp_path / "service.py"), env={**environ, "PORT": str(unused_tcp_port)},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_DEADLINE), StandInRegistry() as registry, aiohttp.ClientSession() as session:
            assert process.stdout is not None
            assert b"Running on" in await process.stdout.readline()
            registry.push("team/app", "1.0", debian_image({"bash": "5.2-1"}))
            answers = []
            for image in (registry.reference("team/app", "1.0"), registry.reference("team/app", "gone"), "Not A Name"):
                async with session.get(f"http://127.0.0.1:{unused_tcp_port}/scan", params={"image": image}) as answer:
                    answers.append((answer.status, json.loads(await answer.text())))
    finally:
        process.terminate()
        await process.communicate()
    (_, scanned), (_, unresolved), (status, refused) = answers
    assert "vulnerable" == scanned["reports"][0]["verdict"]
    assert ["manifest"] == [error["step"] for error in unresolved["errors"]]
    assert (400, True) == (status, "is not a valid image reference" in refused["error"])


class SlowBackend:
    """Leaves its first client without an answer, and refuses the others.

    Attributes:
        asked: Set when the first request has come.
        left: Set when its client has closed the connection.
    """

    def __init__(self) -> None:
        self.asked, self.left = asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        await reader.readuntil(b"\r\n\r\n")
        if self.asked.is_set():
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            self.asked.set()
            await reader.read()
            self.left.set()
        writer.close()


async def test_a_client_that_goes_away_cancels_its_scan(
    tmp_path: Path, environ: dict[str, str], unused_tcp_port: int
) -> None:
    """The Starlette service: the backend's connection ends with the client's, and the only slot is free again."""
    (tmp_path / "service.py").write_text(marked_block("embed-starlette"))
    backend = SlowBackend()
    slow = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
    own = {
        "SERVER": f"http://127.0.0.1:{slow.sockets[0].getsockname()[1]}",
        "PATH": "/{digest}.json",
        "CONCURRENCY": "1",
    }
    environ |= {f"PORTUS_SECURITY_REPORT_FILE_{name}": value for name, value in own.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "uvicorn", "service:app", "--port", str(unused_tcp_port), cwd=tmp_path, env=environ,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_DEADLINE), slow, StandInRegistry() as registry, aiohttp.ClientSession() as session:
            registry.push("team/app", "1.0", debian_image({"bash": "5.2-1"}))
            images = [registry.reference("team/app", tag) for tag in ("1.0", "gone")]
            assert process.stderr is not None
            while b"running on" not in (await process.stderr.readline()).lower():
                pass
            url = f"http://127.0.0.1:{unused_tcp_port}/scan"
            client = asyncio.create_task(session.post(url, json=images))
            await backend.asked.wait()
            client.cancel()
            await backend.left.wait()
            async with session.post(url, json=images) as answer:
                document = json.loads(await answer.text())
            refused = [
                (await session.post(url, data=body)).status for body in ("{}", '["Not A Name"]', "[", '["' * 99999)
            ]
    finally:
        process.terminate()
        said = (await process.communicate())[1]
    assert {"dummy": "ok", "report_file": "failed"} == {
        run["scanner"]: run["outcome"] for run in document["reports"][0]["results"]
    }
    assert ["manifest"] == [error["step"] for error in document["errors"]]
    assert [400] * 4 == refused
    assert b"Traceback" not in said


async def test_the_program_of_the_core(tmp_path: Path, environ: dict[str, str]) -> None:
    """The program of the core's own page prints the verdict."""
    (tmp_path / "config.yml").write_text("security: {dummy: {server: any}}")
    async with StandInRegistry() as registry:
        registry.push("team/app", "1.0", debian_image({"bash": "5.2-1"}))
        code = marked_block("core-program").replace(
            "registry.example:5000/team/app:1.0", registry.reference("team/app", "1.0")
        )
        (tmp_path / "program.py").write_text(code)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "program.py", cwd=tmp_path, env=environ, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(_DEADLINE):
            output = (await process.communicate())[0].decode()
    assert (0, "vulnerable 3\n") == (process.returncode, output)


def test_the_example_of_the_programs_page(tmp_path: Path, environ: dict[str, str]) -> None:
    """The example prints what the page says."""
    (tmp_path / "example.py").write_text(marked_block("programs-example"))
    command = [sys.executable, str(tmp_path / "example.py")]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert blocks("docs/reference/programs.md", "text")[0] == ended.stdout
