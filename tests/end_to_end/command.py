"""The real command, and what it printed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen
from click.testing import CliRunner
from portus_scan.command import command

_DEADLINE = 50.0


@frozen
class Ended:
    """How the command ended."""

    code: int
    stdout: str = field(repr=False)
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    @property
    def outcomes(self) -> list[dict[str, str]]:
        """For each report, the outcome of each scanner."""
        return [{run["scanner"]: run["outcome"] for run in report["results"]} for report in self.document["reports"]]


async def portus_scan(*arguments: str, environ: Mapping[str, str] | None = None) -> Ended:
    """Run ``portus-scan`` to its end: in a process of its own if it has an environment of its own.

    Otherwise in a thread of this process: two thirds of a scan's CPU time are the start of Python and the imports.
    """
    if not environ:
        result = await asyncio.to_thread(CliRunner().invoke, command, arguments, prog_name="portus-scan")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)
    program = Path(sys.executable).with_name("portus-scan")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        str(program),
        *arguments,
        stdout=pipe,
        stderr=pipe,
        stdin=asyncio.subprocess.DEVNULL,
        env={**os.environ, **environ},
    )
    async with asyncio.timeout(_DEADLINE):
        stdout, stderr = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, stdout.decode(), stderr.decode())


def write_config(path: Path, security: Mapping[str, Any], registries: Mapping[str, Any] | None = None) -> str:
    """Write a configuration (JSON is YAML) and return its name."""
    path.write_text(json.dumps({"security": security, "registries": registries or {}}))
    return str(path)
