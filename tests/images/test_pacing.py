"""Backoff that spares a server: the limit falls with trouble, recovers with good answers, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st
from portus_images import Pacers
from portus_images.pacing import HIGHEST, LOWEST, SLOW_IN_A_ROW, Limit, Usual
from portus_scanners import ScannerUnavailableError
from portus_scanners.backends import HttpBackend
from portus_scanners_testing import Reply, ScriptedServer, StandInContext, virtual_time
from yarl import URL

URL_ = URL("http://backend.example/v1")
Answer = tuple[int, float | None, float]
"""Status, Retry-After, seconds that it takes."""


class Backend:
    """Answers as it is told, and remembers how many requests it had at once."""

    def __init__(self, answer: Callable[[int], Answer]) -> None:
        self.pacers = Pacers()
        self.at_once: list[int] = []
        self.begun: list[float] = []
        self._answer = answer
        self._busy = 0

    async def ask(self, method: str = "GET", url: URL = URL_) -> int:
        """Make one request."""
        async with self.pacers.request(method, url) as paced:
            self._busy += 1
            self.at_once.append(self._busy)
            self.begun.append(asyncio.get_running_loop().time())
            status, retry_after, seconds = self._answer(len(self.begun) - 1)
            try:
                await asyncio.sleep(seconds)
            finally:
                self._busy -= 1
            paced.answered(status, retry_after)
            return status

    async def ask_often(self, times: int) -> None:
        """Make so many requests at once."""
        await asyncio.gather(*(self.ask() for _ in range(times)))


@virtual_time
async def test_nobody_waits_where_all_is_well() -> None:
    """Fifty requests at once are fifty in flight."""
    backend = Backend(lambda _: (200, None, 1.0))
    await backend.ask_often(50)
    assert (50, 1.0) == (max(backend.at_once), asyncio.get_running_loop().time())


@pytest.mark.parametrize("status", [429, 503])
@virtual_time
async def test_refusals_lower_what_is_in_flight_and_answers_raise_it(status: int) -> None:
    """Sixteen refused together halve it once; refused again it falls on; good answers bring it back, one by one."""
    backend = Backend(lambda number: (status if number < 24 else 200, None, 1.0))
    await backend.ask_often(16)
    await backend.ask_often(60)
    second, later = backend.at_once[16:24], backend.at_once[24:]
    assert (16, 8) == (max(backend.at_once[:16]), max(second))
    assert 4 == max(later[:4])
    assert 8 < max(later) < 16


@virtual_time
async def test_other_faults_say_nothing() -> None:
    """A 500 neither lowers the limit nor raises it, and a broken request gives its place back."""
    backend = Backend(lambda number: (503 if number < 4 else 500, None, 1.0))
    await backend.ask_often(4)
    await backend.ask_often(20)
    assert {1, 2} == set(backend.at_once[4:])


@virtual_time
async def test_retry_after_is_kept_within_bounds() -> None:
    """Nothing is sent before the server wants it again, and never later than 30 s."""
    for asked, begun in ((7.0, 8.0), (86_400.0, 31.0)):
        backend = Backend(lambda number, asked=asked: (429, asked, 1.0) if not number else (200, None, 1.0))
        begin = asyncio.get_running_loop().time()
        await backend.ask()
        await backend.ask()
        assert begun == pytest.approx(backend.begun[1] - begin)


@virtual_time
async def test_a_server_that_does_not_say_when_is_given_time() -> None:
    """Two seconds, then four, and so on, for all requests together; a good answer begins anew."""
    backend = Backend(lambda number: (200, None, 0.0) if number in {3, 5} else (429, None, 0.0))
    for _ in range(6):
        await backend.ask()
    assert [0.0, 2.0, 6.0, 14.0, 14.0, 16.0] == backend.begun


@virtual_time
async def test_what_is_refused_together_is_one_refusal() -> None:
    """Eight at once close the server for two seconds, not for minutes."""
    backend = Backend(lambda number: (429, None, 1.0) if number < 8 else (200, None, 1.0))
    await backend.ask_often(8)
    await backend.ask()
    assert 3.0 == backend.begun[-1]


@virtual_time
async def test_servers_do_not_share_a_limit() -> None:
    """Trouble of one server holds up nobody at another; the path makes no difference."""
    backend = Backend(lambda number: (429, 20.0, 1.0) if not number else (200, None, 1.0))
    await backend.ask()
    await backend.ask(url=URL("http://other.example/v1"))
    await backend.ask(url=URL("http://backend.example/v2"))
    assert [0.0, 1.0, 21.0] == backend.begun


@virtual_time
async def test_a_cancelled_wait_takes_no_place() -> None:
    """Whoever is cancelled while waiting, or in the moment when the turn comes, leaves the place to the next."""
    backend = Backend(lambda number: (429, None, 1.0) if not number else (200, None, 5.0))
    await backend.ask()  # one at a time from now on
    tasks = [asyncio.create_task(backend.ask()) for _ in range(4)]
    await asyncio.sleep(1)
    tasks[1].cancel()
    await asyncio.sleep(3.9999)
    asyncio.get_running_loop().call_later(0.0001, tasks[2].cancel)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert 200 == results[0] == results[3]
    assert 0 == backend._busy
    assert 200 == await asyncio.wait_for(backend.ask(), 60)


@virtual_time
async def test_a_server_that_becomes_slow_is_spared() -> None:
    """Answers that take ten times as long as they did, eight in a row, lower the limit; a few do not."""
    times = [0.5] * 10 + [8.0] * 4 + [0.5] + [8.0] * 200
    backend = Backend(lambda number: (200, None, times[number]))
    await backend.ask_often(10)
    await backend.ask_often(5)
    await backend.ask_often(8)
    assert 8 == max(backend.at_once[15:])
    await backend.ask_often(40)
    assert 4 >= backend.at_once[-1]


@virtual_time
async def test_work_takes_as_long_as_it_takes() -> None:
    """A POST is not timed: that the next layer is a hundred times as large is no trouble of the server's."""
    backend = Backend(lambda number: (200, None, 0.1 if number < 10 else 60.0))
    for _ in range(10):
        await backend.ask("POST")
    await asyncio.gather(*(backend.ask("POST") for _ in range(40)))
    assert 40 == max(backend.at_once)


@virtual_time
async def test_all_requests_end_whatever_the_server_says() -> None:
    """A mixture of refusals, faults, slowness and cancellations never leaves anybody waiting."""
    kinds: list[Answer] = [(200, None, 0.1), (503, 1.0, 0.1), (429, None, 3.0), (500, None, 0.2), (200, None, 9.0)]
    backend = Backend(lambda number: kinds[number * 7 % 5])
    tasks = [asyncio.create_task(backend.ask()) for _ in range(200)]
    for task in tasks[::9]:
        asyncio.get_running_loop().call_later(0.5, task.cancel)
    done, waiting = await asyncio.wait(tasks, timeout=100_000)
    assert (200, 0, 0) == (len(done), len(waiting), backend._busy)


EVENTS = st.lists(st.one_of(st.just("good"), st.tuples(st.integers(1, 500), st.integers(0, 3))), max_size=60)


@given(EVENTS)
def test_the_limit_stays_within_bounds_and_answers_monotonously(events: list[str | tuple[int, int]]) -> None:
    """It is never below 1 nor above the highest; a good answer never lowers it, trouble never raises it."""
    limit = Limit()
    for event in events:
        before, period = limit.value, limit.period
        if isinstance(event, str):
            limit.grow()
            assert before <= limit.value
        else:
            in_flight, age = event
            limit.shrink(in_flight, limit.period - age)
            assert before >= limit.value
            assert (limit.value == before) or age == 0
            assert period + (age == 0) == limit.period
        assert LOWEST <= limit.value <= HIGHEST


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=60))
def test_variance_below_the_floor_is_never_slow(times: list[float]) -> None:
    """Answers that differ by less than a second are not slow, be the usual time as short as it may."""
    usual = Usual()
    assert [False] * len(times) == [usual.is_slow(seconds / 2.001) for seconds in times]


def test_slow_answers_count_in_a_row() -> None:
    """One quick answer between them and they are counted anew."""
    usual = Usual()
    usual.is_slow(0.1)
    for _ in range(SLOW_IN_A_ROW - 1):
        assert usual.is_slow(5.0)
    usual.is_slow(0.1)
    assert usual.is_slow(5.0)
    assert not usual.is_trouble()


async def test_requests_of_a_scanner_are_paced() -> None:
    """All backends of one context share the limit of a server: refusals lower it, answers raise it."""
    async with ScriptedServer() as server, StandInContext() as context:
        server.script("/refused", *[Reply(status=503)] * 2)
        server.script("/fine", Reply("{}"))
        backends = [HttpBackend(context, server.url) for _ in range(2)]
        statuses = await asyncio.gather(*(one.request("GET", "/refused") for one in backends))
        pacer = next(iter(context._pacers._pacers.values()))
        limit = pacer.limit.value
        await asyncio.gather(*(one.request("GET", "/fine") for one in backends * 3))
    assert ([503, 503], 1.0, 0) == ([one.status for one in statuses], limit, pacer.in_flight)
    assert pacer.limit.value > limit


async def test_a_broken_request_gives_its_turn_back() -> None:
    """A server that can't be reached leaves nothing in flight."""
    async with StandInContext() as context:
        with pytest.raises(ScannerUnavailableError):
            await HttpBackend(context, "http://127.0.0.1:1").request("GET", "/")
        assert 0 == next(iter(context._pacers._pacers.values())).in_flight
