"""Scanners that do not end as they should, or block the event loop."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
import urllib.error
import urllib.request

from portus_scanners import Image, ScannerReport, ScannerUnavailableError
from portus_scanners.backends import HttpAnswer
from sample_http import SampleScanner


class StubbornScanner(SampleScanner, contract=1):
    """Swallows its cancellation and goes on."""

    async def scan(self, image: Image) -> ScannerReport:
        try:
            return await super().scan(image)
        except asyncio.CancelledError:
            await asyncio.Event().wait()
            raise


class PretendingScanner(SampleScanner, contract=1):
    """Returns an empty report when it is cancelled."""

    async def scan(self, image: Image) -> ScannerReport:
        try:
            return await super().scan(image)
        except asyncio.CancelledError:
            return ScannerReport()


class TaskLeavingScanner(SampleScanner, contract=1):
    """Leaves a task behind."""

    async def scan(self, image: Image) -> ScannerReport:
        self.task = asyncio.create_task(asyncio.Event().wait())
        return await super().scan(image)


class FileLeavingScanner(SampleScanner, contract=1):
    """Leaves a file behind when it is cancelled."""

    async def scan(self, image: Image) -> ScannerReport:
        handle, name = tempfile.mkstemp()
        os.close(handle)
        report = await super().scan(image)
        os.unlink(name)
        return report


class ReportLeavingScanner(SampleScanner, contract=1):
    """Leaves a file behind when all went well."""

    async def scan(self, image: Image) -> ScannerReport:
        report = await super().scan(image)
        handle, _ = tempfile.mkstemp()
        os.close(handle)
        return report


class HandleLeavingScanner(SampleScanner, contract=1):
    """Leaves a file open when the scan fails."""

    async def scan(self, image: Image) -> ScannerReport:
        handle, name = tempfile.mkstemp()
        os.unlink(name)
        report = await super().scan(image)
        os.close(handle)
        return report


class SocketLeavingScanner(SampleScanner, contract=1):
    """Leaves a connection behind when it is cancelled."""

    kept: list[object] = []

    async def scan(self, image: Image) -> ScannerReport:
        host, _, port = self.settings.server.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        self.kept.append(writer.get_extra_info("socket").dup())
        report = await super().scan(image)
        writer.close()
        return report


class ProcessLeavingScanner(SampleScanner, contract=1):
    """Leaves a process behind when it is cancelled."""

    async def scan(self, image: Image) -> ScannerReport:
        process = await asyncio.create_subprocess_exec("sleep", "30")
        try:
            report = await super().scan(image)
        except asyncio.CancelledError:
            self.context.logger.info("cancelled, %s goes on", process.pid)
            raise
        process.kill()
        await process.wait()
        return report


class SleepingScanner(SampleScanner, contract=1):
    """Sleeps in the event loop."""

    async def scan(self, image: Image) -> ScannerReport:
        time.sleep(2.5)
        return await super().scan(image)


class SynchronousScanner(SampleScanner, contract=1):
    """Waits for the backend's answer in the event loop."""

    async def ask(self, path: str) -> HttpAnswer:
        try:
            with urllib.request.urlopen(self.settings.server + path) as response:
                return HttpAnswer(status=response.status, headers=response.headers, body=response.read())
        except urllib.error.URLError as error:
            raise ScannerUnavailableError("no answer") from error
