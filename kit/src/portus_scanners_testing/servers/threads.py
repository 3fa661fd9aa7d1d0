"""Servers in a thread of their own: they answer whatever the event loop of the test does, blocked ones included."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

from .loopback import LoopbackServer

_PATIENCE = 30.0


@contextmanager
def serving(*servers: LoopbackServer) -> Iterator[None]:
    """Run servers in another thread, with a loop of their own, until the block ends.

    Args:
        servers: Not started yet; their ports are known inside the block.
    """
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    faults: list[BaseException] = []

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            try:
                for server in servers:
                    await stack.enter_async_context(server)
            except OSError as error:
                faults.append(error)
                return
            finally:
                ready.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="loopback servers", daemon=True)
    thread.start()
    try:
        if not ready.wait(_PATIENCE) or faults:
            msg = "the loopback servers could not be started"
            raise RuntimeError(msg) from (faults[0] if faults else None)
        yield
    finally:
        if not faults:
            loop.call_soon_threadsafe(stop.set)
        thread.join(_PATIENCE)
