"""A scanner whose backend is a program and that keeps the contract; the others break one promise of it each."""

from __future__ import annotations

import asyncio
import json
import subprocess

from attrs import field, frozen
from portus_scanners import (
    Health,
    Image,
    InvalidReportError,
    ProgramScannerSettings,
    Scanner,
    ScannerError,
    ScannerReport,
    Secret,
)
from portus_scanners.backends import ProgramAnswer, ProgramBackend
from sample_http import SampleScanner


@frozen(kw_only=True)
class ProgramSettings(ProgramScannerSettings):
    """A program and a token for it."""

    program: str = "sample-program"
    token: Secret = field(factory=Secret)


class ProgramScanner(Scanner[ProgramSettings], contract=1):
    """Starts ``PROGRAM scan REF`` and reads what `SampleScanner` reads."""

    report = SampleScanner.report
    compare = SampleScanner.compare
    finding = SampleScanner.finding
    severity = SampleScanner.severity

    async def scan(self, image: Image) -> ScannerReport:
        answer = await self.start_program("scan", image.reference.text, pulls=image)
        if answer.status != 0:
            raise ScannerError(f"{answer.ending}: {answer.excerpt}")
        self.compare(answer.json(), image)  # type: ignore[arg-type]
        return self.report(answer.json())  # type: ignore[arg-type]

    async def check_health(self) -> Health:
        answer = await self.start_program("version")
        return Health(healthy=answer.status == 0, message="it runs")

    async def start_program(self, *arguments: str, pulls: Image | None = None) -> ProgramAnswer:
        environment = {"SAMPLE_TOKEN": self.settings.token}
        backend = ProgramBackend(self.context, self.settings.program, environment=environment)
        return await backend.run(*arguments, pulls=pulls)


class BareProgramScanner(ProgramScanner, contract=1):
    """Starts its program by itself, waits for it, and ends nothing."""

    async def start_program(self, *arguments: str, pulls: Image | None = None) -> ProgramAnswer:
        process = await asyncio.create_subprocess_exec(
            self.settings.program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        stdout, stderr = await process.communicate()
        return ProgramAnswer(status=process.returncode or 0, stdout=stdout, stderr=stderr)


class BlockingProgramScanner(ProgramScanner, contract=1):
    """Waits for its program in the event loop."""

    async def start_program(self, *arguments: str, pulls: Image | None = None) -> ProgramAnswer:
        ended = subprocess.run([self.settings.program, *arguments], capture_output=True, check=False)
        return ProgramAnswer(status=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)


class CarelessProgramScanner(ProgramScanner, contract=1):
    """Looks at no exit status, and takes what it can't read for nothing found."""

    async def scan(self, image: Image) -> ScannerReport:
        answer = await self.start_program("scan", image.reference.text)
        try:
            return self.report(json.loads(answer.stdout))  # type: ignore[arg-type]
        except (ValueError, InvalidReportError):
            return ScannerReport()


class HalfCarelessProgramScanner(ProgramScanner, contract=1):
    """Looks at the exit status only if the output is not JSON."""

    async def scan(self, image: Image) -> ScannerReport:
        answer = await self.start_program("scan", image.reference.text)
        try:
            document = json.loads(answer.stdout)
        except ValueError as error:
            raise ScannerError(f"{answer.ending}: {answer.excerpt}") from error
        return self.report(document)  # type: ignore[arg-type]


class TellingProgramScanner(ProgramScanner, contract=1):
    """Gives its program the token as an argument."""

    async def start_program(self, *arguments: str, pulls: Image | None = None) -> ProgramAnswer:
        backend = ProgramBackend(self.context, self.settings.program)
        return await backend.run(*arguments, "--token", self.settings.token.reveal())


class TrustingProgramScanner(ProgramScanner, contract=1):
    """Healthy whether its program is there or not."""

    async def check_health(self) -> Health:
        return Health(healthy=True, message="sure")


class VagueProgramScanner(ProgramScanner, contract=1):
    """Does not say what the program said."""

    async def scan(self, image: Image) -> ScannerReport:
        try:
            return await super().scan(image)
        except InvalidReportError:
            raise
        except ScannerError as error:
            raise ScannerError("the program failed") from error


class PoorProgramScanner(ProgramScanner, contract=1):
    """Gives its program no credentials for the registry."""

    async def start_program(self, *arguments: str, pulls: Image | None = None) -> ProgramAnswer:
        return await super().start_program(*arguments)
