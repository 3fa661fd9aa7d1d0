"""An iterable that may block, read beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

ItemT = TypeVar("ItemT")
_Answer = asyncio.Future[Any]
_END = object()


async def iterate_in_thread(items: Iterable[ItemT]) -> AsyncIterator[ItemT]:
    """Yield the items, each taken when it is asked for, always in the same thread.

    The thread is a daemon and of its own: one of a pool would be waited for when the program ends, for the next line of
    a terminal, say. What it is reading when this is closed or cancelled is lost.
    """
    asked: SimpleQueue[_Answer | None] = SimpleQueue()
    loop = asyncio.get_running_loop()
    Thread(target=_read, args=(items, asked, loop), name="portus-scanners-source", daemon=True).start()
    try:
        while True:
            answer = loop.create_future()
            asked.put(answer)
            if (item := await answer) is _END:
                return
            yield item
    finally:
        asked.put(None)


def _read(items: Iterable[Any], asked: SimpleQueue[_Answer | None], loop: asyncio.AbstractEventLoop) -> None:
    """Take an item for each future; in the thread."""
    iterator: Iterator[Any] | None = None
    while (answer := asked.get()) is not None:
        try:
            iterator = iter(items) if iterator is None else iterator
            item, error = next(iterator, _END), None
        except BaseException as raised:  # noqa: BLE001 (it goes to whoever iterates)
            item, error = None, raised
        with suppress(RuntimeError):  # the loop is closed: nobody iterates any more
            loop.call_soon_threadsafe(_answer, answer, item, error)


def _answer(answer: _Answer, item: Any, error: BaseException | None) -> None:
    if answer.done():  # cancelled
        return
    if error is None:
        answer.set_result(item)
    elif isinstance(error, StopIteration):  # which a future does not take
        answer.set_exception(RuntimeError("the iterable raised StopIteration"))
    else:
        answer.set_exception(error)
